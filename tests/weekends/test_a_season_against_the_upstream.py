"""Weekends of 2024 lived through from Thursday to thirty days later, against the recorded upstream.

F1DB knows what was published before the weekend, and the rest two days after the race; everything between
comes from FastF1, in child processes of its own, over HTTP from this machine.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from f1graph.races.calendar import Race
from f1graph.races.facts import Facts
from f1graph.races.forecast import Forecast
from f1graph.races.results import Classification, ClassificationKind
from f1graph.races.stages import Stage
from f1graph.sources.fastf1 import FastF1, Host
from f1graph.store.engine import Store, open_store, ping
from f1graph.store.ledger import LedgerRow, WorkStatus, last_work
from f1graph.store.recordings import recordings_known
from f1graph.store.results import classifications_known, revisions_known
from f1graph.store.tables import forecasts
from f1graph.store.two_sources import fields_had
from f1graph.weekends.intake import take_in
from f1graph.weekends.run import Outcome, run_due
from f1graph.weekends.sessions import SessionFetches
from tests.real_data import f1db_facts
from tests.sources.fastf1.recorded import hosts_at, race_of, replayed_upstream, unpack_weekend
from tests.weekends.recorded import MovingClock, RecordedEngine, a_forecast

pytestmark = [pytest.mark.real_data, pytest.mark.slow]

_RELEASED_AFTER = timedelta(days=2)


@cache
def _recent() -> Facts:
    """The release from 2023 on: earlier seasons only take time."""
    facts = f1db_facts()
    races = tuple(race for race in facts.races if race.season in (2023, 2024))
    ids = {race.id for race in races}
    return replace(
        facts,
        races=races,
        classifications=tuple(one for one in facts.classifications if one.race_id in ids),
        official_standings=(),
    )


@dataclass
class CutRelease:
    """F1DB before the weekend, and its next release two days after the race."""

    race: Race
    name: str = "f1db"

    async def fetch(self, *, now: datetime) -> Facts:
        released_at = self.race.ends_at + _RELEASED_AFTER
        until = released_at if now >= released_at else self.race.weekend_starts_at - timedelta(days=1)
        facts = _recent()
        # Of the other weekends nothing is to be fetched here.
        races = tuple(
            one
            if one.id == self.race.id
            else replace(one, sessions=tuple(replace(s, is_nominal=True) for s in one.sessions))
            for one in facts.races
        )
        known = tuple(one for one in facts.classifications if one.known_at <= until)
        return replace(
            facts,
            races=races,
            classifications=known,
            content_hash=f"{facts.content_hash}/{len(known)}",
            version=f"{until:%Y.%m.%d}",
        )


@dataclass
class EngineOfRealNames(RecordedEngine):
    """As likely as everybody else, for those who are really entered."""

    entered: dict[str, Classification] = field(default_factory=dict)

    async def forecast(
        self, race_id: str, stage: Stage, *, cutoff: datetime, cause: str | None, now: datetime
    ) -> list[tuple[Forecast, bool]]:
        self.asked.append((race_id, stage, cutoff, cause))
        made = a_forecast(race_id, stage, cutoff, cause=cause, made_at=now)
        entries = self.entered[race_id].entries()
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
class Lived:
    """A weekend as it is lived.

    Attributes:
        slowest: The longest that the event loop and the database took to answer while it went on.
    """

    store: Store
    race: Race
    clock: MovingClock
    engine: EngineOfRealNames
    upstream: Any
    fetches: SessionFetches
    outcomes: list[Outcome] = field(default_factory=list)
    slowest: list[float] = field(default_factory=list)

    async def run(self) -> None:
        self.outcomes += await run_due(
            self.store,
            CutRelease(self.race),
            self.engine,
            clock=self.clock,
            worker_name="worker",
            sessions=self.fetches,
        )

    async def live(self, *, until: datetime, step: timedelta) -> None:
        while self.clock.now < until:
            self.clock.now = min(self.clock.now + step, until)
            await self.run()

    async def live_to_the_end(self) -> None:
        """Step by step until Monday, then at the moments at which something is due."""
        await self.live(until=self.race.ends_at + timedelta(hours=13), step=timedelta(minutes=30))
        for days in (2, 3, 30):
            self.clock.now = self.race.ends_at + timedelta(days=days, hours=1)
            await self.run()
            self.clock.move(timedelta(minutes=5))
            await self.run()

    async def ledger(self) -> list[LedgerRow]:
        async with self.store.read() as read:
            return await last_work(read, limit=1000)

    async def fetched(self) -> list[LedgerRow]:
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


@asynccontextmanager
async def a_weekend(
    race_id: str, weekend: str, folder: Path, url: str, faults: Sequence[str] = ()
) -> AsyncIterator[Lived]:
    race = race_of(race_id)
    clock = MovingClock(race.weekend_starts_at - timedelta(hours=20))
    engine = EngineOfRealNames(
        entered={
            one.race_id: one
            for one in _recent().classifications
            if one.kind is ClassificationKind.ENTRY_LIST and one.race_id.startswith("2024")
        }
    )
    store = open_store(url)
    with replayed_upstream(faults) as upstream:
        fetches = SessionFetches(
            FastF1(
                hosts=hosts_at(upstream.url),
                cache=unpack_weekend(weekend, folder / "cache"),
                deadline=timedelta(seconds=60),
                call_timeout=timedelta(seconds=2),
            ),
            calls_per_hour=dict.fromkeys(Host, 400),
            calls_per_second=dict.fromkeys(Host, 1000.0),
            deadline=timedelta(seconds=60),
        )
        lived = Lived(store, race, clock, engine, upstream, fetches)
        try:
            await take_in(store, CutRelease(race), now=clock.now)
            watching = asyncio.create_task(_watch(store, lived.slowest))
            yield lived
            watching.cancel()
        finally:
            await store.close()


async def _watch(store: Store, took: list[float]) -> None:
    """Asks the database all the time, as a reader does."""
    while True:
        begun = time.perf_counter()
        async with store.read() as read:
            await ping(read)
        took.append(time.perf_counter() - begun)
        await asyncio.sleep(0.005)


def the_same(known: Classification, published: Classification) -> bool:
    """Equal in every field that both have; FastF1 does not know the engines of guests."""
    names = fields_had(known.rows) & fields_had(published.rows) | {"driver_id", "constructor_id", "status"}
    names -= {"engine_id"}

    def said(one: Classification) -> list[list[Any]]:
        return [[getattr(row, name) for name in sorted(names)] for row in one.rows]

    return said(known) == said(published)


def published(race: Race) -> dict[ClassificationKind, Classification]:
    return {one.kind: one for one in _recent().classifications if one.race_id == race.id}


def stages_of(race: Race) -> list[str]:
    return [stage for stage in Stage if race.has_sprint or stage is not Stage.AFTER_SPRINT]


def first_of_each(served: Sequence[tuple[str, str | None]]) -> list[str]:
    return list(dict.fromkeys(stage for stage, _ in served))


async def check_the_transcript(lived: Lived) -> None:
    """What holds of every weekend, whatever went wrong on the way."""
    race, known = lived.race, await lived.known()
    served = await lived.served()
    assert first_of_each(served) == stages_of(race)
    again = [
        (stage, cause) for at, (stage, cause) in enumerate(served) if stage in [s for s, _ in served[:at]]
    ]
    assert all(cause for _, cause in again)
    assert set(known) == set(lived.kinds())
    assert [kind for kind, one in known.items() if one.rows != published(race)[kind].rows] == []
    async with lived.store.read() as read:
        at_once = await revisions_known(read, [race.id], race.ends_at + timedelta(hours=3))
        recorded = await recordings_known(read, [race.id], lived.clock.now)
    # asOf: an hour after the race FastF1's word was all there was.
    assert {one.source for one in at_once[race.id] if one.kind is ClassificationKind.RACE} == {"fastf1"}
    assert all(heads and heads[-1].missing is None for heads in recorded.values())
    latest = sorted(lived.slowest)
    # Others use the machine too: a hundredth of the answers may have waited for it.
    assert latest[int(0.99 * len(latest))] < 0.05, latest[-5:]


CALM = [("2024-miami", "Miami_Grand_Prix"), ("2024-abu-dhabi", "Abu_Dhabi_Grand_Prix")]


@pytest.mark.parametrize(
    ("race_id", "weekend"),
    [CALM[0], pytest.param(*CALM[1], marks=pytest.mark.slow)],
    ids=["sprint", "conventional"],
)
async def test_a_weekend_is_lived_and_ends_with_the_facts_of_the_release(
    race_id: str, weekend: str, tmp_path: Path, migrated_sqlite: str
) -> None:
    """S1-S9: every stage is forecast once, every session fetched at its times, nothing twice."""
    async with a_weekend(race_id, weekend, tmp_path, migrated_sqlite) as lived:
        await lived.live(until=lived.race.ends_at + timedelta(hours=13), step=timedelta(minutes=30))
        monday = await lived.known()
        wrong = [kind for kind, one in monday.items() if not the_same(one, published(lived.race)[kind])]
        assert wrong == []
        await lived.live_to_the_end()
        await check_the_transcript(lived)
        rows = await lived.fetched()
        assert {row.status for row in rows} == {WorkStatus.DONE}
        assert {row.attempts for row in rows} == {1}
        for session in lived.race.sessions:
            keys = {row.key.rsplit("/", 1)[1] for row in rows if f"/{session.kind}/" in row.key}
            assert keys >= {"+30min", "+120min", "+720min", "+4320min", "+43200min"}
        assert len(await lived.served()) == len(stages_of(lived.race))


def faults_of(race: Race, kind: str) -> list[str]:
    """Each page goes wrong the first time it is asked for."""
    pages = ("results", "qualifying", "sprint")
    return ["/schedule/:500*1", *(f"/ergast/f1/{race.season}/{race.round}/{page}:{kind}*1" for page in pages)]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["403", "429", "500", "hang", "reset", "truncate", "html", "empty"])
async def test_s4_whatever_goes_wrong_is_named_and_nothing_wrong_is_stored(
    kind: str, tmp_path: Path, migrated_sqlite: str
) -> None:
    race = race_of("2024-miami")
    async with a_weekend(
        race.id, "Miami_Grand_Prix", tmp_path, migrated_sqlite, faults_of(race, kind)
    ) as lived:
        await lived.live(until=race.ends_at + timedelta(hours=13), step=timedelta(minutes=30))
        monday = await lived.known()
        wrong = [one for one, stored in monday.items() if not the_same(stored, published(race)[one])]
        assert wrong == []
        rows = await lived.ledger()
        problems = [problem for row in rows for problem in row.detail.get("problems", [])]
        errors = [row.error for row in rows if row.error]
        assert problems or errors
        await lived.live_to_the_end()
        await check_the_transcript(lived)
