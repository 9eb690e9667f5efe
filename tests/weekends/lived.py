"""A recorded weekend as it is lived: a clock that moves, the recorded hosts, and a release that comes later.

F1DB knows what was published before the weekend, and the rest two days after the race; everything between
comes from FastF1, in child processes of its own, over HTTP from this machine.
"""

from __future__ import annotations

import asyncio
import gc
import shutil
import threading
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import select

from f1graph.races.calendar import Race, SessionKind
from f1graph.races.facts import Facts
from f1graph.races.forecast import Forecast
from f1graph.races.results import Classification, ClassificationKind
from f1graph.races.stages import Stage
from f1graph.sources.fastf1 import FastF1, Host
from f1graph.sources.source import Source
from f1graph.store.engine import Store
from f1graph.store.ledger import LedgerRow, last_work
from f1graph.store.results import classifications_known
from f1graph.store.tables.forecasts import forecasts
from f1graph.store.two_sources import fields_had
from f1graph.weekends.engine import ForecastEngine
from f1graph.weekends.run import Outcome, run_due
from f1graph.weekends.sessions import SessionFetches
from tests.real_data import f1db_facts
from tests.sources.fastf1.recorded import hosts_at, race_of
from tests.store.records import ping
from tests.upstream import Upstream
from tests.weekends.recorded import MovingClock, RecordedEngine, a_forecast

RELEASED_AFTER = timedelta(days=2)
_HALF_AN_HOUR = timedelta(minutes=30)
# How long one call may take: a host on a busy machine, and one that is known to hang.
PATIENT, HASTY = timedelta(seconds=30), timedelta(seconds=2)


@cache
def recent(season: int) -> Facts:
    """The release's last two seasons up to this one: earlier ones only take time."""
    facts = f1db_facts()
    races = tuple(race for race in facts.races if race.season in (season - 1, season))
    ids = {race.id for race in races}
    # No worker holds a release while it works. The collector would look through it again and again, a fifth
    # of a second each time.
    gc.collect()
    gc.freeze()
    return replace(
        facts,
        races=races,
        classifications=tuple(one for one in facts.classifications if one.race_id in ids),
        official_standings=(),
    )


def published(race: Race) -> dict[ClassificationKind, Classification]:
    return {one.kind: one for one in recent(race.season).classifications if one.race_id == race.id}


@dataclass
class CutRelease:
    """F1DB before the weekend, and its next release two days after the race.

    Attributes:
        only: The one session that is to be fetched; None for all of the weekend.
    """

    race: Race
    only: SessionKind | None = None
    name: str = "f1db"

    def __post_init__(self) -> None:
        before = self.race.weekend_starts_at - timedelta(days=1)
        self._releases = [self._until(moment) for moment in (before, self._released_at)]

    @property
    def _released_at(self) -> datetime:
        return self.race.ends_at + RELEASED_AFTER

    async def fetch(self, *, now: datetime) -> Facts:
        return self._releases[now >= self._released_at]

    def _until(self, until: datetime) -> Facts:
        facts = recent(self.race.season)
        races = tuple(self._to_fetch(one) for one in facts.races if one.starts_at <= self.race.starts_at)
        ids = {race.id for race in races}
        known = tuple(one for one in facts.classifications if one.known_at <= until and one.race_id in ids)
        return replace(
            facts,
            races=races,
            classifications=known,
            content_hash=f"{facts.content_hash}/{len(known)}",
            version=f"{until:%Y.%m.%d}",
        )

    def _to_fetch(self, race: Race) -> Race:
        """Of the other weekends nothing: nobody knows when their sessions were."""
        return replace(
            race,
            sessions=tuple(
                session
                if race.id == self.race.id and self.only in (None, session.kind)
                else replace(session, is_nominal=True)
                for session in race.sessions
            ),
        )


@dataclass
class EngineOfRealNames(RecordedEngine):
    """As likely as everybody else, for those who are really entered.

    Attributes:
        entry_lists: Of every race that may be forecast.
    """

    entry_lists: Sequence[Classification] = ()

    async def forecast(
        self, race_id: str, stage: Stage, *, cutoff: datetime, cause: str | None, now: datetime
    ) -> list[tuple[Forecast, bool]]:
        self.asked.append((race_id, stage, cutoff, cause))
        made = a_forecast(race_id, stage, cutoff, cause=cause, made_at=now)
        entries = next(one.entries() for one in self.entry_lists if one.race_id == race_id)
        chance = 1 / len(entries)
        lines = tuple(
            replace(
                made.entries[0],
                driver_id=entry.driver_id,
                constructor_id=entry.constructor_id,
                win=chance,
                podium=3 * chance,
                points=10 * chance,
                position_probabilities=(chance,) * len(entries),
            )
            for entry in entries
        )
        return [(replace(made, entries=lines, members=()), True)]


@dataclass
class Loop:
    """What the event loop did before it answered a reader of the database, in seconds.

    Attributes:
        worked: What the loop's own thread computed between the question and the answer. What the garbage
            collector did is left out: it goes through all that the tests hold, which no worker does.
    """

    worked: list[float] = field(default_factory=list)
    is_over: bool = False

    def never_held(self) -> bool:
        """Whether no answer had to wait for a computation.

        An answer is due within 50 ms, which the benchmark measures. A processor that others use as well
        computes more slowly, but not five times: what takes longer is on the wrong thread.
        """
        return max(self.worked) < 5 * 0.05


@dataclass
class Lived:
    """A weekend as it is lived."""

    store: Store
    race: Race
    clock: MovingClock
    engine: ForecastEngine
    source: Source
    fetches: SessionFetches
    outcomes: list[Outcome] = field(default_factory=list)
    loop: Loop = field(default_factory=Loop)
    watching: asyncio.Task[None] | None = None

    async def run(self) -> list[Outcome]:
        """What is due is done, watched: the event loop is asked all the time."""
        if self.watching is None:
            self.watching = asyncio.create_task(_watch(self.store, self.loop))
        done = await run_due(
            self.store,
            self.source,
            self.engine,
            clock=self.clock,
            worker_name="worker",
            sessions=self.fetches,
        )
        self.outcomes += done
        return done

    async def live_until(self, moment: datetime) -> None:
        """In half hours while a session is near, else in longer steps: a missed tick costs nothing."""
        while self.clock.now < moment:
            near = any(
                session.starts_at - timedelta(hours=1)
                <= self.clock.now
                < session.ends_at + timedelta(hours=2)
                for session in self.race.sessions
            )
            self.clock.now = min(self.clock.now + (1 if near else 4) * _HALF_AN_HOUR, moment)
            await self.run()

    async def live_until_monday(self) -> None:
        await self.live_until(self.race.ends_at + timedelta(hours=13))

    async def live_to_the_end(self) -> None:
        """The moments at which something is due after Monday, each with a second look."""
        await self.live_until_monday()
        for days in (2, 3, 30):
            self.clock.now = self.race.ends_at + timedelta(days=days, hours=1)
            await self.run()
            self.clock.move(timedelta(minutes=5))
            await self.run()

    async def ledger(self) -> list[LedgerRow]:
        async with self.store.read() as read:
            return await last_work(read, limit=1000)

    async def fetched(self) -> list[LedgerRow]:
        """What the ledger says of the race's sessions."""
        return [row for row in await self.ledger() if row.race_id == self.race.id and "session" in row.detail]

    async def served(self) -> list[tuple[str, str | None]]:
        async with self.store.read() as read:
            found = await read.rows(
                select(forecasts)
                .where(forecasts.c.race_id == self.race.id, forecasts.c.is_served.is_(True))
                .order_by(forecasts.c.sequence)
            )
        return [(row.stage, row.cause) for row in found]

    def kinds(self) -> list[ClassificationKind]:
        grids = [ClassificationKind.GRID, *([ClassificationKind.SPRINT_GRID] if self.race.has_sprint else [])]
        return [*(ClassificationKind(session.kind.value) for session in self.race.sessions), *grids]

    async def known(self) -> dict[ClassificationKind, Classification]:
        async with self.store.read() as read:
            found = await classifications_known(read, [self.race.id], self.kinds(), self.clock.now)
        return {kind: one for (_, kind), one in found.items()}

    async def wrong(self) -> list[ClassificationKind]:
        """The orders that are stored and are not as published, where the release has them."""
        truth = published(self.race)
        return [
            kind
            for kind, one in (await self.known()).items()
            if kind in truth and not the_same(one, truth[kind])
        ]


@asynccontextmanager
async def a_weekend(
    race_id: str,
    store: Store,
    upstream: Upstream,
    *,
    cache: Path | None,
    only: SessionKind | None = None,
    engine: ForecastEngine | None = None,
    call_timeout: timedelta = PATIENT,
) -> AsyncIterator[Lived]:
    """A recorded weekend, from the day before its first session."""
    race = race_of(race_id)
    lists = [one for one in recent(race.season).classifications if one.kind is ClassificationKind.ENTRY_LIST]
    engine = engine or EngineOfRealNames(entry_lists=lists)
    source = FastF1(
        hosts=hosts_at(upstream.url), cache=cache, deadline=timedelta(seconds=60), call_timeout=call_timeout
    )
    async with lived(race, store, CutRelease(race, only), engine, source) as weekend:
        yield weekend


@asynccontextmanager
async def lived(
    race: Race, store: Store, release: Source, engine: ForecastEngine, fastf1: FastF1
) -> AsyncIterator[Lived]:
    fetches = SessionFetches(
        fastf1,
        calls_per_hour=dict.fromkeys(Host, 400),
        calls_per_second=dict.fromkeys(Host, 1000.0),
        deadline=timedelta(seconds=60),
    )
    clock = MovingClock(race.weekend_starts_at - timedelta(hours=20))
    weekend = Lived(store, race, clock, engine, release, fetches)
    try:
        yield weekend
    finally:
        weekend.loop.is_over = True
        if weekend.watching is not None:
            await weekend.watching


async def _watch(store: Store, loop: Loop) -> None:
    """Asks the database all the time, as a reader does."""
    with _Collector() as collector:
        while not loop.is_over:
            begun = time.thread_time() - collector.took
            async with store.read() as read:
                await ping(read)
            loop.worked.append(time.thread_time() - collector.took - begun)
            await asyncio.sleep(0.01)


class _Collector:
    """How long the garbage collector took on this thread."""

    def __init__(self) -> None:
        self.took = 0.0
        self._thread = threading.get_ident()
        self._begun = 0.0

    def __enter__(self) -> _Collector:
        gc.callbacks.append(self._note)
        return self

    def __exit__(self, *_: object) -> None:
        gc.callbacks.remove(self._note)

    def _note(self, phase: str, _info: dict[str, int]) -> None:
        if threading.get_ident() != self._thread:
            return
        if phase == "start":
            self._begun = time.thread_time()
        else:
            self.took += time.thread_time() - self._begun


def cached_weekend(unpacked: Path, weekend: str, folder: Path) -> Path:
    """A copy of FastF1's own cache of one weekend, to be used and spoilt."""
    for one in unpacked.glob(f"*/*{weekend}"):
        shutil.copytree(one, folder / one.relative_to(unpacked))
    return folder


def the_same(known: Classification, truth: Classification) -> bool:
    """Equal in every field that both have; FastF1 does not know the engines of guests."""
    names = fields_had(known.rows) & fields_had(truth.rows) | {"driver_id", "constructor_id", "status"}
    names -= {"engine_id"}

    def said(one: Classification) -> list[list[Any]]:
        return [[getattr(row, name) for name in sorted(names)] for row in one.rows]

    return said(known) == said(truth)


def stages_of(race: Race) -> list[str]:
    return [stage for stage in Stage if race.has_sprint or stage is not Stage.AFTER_SPRINT]


def first_of_each(served: Sequence[tuple[str, str | None]]) -> list[str]:
    return list(dict.fromkeys(stage for stage, _ in served))
