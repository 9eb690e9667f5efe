"""How the database is asked: one statement per level, and never two connections held at once."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import event
from starlette.applications import Starlette

from f1graph.api.app import create_app
from f1graph.api.context import Context
from f1graph.settings import Settings
from f1graph.store.engine import Store, open_store
from f1graph.store.facts import record_facts
from tests.api.queries import EXAMPLES, WIDE
from tests.api.seed import NOW, facts_of
from tests.builders import DRIVERS, a_history, a_race


@contextmanager
def counted(store: Store) -> Iterator[list[str]]:
    """The statements that are sent meanwhile, without those that open and close a transaction."""
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if statement.lstrip().upper().startswith(("SELECT", "WITH")):
            seen.append(statement)

    event.listen(store.engine.sync_engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(store.engine.sync_engine, "before_cursor_execute", note)


def _app(store: Store) -> Starlette:
    # Heavier than is allowed, so that what is allowed is no special case.
    settings = Settings(memory_records=0, cost_limit=1_000_000, root_field_limit=50, token_limit=2_000)
    return create_app(settings, store=store, clock=lambda: NOW)


async def _ask(app: Starlette, query: str, **variables: Any) -> dict[str, Any]:
    async with app.router.lifespan_context(app) as state:

        async def with_state(scope: Any, receive: Any, send: Any) -> None:
            await app({**scope, "state": dict(state or {})}, receive, send)

        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app=with_state), base_url="http://f1graph"
        ) as client:
            answer = await client.post("/graphql", json={"query": query, "variables": variables})
    content: dict[str, Any] = answer.json()
    assert "errors" not in content, content["errors"]
    return dict(content["data"])


async def test_many_questions_of_one_forecast_read_its_draws_once(store: Store) -> None:
    """G1: the race, its forecast, who is entered, their draws, their names, however much is asked."""
    questions = " ".join(f'{driver}: chance(of: {{ win: ["{driver}"] }}) {{ count }}' for driver in DRIVERS)
    assert await _fewest_statements(store, f"{{ nextRace {{ forecast {{ {questions} }} }} }}") <= 6


async def _fewest_statements(store: Store, query: str, **variables: Any) -> int:
    """Of three times: where this machine has other work, the questions of one batch may reach it as two."""
    numbers = []
    for _ in range(3):
        with counted(store) as statements:
            await _ask(_app(store), query, **variables)
        numbers.append(len(statements))
    return min(numbers)


@pytest.mark.parametrize("example", EXAMPLES)
async def test_every_example_of_graphiql_runs(store: Store, example: str) -> None:
    with counted(store) as statements:
        data = await _ask(_app(store), EXAMPLES[example])
    assert all(data.values()), data
    assert len(statements) <= 14, statements


async def test_six_races_cost_as_many_statements_as_one(store: Store) -> None:
    """G1: a batch of races' entries, drivers and tables is one question each."""
    one, three, all_of_them = [await _fewest_statements(store, WIDE, first=first) for first in (1, 3, 100)]
    # The later races have no result, so that nothing is asked about it.
    assert one == three >= all_of_them - 1
    assert one < 45


async def test_twenty_races_with_results_and_drivers_cost_five_statements(store: Store) -> None:
    """G1: constant, however many races there are."""
    more = [replace(a_race(2022, number, circuit_id="spa"), name=f"Race {number}") for number in range(1, 21)]
    async with store.write() as write:
        await record_facts(write, facts_of(a_history(more), version="2"), now=NOW)
    query = (
        "query ($first: Int!) { races(season: 2022, first: $first) { nodes { name circuit { name }"
        " results { position driver { name } constructor { name } } } } }"
    )
    data = await _ask(_app(store), query, first=20)
    assert len(data["races"]["nodes"]) == 20
    assert all(node["results"] for node in data["races"]["nodes"])
    # Races, their sessions, circuits, classifications, drivers, constructors.
    assert [await _fewest_statements(store, query, first=first) for first in (2, 20)] == [6, 6]


async def test_who_asks_for_forecasts_is_told_no_result_not_even_by_the_database(store: Store) -> None:
    """P8: queries of forecasts need not fetch results; who has not seen the race yet learns nothing."""
    entries = "entries { driver { name } win podium expectedPosition interval80 { low high } }"
    forecast = f"forecast {{ stage cutoff {entries} previous {{ stage {entries} }} }}"
    query = (
        f"{{ nextRace {{ name startsAt circuit {{ timeZone }} {forecast} }} latestForecast {{ {entries} }} }}"
    )
    with counted(store) as statements:
        data = await _ask(_app(store), query)

    assert data["nextRace"]["forecast"]["entries"]
    assert statements
    of_results = re.compile(r"(FROM|JOIN) (classifications|classification_rows|standings|laps|scores)\b")
    assert not [one for one in statements if of_results.search(one)]
    # Who asks for results is answered from there.
    with counted(store) as statements:
        await _ask(_app(store), "{ latestRace { results { position } } }")
    assert [one for one in statements if of_results.search(one)]


async def test_ten_forecasts_are_explained_with_ten_statements(store: Store) -> None:
    """G1: reasons, and the changes by cause, of all forecasts and those before them are one question each."""
    query = (
        "{ forecasts(first: 10) { nodes { entries { win explanation(of: WIN) { contributions { value } } "
        "attention { race { name } } variableWeights { weight } } "
        "movement { since { stage } entries { win causes { value } } } } } }"
    )
    with counted(store) as statements:
        data = await _ask(_app(store), query)

    assert len(data["forecasts"]["nodes"]) == 10
    # Forecasts and those before them, entries and explanations of both, the races looked at with their
    # sessions: eight, and one or two more where a question is asked before another has been answered.
    assert len(statements) <= 10, statements


async def test_two_requests_never_share_a_loader(store: Store) -> None:
    """G1: what one request has read is not served to the next."""
    first, second = Context(store, NOW), Context(store, NOW)
    loaders = [name for name in vars(first.loaders) if not name.startswith("_")]
    assert len(loaders) > 15
    for name in loaders:
        assert getattr(first.loaders, name) is not getattr(second.loaders, name)


def test_a_resolver_gets_the_store_and_no_session() -> None:
    """D1: no transaction lives in the context of a request."""
    assert set(Context.__dataclass_fields__) == {
        "store",
        "now",
        "calls_per_hour",
        "bundles_dir",
        "caller",
        "known",
        "loaders",
    }


async def test_the_heaviest_query_needs_two_connections_only(url: str) -> None:
    """D2: no connection is held while waiting for another."""
    # Who waits for himself waits for ever; who only waits for a busy machine must get his turn.
    store = open_store(url, pool_size=2, timeout=timedelta(minutes=1))
    app = _app(store)
    field = "races(first: 5) { nodes { results { driver { name } } } }"
    aliases = " ".join(f"a{number}: {field}" for number in range(40))
    for field in (
        "latestForecast { previous { race { name } } entries { driver { name } constructor { name } } }",
        "latestRace { results { driver { career { wins } } constructor { name } } }",
        "updates { updates { race { name } ... on ForecastPublished { forecast { race { circuit { name } } "
        "scores { value } } } } }",
        "seasons { nodes { races { circuit { name } } driverStandings { lines { driver { name } } } } }",
    ):
        await _ask(app, f"{{{field}}}")
    wide = [_ask(app, WIDE, first=100) for _ in range(4)]
    answers = await asyncio.gather(*wide, _ask(app, f"{{{aliases}}}"))
    assert answers[0] == answers[3]
    await store.close()


async def test_queries_run_on_a_connection_for_each_question(url: str) -> None:
    """D1: a cold pool breaks shared sessions; here every question opens its own connection."""
    store = open_store(url, pooled=False)
    app = _app(store)
    pooled = open_store(url)
    expected = await _ask(_app(pooled), WIDE, first=100)
    answers = await asyncio.gather(*(_ask(app, WIDE, first=100) for _ in range(3)))
    assert answers == [expected] * 3
    await store.close()
    await pooled.close()


async def test_what_must_agree_is_read_in_one_transaction(store: Store) -> None:
    """D10: the service's figures are of one moment, and so are updates and their forecasts."""
    begun: list[int] = []

    def note(_connection: Any) -> None:
        begun.append(1)

    event.listen(store.engine.sync_engine, "begin", note)
    try:
        await _ask(_app(store), "{ service { dataVersion newestClassifiedRace { name } lastWork { key } } }")
        assert len(begun) == 1
        await _ask(
            _app(store),
            "{ updates { nextCursor updates { ... on ForecastPublished { forecast { stage } } } } }",
        )
        assert len(begun) == 2
        await _ask(_app(store), '{ driver(id: "norris") { career { wins } seasons { year position } } }')
        assert len(begun) == 4
    finally:
        event.remove(store.engine.sync_engine, "begin", note)
