"""A source that tells a made-up season as it becomes known, and an engine that forecasts without models."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from f1graph.errors import ForecastError, SourceUnavailableError, WorkError
from f1graph.races.calendar import Race, SessionKind
from f1graph.races.facts import Facts
from f1graph.races.forecast import EntryForecast, Forecast, MemberEntry, MemberView, Receipt, Score
from f1graph.races.measures import Measure, ModelMetric
from f1graph.races.past import History
from f1graph.races.results import Classification, ClassificationKind
from f1graph.races.stages import Stage
from f1graph.sources.fastf1 import (
    Allowance,
    Host,
    Problem,
    ScheduleAnswer,
    ScheduledRace,
    SessionAnswer,
)
from f1graph.sources.identity import Known
from f1graph.store.scores import StoredBins
from f1graph.weekends.engine import OnTraining
from f1graph.weekends.sessions import SessionFetches
from tests.builders import DRIVERS, a_history, a_weekend, team_of


@dataclass
class MovingClock:
    """Shows what it is set to."""

    now: datetime

    def __call__(self) -> datetime:
        return self.now

    def move(self, duration: timedelta) -> None:
        self.now += duration


@dataclass
class RecordedSource:
    """Tells at each moment what was known then.

    Attributes:
        races: May be replaced, as a calendar is.
        facts: The same.
        fails: How many of the next fetches fail.
        fetched_at: When it was asked.
    """

    races: tuple[Race, ...]
    facts: list[Classification]
    fails: int = 0
    fetched_at: list[datetime] = field(default_factory=list)
    name: str = "recorded"

    async def fetch(self, *, now: datetime) -> Facts:
        self.fetched_at.append(now)
        if self.fails:
            self.fails -= 1
            raise SourceUnavailableError("the timing host answered 403")
        known = tuple(fact for fact in self.facts if fact.known_at <= now)
        history: History = a_history(self.races, known, drivers=DRIVERS)
        says = "".join(f"{race}" for race in self.races) + "".join(fact.content_hash for fact in known)
        return Facts(
            source=self.name,
            version=f"{now:%Y-%m-%d %H:%M}",
            content_hash=hashlib.sha256(says.encode()).hexdigest(),
            circuits=tuple(history.circuits.values()),
            drivers=tuple(history.drivers.values()),
            constructors=tuple(history.constructors.values()),
            races=self.races,
            classifications=known,
        )


def a_recorded_source(races: Sequence[Race]) -> RecordedSource:
    return RecordedSource(tuple(races), [fact for race in races for fact in a_weekend(race)])


@dataclass
class RecordedSessions:
    """Tells one session at a time what a recorded source knows of it.

    Attributes:
        problems: Of the next fetches of a session: what goes wrong, and whether anything comes at all.
        asked: What was asked when, and whether caches might be used.
        calls: How many calls of its allowance each fetch makes.
        now_asked, most_at_once: How many fetches go on at the same time.
    """

    source: RecordedSource
    schedule: tuple[ScheduledRace, ...] = ()
    problems: dict[SessionKind, list[tuple[tuple[Problem, ...], bool]]] = field(default_factory=dict)
    asked: list[tuple[str, SessionKind, datetime, bool]] = field(default_factory=list)
    schedules_asked: list[datetime] = field(default_factory=list)
    known: list[Known] = field(default_factory=list)
    calls: int = 1
    now_asked: int = 0
    most_at_once: int = 0
    name: str = "fastf1"

    async def fetch_schedule(self, season: int, *, allowance: Allowance, now: datetime) -> ScheduleAnswer:
        self.schedules_asked.append(now)
        return ScheduleAnswer(season, self.schedule, calls={Host.SCHEDULE: 1})

    async def fetch_session(
        self,
        race: Race,
        session: SessionKind,
        *,
        known: Known,
        allowance: Allowance,
        use_cache: bool,
        now: datetime,
    ) -> SessionAnswer:
        self.asked.append((race.id, session, now, use_cache))
        self.known.append(known)
        self.now_asked += 1
        self.most_at_once = max(self.most_at_once, self.now_asked)
        await asyncio.sleep(0)
        self.now_asked -= 1
        waiting = self.problems.get(session, [])
        problems, is_empty = waiting.pop(0) if waiting else ((), False)
        kinds = _TOLD_WITH.get(session, ()) if not is_empty else ()
        told = tuple(
            replace(fact, source=self.name)
            for fact in self.source.facts
            if fact.race_id == race.id
            and (fact.kind in kinds or fact.kind == session.value)
            and fact.known_at <= now
            and not is_empty
        )
        says = f"{race.id}{session}" + "".join(fact.content_hash for fact in told)
        facts = Facts(
            source=self.name,
            version="3.9.0",
            content_hash=hashlib.sha256(says.encode()).hexdigest(),
            circuits=(),
            drivers=(),
            constructors=(),
            races=(),
            classifications=told,
        )
        return SessionAnswer(facts, problems, {Host.LIVE_TIMING: self.calls}, {"page": "hash"})


# What a session's fetch tells beside its own order.
_TOLD_WITH = {
    SessionKind.PRACTICE_1: (ClassificationKind.ENTRY_LIST,),
    SessionKind.QUALIFYING: (ClassificationKind.GRID,),
}


def fetches_of(sessions: RecordedSessions, *, per_hour: int = 400) -> SessionFetches:
    return SessionFetches(
        sessions,
        calls_per_hour=dict.fromkeys(Host, per_hour),
        calls_per_second=dict.fromkeys(Host, 2.0),
        deadline=timedelta(minutes=3),
    )


@dataclass
class RecordedTrainer:
    """Says that it has trained, and remembers what it was asked.

    Attributes:
        waits_for: Training goes on when it is set.
        begun: Set when a training was begun.
        refuses: Why it cannot train, if it cannot.
    """

    model: str = "ultra"
    waits_for: asyncio.Event | None = None
    begun: asyncio.Event = field(default_factory=asyncio.Event)
    refuses: str | None = None
    asked: list[tuple[str, Stage]] = field(default_factory=list)

    async def train(self, model: str, stage: Stage, *, on_progress: OnTraining) -> dict[str, Any]:
        self.asked.append((model, stage))
        await on_progress({"estimator": "tft", "number": 3, "expected": 10})
        self.begun.set()
        if self.waits_for is not None:
            await self.waits_for.wait()
        if self.refuses is not None:
            raise WorkError(self.refuses)
        return {"bundle": f"{model}-{stage.lower()}"}


@dataclass
class RecordedEngine:
    """Says that everybody is as likely as everybody else, and remembers what it was asked.

    Attributes:
        refuses: Races it cannot forecast.
        waits_for: Forecasting goes on when it is set.
        begun: Set when a forecast was begun.
        takes: Moves this clock on by so much per forecast.
    """

    model: str = "rating"
    models: Sequence[str] = ("rating",)
    bundle: str | None = None
    refuses: set[str] = field(default_factory=set)
    waits_for: asyncio.Event | None = None
    begun: asyncio.Event = field(default_factory=asyncio.Event)
    takes: tuple[MovingClock, timedelta] | None = None
    asked: list[tuple[str, Stage, datetime, str | None]] = field(default_factory=list)

    async def forecast(
        self, race_id: str, stage: Stage, *, cutoff: datetime, cause: str | None, now: datetime
    ) -> list[tuple[Forecast, bool]]:
        self.asked.append((race_id, stage, cutoff, cause))
        self.begun.set()
        if self.waits_for is not None:
            await self.waits_for.wait()
        if self.takes is not None:
            clock, duration = self.takes
            clock.move(duration)
        if race_id in self.refuses:
            raise ForecastError(f"Nobody is known to be entered for {race_id}.")
        return [
            (a_forecast(race_id, stage, cutoff, model=model, cause=cause, made_at=now, bundle=bundle), served)
            for model, bundle, served in ((self.model, self.bundle, True), ("uniform", None, False))
        ]

    async def score(self, forecast_ids: Sequence[str], *, race_id: str, revision: int) -> list[Score]:
        return [Score(one, revision, Measure.WINNER_BRIER, 0.5) for one in forecast_ids]

    async def metrics(self, *, invented: bool, as_of: datetime) -> tuple[list[ModelMetric], list[StoredBins]]:
        metric = ModelMetric(
            self.model, Stage.BEFORE_WEEKEND, 2024, 2024, Measure.WINNER_BRIER, 1, 0, 0.5, None, None
        )
        return [metric], []


def a_forecast(
    race_id: str,
    stage: Stage,
    cutoff: datetime,
    *,
    model: str = "rating",
    cause: str | None = None,
    made_at: datetime | None = None,
    bundle: str | None = None,
) -> Forecast:
    chance = 1 / len(DRIVERS)
    entries = tuple(
        EntryForecast(
            driver_id=driver,
            constructor_id=team_of(driver),
            grid=None,
            win=chance,
            podium=3 * chance,
            points=1.0,
            retirement=0.1,
            expected_position=4,
            interval80_low=1,
            interval80_high=8,
            position_probabilities=(chance,) * len(DRIVERS),
            entropy_bits=3.0,
        )
        for driver in DRIVERS
    )
    view = MemberView(
        model, "1", tuple(MemberEntry(e.driver_id, e.win, e.podium, e.points, 0.1, 4) for e in entries)
    )
    says = f"{race_id} {stage} {model} {cutoff} {bundle}"
    return Forecast(
        id=hashlib.sha256(says.encode()).hexdigest(),
        race_id=race_id,
        stage=stage,
        cutoff=cutoff,
        made_at=made_at or cutoff,
        model=model,
        model_version="1",
        invented=False,
        retrospective=False,
        missing_inputs=(),
        entries=entries,
        members=(view,),
        draws=b"draws",
        consensus=None,
        receipt=Receipt("inputs", bundle, "0", (), 1, 1, "made up"),
        cause=cause,
    )
