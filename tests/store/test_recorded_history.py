"""Recordings in the history that features are made from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from f1graph.races.laps import Recording, SessionPart, TrackStatus, TrackStatusChange, WeatherSample
from f1graph.races.past import History
from f1graph.races.session_laps import SessionRecord, in_columns
from f1graph.store.engine import Store
from f1graph.store.past import load_history, newest_recordings_version
from tests.builders import a_history, a_lap, a_race, a_recording, a_result, some_laps
from tests.store.records import facts_of, record

RACE = a_race(2023, 1)
SECOND = a_race(2024, 1)
MONDAY = SECOND.ends_at + timedelta(days=1)
TUESDAY = MONDAY + timedelta(days=1)
WEATHER = a_recording(
    RACE,
    [WeatherSample(timedelta(seconds=30), 21.5, 33.0, rain=True)],
    part=SessionPart.WEATHER,
)
FLAGS = a_recording(RACE, [TrackStatusChange(timedelta(0), TrackStatus.CLEAR)], part=SessionPart.TRACK_STATUS)


async def take_in(store: Store, *recordings: Recording, now: datetime = MONDAY) -> None:
    known = facts_of(a_history([RACE, SECOND], [a_result(RACE)]), version=f"{now} {recordings}")
    await record(store, replace(known, recordings=recordings), now=now)


async def history_of(
    store: Store, *, from_season: int = 1950, recordings_version: int | None = None
) -> History:
    async with store.read() as read:
        return await load_history(read, from_season=from_season, recordings_version=recordings_version)


def by_name(recordings: Iterable[SessionRecord]) -> list[SessionRecord]:
    return sorted(recordings, key=lambda one: (one.name.race_id, one.name.part, one.name.revision))


async def test_what_was_stored_comes_back_as_columns(store: Store) -> None:
    told = replace(a_lap("norris", 9, seconds=None), track_status="24", deleted=True, speed_trap=301.5)
    first, second = a_recording(RACE, [*some_laps(), told]), a_recording(SECOND)
    await take_in(store, first, second, WEATHER, FLAGS)

    history = await history_of(store)

    assert by_name(history.recordings) == by_name([in_columns(one) for one in (first, second, WEATHER)])


async def test_only_the_asked_for_seasons_are_read_of_recordings_too(store: Store) -> None:
    await take_in(store, a_recording(RACE), a_recording(SECOND))

    history = await history_of(store, from_season=2024)

    assert [one.name.race_id for one in history.recordings] == [SECOND.id]


async def test_recordings_that_were_stored_later_can_be_left_out(store: Store) -> None:
    """A lap file that is imported years later is known from the end of its session on, yet a forecast made
    before did not see it."""
    await take_in(store, a_recording(RACE, some_laps(laps=3), missing="ends at lap 3 of 5"))
    async with store.read() as read:
        then = await newest_recordings_version(read)
    before = await history_of(store)
    await take_in(store, a_recording(SECOND), a_recording(RACE), now=TUESDAY)

    after, whole = await history_of(store, recordings_version=then), await history_of(store)

    assert by_name(after.recordings) == by_name(before.recordings)
    assert [one.name.revision for one in whole.recordings if one.name.race_id == RACE.id] == [1, 2]
    assert len(whole.recordings) == 3
    assert (await history_of(store, recordings_version=0)).recordings == ()
