"""Legs of back-tests as work: each walked once, by whoever comes, and again where somebody was killed."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from f1graph.errors import WorkError
from f1graph.races.stages import Stage
from f1graph.store.backtests import (
    AskedBacktest,
    Leg,
    WalkedForecast,
    ask_for_backtest,
    let_backtest_rest,
    walked_forecasts,
)
from f1graph.store.engine import Store
from f1graph.store.ledger import LedgerRow, WorkStatus, last_work
from f1graph.weekends.backtests import BacktestProgress, backtest_progress
from f1graph.weekends.engine import OnWalk
from f1graph.weekends.run import Outcome, Result, run_due
from f1graph.weekends.work import MOST_WALKS, WorkKind
from tests.builders import a_moment
from tests.weekends.recorded import MovingClock, RecordedEngine, RecordedSource

LEGS = tuple(
    Leg(season, Stage.AFTER_QUALIFYING, a_moment(f"{season}-03-01 12:00"), 2) for season in range(2018, 2024)
)
ASKED = AskedBacktest("one", "build", {}, LEGS, a_moment("2024-03-14 12:00"))


@dataclass
class RecordedWalker:
    """Walks at once, and remembers what it was asked.

    Attributes:
        waits_for: Walking goes on when it is set.
        begun: Set when a leg was begun.
        refuses: Seasons that it cannot walk.
    """

    build: str = "build"
    waits_for: asyncio.Event | None = None
    begun: asyncio.Event = field(default_factory=asyncio.Event)
    refuses: set[int] = field(default_factory=set)
    asked: list[int] = field(default_factory=list)

    async def walk(self, backtest_id: str, leg: Leg, *, on_progress: OnWalk) -> Sequence[WalkedForecast]:
        self.asked.append(leg.season)
        await on_progress(1)
        self.begun.set()
        if self.waits_for is not None:
            await self.waits_for.wait()
        # Others get their turn.
        await asyncio.sleep(0)
        if leg.season in self.refuses:
            raise WorkError(f"{leg.season}: too few races to learn from")
        return [WalkedForecast(f"{leg.season}-gp-{n}", leg.stage, "rating", "row\n", "{}") for n in (1, 2)]

    async def close(self) -> None:
        """Nothing is kept."""


@pytest.fixture
async def asked(store: Store, clock: MovingClock) -> AskedBacktest:
    async with store.write() as write:
        return await ask_for_backtest(write, ASKED, now=clock())


async def run(
    store: Store, source: RecordedSource, walker: RecordedWalker, clock: MovingClock, *, name: str = "one"
) -> list[Outcome]:
    return await run_due(
        store, source, None, clock=clock, worker_name=name, only={WorkKind.BACKTEST}, walker=walker
    )


async def work(store: Store) -> dict[int, LedgerRow]:
    async with store.read() as read:
        return {int(row.key.split("/")[2]): row for row in await last_work(read, limit=100, kind="BACKTEST")}


async def forecasts(store: Store) -> int:
    async with store.read() as read:
        ids = [f"{leg.season}-gp-{n}" for leg in LEGS for n in (1, 2)]
        return len(await walked_forecasts(read, "one", ids))


async def test_q1_two_workers_walk_every_leg_once(
    store: Store, other_store: Store, source: RecordedSource, clock: MovingClock, asked: AskedBacktest
) -> None:
    """Q1: whatever bells are rung, the ledger lets each leg be begun once."""
    walkers = RecordedWalker(), RecordedWalker()

    await asyncio.gather(
        run(store, source, walkers[0], clock, name="one"),
        run(other_store, source, walkers[1], clock, name="two"),
    )

    assert Counter(walkers[0].asked + walkers[1].asked) == dict.fromkeys(range(2018, 2024), 1)
    assert {row.status for row in (await work(store)).values()} == {WorkStatus.DONE}
    assert await forecasts(store) == 12
    assert await run(store, source, RecordedWalker(), clock) == []


async def test_q2_a_leg_of_a_killed_worker_is_walked_again(
    store: Store, other_store: Store, source: RecordedSource, clock: MovingClock, asked: AskedBacktest
) -> None:
    """Q2: it never said goodbye, so its claim runs out."""
    killed = RecordedWalker(waits_for=asyncio.Event())
    running = asyncio.create_task(run(other_store, source, killed, clock, name="killed"))
    await killed.begun.wait()
    assert (await work(store))[2018].detail == {"forecasts": 1}

    walker = RecordedWalker()
    await run(store, source, walker, clock)
    # The first one's is still its own.
    assert walker.asked == list(range(2019, 2024))
    clock.move(timedelta(minutes=2))
    await run(store, source, walker, clock)

    assert walker.asked == [*range(2019, 2024), 2018]
    rows = await work(store)
    assert rows[2018].attempts == 2
    assert {rows[season].attempts for season in range(2019, 2024)} == {1}
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
    assert (await work(store))[2018].status is WorkStatus.DONE
    assert await forecasts(store) == 12


async def test_a_worker_that_is_asked_to_end_puts_its_leg_back(
    sqlite_store: Store, source: RecordedSource, clock: MovingClock
) -> None:
    async with sqlite_store.write() as write:
        await ask_for_backtest(write, ASKED, now=clock())
    walker = RecordedWalker(waits_for=asyncio.Event())
    running = asyncio.create_task(run(sqlite_store, source, walker, clock))
    await walker.begun.wait()

    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
    again = RecordedWalker()
    await run(sqlite_store, source, again, clock)

    assert again.asked == list(range(2018, 2024))


async def test_a_leg_that_fails_again_and_again_is_given_up_and_says_why(
    sqlite_store: Store, source: RecordedSource, clock: MovingClock
) -> None:
    async with sqlite_store.write() as write:
        await ask_for_backtest(write, ASKED, now=clock())
    walker = RecordedWalker(refuses={2020})

    outcomes = [await run(sqlite_store, source, walker, clock) for _ in range(MOST_WALKS + 1)]

    # Somebody waits for it: no pause in between.
    assert [len(of_run) for of_run in outcomes] == [6, 1, 1, 0]
    assert walker.asked.count(2020) == MOST_WALKS
    row = (await work(sqlite_store))[2020]
    assert (row.status, row.error) == (
        WorkStatus.FAILED,
        "WORK_ERROR: 2020: too few races to learn from",
    )
    assert {one.result for one in outcomes[1]} == {Result.FAILED}


async def test_nobody_walks_what_nobody_waits_for(
    sqlite_store: Store, source: RecordedSource, clock: MovingClock
) -> None:
    async with sqlite_store.write() as write:
        await ask_for_backtest(write, ASKED, now=clock())
        await let_backtest_rest(write, "one")

    assert await run(sqlite_store, source, RecordedWalker(), clock) == []


async def test_a_worker_of_another_build_walks_nothing(
    sqlite_store: Store, source: RecordedSource, clock: MovingClock
) -> None:
    """Its numbers would differ in the last digits."""
    async with sqlite_store.write() as write:
        await ask_for_backtest(write, ASKED, now=clock())

    assert await run(sqlite_store, source, RecordedWalker(build="other"), clock) == []


async def test_a_refresh_walks_no_back_test(
    sqlite_store: Store, source: RecordedSource, engine: RecordedEngine, clock: MovingClock
) -> None:
    async with sqlite_store.write() as write:
        await ask_for_backtest(write, ASKED, now=clock())

    outcomes = await run_due(sqlite_store, source, engine, clock=clock, worker_name="one")

    assert WorkKind.BACKTEST not in {outcome.work.kind for outcome in outcomes}


async def test_a_back_test_that_rested_for_months_goes_on_with_what_is_left(
    sqlite_store: Store, source: RecordedSource, clock: MovingClock
) -> None:
    async with sqlite_store.write() as write:
        await ask_for_backtest(write, ASKED, now=clock())
    first = RecordedWalker(refuses={2021})
    await run(sqlite_store, source, first, clock)
    clock.move(timedelta(days=29))
    async with sqlite_store.write() as write:
        await ask_for_backtest(write, ASKED, now=clock())
    clock.move(timedelta(days=29))

    walker = RecordedWalker()
    outcomes = await run(sqlite_store, source, walker, clock)

    assert walker.asked == [2021]
    # What was done so long ago is not even looked at.
    assert [outcome.result for outcome in outcomes] == [Result.DONE]


def a_row(leg: Leg, status: WorkStatus, *, attempts: int = 1, error: str | None = None) -> LedgerRow:
    begun = a_moment("2024-03-14 12:00")
    return LedgerRow(
        key=ASKED.key(leg),
        kind="BACKTEST",
        race_id=None,
        status=status,
        attempts=attempts,
        worker="one",
        claimed_at=begun,
        expires_at=begun + timedelta(minutes=1),
        finished_at=None,
        error=error,
        detail={"forecasts": 1} if status is WorkStatus.CLAIMED else {},
    )


def progress(*rows: LedgerRow, later: timedelta = timedelta(0)) -> BacktestProgress:
    return backtest_progress(ASKED, {row.key: row for row in rows}, a_moment("2024-03-14 12:00") + later)


def test_who_waits_sees_what_is_walked_and_rings_for_the_rest() -> None:
    seen = progress(
        a_row(LEGS[0], WorkStatus.DONE),
        a_row(LEGS[1], WorkStatus.CLAIMED),
        a_row(LEGS[2], WorkStatus.FAILED, attempts=2),
    )

    # Two forecasts of the one that is done, one so far of the other.
    assert (seen.forecasts, seen.done, seen.at_work, seen.failure) == (3, 1, 1, None)
    # An attempt has a name of its own: the bell of the one before may still lie in the queue.
    assert seen.free == {
        f"{ASKED.key(LEGS[2])}/2",
        *(f"{ASKED.key(leg)}/0" for leg in LEGS[3:]),
    }


def test_who_waits_rings_again_for_the_leg_of_a_killed_worker() -> None:
    row = a_row(LEGS[0], WorkStatus.CLAIMED)

    assert f"{row.key}/1" not in progress(row).free
    assert f"{row.key}/1" in progress(row, later=timedelta(minutes=2)).free


@pytest.mark.parametrize(
    ("status", "why"),
    [(WorkStatus.FAILED, "too few races"), (WorkStatus.CLAIMED, "the workers that began it were killed")],
)
def test_who_waits_is_told_which_leg_cannot_be_walked(status: WorkStatus, why: str) -> None:
    row = a_row(LEGS[0], status, attempts=MOST_WALKS, error="too few races")

    told = progress(row, later=timedelta(minutes=2)).failure

    assert told is not None
    assert f"2018/AFTER_QUALIFYING/2018-03-01T12:00 was begun 3 times and never finished: {why}." in told
