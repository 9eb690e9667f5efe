"""The schema: in step with its file, and described down to the last argument."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLObjectType,
    build_schema,
    find_breaking_changes,
    get_named_type,
    get_nullable_type,
    is_non_null_type,
    specified_directives,
    specified_scalar_types,
    validate_schema,
)

from f1graph import __version__
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
    from f1graph.api.limits import Limits

    query = get_introspection_query(descriptions=True, schema_description=True, input_value_deprecation=True)
    documents = Documents(graphql_schema, Limits())
    assert documents.cost(documents.read(query).operation(None), {}) < Limits().cost


# No probability: a share of attention, a measure of agreement, and what is left of a difference.
_SHARES = {"RaceAttention.weight", "VariableWeight.weight", "Consensus.kendallW", "Explanation.rest"}
_A_CHANCE = re.compile(r"\bP\(|\bprobability\b|\bchance\b|from 0 to 1\b", re.IGNORECASE)
# Told of chances, and no chance itself.
_OF_CHANCES = re.compile(
    r"^(How far|The change of|Jensen|Entropy|What (it|the model|the forecast)|Lower end|Upper end)"
)


def _fields() -> Iterator[tuple[str, GraphQLField]]:
    for name, found in graphql_schema.type_map.items():
        if isinstance(found, (GraphQLObjectType, GraphQLInterfaceType)) and not name.startswith("__"):
            for field_name, field in found.fields.items():
                yield f"{name}.{field_name}", field


def test_every_chance_is_a_probability() -> None:
    """P6: a number that is a chance has the type of one, and says of what: `P(classified first)`."""
    floats = {
        name
        for name, field in _fields()
        if get_named_type(field.type).name == "Float"
        and _A_CHANCE.search(field.description or "")
        and not _OF_CHANCES.search(field.description or "")
    }
    assert floats - _SHARES == set()
    chances = {name: field for name, field in _fields() if get_named_type(field.type).name == "Probability"}
    assert {"ForecastEntry.win", "ForecastEntry.podium", "Retirement.total"} <= chances.keys()
    assert all(field.description for field in chances.values())


def test_every_length_of_time_has_its_unit() -> None:
    """P6: a duration is of the type of one and says seconds; no name carries a unit of time."""
    for name, field in _fields():
        if get_named_type(field.type).name == "Duration":
            assert re.search(r"\bseconds\b|\bbest lap\b", field.description or "", re.IGNORECASE), name
        assert not re.search(r"(Seconds|Minutes|Hours|Days)$", name), name


def test_a_null_is_explained() -> None:
    """Null only where there is a reason for it, and the reason stands in the description."""
    untold = {
        name
        for name, field in _fields()
        if not is_non_null_type(field.type)
        and not re.search(r"\bnull\b|\bnobody\b", f"{field.description} {_of_type(name)}", re.IGNORECASE)
    }
    assert untold == set()


def _of_type(name: str) -> str:
    return graphql_schema.type_map[name.partition(".")[0]].description or ""


def test_lists_hold_no_nulls() -> None:
    """Except that of `nodes`, in which one that is not found takes nothing from the others."""
    nullable = {
        name
        for name, field in _fields()
        if isinstance(of := get_nullable_type(field.type), GraphQLList) and not is_non_null_type(of.of_type)
    }
    assert nullable == {"Query.nodes"}


def test_pages_are_those_of_the_relay_specification() -> None:
    """G7: a client that knows connections needs no other manual."""
    connections = [name for name in graphql_schema.type_map if name.endswith("Connection")]
    assert len(connections) > 5
    for name in connections:
        found = graphql_schema.type_map[name]
        assert isinstance(found, GraphQLObjectType)
        assert str(found.fields["pageInfo"].type) == "PageInfo!"
        edge = get_named_type(found.fields["edges"].type)
        assert isinstance(edge, GraphQLObjectType)
        assert edge.fields.keys() == {"cursor", "node"}
        assert get_named_type(found.fields["nodes"].type) is get_named_type(edge.fields["node"].type)
    page = graphql_schema.type_map["PageInfo"]
    assert isinstance(page, GraphQLObjectType)
    assert {name: str(field.type) for name, field in page.fields.items()} == {
        "hasNextPage": "Boolean!",
        "hasPreviousPage": "Boolean!",
        "startCursor": "String",
        "endCursor": "String",
    }


def test_no_change_breaks_who_uses_the_last_release() -> None:
    """G8: what was released may be added to, and not taken from without a major version."""
    git = shutil.which("git")
    if git is None or not (_ROOT / ".git").exists():
        pytest.skip("needs the repository's history")
    tags = subprocess.run(
        [git, "tag", "--list", "v*", "--merged", "HEAD", "--sort=-version:refname"],
        cwd=_ROOT, capture_output=True, text=True, check=True,
    ).stdout.split()  # fmt: skip
    if not tags:
        pytest.skip("nothing was released yet, so nothing can break")
    released = subprocess.run(
        [git, "show", f"{tags[0]}:schema.graphql"], cwd=_ROOT, capture_output=True, text=True, check=True
    ).stdout
    is_major = tags[0].lstrip("v").split(".")[0] != __version__.split(".")[0]
    assert is_major or find_breaking_changes(build_schema(released), graphql_schema) == []
