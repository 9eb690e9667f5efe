"""The event loop keeps its turn while a race comes in: whoever asks the database is answered at once."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import insert

from f1graph.races.calendar import SessionKind
from f1graph.races.entries import Driver
from f1graph.races.results import ClassificationKind
from f1graph.sources.fastf1 import reading
from f1graph.sources.identity import Known
from f1graph.store.engine import Store
from f1graph.store.tables.facts import classifications
from f1graph.weekends.intake import record
from f1graph.weekends.run import Result, do_unit
from f1graph.weekends.schedule import as_facts
from f1graph.weekends.units import Season
from f1graph.weekends.work import Work, WorkKind
from f1graph.wiring import sessions_of, source_of
from tests.builders import a_history, a_race
from tests.counting import Calls
from tests.made_up_hosts import a_made_up_season, facts_before, made_up_hosts
from tests.sources.fastf1.hand_made import DRIVERS, KNOWN, NOW, RACE, TEAMS, an_answer
from tests.store.records import facts_of, ping
from tests.weekends.recorded import MovingClock

KINDS = tuple(ClassificationKind)


# So many are made in some ten milliseconds; their number is the same on a busy machine.
A_TURN = 40_000


async def _longest_turn(calls: Calls, longest: list[int]) -> None:
    """How many calls the event loop made before anybody else had a turn."""
    last = calls.made
    while True:
        await asyncio.sleep(0)
        longest[0], last = max(longest[0], calls.made - last), calls.made


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
    longest = [0]
    with Calls() as calls:
        watching = asyncio.create_task(_longest_turn(calls, longest))
        async with store.write() as write:
            recorded = await record(write, answer.facts, now=NOW)
        async with store.write() as write:
            moved = replace(RACE, circuit_id="monza", round=4)
            assert (await record(write, as_facts([moved], source="fastf1", now=NOW), now=NOW)).races == 1
        watching.cancel()
    assert recorded.first_revisions == 2
    assert len(recorded.new_recordings) == 4
    assert 0 < longest[0] < A_TURN


def _calls_to_read(known: Known) -> int:
    answer = an_answer()
    with Calls() as calls:
        reading.read_session(answer, RACE, SessionKind.RACE, known=known, now=NOW)
    return calls.made


def test_a_race_is_read_as_fast_whoever_drove_in_history() -> None:
    """S3: while a thread reads, each question to the database waits for it several times."""
    everybody = [
        Driver(f"driver-{number}", f"Juan {number}", "Juan", f"Fangio {number}", "JMF", "Argentine")
        for number in range(1_000)
    ]
    all_of_history = replace(KNOWN, drivers=(*KNOWN.drivers, *everybody))
    _calls_to_read(KNOWN)
    assert _calls_to_read(all_of_history) < 2 * _calls_to_read(KNOWN)


async def test_fastf1_works_while_the_event_loop_answers(sqlite_store: Store, tmp_path: Path) -> None:
    """S3: each page is given to FastF1 only after the loop has answered a `SELECT 1` in the meantime."""
    races = a_made_up_season(1)
    async with sqlite_store.write() as write:
        await record(write, facts_before(races), now=races[0].starts_at - timedelta(days=30))
    loop = asyncio.get_running_loop()
    answered: list[int] = []

    async def answer(number: int) -> None:
        async with sqlite_store.read() as read:
            await ping(read)
        answered.append(number)

    def before_it_is_given(number: int) -> None:
        asyncio.run_coroutine_threadsafe(answer(number), loop).result(timeout=30)

    with made_up_hosts(races) as hosts:
        hosts.on_request = before_it_is_given
        settings = hosts.settings(data_dir=tmp_path)
        sessions = await sessions_of(settings, sqlite_store)
        clock = MovingClock(races[0].ends_at + timedelta(minutes=30))
        source = await source_of(settings, sqlite_store)
        season = Season(sqlite_store, source, None, clock, "worker", sessions=sessions)
        work = Work(WorkKind.FETCH, "FETCH/one", "a test", race_id=races[0].id, session=SessionKind.RACE)
        with Calls() as calls:
            outcome = await do_unit(season, work)

    assert outcome.result is Result.DONE
    assert len(answered) == len(hosts.asked) > 10
    # What FastF1 gave is read on another thread.
    assert reading.read_session.__code__ not in calls.functions
