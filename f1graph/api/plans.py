"""Plans: what a query asks of each type, worked out once per document and then only followed.

graphql-core works out for every single object what is asked of it. A plan has that beforehand, as a function
per field that fills in the answer. It knows the good way only: whatever goes wrong raises, and the query is
then executed by graphql-core, which words the errors. What it does not know it refuses to plan.

It calls the resolvers as Strawberry does, without the layers in between that have nothing to do here.
"""

from __future__ import annotations

import math
from asyncio import Future
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import strawberry
from graphql import (
    Executor,
    GraphQLAbstractType,
    GraphQLBoolean,
    GraphQLField,
    GraphQLFloat,
    GraphQLID,
    GraphQLInt,
    GraphQLLeafType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLResolveInfo,
    GraphQLSchema,
    GraphQLString,
    Undefined,
    VariableNode,
    Visitor,
    is_abstract_type,
    is_leaf_type,
    visit,
)
from graphql.execution.collect_fields import FieldDetails, collect_fields
from graphql.execution.values import VariableValues, get_argument_values
from graphql.pyutils import Path, is_awaitable
from strawberry.schema.schema_converter import get_arguments
from strawberry.types.field import StrawberryField

from f1graph.api.node import LASTS

_DEFINITION = "strawberry-definition"
_MOST_INT = 2**31
# Of one plan. What an interface is asked for is planned for each of its types.
_MOST_FIELDS = 1_000
# What Strawberry gives its question of which type an object is does not look at it.
_NO_INFO: Any = None
_NOTHING: Any = object()
# What is of these classes already stays what it is.
_OWN_CLASSES: dict[Any, type] = {GraphQLString: str, GraphQLID: str, GraphQLBoolean: bool}

Details = list[FieldDetails]
# Completes a value for the answer.
Complete = Callable[[Any, "Run"], Any]
# Fills in one field of the answer to an object.
Fill = Callable[[Any, "Run", dict[str, Any]], None]


class UnplannedError(Exception):
    """A plan does not know how: graphql-core does."""


@dataclass(slots=True)
class Waiting:
    """A resolver that waits for a future, and where its value goes. None: it only lets others go first."""

    coroutine: Coroutine[Any, Any, Any]
    waits_for: Future[Any] | None
    complete: Complete
    answer: dict[str, Any]
    key: str


@dataclass(slots=True)
class Run:
    """One execution of a plan.

    Attributes:
        arguments: By the number of a resolver: what it is called with beside its object.
        completed: By the number of a resolver: the answers to its objects, with the objects. Many results
            have the same driver.
        resolved: By the resolver: what it gave other requests for objects that last.
    """

    context: Any
    variables: VariableValues
    arguments: dict[int, dict[str, Any]] = field(default_factory=dict)
    completed: dict[int, dict[int, tuple[Any, Any]]] = field(default_factory=dict)
    resolved: dict[Any, dict[int, Any]] = field(default_factory=dict)
    waiting: list[Waiting] = field(default_factory=list)


class Planner:
    """Makes plans of one operation.

    Args:
        schema: Strawberry's schema; it must have no extensions, which would have to be called in between.
        executor: graphql-core's, built for the operation: it knows which fields are asked for.

    Attributes:
        fields: How many were planned.
    """

    def __init__(self, schema: strawberry.Schema, executor: Executor[Any]) -> None:
        if schema.get_extensions() or schema.config.default_resolver is not getattr:
            raise UnplannedError
        self._schema = schema
        self._graphql: GraphQLSchema = executor.schema
        self._executor = executor
        self._resolvers = 0
        self.fields = 0

    def plan(self) -> list[Fill]:
        """How to fill in the root of the answer.

        Raises:
            UnplannedError: Something is asked for that plans do not know, or too much.
        """
        executor, root = self._executor, self._graphql.query_type
        if root is None:
            raise UnplannedError
        collected = collect_fields(
            self._graphql, executor.fragments, executor.variable_values, root, executor.operation
        )
        fills = self._fields(root, collected.grouped_field_set)
        # A plan is kept for longer than what one request gave.
        executor.variable_values = VariableValues({}, {})
        return fills

    def _fields(self, parent: GraphQLObjectType, grouped: Mapping[str, Details]) -> list[Fill]:
        return [self._field(parent, key, details) for key, details in grouped.items()]

    def _field(self, parent: GraphQLObjectType, key: str, details: Details) -> Fill:
        self.fields += 1
        if self.fields > _MOST_FIELDS:
            raise UnplannedError
        name = details[0].node.name.value
        if name == "__typename":
            return _fill_constant(key, parent.name)
        definition = parent.fields.get(name)
        if definition is None:
            raise UnplannedError
        ours: StrawberryField = definition.extensions[_DEFINITION]
        if ours.extensions or details[0].fragment_variable_values:
            raise UnplannedError
        if ours.base_resolver is None:
            complete = self._complete(definition.type, details)
            own = _OWN_CLASSES.get(getattr(definition.type, "of_type", definition.type))
            if own is not None:
                return _fill_plain(key, ours.python_name, own, complete)
            return _fill_attribute(key, ours.python_name, complete)
        return self._resolved(parent, key, definition, ours, details)

    def _resolved(
        self,
        parent: GraphQLObjectType,
        key: str,
        definition: GraphQLField,
        ours: StrawberryField,
        details: Details,
    ) -> Fill:
        resolver = ours.base_resolver
        assert resolver is not None
        by_name = [
            one.name for one in (resolver.parent_parameter, resolver.root_parameter) if one is not None
        ]
        number = self._resolvers
        self._resolvers += 1
        executor, function = self._executor, cast("Callable[..., Any]", resolver.wrapped_func)
        node, nodes = details[0].node, [one.node for one in details]
        takes_object = resolver.self_parameter is not None

        def arguments(run: Run) -> dict[str, Any]:
            # No resolver asks for its path: they are the same for all objects.
            info = GraphQLResolveInfo(
                node.name.value,
                nodes,
                definition.type,
                parent,
                cast("Path", None),
                executor.schema,
                executor.fragment_definitions,
                None,
                executor.operation,
                run.variables,
                run.context,
                executor.is_awaitable,
                None,
                executor.async_helpers,
            )
            ours_info = self._schema.config.info_class(_raw_info=info, _field=ours)
            if not definition.args:
                asks = resolver.info_parameter
                named = {} if asks is None else {asks.name: ours_info}
                run.arguments[number] = named
                return named
            _, named = get_arguments(
                field=ours,
                source=None,
                info=ours_info,
                kwargs=get_argument_values(definition, node, run.variables),
                config=self._schema.config,
                scalar_registry=self._schema.schema_converter.scalar_registry,
            )
            run.arguments[number] = named
            return named

        def call(source: Any, run: Run) -> Any:
            named = run.arguments.get(number)
            if named is None:
                named = arguments(run)
            if by_name:
                named = named | dict.fromkeys(by_name, source)
            return function(source, **named) if takes_object else function(**named)

        complete = self._complete(definition.type, details)
        if not ours.is_async:
            return _fill_called(key, call, complete)
        complete = self._once(definition.type, complete)
        if ours.metadata.get(LASTS) and not definition.args:
            return _fill_remembered(key, function, call, complete)
        return _fill_awaited(key, call, complete)

    def _once(self, of_type: GraphQLOutputType, complete: Complete) -> Complete:
        """As `complete`, but not twice for the same object."""
        inner = of_type.of_type if isinstance(of_type, GraphQLNonNull) else of_type
        if not isinstance(inner, GraphQLObjectType):
            return complete
        number = self._resolvers
        self._resolvers += 1

        def complete_once(value: Any, run: Run) -> Any:
            seen = run.completed.get(number)
            if seen is None:
                seen = run.completed[number] = {}
            known = seen.get(id(value))
            if known is not None:
                return known[1]
            answer = complete(value, run)
            # The object is kept with it: else another one might get its id.
            seen[id(value)] = (value, answer)
            return answer

        return complete_once

    def _complete(self, of_type: GraphQLOutputType, details: Details) -> Complete:
        if isinstance(of_type, GraphQLNonNull):
            return _never_null(self._inner(of_type.of_type, details))
        return _maybe_null(self._inner(of_type, details))

    def _inner(self, of_type: GraphQLOutputType, details: Details) -> Complete:
        if isinstance(of_type, GraphQLList):
            return _complete_list(self._complete(of_type.of_type, details))
        if is_leaf_type(of_type):
            return _complete_leaf(of_type)
        if is_abstract_type(of_type):
            return self._abstract(of_type, details)
        if isinstance(of_type, GraphQLObjectType):
            return self._object(of_type, details)
        raise UnplannedError

    def _object(self, of_type: GraphQLObjectType, details: Details) -> Complete:
        collected = self._executor.collect_subfields(of_type, details)
        fills = self._fields(of_type, collected.grouped_field_set)
        origin = of_type.extensions[_DEFINITION].origin
        is_type_of = of_type.is_type_of

        def complete(value: Any, run: Run) -> dict[str, Any]:
            if value.__class__ is not origin and (
                is_awaitable(value) or (is_type_of is not None and not is_type_of(value, _NO_INFO))
            ):
                raise UnplannedError
            answer: dict[str, Any] = {}
            for fill in fills:
                fill(value, run, answer)
            return answer

        return complete

    def _abstract(self, of_type: GraphQLAbstractType, details: Details) -> Complete:
        of_class = {
            one.extensions[_DEFINITION].origin: self._object(one, details)
            for one in self._graphql.get_possible_types(of_type)
            if not one.extensions[_DEFINITION].is_graphql_generic
            and not one.extensions[_DEFINITION].concrete_of
        }

        def complete(value: Any, run: Run) -> Any:
            known = of_class.get(value.__class__)
            if known is None:
                raise UnplannedError
            return known(value, run)

        return complete


def _fill_constant(key: str, value: str) -> Fill:
    def fill(_source: Any, _run: Run, answer: dict[str, Any]) -> None:
        answer[key] = value

    return fill


def _fill_attribute(key: str, name: str, complete: Complete) -> Fill:
    def fill(source: Any, run: Run, answer: dict[str, Any]) -> None:
        answer[key] = complete(getattr(source, name), run)

    return fill


def _fill_plain(key: str, name: str, own: type, complete: Complete) -> Fill:
    """As `_fill_attribute`, for what goes out as it is where it is of Python's own class."""

    def fill(source: Any, run: Run, answer: dict[str, Any]) -> None:
        value = getattr(source, name)
        answer[key] = value if value.__class__ is own else complete(value, run)

    return fill


def _fill_called(key: str, call: Complete, complete: Complete) -> Fill:
    def fill(source: Any, run: Run, answer: dict[str, Any]) -> None:
        answer[key] = complete(call(source, run), run)

    return fill


def _fill_awaited(key: str, call: Complete, complete: Complete) -> Fill:
    def fill(source: Any, run: Run, answer: dict[str, Any]) -> None:
        _begin(call(source, run), complete, run, answer, key)

    return fill


def _fill_remembered(key: str, resolver: Any, call: Complete, complete: Complete) -> Fill:
    """As `_fill_awaited`, but the resolver is not asked again for an object that lasts."""

    def fill(source: Any, run: Run, answer: dict[str, Any]) -> None:
        known = run.context.known
        if known is None:
            _begin(call(source, run), complete, run, answer, key)
            return
        resolved = run.resolved.get(resolver)
        if resolved is None:
            resolved = run.resolved[resolver] = known.resolved(resolver)
        value = resolved.get(id(source), _NOTHING)
        if value is not _NOTHING:
            answer[key] = complete(value, run)
            return

        def complete_and_remember(value: Any, run: Run) -> Any:
            known.resolve(resolver, source, value)
            return complete(value, run)

        _begin(call(source, run), complete_and_remember, run, answer, key)

    return fill


def _begin(
    coroutine: Coroutine[Any, Any, Any], complete: Complete, run: Run, answer: dict[str, Any], key: str
) -> None:
    """Runs a resolver until it has its value or waits."""
    try:
        waits_for = coroutine.send(None)
    except StopIteration as done:
        answer[key] = complete(done.value, run)
    else:
        # Its place is taken now: fields come in the order in which they were asked for.
        answer[key] = None
        let_wait(Waiting(coroutine, waits_for, complete, answer, key), run)


def go_on(waiting: Waiting, run: Run) -> None:
    """Runs a resolver on, whose future is done, until it has its value or waits for another."""
    try:
        waiting.waits_for = waiting.coroutine.send(None)
    except StopIteration as done:
        waiting.answer[waiting.key] = waiting.complete(done.value, run)
    else:
        let_wait(waiting, run)


def let_wait(waiting: Waiting, run: Run) -> None:
    """Notes that a resolver waits."""
    unmark(waiting.waits_for)
    run.waiting.append(waiting)


def unmark(waits_for: Any) -> None:
    """Takes the mark off a future that a coroutine waits for, as a task does.

    Others may wait for the same one meanwhile, and must find it without.
    """
    if waits_for is not None:
        waits_for._asyncio_future_blocking = False


def _never_null(complete: Complete) -> Complete:
    def checked(value: Any, run: Run) -> Any:
        if value is None or value is Undefined:
            raise UnplannedError
        return complete(value, run)

    return checked


def _maybe_null(complete: Complete) -> Complete:
    def checked(value: Any, run: Run) -> Any:
        return None if value is None or value is Undefined else complete(value, run)

    return checked


def _complete_list(complete: Complete) -> Complete:
    def completed(value: Any, run: Run) -> list[Any]:
        if value.__class__ is not list and value.__class__ is not tuple:
            raise UnplannedError
        return [complete(item, run) for item in value]

    return completed


def _complete_leaf(of_type: GraphQLLeafType) -> Complete:
    coerce = of_type.coerce_output_value

    def completed(value: Any, _run: Run) -> Any:
        coerced = coerce(value)
        if coerced is None or coerced is Undefined or isinstance(value, Exception):
            raise UnplannedError
        return coerced

    if of_type is GraphQLInt:
        return lambda value, run: (
            value if value.__class__ is int and -_MOST_INT <= value < _MOST_INT else completed(value, run)
        )
    if of_type is GraphQLFloat:
        return lambda value, run: (
            value if value.__class__ is float and math.isfinite(value) else completed(value, run)
        )
    return completed


def conditions(executor: Executor[Any]) -> frozenset[str]:
    """The variables on which it depends which fields are asked for at all."""
    found: set[str] = set()

    class Conditions(Visitor):
        def enter_directive(self, node: Any, *_: Any) -> None:
            found.update(
                argument.value.name.value
                for argument in node.arguments or ()
                if isinstance(argument.value, VariableNode)
            )

    visit(executor.operation, Conditions())
    for fragment in executor.fragment_definitions.values():
        visit(fragment, Conditions())
    return frozenset(found)
