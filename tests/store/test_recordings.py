"""Laps, weather, messages and flags: revisions, partial ones, and what was known when."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from f1graph.races.calendar import SessionKind
from f1graph.races.laps import (
    Compound,
    Lap,
    RaceControlMessage,
    Recording,
    SessionPart,
    TrackStatus,
    TrackStatusChange,
    WeatherSample,
)
from f1graph.races.results import KnownAtBasis
from f1graph.store.engine import Store
from f1graph.store.facts import Recorded
from f1graph.store.recordings import (
    LapsAsked,
    count_laps,
    laps_of,
    laps_page,
    load_recordings,
    messages_page,
    recordings_known,
    weather_page,
)
from tests.builders import DRIVERS, a_history, a_lap, a_race, a_recording, a_result, some_laps
from tests.store.records import facts_of, record

RACE = a_race(2024, 1)
SECOND = a_race(2024, 2)
KEY = (RACE.id, SessionKind.RACE)
SUNDAY = RACE.ends_at
MONDAY = SUNDAY + timedelta(days=1)
TUESDAY = MONDAY + timedelta(days=1)
PARTIAL = "laps of 3 of 8 starters"


async def take_in(store: Store, *recordings: Recording, now: datetime, version: str = "") -> Recorded:
    """Stores recordings as the next release of their source."""
    known = facts_of(a_history([RACE, SECOND], [a_result(RACE)]), version=version or f"{now} {recordings}")
    return await record(store, replace(known, recordings=recordings), now=now)


async def known(
    store: Store, moment: datetime = TUESDAY, part: SessionPart = SessionPart.LAPS
) -> Recording | None:
    async with store.read() as read:
        found = await load_recordings(read, [RACE.id], moment=moment, parts=[part])
    return found[0] if found else None


async def revisions(store: Store, moment: datetime = TUESDAY) -> list[tuple[int, str, str | None]]:
    async with store.read() as read:
        heads = (await recordings_known(read, [RACE.id], moment)).get(KEY, [])
    return [(head.revision, head.source, head.missing) for head in heads]


EVERYTHING = Lap(
    driver_id="norris",
    number=7,
    at=timedelta(hours=1, milliseconds=1),
    time=timedelta(seconds=81, milliseconds=234),
    sector_1=timedelta(seconds=27, milliseconds=1),
    sector_2=timedelta(seconds=27, milliseconds=2),
    sector_3=timedelta(seconds=27, milliseconds=231),
    stint=2,
    compound=Compound.INTERMEDIATE,
    compound_name="C3",
    tyre_life=12,
    fresh_tyre=False,
    pit_in_at=timedelta(minutes=59),
    pit_out_at=timedelta(minutes=58),
    track_status="1267",
    position=3,
    is_personal_best=True,
    is_accurate=False,
    deleted=True,
    deleted_reason="TRACK LIMITS AT TURN 4",
    speed_1=301.0,
    speed_2=302.0,
    speed_finish=303.0,
    speed_trap=304.5,
)


@pytest.mark.parametrize(
    ("part", "rows"),
    [
        (SessionPart.LAPS, (EVERYTHING, Lap(driver_id="russell", number=1))),
        (
            SessionPart.WEATHER,
            (
                WeatherSample(timedelta(0), 24.5, 39.1, 41.0, 1013.2, True, 1.5, 359),
                WeatherSample(timedelta(minutes=1)),
            ),
        ),
        (
            SessionPart.RACE_CONTROL,
            (
                RaceControlMessage(1, SUNDAY, "Flag", "YELLOW IN SECTOR 3", 4, "YELLOW", "Sector", 3, "44"),
                RaceControlMessage(2, SUNDAY, "Other", "RISK OF RAIN IS 0%"),
            ),
        ),
        (
            SessionPart.TRACK_STATUS,
            tuple(TrackStatusChange(timedelta(minutes=n), one) for n, one in enumerate(TrackStatus)),
        ),
    ],
)
async def test_what_was_recorded_comes_back_to_the_last_field(
    store: Store, part: SessionPart, rows: tuple[Lap, ...]
) -> None:
    told = replace(a_recording(RACE, rows, part=part), known_at_basis=KnownAtBasis.NOMINAL)

    await take_in(store, told, now=MONDAY)

    assert await known(store, part=part) == told


async def test_a_session_of_which_nothing_was_recorded_is_known_and_empty(store: Store) -> None:
    await take_in(store, a_recording(RACE, [], part=SessionPart.TRACK_STATUS), now=MONDAY)

    found = await known(store, part=SessionPart.TRACK_STATUS)
    assert found is not None
    assert found.rows == ()
    assert await known(store) is None


async def test_the_same_laps_again_add_nothing_whoever_tells_them(store: Store) -> None:
    first = await take_in(store, a_recording(RACE), now=MONDAY)
    again = await take_in(store, a_recording(RACE), now=TUESDAY)
    other = await take_in(store, a_recording(RACE, source="another", known_at=MONDAY), now=TUESDAY)

    assert first.new_recordings == ((*KEY, SessionPart.LAPS),)
    assert again.new_recordings == other.new_recordings == ()
    assert not again.changed
    assert await revisions(store) == [(1, "made-up", None)]


async def test_the_order_in_which_a_source_tells_laps_makes_no_revision(store: Store) -> None:
    await take_in(store, a_recording(RACE), now=MONDAY)
    await take_in(store, a_recording(RACE, reversed(some_laps())), now=TUESDAY)

    assert await revisions(store) == [(1, "made-up", None)]


async def test_a_corrected_lap_is_a_revision_known_from_now_on(store: Store) -> None:
    """asOf answers what was known then: a lap time that was deleted on Monday stood on Sunday."""
    corrected = [replace(lap, deleted=True) if lap.number == 3 else lap for lap in some_laps()]
    await take_in(store, a_recording(RACE), now=SUNDAY)
    await take_in(store, a_recording(RACE, corrected), now=MONDAY)

    then = await known(store, MONDAY - timedelta(seconds=1))
    today = await known(store)
    assert then is not None
    assert today is not None
    assert then.rows == tuple(some_laps())
    assert {row.number for row in today.rows if isinstance(row, Lap) and row.deleted} == {3}
    assert (today.revision, today.known_at, today.known_at_basis) == (2, MONDAY, KnownAtBasis.RECORDED)
    assert await known(store, SUNDAY - timedelta(seconds=1)) is None


async def test_two_sources_that_disagree_do_not_take_turns(store: Store) -> None:
    ours, theirs = a_recording(RACE), a_recording(RACE, some_laps(seconds=81), source="another")
    for told in (ours, theirs, ours, theirs):
        await take_in(store, told, now=MONDAY)

    assert await revisions(store) == [(1, "made-up", None), (2, "another", None)]


async def test_a_partial_recording_is_kept_and_says_so(store: Store) -> None:
    await take_in(store, a_recording(RACE, some_laps(DRIVERS[:3]), missing=PARTIAL), now=MONDAY)

    found = await known(store)
    assert found is not None
    assert found.missing == PARTIAL


async def test_a_complete_recording_replaces_a_partial_one(store: Store) -> None:
    await take_in(store, a_recording(RACE, some_laps(DRIVERS[:3]), missing=PARTIAL), now=SUNDAY)
    await take_in(store, a_recording(RACE), now=MONDAY)

    assert await revisions(store) == [(1, "made-up", PARTIAL), (2, "made-up", None)]
    assert await revisions(store, MONDAY - timedelta(seconds=1)) == [(1, "made-up", PARTIAL)]


@pytest.mark.parametrize("source", ["made-up", "another"])
@pytest.mark.parametrize("seconds", [80.0, 81.0])
async def test_five_laps_of_fifty_never_replace_the_whole_race(
    store: Store, source: str, seconds: float
) -> None:
    """S6: an upstream that breaks later takes nothing away, not even with other times."""
    broken = a_recording(RACE, some_laps(DRIVERS[:3], seconds=seconds), missing=PARTIAL, source=source)
    await take_in(store, a_recording(RACE), now=SUNDAY)
    taken = await take_in(store, broken, now=MONDAY)

    assert taken.new_recordings == ()
    assert await revisions(store) == [(1, "made-up", None)]


async def test_of_two_partial_recordings_the_one_with_more_laps_stays(store: Store) -> None:
    few, more = some_laps(DRIVERS[:3]), some_laps(DRIVERS[:5])
    await take_in(store, a_recording(RACE, few, missing="5 missing"), now=SUNDAY)
    await take_in(store, a_recording(RACE, more, missing="3 missing"), now=MONDAY)
    await take_in(store, a_recording(RACE, some_laps(DRIVERS[4:6]), missing="6 missing"), now=TUESDAY)

    assert await revisions(store) == [(1, "made-up", "5 missing"), (2, "made-up", "3 missing")]


async def test_that_nothing_is_missing_after_all_is_news(store: Store) -> None:
    """The laps were all there, but the list of starters was not: with it they are complete."""
    await take_in(store, a_recording(RACE, missing=PARTIAL), now=SUNDAY)
    await take_in(store, a_recording(RACE), now=MONDAY)
    await take_in(store, a_recording(RACE, missing=PARTIAL), now=TUESDAY)

    assert await revisions(store) == [(1, "made-up", PARTIAL), (2, "made-up", None)]


async def test_a_past_weekend_lived_again_does_not_take_back_what_came_later(store: Store) -> None:
    later = a_recording(RACE, some_laps(seconds=81), known_at=TUESDAY, revision=2)
    whole = replace(later, known_at_basis=KnownAtBasis.RECORDED)
    await take_in(store, a_recording(RACE), whole, now=TUESDAY)

    await take_in(store, a_recording(RACE), now=MONDAY)

    assert len(await revisions(store)) == 2


async def test_each_part_of_a_session_is_revised_for_itself(store: Store) -> None:
    flags = a_recording(
        RACE, [TrackStatusChange(timedelta(0), TrackStatus.CLEAR)], part=SessionPart.TRACK_STATUS
    )
    practice = a_recording(RACE, session=SessionKind.PRACTICE_1)
    await take_in(store, a_recording(RACE), flags, practice, now=SUNDAY)
    taken = await take_in(store, a_recording(RACE, some_laps(seconds=81)), flags, practice, now=MONDAY)

    assert taken.new_recordings == ((*KEY, SessionPart.LAPS),)


async def test_the_laps_of_a_driver_are_found_by_range(store: Store) -> None:
    await take_in(store, a_recording(RACE), a_recording(SECOND, session=SessionKind.PRACTICE_2), now=SUNDAY)

    async with store.read() as read:
        some = await laps_of(
            read, [KEY], moment=TUESDAY, driver_ids=["norris", "alonso"], first_lap=2, last_lap=3
        )
        sessions = [KEY, (SECOND.id, SessionKind.PRACTICE_2), (SECOND.id, SessionKind.RACE)]
        everybody = await laps_of(read, sessions, moment=SECOND.ends_at)
        nobody = await laps_of(read, [KEY], moment=TUESDAY, driver_ids=["stroll"])
        early = await laps_of(read, [KEY], moment=SUNDAY - timedelta(seconds=1))

    assert some == {KEY: [a_lap(driver, lap) for driver in ("alonso", "norris") for lap in (2, 3)]}
    assert {key: len(laps) for key, laps in everybody.items()} == {sessions[0]: 40, sessions[1]: 40}
    assert nobody == early == {}


async def test_laps_are_paged_by_driver_and_lap_of_each_recording(store: Store) -> None:
    await take_in(store, a_recording(RACE), a_recording(SECOND), now=SECOND.ends_at)
    asked = LapsAsked(driver_ids=("alonso", "bottas"), limit=3)

    async with store.read() as read:
        known_of = await recordings_known(read, [RACE.id, SECOND.id], SECOND.ends_at)
        ids = [heads[-1].id for heads in known_of.values()]
        alone = await laps_page(read, ids[:1], asked)
        both = await laps_page(read, ids, asked)
        rest = await laps_page(read, ids, replace(asked, after=("alonso", 4), limit=100))
        numbers = await count_laps(read, ids, asked)

    assert both[ids[0]] == both[ids[1]] == alone[ids[0]] == [a_lap("alonso", lap) for lap in (1, 2, 3)]
    assert rest[ids[1]] == [a_lap("alonso", 5), *some_laps(["bottas"])]
    assert numbers == {ids[0]: 10, ids[1]: 10}


async def test_samples_and_messages_are_paged_in_their_order(store: Store) -> None:
    samples = [WeatherSample(timedelta(minutes=n), air_temperature=float(n)) for n in range(5)]
    messages = [RaceControlMessage(n, SUNDAY, "Other", f"message {n}") for n in range(1, 6)]
    await take_in(
        store,
        a_recording(RACE, samples, part=SessionPart.WEATHER),
        a_recording(RACE, messages, part=SessionPart.RACE_CONTROL),
        now=SUNDAY,
    )

    async with store.read() as read:
        ids = {head.part: head.id for head in (await recordings_known(read, [RACE.id], SUNDAY))[KEY]}
        some = await weather_page(read, [ids[SessionPart.WEATHER]], limit=2, after=2)
        others = await messages_page(read, [ids[SessionPart.RACE_CONTROL]], limit=2, after=2)

    assert some == {ids[SessionPart.WEATHER]: [(3, samples[2]), (4, samples[3])]}
    assert others == {ids[SessionPart.RACE_CONTROL]: messages[2:4]}
