"""Every field of the schema is asked for once: none fails, and none that must not be null is."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from graphql import (
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    get_named_type,
    graphql,
    is_composite_type,
    is_required_argument,
)

from f1graph.api.context import Context
from f1graph.api.ids import global_id
from f1graph.api.schema import graphql_schema
from f1graph.store.engine import Store
from tests.api.seed import NEXT, NOW, THIRD

_DRIVER = global_id("Driver", "norris")
# What is asked for where the schema asks what for.
_ARGUMENTS = {
    "Query.race": f'id: "{THIRD.id}"',
    "Query.season": "year: 2024",
    "Query.driver": 'id: "norris"',
    "Query.constructor": 'id: "team-0"',
    "Query.circuit": 'id: "monza"',
    "Query.node": f'id: "{_DRIVER}"',
    "Query.nodes": f'ids: ["{_DRIVER}", "{global_id("Race", NEXT.id)}"]',
    "Query.calibration": 'model: "rating", stage: AFTER_QUALIFYING',
    "Query.compareModels": 'models: ["rating", "grid"], stage: AFTER_QUALIFYING, measure: WINNER_LOG_LOSS',
    "Forecast.chance": 'of: {ahead: ["verstappen", "norris"], points: ["alonso"]}',
    "Forecast.headToHead": 'a: "verstappen", b: "norris"',
    "Race.session": "kind: RACE",
    "Race.practice": "number: 1",
    "Race.classification": "kind: RACE",
}
# Nothing to find here without an id that only the database knows.
_LEFT_OUT = {"Query.forecast"}


class Asking:
    """Writes documents that expand every type once, each field of it as deep as there is anything new."""

    def __init__(self) -> None:
        self.seen: set[str] = set()

    def fields(self, found: GraphQLObjectType | GraphQLInterfaceType) -> Iterator[str]:
        for name, field in found.fields.items():
            place = f"{found.name}.{name}"
            if place not in _LEFT_OUT:
                # By another name in each type: of some types a field is never null, of others it may be.
                asked = f"{found.name}_{name}: {name}{self._arguments(place, field)}"
                yield f"{asked}{self.selection(get_named_type(field.type))}"

    def _arguments(self, place: str, field: GraphQLField) -> str:
        given = _ARGUMENTS.get(place)
        required = [name for name, one in field.args.items() if is_required_argument(one)]
        assert given or not required, f"say what to ask {place} for: {required}"
        return f"({given})" if given else ""

    def selection(self, found: GraphQLNamedType) -> str:
        if not is_composite_type(found):
            return ""
        if found.name in self.seen:
            return " { __typename }"
        self.seen.add(found.name)
        parts = ["__typename"]
        if isinstance(found, (GraphQLObjectType, GraphQLInterfaceType)):
            parts += self.fields(found)
        if not isinstance(found, GraphQLObjectType):
            parts += [
                f"... on {one.name}{self.selection(one)}" for one in graphql_schema.get_possible_types(found)
            ]
        return f" {{ {' '.join(parts)} }}"


def _documents() -> list[str]:
    assert graphql_schema.query_type is not None
    asking = Asking()
    asking.seen.add(graphql_schema.query_type.name)
    return [f"{{ {field} }}" for field in asking.fields(graphql_schema.query_type)]


async def test_every_field_can_be_asked_for(store: Store) -> None:
    context = Context(store, NOW)
    for document in _documents():
        answer = await graphql(graphql_schema, document, context_value=context)
        assert answer.errors is None, (document, answer.errors)


@pytest.mark.parametrize(
    "type_name", ["Race", "Forecast", "Lap", "Bundle", "WeatherForecast", "ResultPublished"]
)
def test_no_type_is_left_out(type_name: str) -> None:
    written = " ".join(_documents())
    found = graphql_schema.type_map[type_name]
    assert isinstance(found, GraphQLObjectType)
    assert all(name in written for name in found.fields)
