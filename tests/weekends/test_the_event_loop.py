"""The event loop keeps its turn while a race comes in: whoever asks the database is answered at once."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from datetime import UTC, datetime

from sqlalchemy import insert

from f1graph.races.calendar import SessionKind
from f1graph.races.entries import Driver
from f1graph.races.results import ClassificationKind
from f1graph.sources.fastf1 import reading
from f1graph.sources.identity import Known
from f1graph.store.engine import Store
from f1graph.store.tables import classifications
from f1graph.weekends.intake import record
from f1graph.weekends.schedule import as_facts
from tests.builders import a_history, a_race
from tests.sources.fastf1.hand_made import DRIVERS, KNOWN, NOW, RACE, TEAMS, an_answer
from tests.store.records import facts_of

KINDS = tuple(ClassificationKind)


class Turns:
    """How long the event loop was kept from its next turn, in computing time of its thread.

    Whatever else the machine does in the meantime is not counted.
    """

    def __init__(self) -> None:
        self.longest = 0.0

    async def watch(self) -> None:
        last = time.thread_time()
        while True:
            await asyncio.sleep(0)
            now = time.thread_time()
            self.longest, last = max(self.longest, now - last), now


async def _every_race_since_1950(store: Store) -> None:
    """The calendar, and the heads of nine thousand lists: what a store holds that knows all history."""
    of_history = [a_race(season, number) for season in range(1950, 2025) for number in range(1, 17)]
    races = [*of_history, replace(RACE, circuit_id="monza")]
    moment = datetime(1950, 1, 1, tzinfo=UTC)
    async with store.write() as write:
        history = facts_of(a_history(races, []), version="history")
        await record(write, replace(history, drivers=DRIVERS, constructors=TEAMS), now=moment)
        heads = [
            {
                "id": number,
                "race_id": race.id,
                "kind": kind,
                "revision": 1,
                "known_at": race.ends_at,
                "known_at_basis": "SESSION_END",
                "recorded_at": moment,
                "source": "f1db",
                "source_version": "1",
                "content_hash": f"{number:064}",
                "invented": False,
            }
            for number, (race, kind) in enumerate(
                ((race, kind) for race in of_history for kind in KINDS[:8]), 1
            )
        ]
        await write.execute(insert(classifications), heads)


async def test_a_race_is_stored_among_all_history_without_holding_the_event_loop(store: Store) -> None:
    """S3: a `SELECT 1` is answered within 50 ms: no turn of the event loop computes for longer."""
    await _every_race_since_1950(store)
    answer = reading.read_session(an_answer(), RACE, SessionKind.RACE, known=KNOWN, now=NOW)
    turns = Turns()
    watching = asyncio.create_task(turns.watch())
    async with store.write() as write:
        recorded = await record(write, answer.facts, now=NOW)
    async with store.write() as write:
        moved = replace(RACE, circuit_id="monza", round=4)
        assert (await record(write, as_facts([moved], source="fastf1", now=NOW), now=NOW)).races == 1
    watching.cancel()
    assert recorded.first_revisions == 2
    assert len(recorded.new_recordings) == 4
    assert turns.longest < 0.05


def _takes(known: Known) -> float:
    answer = an_answer()
    begun = time.thread_time()
    reading.read_session(answer, RACE, SessionKind.RACE, known=known, now=NOW)
    return time.thread_time() - begun


def test_a_race_is_read_about_as_fast_whoever_drove_in_history() -> None:
    """S3: while a thread reads, each question to the database waits for it several times."""
    everybody = [
        Driver(f"driver-{number}", f"Juan {number}", "Juan", f"Fangio {number}", "JMF", "Argentine")
        for number in range(1_000)
    ]
    all_of_history = replace(KNOWN, drivers=(*KNOWN.drivers, *everybody))
    _takes(all_of_history)
    few = min(_takes(KNOWN) for _ in range(5))
    many = min(_takes(all_of_history) for _ in range(5))
    assert many < 2.5 * few
