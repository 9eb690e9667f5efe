"""Executing operations: by a plan where there is one, else by graphql-core.

Both give the same answer. Only queries are planned: what changes something must not be begun twice.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from inspect import isawaitable
from typing import Any

import strawberry
from graphql import DocumentNode, ExecutionResult, Executor, GraphQLSchema, OperationType, execute
from graphql.execution.values import VariableValues, get_variable_values

from f1graph.api.plans import Fill, Planner, Run, UnplannedError, Waiting, conditions, go_on, unmark

_REMEMBERED = 512
# Of one operation: each condition doubles how many there may be.
_MOST_PLANS = 16
# Of all plans that are remembered; each takes between one and two kilobytes.
_MOST_FIELDS = 50_000


class _Planned:
    """An operation of a document and its plans: one for each set of conditions."""

    def __init__(self, executor: Executor[Any]) -> None:
        self.variables = executor.operation.variable_definitions or ()
        self.conditions = sorted(conditions(executor))
        self.plans: dict[tuple[Any, ...], list[Fill] | None] = {}
        self.fields = 0


class Execution:
    """Executes operations of one schema.

    Args:
        most_fields: How many all remembered plans may have together.
    """

    def __init__(self, schema: strawberry.Schema, *, most_fields: int = _MOST_FIELDS) -> None:
        self._schema = schema
        self._most_fields = most_fields
        self._fields = 0
        self._graphql: GraphQLSchema = schema._schema
        # By the document itself: it is kept here, so that its id stays its own.
        self._planned: OrderedDict[tuple[int, str | None], tuple[DocumentNode, _Planned]] = OrderedDict()

    async def execute(
        self,
        document: DocumentNode,
        context: Callable[[], Any],
        *,
        kind: OperationType,
        name: str | None,
        variables: dict[str, Any],
    ) -> ExecutionResult:
        """The answer of a valid operation.

        Args:
            context: Makes the context, anew for each time that the operation is begun.
            name: Which operation; None where there is one only.
        """
        if kind is OperationType.QUERY:
            data = await self.follow(document, context(), name=name, variables=variables)
            if data is not None:
                return ExecutionResult(data, None)
        result = execute(
            self._graphql,
            document,
            context_value=context(),
            variable_values=variables,
            operation_name=name,
        )
        if isawaitable(result):
            result = await result
        assert isinstance(result, ExecutionResult)
        return result

    async def follow(
        self, document: DocumentNode, context: Any, *, name: str | None, variables: dict[str, Any]
    ) -> dict[str, Any] | None:
        """The data of a query by its plan; None where there is none, or anything went wrong."""
        planned = self._planned_of(document, name, variables)
        if planned is None:
            return None
        values = get_variable_values(self._graphql, planned.variables, variables)
        if not isinstance(values, VariableValues):
            return None
        fills = self._fills(document, planned, name, variables, values)
        if fills is None:
            return None
        run = Run(context, values)
        answer: dict[str, Any] = {}
        try:
            for fill in fills:
                fill(None, run, answer)
            while run.waiting:
                await _wait(run)
        except Exception:
            # Whatever it was: graphql-core meets it again, and words it.
            return None
        finally:
            await _give_up(run.waiting)
        return answer

    def _planned_of(
        self, document: DocumentNode, name: str | None, variables: dict[str, Any]
    ) -> _Planned | None:
        key = (id(document), name)
        known = self._planned.get(key)
        if known is not None:
            return known[1]
        executor = self._build(document, name, variables)
        if executor is None:
            return None
        planned = _Planned(executor)
        self._planned[key] = (document, planned)
        if len(self._planned) > _REMEMBERED:
            self._forget_one()
        return planned

    def _forget_one(self) -> None:
        _, (_, forgotten) = self._planned.popitem(last=False)
        self._fields -= forgotten.fields

    def _build(
        self, document: DocumentNode, name: str | None, variables: dict[str, Any]
    ) -> Executor[Any] | None:
        executor = Executor.build(self._graphql, document, raw_variable_values=variables, operation_name=name)
        return None if isinstance(executor, list) else executor

    def _fills(
        self,
        document: DocumentNode,
        planned: _Planned,
        name: str | None,
        variables: dict[str, Any],
        values: VariableValues,
    ) -> list[Fill] | None:
        asked = tuple(values.coerced.get(condition) for condition in planned.conditions)
        if asked in planned.plans:
            return planned.plans[asked]
        if len(planned.plans) >= _MOST_PLANS:
            planned.plans.clear()
            self._fields -= planned.fields
            planned.fields = 0
        planned.plans[asked] = fills = self._plan(document, planned, name, variables)
        while self._fields > self._most_fields:
            self._forget_one()
        return fills

    def _plan(
        self, document: DocumentNode, planned: _Planned, name: str | None, variables: dict[str, Any]
    ) -> list[Fill] | None:
        executor = self._build(document, name, variables)
        if executor is None:
            return None
        try:
            planner = Planner(self._schema, executor)
            fills = planner.plan()
        except (UnplannedError, KeyError):
            return None
        planned.fields += planner.fields
        self._fields += planner.fields
        return fills

    @property
    def fields_remembered(self) -> int:
        """How many fields all remembered plans have together."""
        return self._fields


async def _wait(run: Run) -> None:
    """Waits until one of those that wait can go on, and lets all that can.

    They all run in the task of the request. A task for each would cost more than what most of them do.
    """
    waiting, run.waiting = run.waiting, []
    try:
        futures = {one.waits_for for one in waiting if one.waits_for is not None}
        if any(one.waits_for is None for one in waiting):
            await asyncio.sleep(0)
        else:
            await asyncio.wait(futures, return_when=asyncio.FIRST_COMPLETED)
    except asyncio.CancelledError:
        run.waiting = waiting
        raise
    for place, one in enumerate(waiting):
        if one.waits_for is not None and not one.waits_for.done():
            run.waiting.append(one)
            continue
        try:
            go_on(one, run)
        except Exception:  # whatever it was goes on; those behind it must be known to who gives them up
            run.waiting += waiting[place + 1 :]
            raise


async def _give_up(waiting: list[Waiting]) -> None:
    """Ends resolvers that still wait as a cancelled task ends: they close what they hold."""
    for one in waiting:
        if one.waits_for is not None:
            one.waits_for.cancel()
    for one in waiting:
        while True:
            if one.waits_for is not None:
                await asyncio.wait([one.waits_for])
            try:
                one.waits_for = one.coroutine.send(None)
            except (StopIteration, Exception, asyncio.CancelledError):
                break
            unmark(one.waits_for)
