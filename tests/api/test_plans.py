"""Plans answer as graphql-core does: held together over documents at random."""

from __future__ import annotations

import asyncio
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from graphql import ExecutionResult, OperationType, execute, parse, validate

import f1graph
from f1graph.api.answers import formatted
from f1graph.api.context import Context
from f1graph.api.execution import Execution
from f1graph.api.memory import Known
from f1graph.api.schema import graphql_schema, schema
from f1graph.store.engine import Store, open_store
from tests.api.documents_at_random import a_document
from tests.api.queries import SUITE
from tests.api.seed import NOW


async def _by_graphql_core(store: Store, text: str, variables: dict[str, Any]) -> ExecutionResult:
    result: Any = execute(
        graphql_schema, parse(text), context_value=Context(store, NOW), variable_values=variables
    )
    if not isinstance(result, ExecutionResult):
        result = await result
    assert isinstance(result, ExecutionResult)
    return result


def _errors(result: ExecutionResult) -> list[bytes]:
    # Those of fields that are resolved at the same time come in any order.
    return sorted(orjson.dumps(formatted(error, "")) for error in result.errors or ())


async def _compare(
    store: Store,
    text: str,
    variables: dict[str, Any],
    execution: Execution,
    known: Known | None = None,
) -> str:
    """Whether an answer was given by plan, and is the same as that of graphql-core to the byte."""
    expected = await _by_graphql_core(store, text, variables)
    document = parse(text)
    planned = await execution.follow(
        document, Context(store, NOW, known=known), name=None, variables=variables
    )
    if planned is not None:
        assert orjson.dumps(planned) == orjson.dumps(expected.data), text
        assert not expected.errors, text
        return "planned"
    given = await execution.execute(
        # Of several errors in one list graphql-core tells the first: with memory it may be another.
        document,
        lambda: Context(store, NOW),
        kind=OperationType.QUERY,
        name=None,
        variables=variables,
    )
    assert orjson.dumps(given.data) == orjson.dumps(expected.data), text
    assert _errors(given) == _errors(expected), text
    # A plan leaves to graphql-core what goes wrong, and introspection: nothing else.
    assert expected.errors or "__schema" in text or "__type(" in text, text
    return "left"


async def _compare_many(store: Store, seeds: range) -> dict[str, int]:
    told = {"planned": 0, "left": 0, "invalid": 0}
    execution = Execution(schema)
    # What one document left in memory is what the next one finds; now and then all of it is forgotten.
    known = Known("1", NOW, NOW + timedelta(days=1), most=20_000)
    for seed in seeds:
        one = a_document(graphql_schema, seed)
        if validate(graphql_schema, parse(one.text)):
            # Two fields of the same name that may be null in one type and not in another.
            told["invalid"] += 1
            continue
        told[await _compare(store, one.text, one.variables, execution, known)] += 1
    return told


async def test_plans_answer_200_documents_at_random_as_graphql_core_does(sqlite_store: Store) -> None:
    told = await _compare_many(sqlite_store, range(200))
    assert told["planned"] > 60, told
    assert told["left"] > 10, told
    assert told["invalid"] < 20, told


@pytest.mark.slow
async def test_plans_answer_10000_documents_at_random_as_graphql_core_does(sqlite_store: Store) -> None:
    told = await _compare_many(sqlite_store, range(1_000, 11_000))
    assert told["planned"] > 3_000, told


async def test_plans_answer_the_suite_as_graphql_core_does(store: Store) -> None:
    execution = Execution(schema)
    told = {name: await _compare(store, text, {}, execution) for name, text in SUITE.items()}
    assert {name for name, way in told.items() if way == "left"} == {"unknown", "to come", "introspection"}


async def test_a_plan_is_made_for_each_set_of_conditions(sqlite_store: Store) -> None:
    """What is skipped by a variable is asked for again when the variable says so."""
    text = (
        "query Q($a: Boolean!, $b: Boolean = true) { nextRace { name @skip(if: $a) "
        "... @include(if: $b) { round circuit { name } } } }"
    )
    execution = Execution(schema)
    for variables in ({"a": a, **b} for a in (True, False) for b in ({}, {"b": True}, {"b": False})):
        assert await _compare(sqlite_store, text, variables, execution) == "planned"


async def test_no_more_plans_are_remembered_than_there_is_room_for(sqlite_store: Store) -> None:
    """G2: documents of some hundred bytes, each with sixteen plans of many fields, took gigabytes."""
    inside = " ".join(f"a{n}: circuit {{ name }}" for n in range(20))
    asked = (
        "query Q%d($a: Boolean!, $b: Boolean!) { updates { updates { race { %s } } } "
        "b: __typename @skip(if: $a) c: __typename @skip(if: $b) }"
    )
    execution = Execution(schema, most_fields=1_000)
    remembered = set()
    for number in range(4):
        document = parse(asked % (number, inside))
        for a, b in ((True, True), (True, False), (False, True)):
            given = await execution.follow(
                document, Context(sqlite_store, NOW), name=None, variables={"a": a, "b": b}
            )
            assert given is not None
            remembered.add(execution.fields_remembered)
    assert 200 < max(remembered) <= 1_000


async def test_a_plan_that_would_be_larger_than_any_document_is_not_made(sqlite_store: Store) -> None:
    """G2: what an interface is asked for is planned for each of its types."""
    inside = " ".join(f"a{n}: circuit {{ name slug country }}" for n in range(80))
    execution = Execution(schema)
    document = parse(f"{{ updates {{ updates {{ race {{ {inside} }} }} }} }}")
    assert await execution.follow(document, Context(sqlite_store, NOW), name=None, variables={}) is None
    assert execution.fields_remembered == 0


async def test_a_plan_that_is_given_up_leaves_no_connection_behind(url: str) -> None:
    """G12: one field fails while others wait for the database, or the request ends: all of it is closed."""
    store = open_store(url, pool_size=2)
    execution = Execution(schema)
    text = (
        "{ a: race(season: 2024) { name } b: races { nodes { results { driver { name } } } } "
        "c: drivers { nodes { career { wins } } } }"
    )
    for _ in range(5):
        planned = await execution.follow(parse(text), Context(store, NOW), name=None, variables={})
        assert planned is None
        for turns in range(1, 12):
            asked = asyncio.create_task(
                execution.follow(parse(SUITE["wide"]), Context(store, NOW), name=None, variables={})
            )
            for _ in range(turns):
                await asyncio.sleep(0)
            asked.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asked
    pool: Any = store.engine.pool
    assert pool.checkedout() == 0
    assert await _compare(store, SUITE["wide"], {}, execution) == "planned"
    await store.close()


def test_a_resolver_asks_of_its_request_nothing_but_the_context() -> None:
    """A plan gives the same `info` for all objects: its path would be wrong."""
    for path in sorted(Path(f1graph.__file__).parent.glob("api/**/*.py")):
        asked = set(re.findall(r"\binfo\.(\w+)", path.read_text(encoding="utf-8")))
        assert asked <= {"context"}, path
