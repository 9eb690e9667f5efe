"""What is done first: a forecast never waits behind hosts that hang, nor behind races long past."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from f1graph.races.calendar import SessionKind
from f1graph.races.past import FactKey
from f1graph.races.stages import Stage
from f1graph.sources.fastf1 import Host, Part, Problem, ProblemCode
from f1graph.store.engine import Store
from f1graph.store.ledger import LedgerRow, WorkStatus, last_work
from f1graph.store.recordings import record_recordings
from f1graph.weekends.due import due_work
from f1graph.weekends.fetches_due import FETCH_AGAIN_AFTER
from f1graph.weekends.intake import take_in
from f1graph.weekends.run import Result, run_due
from f1graph.weekends.work import FETCH_PAUSES, MOST_FETCH_ATTEMPTS, Work, WorkKind
from tests.builders import a_recording, a_season
from tests.weekends.recorded import (
    MovingClock,
    RecordedEngine,
    RecordedSessions,
    a_recorded_source,
    fetches_of,
)
from tests.weekends.test_due import a_ledger_row, the_weekend_of

FIRST, SECOND, THIRD = SEASON = a_season(2024, 3)
# Half an hour after qualifying of the second race: the practice of two weeks ago is fetched again, too.
QUALIFYING = next(one for one in SECOND.sessions if one.kind is SessionKind.QUALIFYING)
AT_WORK = QUALIFYING.ends_at + timedelta(minutes=30)
LATE = QUALIFYING.ends_at + timedelta(hours=3)


def due(now: datetime, known: Mapping[FactKey, int], ledger: Sequence[LedgerRow] = ()) -> list[Work]:
    return list(
        due_work(
            races=SEASON,
            known=known,
            ledger={row.key: row for row in ledger},
            unscored=(),
            bundles={},
            now=now,
            by_session=True,
        )
    )


def kinds(work: Sequence[Work]) -> list[tuple[str, str | None]]:
    """Neighbours of the same kind and race as one."""
    found = [(str(one.kind), one.race_id) for one in work]
    return [one for at, one in enumerate(found) if at == 0 or found[at - 1] != one]


class TestForecastsFirst:
    def test_a_forecast_whose_inputs_are_known_is_made_before_anything_is_fetched(self) -> None:
        known = the_weekend_of(SECOND, until=Stage.AFTER_QUALIFYING)
        assert kinds(due(AT_WORK, known)) == [
            ("FORECAST", SECOND.id),
            ("FETCH", None),
            ("FETCH", SECOND.id),
            ("FETCH", FIRST.id),
            ("METRICS", None),
        ]

    def test_a_forecast_that_waited_long_enough_lets_its_fetches_be_tried_once(self) -> None:
        """Q3: who wakes up late may get everything within a second."""
        assert kinds(due(LATE, {}))[:4] == [
            ("FETCH", None),
            ("FETCH", SECOND.id),
            ("FETCH", FIRST.id),
            ("FORECAST", SECOND.id),
        ]

    def test_the_first_host_that_hangs_is_the_last_that_a_late_forecast_waits_for(self) -> None:
        """S1: five sessions that each cost three minutes would be a quarter of an hour."""
        first = next(work for work in due(LATE, {}) if work.session is SessionKind.QUALIFYING)
        failed = a_ledger_row(first.key, LATE, status=WorkStatus.FAILED, race_id=SECOND.id)
        work = due(LATE, {}, [replace(failed, expires_at=LATE + timedelta(minutes=5))])
        assert (work[0].kind, work[0].stage) == (WorkKind.FORECAST, Stage.AFTER_QUALIFYING)

    def test_fetches_of_races_long_past_come_last(self) -> None:
        now = THIRD.starts_at - timedelta(hours=30)
        races_of = [work.race_id for work in due(now, {}) if work.kind is WorkKind.FETCH]
        catching_up = [race for race in races_of if race is not None]
        assert set(catching_up) == {SECOND.id, THIRD.id}
        very_late = THIRD.ends_at + timedelta(days=2)
        ordered = kinds(due(very_late, {}))
        assert ordered.index(("FETCH", THIRD.id)) < ordered.index(("METRICS", None))
        assert ordered.index(("METRICS", None)) < ordered.index(("FETCH", SECOND.id))


NO_ANSWER = Problem(Part.CLASSIFICATION, ProblemCode.UNAVAILABLE, "the host failed (500)", Host.ERGAST)
NOTHING = Problem(Part.SESSION, ProblemCode.TIMED_OUT, "no answer", Host.LIVE_TIMING)


class TestFailedCorrections:
    """S6, S7: the result is fetched once more after thirty days; courts take their time."""

    AFTER_A_MONTH = SECOND.ends_at + timedelta(days=30)

    async def run(self, store: Store, sessions: RecordedSessions, now: datetime) -> list[Any]:
        outcomes = await run_due(
            store,
            sessions.source,
            RecordedEngine(),
            clock=MovingClock(now),
            worker_name="worker",
            sessions=fetches_of(sessions),
        )
        asked = (SECOND.id, SessionKind.RACE)
        return [one for one in outcomes if (one.work.race_id, one.work.session) == asked]

    async def known(self, store: Store, *, with_laps: bool) -> RecordedSessions:
        """The second race has a result, and laps or not."""
        source = a_recorded_source([FIRST, SECOND])
        learned_at = SECOND.ends_at + timedelta(hours=3)
        await take_in(store, source, now=learned_at)
        if with_laps:
            async with store.write() as write:
                await record_recordings(write, [a_recording(SECOND)], now=learned_at)
        return RecordedSessions(source)

    @pytest.mark.parametrize(("problem", "nothing_came"), [(NO_ANSWER, False), (NOTHING, True)])
    async def test_a_correction_that_could_not_be_fetched_is_asked_for_again_and_not_for_ever(
        self, store: Store, problem: Problem, nothing_came: bool
    ) -> None:
        sessions = await self.known(store, with_laps=True)
        sessions.problems[SessionKind.RACE] = [((problem,), nothing_came)] * 20
        now = self.AFTER_A_MONTH
        (first,) = await self.run(store, sessions, now)
        assert first.work.key == f"FETCH/{SECOND.id}/RACE/+43200min"
        assert first.detail["again"] == ["CLASSIFICATION"]
        for number, pause in enumerate(FETCH_AGAIN_AFTER, start=1):
            assert await self.run(store, sessions, now + pause - timedelta(seconds=1)) == []
            now += pause
            (again,) = await self.run(store, sessions, now)
            assert again.work.key == f"{first.work.key}/again-{number}"
        assert await self.run(store, sessions, now + timedelta(days=1)) == []

    async def test_a_repeated_fetch_brings_the_correction_and_is_the_last(self, store: Store) -> None:
        sessions = await self.known(store, with_laps=True)
        sessions.problems[SessionKind.RACE] = [((NOTHING,), True)]
        await self.run(store, sessions, self.AFTER_A_MONTH)
        again_at = self.AFTER_A_MONTH + FETCH_AGAIN_AFTER[0]
        (again,) = await self.run(store, sessions, again_at)
        assert (again.result, again.detail["again"]) == (Result.DONE, [])
        assert await self.run(store, sessions, again_at + timedelta(days=1)) == []

    async def test_a_fetch_that_failed_altogether_is_given_up_after_its_last_pause(
        self, store: Store
    ) -> None:
        sessions = await self.known(store, with_laps=False)
        sessions.problems[SessionKind.RACE] = [((NOTHING,), True)] * 20
        now = self.AFTER_A_MONTH
        for pause in (timedelta(0), *FETCH_PAUSES):
            assert await self.run(store, sessions, now + pause - timedelta(seconds=1)) == []
            now += pause
            (tried,) = await self.run(store, sessions, now)
            assert tried.result is Result.FAILED
        assert await self.run(store, sessions, now + timedelta(days=7)) == []
        async with store.read() as read:
            row = next(one for one in await last_work(read, limit=500) if one.key == tried.work.key)
        assert row.attempts == MOST_FETCH_ATTEMPTS

    def test_s7_a_repeated_correction_is_not_answered_by_the_cache_of_the_first_fetch(self) -> None:
        """S7: its pages are those of half an hour after the race."""
        key = f"FETCH/{SECOND.id}/RACE"
        missing = {"again": ["CLASSIFICATION"], "problems": [{"code": "UNAVAILABLE"}]}
        first = a_ledger_row(f"{key}/+30min", SECOND.ends_at + timedelta(minutes=30), race_id=SECOND.id)
        failed = a_ledger_row(f"{key}/+43200min", self.AFTER_A_MONTH, race_id=SECOND.id, detail=missing)
        again = [
            work
            for work in due(self.AFTER_A_MONTH + timedelta(minutes=5), {}, [first, failed])
            if work.key == f"{key}/+43200min/again-1"
        ]
        assert [work.use_cache for work in again] == [False]
