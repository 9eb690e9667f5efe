"""Recording facts: revisions, all or nothing, and reading back exactly what was said."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import func, select

from f1graph.errors import StoreError
from f1graph.races.calendar import SessionKind
from f1graph.races.past import History
from f1graph.races.results import (
    Classification,
    ClassificationKind,
    ClassificationRow,
    KnownAtBasis,
    Status,
)
from f1graph.store.engine import Store
from f1graph.store.events import EventKind
from f1graph.store.facts import holds_invented
from f1graph.store.past import load_history, newest_facts_version
from f1graph.store.tables import metadata
from f1graph.store.tables.facts import classifications, imports
from tests.builders import DRIVERS, a_driver, a_history, a_moment, a_race, a_result, a_season
from tests.store.records import events_after, facts_of, record

EVERYTHING = frozenset(ClassificationKind)
RACE = a_race(2024, 1)
OTHER = ("verstappen", *DRIVERS[:-1])
# The result as first published, as corrected, and each as a release of the source says it.
FIRST = a_result(RACE)
MONDAY = FIRST.known_at + timedelta(days=1)
TUESDAY = MONDAY + timedelta(days=1)
WEDNESDAY = TUESDAY + timedelta(days=1)


def release(order: tuple[str, ...] = DRIVERS, *, version: str, source: str = "f1db") -> Classification:
    """The result of the race in a release; history gets the end of its session as `known_at`."""
    return replace(
        a_result(RACE, order),
        known_at_basis=KnownAtBasis.SESSION_END,
        source=source,
        source_version=version,
    )


async def take_in(
    store: Store,
    order: tuple[str, ...] = DRIVERS,
    *,
    version: str,
    now: datetime,
    source: str = "f1db",
) -> None:
    told = a_history([RACE], [release(order, version=version, source=source)])
    await record(store, facts_of(told, version=version, source=source), now=now)


async def results(store: Store) -> list[Classification]:
    async with store.read() as read:
        history = await load_history(read)
    return list(history.revisions.get((RACE.id, ClassificationKind.RACE), ()))


async def orders(store: Store) -> list[tuple[str, ...]]:
    return [tuple(row.driver_id for row in fact.rows) for fact in await results(store)]


async def count_rows(store: Store) -> dict[str, int]:
    async with store.read() as read:
        return {
            name: int(await read.value(select(func.count()).select_from(table)))
            for name, table in metadata.tables.items()
        }


async def test_a_corrected_result_is_a_second_revision_known_from_now_on(store: Store) -> None:
    """S6: Monaco 2026 was reclassified twice, months later."""
    await take_in(store, version="1", now=MONDAY)
    await take_in(store, OTHER, version="2", now=TUESDAY)

    first, second = await results(store)
    assert (first.revision, first.known_at, first.known_at_basis) == (
        1,
        FIRST.known_at,
        KnownAtBasis.SESSION_END,
    )
    assert (second.revision, second.known_at, second.known_at_basis) == (2, TUESDAY, KnownAtBasis.RECORDED)
    assert (second.source, second.source_version) == ("f1db", "2")
    assert await orders(store) == [DRIVERS, OTHER]


async def test_a_forecast_between_two_revisions_sees_the_first(store: Store) -> None:
    """S6: results change weeks after they were published."""
    await take_in(store, version="1", now=MONDAY)
    await take_in(store, OTHER, version="2", now=TUESDAY)
    async with store.read() as read:
        history = await load_history(read)

    seen = [
        history.as_of(moment).classification(RACE.id, ClassificationKind.RACE)
        for moment in (TUESDAY - timedelta(seconds=1), TUESDAY)
    ]
    assert [fact.revision for fact in seen if fact is not None] == [1, 2]


async def test_the_same_release_again_adds_nothing(store: Store) -> None:
    """S6: results change weeks after they were published."""
    await take_in(store, version="1", now=MONDAY)
    before = await count_rows(store)
    told = facts_of(a_history([RACE], [release(version="1")]), version="1")

    again = await record(store, told, now=TUESDAY)

    assert again.already_imported
    assert await count_rows(store) == before


async def test_a_newer_release_with_the_same_content_adds_no_revision(store: Store) -> None:
    """S6: results change weeks after they were published."""
    await take_in(store, version="1", now=MONDAY)
    told = facts_of(a_history([RACE], [release(version="2")]), version="2")

    again = await record(store, told, now=TUESDAY)

    assert (again.already_imported, again.changed) == (False, False)
    assert (again.drivers, again.constructors, again.circuits, again.races) == (0, 0, 0, 0)
    assert await orders(store) == [DRIVERS]


async def test_a_correction_that_is_taken_back_is_a_third_revision(store: Store) -> None:
    """S6: a penalty that is annulled on appeal: the newest word is the first again."""
    await take_in(store, version="1", now=MONDAY)
    await take_in(store, OTHER, version="2", now=TUESDAY)
    await take_in(store, version="3", now=WEDNESDAY)

    assert await orders(store) == [DRIVERS, OTHER, DRIVERS]
    assert [fact.known_at for fact in await results(store)] == [FIRST.known_at, TUESDAY, WEDNESDAY]


async def test_a_source_that_only_repeats_itself_does_not_undo_anothers_correction(store: Store) -> None:
    """S6: two sources that disagree would else take turns at every refresh."""
    await take_in(store, version="1", source="fastf1", now=MONDAY)
    await take_in(store, OTHER, version="2", source="f1db", now=TUESDAY)
    await take_in(store, version="3", source="fastf1", now=WEDNESDAY)
    await take_in(store, OTHER, version="4", source="f1db", now=WEDNESDAY)

    assert await orders(store) == [DRIVERS, OTHER]


async def test_a_source_that_saw_a_correction_gives_both_revisions(store: Store) -> None:
    """S6: results change weeks after they were published."""
    protest = FIRST.known_at + timedelta(hours=3)
    corrected = a_result(RACE, OTHER, revision=2, known_at=protest)
    told = a_history([RACE], [FIRST, corrected])

    await record(store, facts_of(told, version="1"), now=MONDAY)
    await record(store, facts_of(told, version="2"), now=TUESDAY)

    assert [(fact.revision, fact.known_at) for fact in await results(store)] == [
        (1, FIRST.known_at),
        (2, protest),
    ]


async def test_a_correction_seen_later_keeps_the_moment_it_was_seen(store: Store) -> None:
    """S6: results change weeks after they were published."""
    protest = FIRST.known_at + timedelta(hours=3)
    corrected = a_result(RACE, OTHER, revision=2, known_at=protest)

    await record(store, facts_of(a_history([RACE], [FIRST]), version="1"), now=MONDAY)
    await record(store, facts_of(a_history([RACE], [FIRST, corrected]), version="2"), now=TUESDAY)

    assert [fact.known_at for fact in await results(store)] == [FIRST.known_at, protest]


async def test_a_past_weekend_lived_again_does_not_take_back_what_came_later(store: Store) -> None:
    """With F1GRAPH_NOW a source tells what it knew then; the store may know more already."""
    protest = FIRST.known_at + timedelta(days=5)
    corrected = a_result(RACE, OTHER, revision=2, known_at=protest)
    whole = replace(
        facts_of(a_history([RACE], [FIRST, corrected])),
        classifications=tuple(replace(fact, source="f1db") for fact in (FIRST, corrected)),
    )
    as_it_was = facts_of(a_history([RACE], [replace(FIRST, source="f1db")]), version="as of Monday")

    await record(store, whole, now=protest)
    await record(store, as_it_was, now=MONDAY)

    assert await orders(store) == [DRIVERS, OTHER]


async def test_a_revision_is_never_known_before_the_one_it_corrects(store: Store) -> None:
    await take_in(store, version="1", now=MONDAY)
    await take_in(store, OTHER, version="2", now=FIRST.known_at - timedelta(days=30))

    first, second = await results(store)
    assert second.known_at > first.known_at


async def test_a_changed_result_is_published_and_named_as_to_be_scored(store: Store) -> None:
    await take_in(store, version="1", now=MONDAY)
    told = facts_of(a_history([RACE], [release(OTHER, version="2")]), version="2")
    recorded = await record(store, told, now=TUESDAY)

    assert recorded.classified == (RACE.id,)
    assert recorded.new_revisions == ((RACE.id, ClassificationKind.RACE),)
    async with store.read() as read:
        published = await events_after(read, 0, kinds=list(EventKind), limit=10)
    assert [(event.kind, event.race_id, event.revision) for event in published] == [
        (EventKind.RESULT_PUBLISHED, RACE.id, 1),
        (EventKind.IMPORTED, None, None),
        (EventKind.RESULT_PUBLISHED, RACE.id, 2),
        (EventKind.IMPORTED, None, None),
    ]


async def test_the_history_that_is_taken_in_is_no_news(store: Store) -> None:
    await take_in(store, version="1", now=MONDAY + timedelta(days=40))

    async with store.read() as read:
        published = await events_after(read, 0, kinds=list(EventKind), limit=10)
    assert [event.kind for event in published] == [EventKind.IMPORTED]


async def test_a_race_to_come_that_is_new_or_moved_is_published_and_an_unchanged_one_is_not(
    store: Store,
) -> None:
    before = RACE.starts_at - timedelta(days=60)
    calendar = [RACE, a_race(2024, 20)]
    await record(store, facts_of(a_history(calendar, []), version="1"), now=before)
    moved = [RACE, replace(calendar[1], name="Grand Prix of somewhere else")]
    await record(store, facts_of(a_history(moved, []), version="2"), now=before)
    # A name that is corrected when all is over is no news of the calendar.
    old = [replace(RACE, name="An old name"), moved[1]]
    await record(store, facts_of(a_history(old, []), version="3"), now=MONDAY)

    async with store.read() as read:
        published = await events_after(read, 0, kinds=[EventKind.CALENDAR_CHANGED], limit=10)
    assert [event.race_id for event in published] == [RACE.id, calendar[1].id, calendar[1].id]


async def test_a_result_of_an_unknown_driver_leaves_nothing_of_its_release(store: Store) -> None:
    """D7 and all or nothing: the error comes when most is written already."""
    before = await count_rows(store)
    history = a_history([RACE])
    told = facts_of(replace(history, drivers={"alonso": a_driver("alonso")}))

    with pytest.raises(Exception, match=r"(?i)foreign key"):
        await record(store, told, now=MONDAY)

    assert await count_rows(store) == before


@pytest.mark.parametrize("is_held", [True, False], ids=["invented first", "real first"])
async def test_invented_and_real_facts_are_never_mixed(store: Store, is_held: bool) -> None:
    def told(invented: bool) -> History:
        return a_history([replace(RACE, invented=invented)], [FIRST])

    await record(store, facts_of(told(is_held), invented=is_held), now=MONDAY)
    before = await count_rows(store)

    with pytest.raises(StoreError, match=r"holds the .* championship.*a database of its own"):
        await record(store, facts_of(told(not is_held), version="2", invented=not is_held), now=MONDAY)

    assert await count_rows(store) == before
    async with store.read() as read:
        assert await holds_invented(read) is is_held


async def test_a_race_that_changes_round_keeps_its_id_and_its_facts(store: Store) -> None:
    """S10: Imola 2023 was cancelled and every later race moved up a round."""
    await take_in(store, version="1", now=MONDAY)
    moved = replace(RACE, round=2, name="Moved")

    await record(store, facts_of(a_history([moved], []), version="2"), now=TUESDAY)

    async with store.read() as read:
        history = await load_history(read)
    assert [(race.id, race.round, race.name) for race in history.races] == [(RACE.id, 2, "Moved")]
    assert await orders(store) == [DRIVERS]


async def test_two_races_can_change_places_in_the_calendar(store: Store) -> None:
    one, two = a_season(2024, 2)
    await record(store, facts_of(a_history([one, two], [])), now=MONDAY)
    swapped = [replace(one, round=2), replace(two, round=1)]

    await record(store, facts_of(a_history(swapped, []), version="2"), now=TUESDAY)

    async with store.read() as read:
        history = await load_history(read)
    assert {race.id: race.round for race in history.races} == {one.id: 2, two.id: 1}


async def test_a_session_that_was_dropped_goes_and_a_postponed_one_moves(store: Store) -> None:
    await record(store, facts_of(a_history([RACE], [])), now=MONDAY)
    later = timedelta(hours=3)
    changed = replace(
        RACE,
        sessions=tuple(
            replace(session, starts_at=session.starts_at + later, ends_at=session.ends_at + later)
            if session.kind is SessionKind.QUALIFYING
            else session
            for session in RACE.sessions
            if session.kind is not SessionKind.PRACTICE_3
        ),
    )

    await record(store, facts_of(a_history([changed], []), version="2"), now=TUESDAY)

    async with store.read() as read:
        history = await load_history(read)
    assert history.races == (changed,)


def a_full_row() -> ClassificationRow:
    """Every column filled with something that a database could spoil."""
    return ClassificationRow(
        order=1,
        driver_id="hamilton",
        constructor_id="team-1",
        status=Status.NOT_CLASSIFIED,
        position=1,
        engine_id="mercedes",
        car_number="44",
        shared_car=True,
        laps=52,
        time=timedelta(hours=1, minutes=31, seconds=44, milliseconds=742),
        time_penalty=timedelta(seconds=5),
        gap=timedelta(milliseconds=1),
        gap_laps=0,
        q1=timedelta(minutes=1, milliseconds=999),
        q2=timedelta(0),
        q3=timedelta(seconds=82, milliseconds=207),
        points=12.5,
        qualifying_position=3,
        grid_position=22,
        grid_penalty="SFB",
        reason_retired="Überhitzung \N{DEGREE SIGN}C",
        pit_stops=0,
        fastest_lap=True,
        lap=7,
        stop=2,
    )


async def test_history_comes_back_exactly_as_it_was_recorded(store: Store) -> None:
    history = a_history((*a_season(2023, 3, sprints=[2]), RACE))
    full = replace(
        a_result(a_race(2022, 1)),
        rows=(a_full_row(), ClassificationRow(2, "norris", "team-2", Status.PIT_LANE)),
        known_at=datetime(2022, 3, 6, 18, 0, 0, 7, tzinfo=UTC),
        known_at_basis=KnownAtBasis.NOMINAL,
    )
    hamilton = replace(a_driver("hamilton"), date_of_birth=date(1985, 1, 7), permanent_number="44")
    history = replace(
        a_history(
            (*history.races, replace(a_race(2022, 1), is_cancelled=True, distance_km=306.72)),
            [*(fact for facts in history.revisions.values() for fact in facts), full],
        ),
    )
    history = replace(history, drivers={**history.drivers, "hamilton": hamilton})

    await record(store, facts_of(history), now=a_moment("2024-06-01"))

    async with store.read() as read:
        assert await load_history(read, kinds=EVERYTHING) == history


async def test_only_the_asked_for_seasons_and_lists_are_read(store: Store) -> None:
    history = a_history((*a_season(2022, 2), *a_season(2023, 2), *a_season(2024, 2)))
    await record(store, facts_of(history), now=a_moment("2024-06-01"))

    async with store.read() as read:
        found = await load_history(
            read, from_season=2023, to_season=2023, kinds=[ClassificationKind.RACE, ClassificationKind.GRID]
        )

    assert {race.season for race in found.races} == {2023}
    assert set(found.revisions) == {
        (race.id, kind) for race in found.races for kind in (ClassificationKind.RACE, ClassificationKind.GRID)
    }


async def test_facts_that_were_stored_later_can_be_left_out(store: Store) -> None:
    """A back-dated fact has an early `known_at`, yet a forecast made before did not see it."""
    await take_in(store, version="1", now=MONDAY)
    async with store.read() as read:
        then = await newest_facts_version(read)
        before = await load_history(read, facts_version=then)
    earlier = a_race(2023, 1)
    await record(store, facts_of(a_history([earlier, RACE], [a_result(earlier)]), version="2"), now=TUESDAY)
    await take_in(store, OTHER, version="3", now=WEDNESDAY)

    async with store.read() as read:
        after = await load_history(read, facts_version=then)
        assert await newest_facts_version(read) == then + 2
        whole = await load_history(read)

    assert after.revisions == before.revisions
    assert len(whole.revisions) == 2


async def test_two_imports_at_once_of_the_same_release_store_it_once(store: Store) -> None:
    """Each looked at an empty table: both would number a first revision."""
    told = facts_of(a_history(a_season(2024, 6)))

    async with asyncio.timeout(30):
        found = await asyncio.gather(*(record(store, told, now=MONDAY) for _ in range(3)))

    assert sorted(recorded.already_imported for recorded in found) == [False, True, True]
    async with store.read() as read:
        assert await read.value(select(func.count()).select_from(imports)) == 1
        assert await read.value(select(func.max(classifications.c.revision))) == 1
