"""One session at a time: when it is fetched, by what budget, and what becomes of parts that fail."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from f1graph.races.calendar import Race, SessionKind
from f1graph.races.results import ClassificationKind, KnownAtBasis
from f1graph.sources.fastf1 import Host, Part, Problem, ProblemCode, ScheduledRace, ScheduledSession
from f1graph.sources.identity import ForeignId, Subject
from f1graph.store.budget import Spent, reserve, spent
from f1graph.store.engine import Store
from f1graph.store.identities import Identity, tell_identity
from f1graph.store.ledger import LedgerRow, WorkStatus, last_work
from f1graph.store.results import classifications_known, revisions_known
from f1graph.weekends.due import due_work
from f1graph.weekends.fetches_due import FETCH_AGAIN_AFTER
from f1graph.weekends.intake import take_in
from f1graph.weekends.run import Outcome, Result, do_unit, run_due
from f1graph.weekends.schedule import rescheduled
from f1graph.weekends.units import Season
from f1graph.weekends.work import Work, WorkKind
from tests.builders import a_grid, a_moment, a_season
from tests.weekends.recorded import (
    MovingClock,
    RecordedEngine,
    RecordedSessions,
    RecordedSource,
    a_recorded_source,
    fetches_of,
)
from tests.weekends.test_due import a_ledger_row

FIRST, SECOND, THIRD = a_season(2024, 3)
BLOCKED = Problem(Part.LAPS, ProblemCode.BLOCKED, "the archive answered 403", Host.LIVE_TIMING)


def fetches_due(
    now: Any, ledger: Sequence[LedgerRow] = (), races: Sequence[Race] = (FIRST, SECOND, THIRD)
) -> list[Work]:
    due = due_work(
        races=races,
        known={},
        ledger={row.key: row for row in ledger},
        unscored=(),
        bundles={},
        now=now,
        by_session=True,
    )
    return [work for work in due if work.kind is WorkKind.FETCH and work.session is not None]


def fetched(work: Work, at: Any, **detail: Any) -> LedgerRow:
    return a_ledger_row(work.key, at, race_id=work.race_id, detail=detail)


class TestWhen:
    @pytest.mark.parametrize("hours", [0.5, 2, 12, 72, 720])
    def test_each_session_is_fetched_again_for_weeks_whatever_the_first_answer_was(
        self, hours: float
    ) -> None:
        """S7: fresh sessions are empty or half empty."""
        for session in SECOND.sessions:
            at = session.ends_at + timedelta(hours=hours)
            key = f"FETCH/{SECOND.id}/{session.kind}/+{hours * 60:.0f}min"
            before = a_ledger_row(f"FETCH/{SECOND.id}/{session.kind}/x", at - timedelta(seconds=1))
            before = replace(before, race_id=SECOND.id)
            (work,) = [one for one in fetches_due(at, [before]) if one.key == key]
            assert not work.use_cache
            assert key not in {one.key for one in fetches_due(at - timedelta(seconds=1), [before])}

    def test_only_the_very_first_fetch_of_a_session_may_use_a_cache(self) -> None:
        """S7: fresh sessions are empty or half empty."""
        at = SECOND.ends_at + timedelta(hours=1)
        race = next(one for one in fetches_due(at) if one.session is SessionKind.RACE)
        assert race.use_cache
        later = SECOND.ends_at + timedelta(hours=2)
        again = next(
            one for one in fetches_due(later, [fetched(race, at)]) if one.session is SessionKind.RACE
        )
        assert not again.use_cache

    def test_a_fetch_of_one_session_satisfies_only_its_own_earlier_times(self) -> None:
        monday = SECOND.ends_at + timedelta(hours=13)
        due = fetches_due(monday)
        assert {work.session for work in due} == {session.kind for session in SECOND.sessions}
        (one, *others) = due
        left = fetches_due(monday, [fetched(one, monday)])
        assert [work.key for work in left] == [work.key for work in others]

    def test_after_a_fortnight_asleep_each_session_is_fetched_once_and_old_races_not_at_all(self) -> None:
        """Q3: what was missed is found at the next look."""
        asleep = SECOND.ends_at + timedelta(days=10)
        keys = [work.key for work in fetches_due(asleep)]
        assert keys
        assert len(keys) == len({work.session for work in fetches_due(asleep)})
        assert all(SECOND.id in key and "+4320min" in key for key in keys)

    def test_what_happened_last_is_fetched_first(self) -> None:
        due = fetches_due(SECOND.ends_at + timedelta(hours=1))
        assert due[0].session is SessionKind.RACE

    def test_a_part_that_is_missing_is_asked_for_again_with_growing_pauses_and_not_for_ever(self) -> None:
        at = SECOND.ends_at + timedelta(hours=12)
        done = [
            fetched(work, at)
            for work in fetches_due(at, races=[SECOND])
            if work.session is not SessionKind.RACE
        ]
        race = next(work for work in fetches_due(at, races=[SECOND]) if work.session is SessionKind.RACE)
        rows = [fetched(race, at, again=["LAPS"])]
        for number, pause in enumerate(FETCH_AGAIN_AFTER, start=1):
            assert fetches_due(at + pause - timedelta(seconds=1), [*done, *rows], [SECOND]) == []
            at += pause
            (again,) = fetches_due(at, [*done, *rows], [SECOND])
            assert again.key == f"{race.key}/again-{number}"
            rows.append(fetched(again, at, again=["LAPS"]))
        late = fetches_due(at + timedelta(hours=10), [*done, *rows], [SECOND])
        assert [work for work in late if work.session is SessionKind.RACE] == []

    def test_before_the_start_qualifying_is_asked_for_once_more(self) -> None:
        """P7: the line-up changes after the forecast."""
        at = SECOND.starts_at - timedelta(minutes=30)
        work = next(one for one in fetches_due(at) if "/GRID/" in one.key)
        assert (work.key, work.session) == (f"FETCH/{SECOND.id}/GRID/-30min", SessionKind.QUALIFYING)

    def test_a_cancelled_race_is_not_fetched(self) -> None:
        """S10: a cancelled or renamed race shifts round numbers."""
        cancelled = replace(SECOND, is_cancelled=True)
        assert fetches_due(SECOND.ends_at + timedelta(days=1), races=[cancelled]) == []


@pytest.fixture
def sessions(source: RecordedSource) -> RecordedSessions:
    return RecordedSessions(source)


@pytest.fixture
async def filled(store: Store, clock: MovingClock) -> Store:
    """What F1DB knows on Thursday: the season up to here, and the calendar."""
    await take_in(store, a_recorded_source([FIRST, SECOND, THIRD]), now=clock.now)
    return store


@pytest.fixture
def f1db(filled: Store, clock: MovingClock) -> RecordedSource:
    whole = a_recorded_source([FIRST, SECOND, THIRD])
    return RecordedSource(whole.races, [fact for fact in whole.facts if fact.known_at <= clock.now])


async def run(
    store: Store, f1db: RecordedSource, sessions: RecordedSessions, clock: MovingClock, **options: Any
) -> list[Outcome]:
    engine = options.pop("engine", None) or RecordedEngine()
    fetches = fetches_of(sessions, per_hour=options.pop("per_hour", 400))
    worker = options.pop("worker", "worker")
    return await run_due(store, f1db, engine, clock=clock, worker_name=worker, sessions=fetches, **options)


def of_sessions(outcomes: Sequence[Outcome]) -> list[Outcome]:
    return [outcome for outcome in outcomes if outcome.work.session is not None]


async def row_of(store: Store, key: str) -> LedgerRow:
    async with store.read() as read:
        return next(row for row in await last_work(read, limit=500) if row.key == key)


class TestFetching:
    async def test_a_session_is_stored_as_learned_now_and_with_its_source(
        self, store: Store, f1db: RecordedSource, sessions: RecordedSessions, clock: MovingClock
    ) -> None:
        practice = SECOND.sessions[0]
        clock.now = practice.ends_at + timedelta(minutes=30)
        await run(store, f1db, sessions, clock)
        async with store.read() as read:
            early = await revisions_known(read, [SECOND.id], clock.now - timedelta(seconds=1))
            told = await revisions_known(read, [SECOND.id], clock.now)
        kinds = {(one.kind, one.source) for one in told[SECOND.id]} - {
            (one.kind, one.source) for one in early.get(SECOND.id, [])
        }
        assert (ClassificationKind.PRACTICE_1, "fastf1") in kinds
        row = await row_of(store, f"FETCH/{SECOND.id}/PRACTICE_1/+30min")
        assert row.status is WorkStatus.DONE
        assert row.detail["calls"] == {"live_timing": 1}

    async def test_what_is_fetched_of_the_past_was_known_since_its_session(
        self, filled: Store, sessions: RecordedSessions, clock: MovingClock
    ) -> None:
        """S11: a back-test of that weekend sees what a back-fill brought years later."""
        sessions.source.facts = [
            replace(fact, known_at=THIRD.ends_at, known_at_basis=KnownAtBasis.RECORDED)
            for fact in sessions.source.facts
        ]
        clock.now = SECOND.ends_at + timedelta(days=900)
        season = Season(filled, sessions.source, None, clock, "worker", sessions=fetches_of(sessions))
        for kind in (SessionKind.QUALIFYING, SessionKind.RACE):
            work = Work(WorkKind.FETCH, kind, "by hand", race_id=SECOND.id, session=kind, is_live=False)
            assert (await do_unit(season, work)).result is Result.DONE
        async with filled.read() as read:
            told = (await revisions_known(read, [SECOND.id], clock.now))[SECOND.id]
        known_at = {one.kind: one.known_at for one in told if one.source == "fastf1"}
        qualifying = SECOND.session(SessionKind.QUALIFYING)
        assert qualifying is not None
        assert known_at == {
            ClassificationKind.QUALIFYING: qualifying.ends_at,
            ClassificationKind.GRID: SECOND.starts_at - timedelta(minutes=30),
            ClassificationKind.RACE: SECOND.ends_at,
        }

    async def test_healthy_parts_are_stored_and_the_ledger_names_what_failed(
        self, store: Store, f1db: RecordedSource, sessions: RecordedSessions, clock: MovingClock
    ) -> None:
        """S4: a source hides its errors and gives partial data."""
        sessions.problems[SessionKind.PRACTICE_1] = [((BLOCKED,), False)]
        clock.now = SECOND.sessions[0].ends_at + timedelta(minutes=30)
        await run(store, f1db, sessions, clock)
        row = await row_of(store, f"FETCH/{SECOND.id}/PRACTICE_1/+30min")
        (problem,) = row.detail["problems"]
        assert problem == {
            "part": "LAPS",
            "code": "BLOCKED",
            "reason": "the archive answered 403",
            "host": "live_timing",
        }
        assert row.detail["again"] == ["LAPS"]
        assert row.detail["raw_hashes"] == {"page": "hash"}
        clock.move(FETCH_AGAIN_AFTER[0])
        (again,) = of_sessions(await run(store, f1db, sessions, clock))
        assert again.work.key.endswith("/again-1")
        assert again.detail["problems"] == []

    @pytest.mark.parametrize(
        ("code", "from_cache"), [(ProblemCode.WRONG_RACE, False), (ProblemCode.TRUNCATED, True)]
    )
    async def test_what_was_refused_once_is_not_taken_from_a_cache_again(
        self,
        code: ProblemCode,
        from_cache: bool,
        store: Store,
        f1db: RecordedSource,
        sessions: RecordedSessions,
        clock: MovingClock,
    ) -> None:
        """S5, S7: another race's answer lies in FastF1's cache; one that broke off does not."""
        refused = Problem(Part.SESSION, code, "the archive describes another race")
        sessions.problems[SessionKind.PRACTICE_1] = [((refused,), True)]
        clock.now = SECOND.sessions[0].ends_at + timedelta(minutes=30)
        for _ in range(2):
            await run(store, f1db, sessions, clock)
            clock.move(timedelta(minutes=5))
        asked = [cached for race, _, _, cached in sessions.asked if race == SECOND.id]
        assert asked == [True, from_cache]

    async def test_a_blocked_host_fails_the_fetch_and_nothing_else(
        self, store: Store, f1db: RecordedSource, sessions: RecordedSessions, clock: MovingClock
    ) -> None:
        """S1: the timing host blocks cloud addresses."""
        engine = RecordedEngine()
        blocked = Problem(Part.SESSION, ProblemCode.BLOCKED, "the archive answered 403", Host.LIVE_TIMING)
        sessions.problems = {session.kind: [((blocked,), True)] * 50 for session in SECOND.sessions}
        while clock.now < SECOND.starts_at:
            await run(store, f1db, sessions, clock, engine=engine)
            clock.move(timedelta(hours=1))
        assert {stage for race, stage, _, _ in engine.asked if race == SECOND.id} == {
            "BEFORE_WEEKEND",
            "AFTER_PRACTICE",
            "AFTER_QUALIFYING",
        }
        row = await row_of(store, f"FETCH/{SECOND.id}/PRACTICE_1/+30min")
        assert row.status is WorkStatus.FAILED
        assert row.error == "SOURCE_UNAVAILABLE: SESSION BLOCKED: the archive answered 403"
        assert row.detail["problems"][0]["code"] == "BLOCKED"

    async def test_a_spent_budget_makes_the_work_wait_until_there_is_room(
        self, store: Store, f1db: RecordedSource, sessions: RecordedSessions, clock: MovingClock
    ) -> None:
        """S2: hosts allow so many calls an hour, and fewer every year."""
        sessions.calls = 9
        clock.now = SECOND.ends_at + timedelta(hours=1)
        outcomes = of_sessions(await run(store, f1db, sessions, clock, per_hour=20))
        counts = [outcome.result for outcome in outcomes]
        assert counts.count(Result.DONE) == 2
        assert set(counts) == {Result.DONE, Result.WAITING}
        waiting = next(outcome for outcome in outcomes if outcome.result is Result.WAITING)
        row = await row_of(store, waiting.work.key)
        assert (row.status, row.attempts) == (WorkStatus.WAITING, 0)
        assert row.expires_at == clock.now + timedelta(hours=1)
        assert row.error == f"the hour's calls to live_timing are spent until {row.expires_at:%H:%M:%S} UTC"
        asked = len(sessions.asked)
        clock.move(timedelta(minutes=30))
        assert not of_sessions(await run(store, f1db, sessions, clock, per_hour=20))
        assert len(sessions.asked) == asked
        clock.now = row.expires_at
        assert of_sessions(await run(store, f1db, sessions, clock, per_hour=20))

    async def test_two_workers_never_ask_a_host_at_the_same_time_nor_a_session_twice(
        self,
        store: Store,
        other_store: Store,
        f1db: RecordedSource,
        sessions: RecordedSessions,
        clock: MovingClock,
    ) -> None:
        """S3: all processes share one budget, and none blocks its event loop."""
        clock.now = SECOND.ends_at + timedelta(hours=1)
        await asyncio.gather(
            run(store, f1db, sessions, clock, worker="one"),
            run(other_store, f1db, sessions, clock, worker="two"),
        )
        asked = [(race, session) for race, session, _, _ in sessions.asked]
        assert len(asked) == len(set(asked)) >= len(SECOND.sessions)
        assert sessions.most_at_once == 1
        async with store.read() as read:
            counted = await spent(read, [Host.LIVE_TIMING.value], now=clock.now)
        assert counted[Host.LIVE_TIMING.value] == Spent(used=len(asked), reserved=0)

    async def test_a_host_that_a_killed_process_had_reserved_is_asked_when_its_time_is_over(
        self, store: Store, f1db: RecordedSource, sessions: RecordedSessions, clock: MovingClock
    ) -> None:
        """S3: all processes share one budget, and none blocks its event loop."""
        clock.now = SECOND.sessions[0].ends_at + timedelta(minutes=30)
        async with store.write() as write:
            await reserve(
                write,
                {Host.LIVE_TIMING: 395},
                per_hour={Host.LIVE_TIMING: 400},
                now=clock.now,
                lasts=timedelta(0),
            )
        waits = of_sessions(await run(store, f1db, sessions, clock))
        assert {one.result for one in waits} == {Result.WAITING}
        clock.move(timedelta(hours=1))
        rest = of_sessions(await run(store, f1db, sessions, clock))
        assert {one.result for one in rest} == {Result.DONE}

    async def test_what_was_told_of_an_unknown_id_reaches_the_source(
        self, store: Store, f1db: RecordedSource, sessions: RecordedSessions, clock: MovingClock
    ) -> None:
        """S9: drivers change team, number and name inside a season."""
        async with store.write() as write:
            await tell_identity(write, Identity("driver", "fastf1", 2024, "XYZ", "norris"), now=clock.now)
        clock.now = SECOND.sessions[0].ends_at + timedelta(minutes=30)
        await run(store, f1db, sessions, clock)
        known = sessions.known[0]
        assert known.mapping == {ForeignId(Subject.DRIVER, "fastf1", 2024, "XYZ"): "norris"}
        assert {entry.race_id for entry in known.entries} == {SECOND.id}
        assert known.drivers
        assert known.constructors


class TestTwoSources:
    async def the_race(self, store: Store, clock: MovingClock) -> tuple[str, int, Any]:
        async with store.read() as read:
            found = await classifications_known(read, [SECOND.id], [ClassificationKind.RACE], clock.now)
        one = found[SECOND.id, ClassificationKind.RACE]
        return one.source, one.revision, one.rows

    async def test_what_f1db_adds_is_a_revision_and_what_fastf1_repeats_is_none(
        self, store: Store, f1db: RecordedSource, sessions: RecordedSessions, clock: MovingClock
    ) -> None:
        """S6: results change weeks after they were published."""
        clock.now = SECOND.ends_at + timedelta(minutes=30)
        await run(store, f1db, sessions, clock)
        assert (await self.the_race(store, clock))[:2] == ("fastf1", 1)

        whole = a_recorded_source([FIRST, SECOND, THIRD])
        result = next(f for f in whole.facts if f.race_id == SECOND.id and f.kind is ClassificationKind.RACE)
        complete = replace(result, rows=tuple(replace(row, engine_id="ferrari") for row in result.rows))
        f1db.facts.append(complete)
        clock.move(timedelta(days=1))
        await run(store, f1db, sessions, clock)
        assert (await self.the_race(store, clock))[:2] == ("made-up", 2)

        clock.move(timedelta(days=3))
        await run(store, f1db, sessions, clock)
        source, revision, rows = await self.the_race(store, clock)
        assert (source, revision) == ("made-up", 2)
        assert {row.engine_id for row in rows} == {"ferrari"}

        # The stewards: the winner loses his place, which FastF1 hears first.
        ours = next(f for f in sessions.source.facts if f.race_id == SECOND.id and f.kind.value == "RACE")
        sessions.source.facts.remove(ours)
        first, second, *rest = ours.rows
        swapped = (
            replace(second, order=1, position=1),
            replace(first, order=2, position=2),
            *rest,
        )
        sessions.source.facts.append(replace(ours, rows=swapped))
        clock.now = SECOND.ends_at + timedelta(days=30)
        await run(store, f1db, sessions, clock)
        source, revision, rows = await self.the_race(store, clock)
        assert (source, revision) == ("fastf1", 3)
        assert rows[0].driver_id == second.driver_id
        assert {row.engine_id for row in rows} == {"ferrari"}

    async def test_a_less_complete_first_word_of_history_does_not_overrule_f1db(
        self, store: Store, f1db: RecordedSource, sessions: RecordedSessions, clock: MovingClock
    ) -> None:
        result = next(
            f for f in sessions.source.facts if f.race_id == SECOND.id and f.kind is ClassificationKind.RACE
        )
        complete = replace(result, rows=tuple(replace(row, engine_id="ferrari") for row in result.rows))
        f1db.facts.append(complete)
        clock.now = SECOND.ends_at + timedelta(hours=24)
        await take_in(store, f1db, now=clock.now)
        sessions.source.facts.remove(result)
        sessions.source.facts.append(replace(result, rows=tuple(row for row in result.rows[:-1])))
        await run(store, f1db, sessions, clock)
        assert (await self.the_race(store, clock))[:2] == ("made-up", 1)

    async def test_a_grid_that_fastf1_corrects_makes_a_new_forecast_that_names_its_cause(
        self, store: Store, f1db: RecordedSource, sessions: RecordedSessions, clock: MovingClock
    ) -> None:
        """P7: the line-up changes after the forecast."""
        engine = RecordedEngine()
        grid = a_grid(SECOND, [row.driver_id for row in a_grid(SECOND).rows])
        sessions.source.facts.append(replace(grid, known_at=SECOND.starts_at - timedelta(hours=3)))
        sessions.source.facts = [
            f
            for f in sessions.source.facts
            if (f.race_id, f.kind) != (SECOND.id, ClassificationKind.GRID)
            or f.known_at < SECOND.starts_at - timedelta(hours=1)
        ]
        clock.now = SECOND.starts_at - timedelta(hours=2)
        await run(store, f1db, sessions, clock, engine=engine)
        order = [row.driver_id for row in grid.rows]
        sessions.source.facts = [f for f in sessions.source.facts if f.kind is not ClassificationKind.GRID]
        sessions.source.facts.append(a_grid(SECOND, [*order[1:], order[0]]))
        clock.now = SECOND.starts_at - timedelta(minutes=30)
        await run(store, f1db, sessions, clock, engine=engine)
        assert [cause for race, _, _, cause in engine.asked if race == SECOND.id] == [
            "qualifying and the grid became known",
            "the grid changed",
        ]


def announced(race: Race, *, days: int = 0) -> ScheduledRace:
    return ScheduledRace(
        season=race.season,
        round=race.round,
        name=race.name,
        official_name=race.official_name,
        country="",
        place="",
        format=race.format,
        sessions=tuple(
            ScheduledSession(session.kind, session.starts_at + timedelta(days=days))
            for session in race.sessions
        ),
    )


class TestSchedule:
    NOW = a_moment("2024-03-14 09:00")

    def test_a_schedule_that_says_the_same_changes_nothing(self) -> None:
        same = rescheduled(
            [FIRST, SECOND, THIRD], [announced(r) for r in (FIRST, SECOND, THIRD)], now=self.NOW
        )
        assert same.races == ()

    def test_a_postponed_race_keeps_its_identity(self) -> None:
        """S10: a cancelled or renamed race shifts round numbers."""
        told = [announced(FIRST), announced(SECOND), announced(THIRD, days=7)]
        (moved,) = rescheduled([FIRST, SECOND, THIRD], told, now=self.NOW).races
        assert (moved.id, moved.starts_at) == (THIRD.id, THIRD.starts_at + timedelta(days=7))

    def test_a_race_that_is_no_longer_announced_is_cancelled_and_stays(self) -> None:
        """S10: a cancelled or renamed race shifts round numbers."""
        (gone,) = rescheduled(
            [FIRST, SECOND, THIRD], [announced(FIRST), announced(SECOND)], now=self.NOW
        ).races
        assert (gone.id, gone.is_cancelled) == (THIRD.id, True)

    def test_half_a_schedule_cancels_nothing(self) -> None:
        season = a_season(2024, 6)
        changes = rescheduled(season, [announced(season[0])], now=self.NOW)
        assert changes.races == ()
        assert "it lacks" in changes.problems[0]["reason"]

    def test_late_in_a_season_a_schedule_that_lacks_races_that_were_held_cancels_nothing(self) -> None:
        """S7, S10: two races are left, which half a schedule lacks as well."""
        season = a_season(2024, 6)
        begun = season[3].starts_at
        changes = rescheduled(season, [announced(race) for race in season[:3]], now=begun)
        assert changes.races == ()
        (problem,) = changes.problems
        assert problem["reason"] == f"it lacks races that were held: {season[3].name}"

    def test_what_has_begun_stays_as_it_was(self) -> None:
        told = [announced(FIRST, days=1), announced(SECOND), announced(THIRD)]
        assert rescheduled([FIRST, SECOND, THIRD], told, now=self.NOW).races == ()

    async def test_the_schedule_is_asked_for_once_a_day_and_moves_races(
        self, store: Store, f1db: RecordedSource, sessions: RecordedSessions, clock: MovingClock
    ) -> None:
        sessions.schedule = (announced(FIRST), announced(SECOND), announced(THIRD, days=7))
        await run(store, f1db, sessions, clock)
        clock.move(timedelta(hours=3))
        await run(store, f1db, sessions, clock)
        assert len(sessions.schedules_asked) == 1
        row = await row_of(store, "FETCH/schedule/2024-03-14")
        assert row.detail["changed"] == [THIRD.id]
