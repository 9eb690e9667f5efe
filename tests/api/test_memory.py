"""What an API process remembers is never older than the last commit, nor than the clock."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import httpx
from sqlalchemy import func, select

from f1graph.api.app import create_app
from f1graph.api.memory import Known
from f1graph.clock import Clock
from f1graph.settings import Settings
from f1graph.store.engine import Store
from f1graph.store.facts import record_facts
from f1graph.store.moments import MOMENTS, next_change
from f1graph.store.tables.facts import races
from f1graph.store.types import UtcDateTime
from tests.api.queries import SUITE
from tests.api.seed import FIRST, NEXT, NOW, REVISED_AT, THIRD, facts_of
from tests.builders import a_history, a_race

# Moments of tables that nothing remembered compares with the present.
_NOT_COMPARED = {
    "api_keys",
    "audit",
    "backtests",
    "budget_reservations",
    "bundles",
    "events",
    "identities",
    "imports",
    "ledger",
    "model_metrics",
    "refresh_requests",
    "sessions",
    "source_words",
    "race_control_messages",
    "weather_forecast_hours",
}


@asynccontextmanager
async def _client(store: Store, clock: Clock, memory_records: int) -> AsyncIterator[httpx.AsyncClient]:
    settings = Settings(
        response_cache_entries=0, memory_records=memory_records, rate_limit=0, rate_limit_raised=0
    )
    app = create_app(settings, store=store, clock=clock)
    async with app.router.lifespan_context(app) as state:

        async def with_state(scope: Any, receive: Any, send: Any) -> None:
            await app({**scope, "state": dict(state or {})}, receive, send)

        transport = httpx.ASGITransport(app=with_state)
        async with httpx.AsyncClient(transport=transport, base_url="http://f1graph") as client:
            yield client


async def test_with_memory_every_answer_is_the_same_at_any_time(sqlite_store: Store) -> None:
    """As the clock goes on, over starts and finishes, results, corrections and forecasts."""
    clock = [NOW]
    turning = [FIRST.starts_at, THIRD.ends_at, REVISED_AT, NEXT.starts_at, NEXT.ends_at]
    async with (
        _client(sqlite_store, lambda: clock[0], 200_000) as remembering,
        _client(sqlite_store, lambda: clock[0], 0) as forgetful,
    ):
        for moment in sorted([NOW, *turning]):
            for clock[0] in (moment - timedelta(seconds=1), moment, moment + timedelta(seconds=1)):
                for name in ("wide", "unknown", "explained", "to come"):
                    answers = [
                        (await client.post("/graphql", json={"query": SUITE[name]})).json()
                        for client in (remembering, remembering, forgetful)
                    ]
                    assert answers[0] == answers[1] == answers[2], (name, clock[0])


async def test_what_was_committed_is_seen_by_the_next_request(store: Store) -> None:
    asked = {"query": "{ races(season: 2022) { nodes { name results { driver { name } } } } }"}
    async with _client(store, lambda: NOW, 200_000) as client:
        for number in range(1, 4):
            before = await client.post("/graphql", json=asked)
            assert len(before.json()["data"]["races"]["nodes"]) == number - 1
            more = [
                replace(a_race(2022, one, circuit_id="spa"), name=f"Race {one}")
                for one in range(1, number + 1)
            ]
            async with store.write() as write:
                await record_facts(write, facts_of(a_history(more), version=str(number + 1)), now=NOW)
            after = await client.post("/graphql", json=asked)
            assert len(after.json()["data"]["races"]["nodes"]) == number


async def test_what_is_known_holds_until_the_next_moment_that_changes_it(store: Store) -> None:
    async with store.read() as read:
        later = [
            moment
            for column in MOMENTS
            if (moment := await read.value(select(func.min(column)).where(column > NOW))) is not None
        ]
        assert await next_change(read, NOW) == min(later)
        far = datetime(2090, 3, 1, tzinfo=NOW.tzinfo)
        assert await next_change(read, far) == datetime(2091, 1, 1, tzinfo=NOW.tzinfo)


def test_every_moment_in_the_database_is_thought_of() -> None:
    """A new one is either compared with the present, or nothing that is remembered depends on it."""
    compared = {column.table.name for column in MOMENTS}
    for table in races.metadata.sorted_tables:
        if any(isinstance(column.type, UtcDateTime) for column in table.columns):
            assert (table.name in compared) != (table.name in _NOT_COMPARED), table.name


def test_no_more_is_remembered_than_may_be() -> None:
    known = Known("1", NOW, NOW + timedelta(days=1), most=10)
    known.add("race", "a", object())
    rows = [object(), object()]
    shown = known.shown(list, rows)
    assert known.shown(list, rows) is shown
    known.resolve("driver", shown[0], "norris")
    assert known.resolved("driver") == {id(shown[0]): "norris"}
    # Of an object that does not last nothing is remembered.
    known.resolve("driver", object(), "norris")
    assert len(known.resolved("driver")) == 1
    known.add("lines", "a", list(range(10)))
    assert known.answers("race") == known.answers("lines") == known.resolved("driver") == {}
    assert known.shown(list, rows) is not shown
