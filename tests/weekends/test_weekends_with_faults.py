"""A sprint weekend lived while anything may go wrong at any time, and a calendar that goes wrong."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from f1graph.races.calendar import Race
from f1graph.races.stages import Stage
from f1graph.store.calendar import races_of_seasons
from f1graph.store.engine import Store
from f1graph.store.ledger import LedgerRow, WorkStatus
from f1graph.weekends.intake import take_in
from tests.upstream import Upstream, replayed_upstream
from tests.weekends.lived import (
    HASTY,
    PATIENT,
    Lived,
    a_weekend,
    cached_weekend,
    first_of_each,
    published,
    stages_of,
)
from tests.weekends.test_sessions_that_go_wrong import CODES, OTHERS

pytestmark = pytest.mark.real_data

MIAMI = "2024-miami"
PAGES = (
    "/schedule/",
    "/ergast/f1/2024/6/results.",
    "/ergast/f1/2024/6/qualifying.",
    "/ergast/f1/2024/6/sprint.",
    "/static/2024/",
)
# What the archive has of 2024 is in FastF1's cache only: here it answers 404, or what the fault is.
OF_ALL_PAGES = [kind for kind in CODES if kind not in (*OTHERS, "five-laps")]
# Only the archive has sessions that are like each other.
KINDS = [kind for kind in CODES if kind != "next-of-kin"]


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    with replayed_upstream() as running:
        yield running


@asynccontextmanager
async def miami(store: Store, upstream: Upstream, cache: Path | None, *, hangs: bool) -> AsyncIterator[Lived]:
    upstream.goes_wrong()
    call_timeout = HASTY if hangs else PATIENT
    async with a_weekend(MIAMI, store, upstream, cache=cache, call_timeout=call_timeout) as lived:
        await take_in(lived.store, lived.source, now=lived.clock.now)
        yield lived


async def calendar(lived: Lived) -> list[Race]:
    async with lived.store.read() as read:
        return (await races_of_seasons(read, [lived.race.season]))[lived.race.season]


async def the_schedules_row(lived: Lived) -> LedgerRow:
    rows = [row for row in await lived.ledger() if row.key.startswith("FETCH/schedule/")]
    return max(rows, key=lambda row: row.claimed_at)


@pytest.mark.parametrize(
    "kind",
    [
        pytest.param(kind, marks=() if kind in ("wrong-race", "five-laps") else pytest.mark.slow)
        for kind in KINDS
    ],
)
async def test_a_calendar_that_goes_wrong_moves_and_cancels_no_race(
    kind: str, sqlite_store: Store, upstream: Upstream
) -> None:
    """S4, S5, S7, S10: the ledger names it, the stage is forecast all the same, and the next is believed."""
    async with miami(sqlite_store, upstream, None, hangs=kind == "hang") as lived:
        before = await calendar(lived)
        upstream.goes_wrong(f"/schedule/:{kind}")
        await lived.run()
        row = await the_schedules_row(lived)
        assert {one["code"] for one in row.detail["problems"]} & CODES[kind], (row.detail, row.error)
        assert await calendar(lived) == before
        assert [stage for stage, _ in await lived.served()] == [Stage.BEFORE_WEEKEND]
        upstream.goes_wrong()
        # Half a calendar is looked at again on the next day, none at all after a minute.
        lived.clock.move(timedelta(days=1) if kind == "five-laps" else timedelta(minutes=1))
        lived.clock.now = min(lived.clock.now, lived.race.weekend_starts_at)
        await lived.run()
        row = await the_schedules_row(lived)
        assert row.status is WorkStatus.DONE
        assert {one["code"] for one in row.detail["problems"]} <= {"UNKNOWN_ID"}  # the races after it
        assert await calendar(lived) == before
    assert lived.loop.never_held()


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
async def test_whatever_goes_wrong_at_random_the_weekend_ends_with_the_facts_of_the_release(
    seed: int, unpacked_weekends: Path, tmp_path: Path, sqlite_store: Store, upstream: Upstream
) -> None:
    """S1, S4, S5, S7: nothing wrong is stored at any time, each fault is named, and each stage forecast."""
    chance = random.Random(seed)
    served: set[str] = set()
    named: set[str] = set()
    cache = cached_weekend(unpacked_weekends, "Miami_Grand_Prix", tmp_path / "cache")
    async with miami(sqlite_store, upstream, cache, hangs=True) as lived:
        monday = lived.race.ends_at + timedelta(hours=13)
        while lived.clock.now < monday:
            upstream.goes_wrong(
                *(
                    f"{page}:{chance.choice(OF_ALL_PAGES if page.startswith('/static') else KINDS)}"
                    for page in PAGES
                    if chance.random() < 0.6
                )
            )
            await lived.live_until(min(lived.clock.now + timedelta(minutes=30), monday))
            assert await lived.wrong() == []
            served |= {outcome for outcome, _ in upstream.asked()} & set(CODES)
            for row in await lived.ledger():
                named |= {one["code"] for one in row.detail.get("problems", ())}
        assert {kind for kind in served if not CODES[kind] & named} == set()
        assert len(served) >= 8
        upstream.goes_wrong()
        await lived.live_to_the_end()
        told = await lived.served()
        assert first_of_each(told) == stages_of(lived.race)
        repeated = [one for at, one in enumerate(told) if one[0] in {stage for stage, _ in told[:at]}]
        assert all(cause for _, cause in repeated)
        at_the_end = {kind: one.rows for kind, one in (await lived.known()).items()}
        assert at_the_end == {kind: published(lived.race)[kind].rows for kind in lived.kinds()}
    assert lived.loop.never_held()
