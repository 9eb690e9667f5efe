"""Fetching a whole race with FastF1 and storing it among all history, while somebody asks the database."""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import text

from f1graph.cli.app import THREAD_TURN
from f1graph.races.calendar import Race, SessionKind
from f1graph.sources.f1db import read_release
from f1graph.sources.fastf1 import Allowance, FastF1, Host, ScheduleAnswer, SessionAnswer
from f1graph.sources.identity import Known
from f1graph.store.engine import Store, open_store
from f1graph.store.migrate import migrate
from f1graph.weekends.intake import record
from f1graph.weekends.run import Result, do_unit
from f1graph.weekends.sessions import SessionFetches
from f1graph.weekends.units import Season
from f1graph.weekends.work import Work, WorkKind
from tests.benchmarks.measuring import console, in_a_process, peak_megabytes, release, show

DEADLINE = timedelta(minutes=1)
# The one as FastF1 keeps it in its cache, the other with every page of the archive.
RACES = {
    "Abu Dhabi 2024, race: timing from FastF1's cache": (
        "2024-abu-dhabi",
        SessionKind.RACE,
        "Abu_Dhabi_Grand_Prix",
    ),
    "Qatar 2025, sprint: every page of the archive": ("2025-qatar", SessionKind.SPRINT, ""),
}


def main() -> None:
    path = release()
    recordings = Path(__file__).resolve().parents[3] / "shared" / "upstream" / "replay.py"
    if path is None or not recordings.is_file():
        console.print("fetch: skipped, it needs an F1DB release and the recorded hosts beside the project")
        return
    with tempfile.TemporaryDirectory(prefix="bench") as folder:
        found = {
            name: in_a_process("tests.benchmarks.fetching", str(path), folder, *asked)
            for name, asked in RACES.items()
        }
    show(
        "One session fetched and stored among all history, at two calls a second to each host",
        ("", "laps", "seconds", "FastF1's peak MB", "our peak MB"),
        [
            (
                name,
                f"{one['laps']:,}",
                f"{one['seconds']:.1f}",
                f"{one['child']:.0f}",
                f"{one['megabytes']:.0f}",
            )
            for name, one in found.items()
        ],
    )
    show(
        "`SELECT 1` on the same event loop meanwhile, ms",
        ("", "asked", "median", "p99", "longest", "longest computing"),
        [
            (name, *(f"{one[what]:.1f}" if what != "asked" else f"{one[what]}" for what in _ANSWERS))
            for name, one in found.items()
        ],
    )


_ANSWERS = ("asked", "median", "p99", "longest", "turn")


class _Watched:
    """A source that remembers how much memory its child took."""

    name = "fastf1"

    def __init__(self, source: FastF1) -> None:
        self._source = source
        self.peak = 0

    async def fetch_schedule(self, season: int, *, allowance: Allowance, now: datetime) -> ScheduleAnswer:
        return await self._source.fetch_schedule(season, allowance=allowance, now=now)

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
        answer = await self._source.fetch_session(
            race, session, known=known, allowance=allowance, use_cache=use_cache, now=now
        )
        self.peak = max(self.peak, answer.peak_memory)
        return answer


async def _history(url: str, path: Path, race_id: str) -> tuple[Store, Race]:
    """All that F1DB knew before this race."""
    await migrate(url)
    store = open_store(url)
    facts = await asyncio.to_thread(read_release, path)
    race = next(race for race in facts.races if race.id == race_id)
    before = race.weekend_starts_at
    known = tuple(one for one in facts.classifications if one.known_at <= before)
    async with store.write() as write:
        await record(write, replace(facts, classifications=known, official_standings=()), now=before)
    return store, race


async def _answers(store: Store, taken: list[float]) -> None:
    while True:
        begun = time.perf_counter()
        async with store.read() as read:
            await read.value(text("SELECT 1"))
        taken.append(1000 * (time.perf_counter() - begun))
        await asyncio.sleep(0.005)


async def _turns(taken: list[float]) -> None:
    """Computing time of the event loop's thread between two of its turns."""
    last = time.thread_time()
    while True:
        await asyncio.sleep(0.001)
        now = time.thread_time()
        taken.append(1000 * (now - last))
        last = now


async def _measure(path: Path, folder: Path, race_id: str, kind: SessionKind, weekend: str) -> dict[str, Any]:
    from tests.sources.fastf1.recorded import hosts_at, unpack_weekend
    from tests.upstream import replayed_upstream

    store, race = await _history(f"sqlite:///{folder}/{race_id}.db", path, race_id)
    session = race.session(kind)
    assert session is not None
    now = session.ends_at + timedelta(minutes=30)
    cache = folder / f"cache-{race_id}"
    if weekend:
        unpack_weekend(weekend, cache)
    with replayed_upstream() as upstream:
        source = _Watched(FastF1(hosts=hosts_at(upstream.url), cache=cache, deadline=DEADLINE))
        limits: Mapping[Host, int] = dict.fromkeys(Host, 400)
        fetches = SessionFetches(source, limits, dict.fromkeys(Host, 2.0), DEADLINE)
        season = Season(store, _Nobody(), None, lambda: now, "benchmark", sessions=fetches)
        work = Work(
            WorkKind.FETCH, "FETCH/benchmark", "measured", race_id=race_id, session=kind, use_cache=True
        )
        answers: list[float] = []
        turns: list[float] = []
        watching = [asyncio.create_task(_answers(store, answers)), asyncio.create_task(_turns(turns))]
        begun = time.perf_counter()
        outcome = await do_unit(season, work)
        seconds = time.perf_counter() - begun
        for task in watching:
            task.cancel()
    if outcome.result is not Result.DONE:
        raise RuntimeError(outcome.error)
    async with store.read() as read:
        laps = await read.value(text("SELECT count(*) FROM laps"))
    await store.close()
    return {
        "laps": laps,
        "seconds": seconds,
        "child": source.peak / 1024**2,
        "asked": len(answers),
        "median": statistics.median(answers),
        "p99": statistics.quantiles(answers, n=100)[98],
        "longest": max(answers),
        "turn": max(turns),
    }


class _Nobody:
    """The other source, which is not asked."""

    name = "nobody"

    async def fetch(self, *, now: datetime) -> Any:
        raise NotImplementedError


if __name__ == "__main__":
    sys.setswitchinterval(THREAD_TURN.total_seconds())  # as the command line does
    release_path, work_folder, asked_race, asked_session, in_cache = sys.argv[1:]
    measured = asyncio.run(
        _measure(Path(release_path), Path(work_folder), asked_race, SessionKind(asked_session), in_cache)
    )
    print(json.dumps({**measured, "megabytes": peak_megabytes()}))
