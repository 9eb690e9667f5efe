"""Running a season: each unit of work once, whatever fails, is killed or is done twice at once."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

import f1graph
from f1graph.races.results import ClassificationKind
from f1graph.races.stages import Stage
from f1graph.store.engine import Store, Write, open_store
from f1graph.store.events import EventKind
from f1graph.store.ledger import LedgerRow, WorkStatus, last_work
from f1graph.store.tables import metadata
from f1graph.store.tables.forecasts import forecasts
from f1graph.store.tables.work import ledger
from f1graph.store.track_record import MetricFilter, metrics_known
from f1graph.weekends.intake import take_in
from f1graph.weekends.run import Outcome, Result, failed, run_due
from f1graph.weekends.work import Work, WorkKind
from tests.builders import a_grid, a_moment, a_race, a_result, a_season
from tests.databases import SqliteTemplates
from tests.store.records import events_after, scores_of
from tests.weekends.recorded import MovingClock, RecordedEngine, RecordedSource, a_recorded_source

FIRST, SECOND, THIRD = a_season(2024, 3)
RACE_BEFORE = "the result of the race before became known"


async def run(
    store: Store,
    source: RecordedSource,
    engine: RecordedEngine,
    clock: MovingClock,
    *,
    worker: str = "worker",
    **options: Any,
) -> list[Outcome]:
    return await run_due(store, source, engine, clock=clock, worker_name=worker, **options)


async def published(store: Store) -> list[tuple[str, str, str | None]]:
    """The served forecasts: race, stage and cause."""
    async with store.read() as read:
        found = await read.rows(
            select(forecasts).where(forecasts.c.is_served.is_(True)).order_by(forecasts.c.sequence)
        )
    return [(row.race_id, row.stage, row.cause) for row in found]


async def ledger_of(store: Store) -> dict[str, LedgerRow]:
    async with store.read() as read:
        return {row.key: row for row in await last_work(read, limit=500)}


async def all_rows(store: Store) -> dict[str, list[Any]]:
    """Everything in the database but how often and by whom the work was tried."""
    tried = {"attempts", "worker", "claimed_at", "expires_at", "finished_at"}
    async with store.read() as read:
        return {
            table.name: sorted(
                repr(
                    [getattr(row, c.name) for c in table.columns if not (table is ledger and c.name in tried)]
                )
                for row in await read.rows(select(table))
            )
            for table in metadata.sorted_tables
        }


class TestAWeekend:
    @pytest.mark.parametrize("has_sprint", [False, True], ids=["conventional", "sprint"])
    async def test_from_thursday_to_monday_every_stage_is_forecast_once_and_scored(
        self, store: Store, engine: RecordedEngine, has_sprint: bool
    ) -> None:
        weekend = a_race(2024, 2, has_sprint=has_sprint)
        source = a_recorded_source([FIRST, weekend, THIRD])
        clock = MovingClock(a_moment("2024-03-14 13:00"))
        while clock.now < weekend.ends_at + timedelta(hours=24):
            assert failed(await run(store, source, engine, clock)) == []
            clock.move(timedelta(minutes=30))

        expected = [
            (Stage.BEFORE_WEEKEND, RACE_BEFORE),
            (
                Stage.AFTER_PRACTICE,
                "practice 1 became known"
                if has_sprint
                else "practice 1, practice 2 and practice 3 became known",
            ),
            *([(Stage.AFTER_SPRINT, "the sprint became known")] if has_sprint else []),
            (Stage.AFTER_QUALIFYING, "qualifying became known"),
            # Qualifying is over on Saturday, but the grid is published on Sunday: a new forecast.
            (Stage.AFTER_QUALIFYING, "the grid became known"),
        ]
        made = [(stage, cause) for race, stage, cause in await published(store) if race == weekend.id]
        assert made == expected
        async with store.read() as read:
            ids = [
                row.id
                for row in await read.rows(select(forecasts.c.id).where(forecasts.c.race_id == weekend.id))
            ]
            assert set(await scores_of(read, ids)) == set(ids)
            assert await metrics_known(read, MetricFilter(clock.now))

    async def test_what_a_fetch_brings_is_forecast_in_the_same_run(
        self, store: Store, source: RecordedSource, engine: RecordedEngine, clock: MovingClock
    ) -> None:
        outcomes = await run(store, source, engine, clock)
        assert [outcome.work.kind for outcome in outcomes] == [
            WorkKind.FETCH,
            WorkKind.FORECAST,
            WorkKind.METRICS,
        ]
        assert await published(store) == [(SECOND.id, Stage.BEFORE_WEEKEND, RACE_BEFORE)]
        assert await run(store, source, engine, clock) == []

    async def test_a_forecast_knows_nothing_that_is_learned_after_it_is_begun(
        self, store: Store, source: RecordedSource, engine: RecordedEngine, clock: MovingClock
    ) -> None:
        await run(store, source, engine, clock)
        assert [cutoff for _, _, cutoff, _ in engine.asked] == [clock.now]

    async def test_in_a_past_weekend_lived_again_the_race_is_not_scored_before_it_is_run(
        self, store: Store, source: RecordedSource, engine: RecordedEngine, clock: MovingClock
    ) -> None:
        await run(store, source, engine, MovingClock(a_moment("2024-05-01 12:00")))
        outcomes = await run(store, source, engine, clock)
        kinds = [outcome.work.kind for outcome in outcomes]
        assert WorkKind.FORECAST in kinds
        assert WorkKind.SCORE not in kinds

    async def test_a_disqualification_weeks_later_scores_the_forecasts_anew_and_keeps_the_old_scores(
        self, store: Store, source: RecordedSource, engine: RecordedEngine, clock: MovingClock
    ) -> None:
        """S6: a new revision triggers a new score and leaves every forecast and earlier score untouched."""
        await run(store, source, engine, clock)
        clock.now = SECOND.ends_at + timedelta(hours=1)
        await run(store, source, engine, clock)
        kept = await published(store)
        clock.move(timedelta(days=4))
        source.facts.append(
            a_result(
                SECOND, ["norris", "russell"], disqualified=["verstappen"], known_at=clock.now, revision=2
            )
        )
        outcomes = await run(store, source, engine, clock)
        scored = [o.work.revision for o in outcomes if o.work.kind is WorkKind.SCORE]
        assert scored == [2]
        async with store.read() as read:
            (first, *_) = await read.rows(select(forecasts.c.id).order_by(forecasts.c.sequence))
            scores = (await scores_of(read, [first.id]))[first.id]
            events = await events_after(read, 0, kinds=[EventKind.SCORES_PUBLISHED], limit=10)
        assert [score.race_revision for score in scores] == [1, 2]
        assert len(events) == 2
        assert (await published(store))[: len(kept)] == kept

    async def test_a_grid_penalty_makes_a_new_forecast_and_keeps_the_old_one(
        self, store: Store, source: RecordedSource, engine: RecordedEngine, clock: MovingClock
    ) -> None:
        """P7: a confirmed penalty makes a new forecast with the reason."""
        clock.now = SECOND.starts_at - timedelta(minutes=30)
        await run(store, source, engine, clock)
        clock.move(timedelta(minutes=5))
        grid = next(f for f in source.facts if f.race_id == SECOND.id and f.kind is ClassificationKind.GRID)
        order = [row.driver_id for row in grid.rows]
        source.facts.remove(grid)
        source.facts.append(a_grid(SECOND, [*order[1:], order[0]]))
        await run(store, source, engine, clock)
        # The source is asked again a quarter of an hour before the start.
        assert len(await published(store)) == 1
        clock.move(timedelta(minutes=10))
        await run(store, source, engine, clock)
        assert await published(store) == [
            (SECOND.id, Stage.AFTER_QUALIFYING, "qualifying and the grid became known"),
            (SECOND.id, Stage.AFTER_QUALIFYING, "the grid changed"),
        ]


class TestFailures:
    async def test_a_source_that_is_down_stops_neither_forecast_nor_metrics(
        self, store: Store, source: RecordedSource, engine: RecordedEngine, clock: MovingClock
    ) -> None:
        await run(store, source, engine, clock)
        clock.now = a_moment("2024-03-15 12:00")
        source.fails = 99
        outcomes = await run(store, source, engine, clock)
        assert (failed(outcomes)[0].error or "").startswith(
            "SOURCE_UNAVAILABLE: the timing host answered 403"
        )
        assert outcomes[-1].work.kind is WorkKind.METRICS
        assert outcomes[-1].result is Result.DONE
        row = (await ledger_of(store))["FETCH/daily/2024-03-15"]
        assert (row.status, row.error) == (
            WorkStatus.FAILED,
            "SOURCE_UNAVAILABLE: the timing host answered 403",
        )

    async def test_each_failure_waits_longer_until_the_next_attempt(
        self, store: Store, source: RecordedSource, engine: RecordedEngine, clock: MovingClock
    ) -> None:
        source.fails = 6
        for minutes in (1, 5, 15, 60, 60):
            begun = len(source.fetched_at)
            await run(store, source, engine, clock)
            assert len(source.fetched_at) == begun + 1
            clock.move(timedelta(minutes=minutes, seconds=-1))
            await run(store, source, engine, clock)
            assert len(source.fetched_at) == begun + 1
            clock.move(timedelta(seconds=1))
        source.fails = 0
        await run(store, source, engine, clock)
        row = (await ledger_of(store))["FETCH/daily/2024-03-14"]
        assert (row.status, row.attempts, row.error) == (WorkStatus.DONE, 6, None)

    async def test_a_forecast_that_cannot_be_made_is_recorded_with_its_reason(
        self, store: Store, source: RecordedSource, engine: RecordedEngine, clock: MovingClock
    ) -> None:
        engine.refuses = {SECOND.id}
        (failure,) = failed(await run(store, source, engine, clock))
        assert failure.error == f"FORECAST_ERROR: Nobody is known to be entered for {SECOND.id}."
        engine.refuses = set()
        clock.move(timedelta(minutes=1))
        await run(store, source, engine, clock)
        assert await published(store) == [(SECOND.id, Stage.BEFORE_WEEKEND, RACE_BEFORE)]

    async def test_a_forecast_that_is_ready_only_after_lights_out_is_not_published(
        self, store: Store, source: RecordedSource, engine: RecordedEngine, clock: MovingClock
    ) -> None:
        clock.now = SECOND.starts_at - timedelta(minutes=20)
        engine.takes = (clock, timedelta(minutes=21))
        (failure,) = failed(await run(store, source, engine, clock))
        assert "closed at 13:00 UTC while it was forecast" in (failure.error or "")
        assert await published(store) == []


class TestDeadlines:
    async def test_a_run_that_takes_too_long_leaves_the_rest_to_the_next_one(
        self, store: Store, source: RecordedSource, engine: RecordedEngine, clock: MovingClock
    ) -> None:
        """Q5: the deadline is looked at between units, what is left is reported, the next run continues."""
        engine.takes = (clock, timedelta(minutes=11))
        outcomes = await run(store, source, engine, clock, time_limit=timedelta(minutes=10))
        assert [outcome.result for outcome in outcomes] == [Result.DONE, Result.DONE, Result.LEFT]
        assert outcomes[-1].error == "timed out after 0:10:00"
        (rest,) = await run(store, source, engine, clock, time_limit=timedelta(minutes=10))
        assert (rest.work.kind, rest.result) == (WorkKind.METRICS, Result.DONE)

    async def test_a_forecast_that_never_ends_is_given_up_and_made_by_a_later_run(
        self, store: Store, source: RecordedSource, engine: RecordedEngine, clock: MovingClock
    ) -> None:
        """Q5: what outlives its deadline reports "timed out"."""
        await run(store, source, engine, clock, time_limit=timedelta(minutes=1), should_stop=stop_after(1))
        engine.waits_for = asyncio.Event()
        outcomes = await run(store, source, engine, clock, time_limit=timedelta(milliseconds=300))
        assert (outcomes[0].error or "").startswith("timed out")
        engine.waits_for.set()
        clock.move(timedelta(minutes=1))
        await run(store, source, engine, clock)
        assert len(await published(store)) == 1

    async def test_a_worker_that_is_asked_to_stop_begins_nothing_new(
        self, store: Store, source: RecordedSource, engine: RecordedEngine, clock: MovingClock
    ) -> None:
        done, left = await run(store, source, engine, clock, should_stop=stop_after(1))
        assert (done.result, left.result, left.error) == (Result.DONE, Result.LEFT, "asked to stop")

    async def test_a_cancelled_unit_can_be_taken_up_at_once(
        self, store: Store, source: RecordedSource, engine: RecordedEngine, clock: MovingClock
    ) -> None:
        """Q2: the queue cancels jobs on SIGTERM and runs them again."""
        engine.waits_for = asyncio.Event()
        running = asyncio.create_task(run(store, source, engine, clock))
        await asyncio.wait_for(engine.begun.wait(), timeout=20)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        engine.waits_for.set()
        await run(store, source, engine, clock, worker="the next one")
        assert await published(store) == [(SECOND.id, Stage.BEFORE_WEEKEND, RACE_BEFORE)]


def stop_after(units: int) -> Callable[[], bool]:
    left = iter([False] * units)
    return lambda: next(left, True)


class KilledError(BaseException):
    """The process is gone: nothing after it happens, no clean-up either."""


@dataclass(frozen=True)
class StoreOfAKilledWorker(Store):
    """Ends the worker right after its n-th commit."""

    commits: list[None]
    killed_at: int = 0

    @asynccontextmanager
    async def write(self) -> AsyncIterator[Write]:
        async with super().write() as write:
            yield write
        self.commits.append(None)
        if len(self.commits) == self.killed_at:
            raise KilledError


@dataclass
class Life:
    """What a worker left behind: how often it committed, and every row."""

    commits: int
    rows: dict[str, list[Any]]


async def live(url: str, *, killed_at: int) -> Life:
    """Thursday, and an hour after the race; a killed worker is started again when its claim has run out."""
    opened = open_store(url)
    store = StoreOfAKilledWorker(opened.engine, [], killed_at)
    source, engine = a_recorded_source([FIRST, SECOND, THIRD]), RecordedEngine()
    try:
        for moment in (a_moment("2024-03-14 13:00"), SECOND.ends_at + timedelta(hours=1)):
            clock = MovingClock(moment)
            with suppress(KilledError):
                await run(store, source, engine, clock)
            async with opened.write() as write:
                await write.execute(update(ledger).values(expires_at=moment))
            await run(store, source, engine, clock, worker="started again")
        return Life(len(store.commits), await all_rows(opened))
    finally:
        await store.close()


class TestKilled:
    def test_a_worker_killed_after_any_commit_and_started_again_ends_in_the_same_rows(
        self, sqlite_templates: SqliteTemplates, tmp_path: Path
    ) -> None:
        """Q2: every unit of work is done once, and nothing is stored by half."""
        whole = asyncio.run(live(sqlite_templates.copy(tmp_path), killed_at=0))
        assert whole.commits >= 10
        assert len(whole.rows["forecasts"]) == 2
        for killed_at in range(1, whole.commits + 1):
            killed = asyncio.run(live(sqlite_templates.copy(tmp_path), killed_at=killed_at))
            assert killed.rows == whole.rows, f"killed after commit {killed_at}"


class TestTwoWorkers:
    async def test_two_workers_started_together_do_every_unit_once(
        self, store: Store, other_store: Store, source: RecordedSource, clock: MovingClock
    ) -> None:
        """Q1: the ledger is claimed by unique key, so two workers make exactly one forecast."""
        engines = RecordedEngine(), RecordedEngine()
        await asyncio.gather(
            run(store, source, engines[0], clock, worker="one"),
            run(other_store, source, engines[1], clock, worker="two"),
        )
        # Whoever looked while the other one fetched found nothing to forecast; the next bell brings both.
        clock.move(timedelta(minutes=3))
        outcomes = await asyncio.gather(
            run(store, source, engines[0], clock, worker="one"),
            run(other_store, source, engines[1], clock, worker="two"),
        )
        assert all(not failed(of_worker) for of_worker in outcomes)
        assert await published(store) == [(SECOND.id, Stage.BEFORE_WEEKEND, RACE_BEFORE)]
        assert len(engines[0].asked) + len(engines[1].asked) == 1
        assert len(source.fetched_at) == 1
        rows = await ledger_of(store)
        assert {(row.status, row.attempts) for row in rows.values()} == {(WorkStatus.DONE, 1)}

    async def test_what_another_worker_is_doing_is_left_to_it(
        self,
        store: Store,
        other_store: Store,
        source: RecordedSource,
        engine: RecordedEngine,
        clock: MovingClock,
    ) -> None:
        engine.waits_for = asyncio.Event()
        first = asyncio.create_task(run(store, source, engine, clock, worker="one"))
        await asyncio.wait_for(engine.begun.wait(), timeout=20)
        other = RecordedEngine()
        await run(other_store, source, other, clock, worker="two")
        assert other.asked == []
        engine.waits_for.set()
        await first
        assert len(await published(store)) == 1

    async def test_a_claim_is_renewed_as_long_as_its_work_goes_on(
        self, store: Store, source: RecordedSource, engine: RecordedEngine, clock: MovingClock
    ) -> None:
        engine.waits_for = asyncio.Event()
        lease = timedelta(milliseconds=300)
        running = asyncio.create_task(run(store, source, engine, clock, lease=lease))
        await asyncio.wait_for(engine.begun.wait(), timeout=20)
        clock.move(timedelta(minutes=2))

        async def renewed() -> None:
            while True:
                rows = await ledger_of(store)
                if any(row.expires_at == clock.now + lease for row in rows.values()):
                    return
                await asyncio.sleep(0)

        await asyncio.wait_for(renewed(), timeout=20)
        engine.waits_for.set()
        await running

    async def test_a_worker_whose_claim_was_taken_stores_nothing(
        self,
        store: Store,
        other_store: Store,
        source: RecordedSource,
        engine: RecordedEngine,
        clock: MovingClock,
    ) -> None:
        engine.waits_for = asyncio.Event()
        frozen = asyncio.create_task(run(store, source, engine, clock, worker="frozen"))
        await asyncio.wait_for(engine.begun.wait(), timeout=20)
        clock.move(timedelta(minutes=2))
        quick = RecordedEngine()
        await run(other_store, source, quick, clock, worker="quick")
        engine.waits_for.set()
        (failure,) = failed(await frozen)
        assert "another worker has it" in (failure.error or "")
        assert len(await published(store)) == 1


class TestByHand:
    async def test_progress_is_told_before_and_after_each_unit(
        self, store: Store, source: RecordedSource, engine: RecordedEngine, clock: MovingClock
    ) -> None:
        told: list[tuple[WorkKind, Result | None]] = []

        def tell(work: Work, outcome: Outcome | None) -> None:
            told.append((work.kind, None if outcome is None else outcome.result))

        await run(store, source, engine, clock, on_progress=tell)
        assert told[:3] == [
            (WorkKind.FETCH, None),
            (WorkKind.FETCH, Result.DONE),
            (WorkKind.FORECAST, None),
        ]

    async def test_scoring_by_hand_leaves_nothing_to_score_and_other_work_alone(
        self, store: Store, source: RecordedSource, engine: RecordedEngine, clock: MovingClock
    ) -> None:
        await run(store, source, engine, clock)
        clock.now = SECOND.ends_at + timedelta(hours=1)
        await take_in(store, source, now=clock.now)
        by_hand = await run(store, source, engine, clock, only={WorkKind.SCORE, WorkKind.METRICS})
        assert {outcome.work.kind for outcome in by_hand} == {WorkKind.SCORE, WorkKind.METRICS}
        outcomes = await run(store, source, engine, clock)
        kinds = {outcome.work.kind for outcome in outcomes}
        assert WorkKind.SCORE not in kinds
        assert WorkKind.FETCH in kinds

    def test_running_what_is_due_needs_neither_arq_nor_redis(self) -> None:
        """Q9: arq is imported in the worker only; every job's body runs without it."""
        code = (
            "import sys; import f1graph.weekends.run, f1graph.weekends.intake; "
            "print(sorted({'arq', 'redis', 'torch', 'pandas'} & set(sys.modules)))"
        )
        answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert answer.stdout.strip() == "[]"

    def test_nothing_but_the_worker_imports_arq(self) -> None:
        """Q9: arq is in maintenance only, so it must be replaceable in one folder."""
        package = Path(f1graph.__file__).parent
        users = {
            path.relative_to(package).parts[0]
            for path in package.rglob("*.py")
            if re.search(r"^\s*(import|from) arq\b", path.read_text(), re.MULTILINE)
        }
        assert users == {"worker"}
