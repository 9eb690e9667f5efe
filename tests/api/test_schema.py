"""The schema: in step with its file, and described down to the last argument."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    specified_directives,
    specified_scalar_types,
    validate_schema,
)

from f1graph.api.schema import graphql_schema, print_schema

_ROOT = Path(__file__).parents[2]
_BUILT_IN = {*specified_scalar_types, *(directive.name for directive in specified_directives)}
# Not bounded by `first`: as long as a starting grid, a calendar, a career, or a handful.
_BOUNDED_BY_THE_SPORT = re.compile(
    r"handful|few dozen|at most|as many as|one per car|empty for|the last is", re.IGNORECASE
)


def _described() -> Iterator[tuple[str, str | None]]:
    for name, found in graphql_schema.type_map.items():
        if name.startswith("__") or name in _BUILT_IN:
            continue
        yield name, found.description
        if isinstance(found, GraphQLEnumType):
            for value, definition in found.values.items():
                yield f"{name}.{value}", definition.description
        if isinstance(found, (GraphQLObjectType, GraphQLInterfaceType, GraphQLInputObjectType)):
            for field_name, field in found.fields.items():
                yield f"{name}.{field_name}", field.description
                for argument, asked in getattr(field, "args", {}).items():
                    yield f"{name}.{field_name}({argument})", asked.description


def test_everything_in_the_schema_is_described() -> None:
    missing = [name for name, text in _described() if not text or not text.strip().endswith((".", ":"))]
    assert missing == []


def test_every_list_is_bounded() -> None:
    """G2: by `first`, or by the sport, and then the description says how."""
    open_ended = []
    for name, found in graphql_schema.type_map.items():
        if name.startswith("__") or not isinstance(found, GraphQLObjectType):
            continue
        if name.endswith(("Connection",)):
            continue
        for field_name, field in found.fields.items():
            is_list = str(field.type).startswith("[") and "first" not in field.args
            if is_list and not _BOUNDED_BY_THE_SPORT.search(field.description or ""):
                open_ended.append(f"{name}.{field_name}")
    assert set(open_ended) <= {
        # One line per car in the published list, and what a session of it was.
        *(f"Race.{name}" for name in ("results", "qualifying", "practice", "sprint", "grid", "pitStops")),
        "Race.fastestLaps",
        "DriverSeason.constructors",
        "Updates.updates",
        "Forecast.scores",
        "Service.lastWork",
    }


def test_the_schema_in_the_repository_is_that_of_the_code() -> None:
    """G8: the checked-in schema does not drift."""
    written = (_ROOT / "schema.graphql").read_text(encoding="utf-8")
    assert written == print_schema(), "run `f1graph schema --write`"
    assert validate_schema(graphql_schema) == []


@pytest.mark.parametrize("seed", ["1", "2"])
def test_the_schema_reads_the_same_under_every_hash_seed(seed: str) -> None:
    """G8: its text is stable."""
    done = subprocess.run(
        [sys.executable, "-c", "from f1graph.api.schema import print_schema; print(print_schema(), end='')"],
        capture_output=True,
        text=True,
        check=True,
        cwd=_ROOT,
        env={**os.environ, "PYTHONHASHSEED": seed},
    )
    assert done.stdout == print_schema()


def test_the_introspection_of_graphiql_is_allowed() -> None:
    from graphql import get_introspection_query

    from f1graph.api.documents import Documents

    query = get_introspection_query(descriptions=True, schema_description=True, input_value_deprecation=True)
    assert Documents(graphql_schema).read(query).operation(None) is not None
