"""A back-fill that is killed goes on where it was: the hosts are asked for nothing that had come already."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest
from sqlalchemy import select

from f1graph.races.calendar import SessionKind
from f1graph.sources.fastf1 import Host
from f1graph.store.engine import Store, open_store
from f1graph.store.tables.facts import classification_rows, classifications, standings
from f1graph.store.tables.recordings import (
    race_control_messages,
    recordings,
    track_status_changes,
    weather_samples,
)
from f1graph.weekends.backfill import fetch_all, fetched_before, plan_fetches
from f1graph.weekends.intake import take_in
from f1graph.weekends.units import Season
from tests.builders import a_season
from tests.databases import SqliteTemplates
from tests.made_up_hosts import MadeUpHosts, a_made_up_season, made_up_hosts
from tests.weekends.recorded import MovingClock, RecordedSessions, a_recorded_source, fetches_of
from tests.weekends.test_run import KilledError, StoreOfAKilledWorker
from tests.weekends.test_two_processes import outcomes, started, the_calendar_of

RACES = a_season(2024, 1)
# A killed process holds its unit and the hosts until its lease and its deadline are over.
LATER = timedelta(minutes=5)
FACTS = (
    classifications,
    classification_rows,
    recordings,
    weather_samples,
    race_control_messages,
    track_status_changes,
    standings,
)


async def facts_in(store: Store) -> dict[str, list[Any]]:
    """Every row, but when it was written."""
    async with store.read() as read:
        return {
            table.name: [
                tuple(row)
                for row in await read.rows(
                    select(*(column for column in table.columns if column.name != "recorded_at")).order_by(
                        *table.primary_key.columns
                    )
                )
            ]
            for table in FACTS
        }


async def backfill(store: Store, sessions: RecordedSessions, clock: MovingClock, *, worker: str) -> int:
    """How many units there were to do."""
    fetches = fetches_of(sessions)
    season = Season(store, sessions.source, None, clock, worker, sessions=fetches)
    plan = plan_fetches(
        RACES,
        sessions=tuple(SessionKind),
        fetched=await fetched_before(season, RACES),
        per_hour=fetches.calls_per_hour,
        per_second=fetches.calls_per_second,
        again=False,
        now=clock(),
    )
    await fetch_all(season, plan.units, waits=True, on_progress=lambda work, outcome: None)
    return len(plan.units)


async def killed_and_resumed(url: str, *, killed_at: int) -> tuple[int, dict[str, Any], list[Any], int]:
    """Commits, rows, what was asked, and how many units were left after the kill."""
    opened = open_store(url)
    store = StoreOfAKilledWorker(opened.engine, [], killed_at)
    source = a_recorded_source(RACES)
    clock = MovingClock(RACES[-1].ends_at + timedelta(days=100))
    try:
        known = [fact for fact in source.facts if fact.kind == "ENTRY_LIST"]
        everything, source.facts = source.facts, known
        await take_in(opened, source, now=RACES[0].weekend_starts_at)
        source.facts = everything
        sessions = RecordedSessions(source)
        with suppress(KilledError):
            await backfill(store, sessions, clock, worker="killed")
        clock.move(LATER)
        left = await backfill(opened, sessions, clock, worker="resumed")
        asked = [(race, session) for race, session, _, _ in sessions.asked]
        return len(store.commits), await facts_in(opened), asked, left
    finally:
        await store.close()


def test_q2_a_backfill_killed_after_any_commit_ends_in_the_same_rows(
    sqlite_templates: SqliteTemplates, tmp_path: Path
) -> None:
    """Q2: a session whose answer was stored is not asked for again; at most the one in hand is."""
    commits, rows, asked, left = asyncio.run(killed_and_resumed(sqlite_templates.copy(tmp_path), killed_at=0))
    units = len(asked)
    assert (left, units) == (0, sum(len(race.sessions) for race in RACES))
    assert commits == 4 * units  # claimed, reserved, settled, stored
    for killed_at in range(1, commits + 1):
        _, again, asked, left = asyncio.run(
            killed_and_resumed(sqlite_templates.copy(tmp_path), killed_at=killed_at)
        )
        assert again == rows, f"killed after commit {killed_at}"
        assert left == units - killed_at // 4
        lost_an_answer = killed_at % 4 == 3  # it had come and was not stored yet
        assert Counter(asked).total() == units + lost_an_answer


# --- The same with a real process, killed by the hosts at their n-th request.

SEASON = a_made_up_season(2)


async def facts_at(url: str) -> dict[str, list[Any]]:
    store = open_store(url)
    try:
        return await facts_in(store)
    finally:
        await store.close()


def fetched(hosts: MadeUpHosts, url: str, folder: Path, *, now: str) -> list[dict[str, Any]]:
    return outcomes(started(hosts, url, folder, "fetch", "2030", "--json", now=now, **_UNHURRIED))


_UNHURRIED: dict[str, Any] = {f"{host}_calls_per_second": 4 for host in Host}


@pytest.fixture(scope="module")
def uninterrupted(
    sqlite_templates: SqliteTemplates, tmp_path_factory: pytest.TempPathFactory
) -> tuple[int, dict[str, list[Any]]]:
    """How many requests a whole back-fill makes, and what it stores."""
    folder = tmp_path_factory.mktemp("whole")
    url = sqlite_templates.copy(folder)
    asyncio.run(the_calendar_of(url, SEASON))
    with made_up_hosts(SEASON) as hosts:
        done = fetched(hosts, url, folder, now="2030-12-01T12:00Z")
    assert [one["result"] for one in done] == ["DONE", "DONE"]
    return len(hosts.asked), asyncio.run(facts_at(url))


@pytest.mark.parametrize(
    "share",
    [
        0.7,
        *(pytest.param(n / 20, marks=pytest.mark.slow) for n in range(21) if n != 14),
    ],
)
def test_q2_a_backfill_killed_at_any_request_repeats_no_call_that_was_answered(
    share: float,
    uninterrupted: tuple[int, dict[str, list[Any]]],
    sqlite_templates: SqliteTemplates,
    tmp_path: Path,
) -> None:
    """Q2, S2: SIGKILL in the middle of a race; the next run asks for the rest, and the rows are the same."""
    requests, whole = uninterrupted
    killed_at = max(1, round(share * requests))
    url = sqlite_templates.copy(tmp_path)
    asyncio.run(the_calendar_of(url, SEASON))
    with made_up_hosts(SEASON) as hosts:
        process = started(hosts, url, tmp_path, "fetch", "2030", "--json", **_UNHURRIED)

        orphans: list[psutil.Process] = []

        def kill(number: int) -> None:
            if number == killed_at:
                orphans.extend(psutil.Process(process.pid).children())
                process.kill()
                process.wait()

        hosts.on_request = kill
        process.communicate(timeout=100)
        hosts.on_request = lambda number: None
        assert process.returncode == -9
        psutil.wait_procs(orphans, timeout=30)
        # What the killed process had begun ends with it, and asks for nothing more.
        assert len(hosts.asked) == killed_at
        fetched(hosts, url, tmp_path, now="2030-12-01T12:05Z")

    answered = Counter(one.path for one in hosts.asked if one.status == 200)
    assert set(answered.values()) == {1}
    assert asyncio.run(facts_at(url)) == whole
