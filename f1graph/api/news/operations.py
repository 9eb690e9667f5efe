"""Running operations whose answers are sent one after the other, whatever they are sent over.

An event is executed once for all who ask the same of it at about the same time: two hundred subscribers of
one document cost as much as one.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncGenerator, AsyncIterable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from datetime import timedelta
from inspect import isawaitable
from typing import Any

import orjson
from graphql import (
    ExecutionResult,
    Executor,
    GraphQLError,
    OperationType,
    create_source_event_stream,
    execute_subscription_event,
)
from starlette.requests import HTTPConnection

from f1graph.api.answers import formatted, public_error, result_content
from f1graph.api.context import Context
from f1graph.api.documents import Operation
from f1graph.api.limits import DocumentError
from f1graph.api.news.feed import Feed
from f1graph.api.schema import graphql_schema
from f1graph.api.subscription import SubscriberContext
from f1graph.api.updates import Update
from f1graph.errors import F1GraphError

# Of events: queries have their turn in between.
_AT_ONCE = 4
_REMEMBERED = 128
# Who comes back later is told what is known then, and not what was when the event was new.
_SHARED_FOR = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer as JSON, and for news the cursor from which to go on after it."""

    content: bytes
    cursor: str | None = None


class EndedError(F1GraphError):
    """An operation was refused, or cannot go on.

    Args:
        errors: As a caller may read them.
    """

    def __init__(self, errors: list[dict[str, Any]]) -> None:
        super().__init__(str(errors[0]["message"]))
        self.errors = errors

    @property
    def content(self) -> bytes:
        return orjson.dumps({"errors": self.errors})


def refusal(code: str, message: str) -> EndedError:
    return EndedError([{"message": message, "extensions": {"code": code}}])


def refused_document(error: DocumentError) -> EndedError:
    return EndedError([formatted(one, error.reason) for one in error.errors])


class Operations:
    """Runs operations.

    Args:
        context: Makes the context of one execution.
        timeout: Of one execution, in seconds.
    """

    def __init__(self, *, context: Callable[[HTTPConnection], Context], timeout: float) -> None:
        self._context = context
        self._timeout = timeout
        self._turns = asyncio.Semaphore(_AT_ONCE)
        self._shared: OrderedDict[tuple[Any, ...], tuple[float, asyncio.Task[bytes]]] = OrderedDict()

    async def start(
        self, operation: Operation, connection: HTTPConnection, *, last_event_id: str | None = None
    ) -> AsyncGenerator[Answer, None]:
        """The answers of an operation, one for a query. Close it when it is not read to its end.

        Args:
            last_event_id: The cursor of the last event that was received on a stream before this one.

        Raises:
            EndedError: It is refused.
        """
        if operation.kind is OperationType.MUTATION:
            raise refusal("METHOD_NOT_ALLOWED", "what changes something is sent by POST, as JSON")
        if operation.kind is OperationType.QUERY:
            return self._once(operation, connection)
        source = await self._source(operation, connection, last_event_id)
        return self._stream(operation, connection, source)

    async def _once(self, operation: Operation, connection: HTTPConnection) -> AsyncGenerator[Answer, None]:
        content, _ = await self._execute(operation, self._context(connection), None)
        yield Answer(content)

    async def _source(
        self, operation: Operation, connection: HTTPConnection, last_event_id: str | None
    ) -> AsyncIterable[Update]:
        feed: Feed = connection.state.feed
        context = self._context(connection)
        executor = self._executor(operation, SubscriberContext.following(context, feed, last_event_id), None)
        try:
            async with asyncio.timeout(self._timeout):
                source = create_source_event_stream(executor)
                if isawaitable(source):
                    source = await source
        except TimeoutError:
            raise self._too_slow() from None
        if isinstance(source, ExecutionResult):
            raise EndedError([public_error(error) for error in source.errors or ()])
        return source

    async def _stream(
        self, operation: Operation, connection: HTTPConnection, source: AsyncIterable[Update]
    ) -> AsyncGenerator[Answer, None]:
        assert isinstance(source, AsyncGenerator)
        async with aclosing(source):
            try:
                async for update in source:
                    yield Answer(await self._share(operation, connection, update), update.cursor)
            except Exception as error:
                told = GraphQLError(str(error), original_error=error)
                raise EndedError([public_error(told)]) from error

    async def _share(self, operation: Operation, connection: HTTPConnection, update: Update) -> bytes:
        """The answer to an event, executed once for all who ask the same of it; failures are not kept."""
        context = self._context(connection)
        variables = orjson.dumps(operation.variables, option=orjson.OPT_SORT_KEYS)
        key = (context.caller.role, update.cursor, operation.text, operation.name, variables)
        now = asyncio.get_running_loop().time()
        begun_at, task = self._shared.get(key, (float("-inf"), None))
        if task is None or now - begun_at >= _SHARED_FOR.total_seconds():
            task = asyncio.create_task(self._in_turn(key, operation, context, update))
            self._shared[key] = now, task
            self._shared.move_to_end(key)
            if len(self._shared) > _REMEMBERED:
                self._shared.popitem(last=False)
        # Others wait for it too, also when this one goes.
        return await asyncio.shield(task)

    async def _in_turn(
        self, key: tuple[Any, ...], operation: Operation, context: Context, update: Update
    ) -> bytes:
        went_well = False
        try:
            async with self._turns:
                content, went_well = await self._execute(operation, context, update)
            return content
        finally:
            if not went_well:
                self._shared.pop(key, None)

    async def _execute(
        self, operation: Operation, context: Context, root: Update | None
    ) -> tuple[bytes, bool]:
        """The answer, and whether it is without errors."""
        executor = self._executor(operation, context, root)
        try:
            async with asyncio.timeout(self._timeout):
                result = (
                    executor.execute_operation() if root is None else execute_subscription_event(executor)
                )
                if isawaitable(result):
                    result = await result
        except TimeoutError:
            return self._too_slow().content, False
        assert isinstance(result, ExecutionResult)
        return orjson.dumps(result_content(result)), not result.errors

    def _too_slow(self) -> EndedError:
        return refusal("TIMEOUT", f"it took longer than {self._timeout:g} seconds")

    def _executor(self, operation: Operation, context: Context, root: Update | None) -> Executor[Any]:
        executor = Executor.build(
            graphql_schema,
            operation.document.node,
            root_value=root,
            context_value=context,
            raw_variable_values=operation.variables,
            operation_name=operation.name,
        )
        if isinstance(executor, list):
            # Variables that do not fit.
            raise EndedError(
                [public_error(GraphQLError(error.message, nodes=error.nodes)) for error in executor]
            )
        return executor
