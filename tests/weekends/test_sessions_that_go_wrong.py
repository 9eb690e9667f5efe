"""A session lived while its hosts fail, every page in every way: named, nothing wrong stored, repaired.

Of the timing archive the sessions are asked that were recorded as it serves them; FastF1's caches, which
would answer in its place, are empty.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from f1graph.races.calendar import SessionKind
from f1graph.sources.fastf1 import ProblemCode
from f1graph.store.engine import open_store
from f1graph.store.ledger import WorkStatus
from f1graph.store.tables.facts import classifications
from f1graph.store.tables.recordings import recordings
from f1graph.weekends.intake import take_in
from tests.databases import SqliteTemplates
from tests.sources.fastf1.recorded import race_of
from tests.upstream import Upstream, replayed_upstream
from tests.weekends.lived import HASTY, PATIENT, Lived, a_weekend, cached_weekend

pytestmark = pytest.mark.real_data

CODES = {
    "403": {ProblemCode.BLOCKED},
    "429": {ProblemCode.RATE_LIMITED},
    "500": {ProblemCode.UNAVAILABLE},
    "hang": {ProblemCode.TIMED_OUT},
    "reset": {ProblemCode.UNAVAILABLE},
    "truncate": {ProblemCode.TRUNCATED},
    "html": {ProblemCode.NOT_JSON},
    "empty": {ProblemCode.EMPTY},
    # An archive's page without a name on it is known by drivers nobody has entered, by its date, or by what
    # the other pages say.
    "wrong-race": {ProblemCode.WRONG_RACE, ProblemCode.UNKNOWN_ID, ProblemCode.CONTRADICTION},
    "next-of-kin": {ProblemCode.WRONG_RACE, ProblemCode.UNKNOWN_ID, ProblemCode.CONTRADICTION},
    "five-laps": {ProblemCode.INCOMPLETE, ProblemCode.CONTRADICTION},
}


@dataclass(frozen=True)
class Asked:
    """A session as it is asked for.

    Attributes:
        archive: Where the archive has its pages. Its result is not out yet: the release ends before.
        cached: The weekend's name in FastF1's cache, which then stands in for the archive.
    """

    race_id: str
    session: SessionKind
    archive: str = ""
    cached: str = ""


LIVE_SPRINT = Asked("2025-qatar", SessionKind.SPRINT, "2025-11-30_Qatar_Grand_Prix/2025-11-29_Sprint")
LIVE_QUALIFYING = Asked(
    "2025-emilia-romagna",
    SessionKind.QUALIFYING,
    "2025-05-18_Emilia_Romagna_Grand_Prix/2025-05-17_Qualifying",
)
LIVE_PRACTICE = Asked(
    "2025-austria", SessionKind.PRACTICE_3, "2025-06-29_Austrian_Grand_Prix/2025-06-28_Practice_3"
)
SPRINT, QUALIFYING, RACE = (
    Asked("2024-miami", session, cached="Miami_Grand_Prix")
    for session in (SessionKind.SPRINT, SessionKind.QUALIFYING, SessionKind.RACE)
)
PAGES = (
    "SessionInfo",
    "DriverList",
    "SessionStatus",
    "LapCount",
    "TrackStatus",
    "TimingData",
    "TimingAppData",
    "WeatherData",
    "RaceControlMessages",
)
OTHERS = ("wrong-race", "next-of-kin")


@dataclass(frozen=True)
class Wrong:
    """One page, wrong in one way, at the archive and at its mirror."""

    asked: Asked
    page: str
    kind: str

    @property
    def fault(self) -> str:
        race = race_of(self.asked.race_id)
        if self.asked.archive:
            return f"/static/{race.season}/{self.asked.archive}/{self.page}.:{self.kind}"
        return f"/ergast/f1/{race.season}/{race.round}/{self.page}.:{self.kind}"

    def __str__(self) -> str:
        return f"{self.page} {self.kind}"


def every_way() -> list[Wrong]:
    usual = [kind for kind in CODES if kind not in (*OTHERS, "five-laps")]
    of_ergast = ((SPRINT, "sprint"), (QUALIFYING, "qualifying"), (RACE, "results"))
    return [
        *(Wrong(asked, page, kind) for asked, page in of_ergast for kind in CODES if kind != "next-of-kin"),
        *(Wrong(LIVE_SPRINT, page, kind) for page in PAGES for kind in usual),
        *(Wrong(LIVE_SPRINT, page, kind) for page in PAGES for kind in OTHERS),
        *(
            Wrong(asked, page, "next-of-kin")
            for asked in (LIVE_QUALIFYING, LIVE_PRACTICE)
            for page in PAGES
            if page != "LapCount"
        ),
        *(Wrong(asked, "TimingData", "five-laps") for asked in (LIVE_SPRINT, LIVE_QUALIFYING, LIVE_PRACTICE)),
        Wrong(LIVE_QUALIFYING, "TimingData", "403"),
        *(Wrong(LIVE_PRACTICE, page, "truncate") for page in ("TimingData", "RaceControlMessages")),
    ]


IN_EVERY_RUN = (
    Wrong(SPRINT, "sprint", "wrong-race"),
    Wrong(SPRINT, "sprint", "five-laps"),
    Wrong(LIVE_PRACTICE, "TimingData", "five-laps"),
    Wrong(LIVE_PRACTICE, "WeatherData", "hang"),
    Wrong(SPRINT, "sprint", "reset"),
    Wrong(LIVE_PRACTICE, "TimingAppData", "next-of-kin"),
)
# By fact or part: what its content is known by, and what the store says it lacks.
Stored = dict[str, tuple[str, str | None]]


@dataclass(frozen=True)
class Sound:
    """What a session is when nothing goes wrong but what is not recorded."""

    facts: Stored
    problems: list[dict[str, Any]]


@dataclass
class Sessions:
    """Where one session can be lived again and again: databases from just before its end, and what it is
    without any fault.
    """

    folder: Path
    templates: SqliteTemplates
    unpacked: Path
    upstream: Upstream
    begun: dict[Asked, Path] = field(default_factory=dict)
    sound: dict[Asked, Sound] = field(default_factory=dict)

    @asynccontextmanager
    async def live(self, asked: Asked, folder: Path, *, hangs: bool) -> AsyncIterator[Lived]:
        """The session's end is half an hour ago, and what was due before is done."""
        if asked not in self.sound:
            await self._prepare(asked)
        shutil.copyfile(self.begun[asked], folder / "f1graph.db")
        url = f"sqlite:///{folder / 'f1graph.db'}"
        async with self._at_the_end(asked, url, folder, HASTY if hangs else PATIENT) as lived:
            yield lived

    async def _prepare(self, asked: Asked) -> None:
        folder = self.folder / f"{asked.race_id}-{asked.session}"
        folder.mkdir()
        url = await asyncio.to_thread(self.templates.copy, folder)
        self.upstream.goes_wrong()
        async with self._at_the_end(asked, url, folder) as lived:
            await take_in(lived.store, lived.source, now=lived.clock.now)
            lived.clock.move(timedelta(minutes=-1))
            await lived.run()
        self.begun[asked] = folder / "begun.db"
        shutil.copyfile(folder / "f1graph.db", self.begun[asked])
        async with self._at_the_end(asked, url, folder / "sound") as lived:
            await lived.run()
            (row,) = await lived.fetched()
            self.sound[asked] = Sound(await stored(lived), row.detail["problems"])

    @asynccontextmanager
    async def _at_the_end(
        self, asked: Asked, url: str, folder: Path, call_timeout: timedelta = PATIENT
    ) -> AsyncIterator[Lived]:
        cache = folder / "cache"
        if asked.cached:
            cached_weekend(self.unpacked, asked.cached, cache)
        store = open_store(url)
        try:
            async with a_weekend(
                asked.race_id,
                store,
                self.upstream,
                cache=cache,
                only=asked.session,
                call_timeout=call_timeout,
            ) as lived:
                session = lived.race.session(asked.session)
                assert session is not None
                lived.clock.now = session.ends_at + timedelta(minutes=30)
                yield lived
        finally:
            await store.close()


async def stored(lived: Lived) -> Stored:
    """The newest of what FastF1 told of the race."""
    c, r = classifications.c, recordings.c
    async with lived.store.read() as read:
        lists = await read.rows(
            select(c.kind, c.content_hash)
            .where(c.race_id == lived.race.id, c.source == "fastf1")
            .order_by(c.revision)
        )
        parts = await read.rows(
            select(r.part, r.content_hash, r.missing).where(r.race_id == lived.race.id).order_by(r.revision)
        )
    return {
        **{row.kind: (row.content_hash, None) for row in lists},
        **{row.part: (row.content_hash, row.missing) for row in parts},
    }


_PART_OF = {
    **{session.value: "CLASSIFICATION" for session in SessionKind},
    **dict.fromkeys(("GRID", "SPRINT_GRID"), "GRID"),
}


@pytest.fixture(scope="module")
def sessions(
    tmp_path_factory: pytest.TempPathFactory, sqlite_templates: SqliteTemplates, unpacked_weekends: Path
) -> Iterator[Sessions]:
    with replayed_upstream() as upstream:
        yield Sessions(tmp_path_factory.mktemp("lived"), sqlite_templates, unpacked_weekends, upstream)


async def it_is_named_and_repaired(wrong: Wrong, sessions: Sessions, folder: Path) -> None:
    async with sessions.live(wrong.asked, folder, hangs=wrong.kind == "hang") as lived:
        sound = sessions.sound[wrong.asked]
        sessions.upstream.goes_wrong(wrong.fault)
        await lived.run()
        assert wrong.kind in {outcome for outcome, _ in sessions.upstream.asked()}
        (row,) = await lived.fetched()
        news = [one for one in row.detail["problems"] if one not in sound.problems]
        assert {one["code"] for one in news} & CODES[wrong.kind], row.detail["problems"]

        first = await stored(lived)
        named = {one["part"] for one in news}
        # Which laps were taken away is unknown without the messages of race control.
        unknown = {"LAPS"} if "RACE_CONTROL" in named else set()
        differs = {name for name, one in first.items() if one != sound.facts[name] and one[1] is None}
        assert differs <= unknown
        assert await lived.wrong() == []
        if "SESSION" not in named:
            lost = {_PART_OF.get(name, name) for name in sound.facts if first.get(name) != sound.facts[name]}
            assert lost <= named | unknown

        sessions.upstream.goes_wrong()
        lived.clock.move(timedelta(minutes=5))
        await lived.run()
        again = await stored(lived)
        if wrong.asked.archive:
            assert again == sound.facts
        # Who had the fastest lap is not known where only the cache had the laps.
        assert set(again) == set(sound.facts)
        assert await lived.wrong() == []
        last = max(await lived.fetched(), key=lambda one: one.claimed_at)
        assert last.status is WorkStatus.DONE
        assert set(last.detail["again"]) == {one["part"] for one in sound.problems}
    assert lived.loop.never_held()


@pytest.mark.parametrize("wrong", IN_EVERY_RUN, ids=str)
async def test_a_page_that_goes_wrong_is_named_and_repaired_by_the_next_run(
    wrong: Wrong, sessions: Sessions, tmp_path: Path
) -> None:
    """S1, S4, S5, S7: nothing wrong is stored, and what is sound goes on."""
    await it_is_named_and_repaired(wrong, sessions, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("wrong", [one for one in every_way() if one not in IN_EVERY_RUN], ids=str)
async def test_every_page_in_every_way_is_named_and_repaired_by_the_next_run(
    wrong: Wrong, sessions: Sessions, tmp_path: Path
) -> None:
    """S1, S4, S5, S7: the whole table of pages and faults."""
    await it_is_named_and_repaired(wrong, sessions, tmp_path)
