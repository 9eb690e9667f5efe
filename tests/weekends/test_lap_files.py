"""Taking in lap files: into a store that knows the season, and again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from f1graph.errors import SourceUnavailableError, StoreError
from f1graph.races.calendar import SessionKind
from f1graph.store.engine import Store, open_store
from f1graph.store.facts import record_facts
from f1graph.store.identities import Identity, tell_identity
from f1graph.store.recordings import laps_of, recordings_known
from f1graph.weekends.lap_files import LapsTaken, take_in_laps
from tests.builders import a_history, a_result, an_entry_list
from tests.sources.laps.lap_file import CODES, RACE, SPRINT, a_lap_row, laps_of_everybody, write_laps
from tests.store.records import facts_of

NOW = SPRINT.ends_at + timedelta(days=1)
KEY = (RACE.id, SessionKind.RACE)


@pytest.fixture
async def store(request: pytest.FixtureRequest, migrated_sqlite: str) -> AsyncIterator[Store]:
    """A season with its entries and one result: three cars, of which all drove two laps."""
    opened = open_store(migrated_sqlite)
    invented = getattr(request, "param", False)
    drivers = sorted(CODES)
    result = a_result(RACE, drivers)
    result = replace(result, rows=tuple(replace(row, laps=2) for row in result.rows))
    lists = [an_entry_list(RACE, drivers), an_entry_list(SPRINT, drivers), result]
    races = [replace(race, invented=invented) for race in (RACE, SPRINT)]
    known = facts_of(a_history(races, lists, drivers=drivers), invented=invented)
    known = replace(
        known, drivers=tuple(replace(driver, code=CODES[driver.id][0]) for driver in known.drivers)
    )
    async with opened.write() as write:
        await record_facts(write, known, now=RACE.ends_at)
    yield opened
    await opened.close()


async def take_in(store: Store, location: Path) -> list[LapsTaken]:
    return await take_in_laps(store, location, now=NOW)


async def test_a_folder_is_taken_in_file_by_file_with_progress(store: Store, tmp_path: Path) -> None:
    write_laps(tmp_path, laps_of_everybody(2))
    write_laps(tmp_path, laps_of_everybody(1, RoundNumber=2), name="sprint_laps_2024.parquet")
    seen: list[tuple[str, int, int]] = []

    taken = await take_in_laps(
        store, tmp_path, now=NOW, on_file=lambda file, done, of: seen.append((file, done, of))
    )

    assert [(one.file, one.sessions, one.laps, one.new, one.problems) for one in taken] == [
        ("race_laps_2024.parquet", 1, 6, 1, ()),
        ("sprint_laps_2024.parquet", 1, 3, 1, ()),
    ]
    assert [done for _, done, _ in seen] == [0, 1, 2]
    async with store.read() as read:
        found = await laps_of(read, [KEY, (SPRINT.id, SessionKind.SPRINT)], moment=NOW)
        early = await laps_of(read, [KEY], moment=RACE.ends_at - timedelta(seconds=1))
    assert {key: len(laps) for key, laps in found.items()} == {
        KEY: 6,
        (SPRINT.id, SessionKind.SPRINT): 3,
    }
    assert early == {}


async def test_the_same_file_again_changes_nothing(store: Store, tmp_path: Path) -> None:
    path = write_laps(tmp_path, laps_of_everybody(2))

    (first,) = await take_in(store, path)
    (again,) = await take_in(store, path)

    assert (first.new, again.new) == (1, 0)
    assert again == replace(first, new=0)


async def test_a_corrected_file_is_a_revision(store: Store, tmp_path: Path) -> None:
    await take_in(store, write_laps(tmp_path, laps_of_everybody(2)))
    (corrected,) = await take_in(store, write_laps(tmp_path, laps_of_everybody(2, Position=2)))

    async with store.read() as read:
        heads = (await recordings_known(read, [RACE.id], NOW))[KEY]
    assert corrected.new == 1
    assert [(head.revision, head.known_at) for head in heads] == [(1, RACE.ends_at), (2, NOW)]


async def test_what_a_file_lacks_beside_the_result_is_told(store: Store, tmp_path: Path) -> None:
    rows = [a_lap_row(number, "NOR") for number in (1, 2)]

    (taken,) = await take_in(store, write_laps(tmp_path, rows))

    assert taken.partial == ("2024-gp-1 RACE: laps of 1 of 3 drivers, none of alonso, hamilton",)


async def test_five_laps_of_fifty_do_not_replace_a_race(store: Store, tmp_path: Path) -> None:
    await take_in(store, write_laps(tmp_path, laps_of_everybody(2)))
    (taken,) = await take_in(store, write_laps(tmp_path, [a_lap_row()], name="race_laps_again.parquet"))

    assert (taken.new, len(taken.partial)) == (0, 1)


async def test_a_broken_file_is_named_and_the_others_are_taken_in(store: Store, tmp_path: Path) -> None:
    write_laps(tmp_path, laps_of_everybody(2))
    (tmp_path / "broken.parquet").write_bytes(b"<html>")

    broken, whole = await take_in(store, tmp_path)

    assert broken.problems == ("broken.parquet: is no whole parquet file",)
    assert (whole.new, whole.problems) == (1, ())


async def test_a_file_of_a_season_that_is_not_there_says_what_to_do(store: Store, tmp_path: Path) -> None:
    (taken,) = await take_in(store, write_laps(tmp_path, [a_lap_row(Season=2019)]))

    assert taken.problems == (
        "race_laps_2024.parquet, row 1: Season 2019 is not in the database: import its calendar first",
    )


async def test_a_session_that_was_held_back_is_stored_once_its_stranger_is_mapped(
    store: Store, tmp_path: Path
) -> None:
    """S9: one driver has many ids, and `f1graph identity` is told what no rule can know."""
    rows = [*laps_of_everybody(2), *(a_lap_row(number, "ARO", RoundNumber=2) for number in (1, 2))]
    path = write_laps(tmp_path, rows)

    (before,) = await take_in(store, path)
    for season, driver in ((None, "alonso"), (2023, "norris"), (2024, "hamilton")):
        async with store.write() as write:
            await tell_identity(write, Identity("driver", "fastf1", season, "ARO", driver), now=NOW)
    (after,) = await take_in(store, path)

    assert (before.sessions, before.new, len(before.problems)) == (1, 1, 1)
    assert "f1graph identity driver fastf1 2024 ARO some-slug" in before.problems[0]
    assert (after.sessions, after.new, after.problems) == (2, 1, ())
    key = (SPRINT.id, SessionKind.RACE)
    async with store.read() as read:
        laps = (await laps_of(read, [key], moment=NOW))[key]
    assert {lap.driver_id for lap in laps} == {"hamilton"}


async def test_a_folder_without_a_file_is_refused(store: Store, tmp_path: Path) -> None:
    with pytest.raises(SourceUnavailableError):
        await take_in(store, tmp_path / "nowhere")


@pytest.mark.parametrize("store", [True], indirect=True)
async def test_real_laps_are_not_mixed_into_an_invented_championship(store: Store, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="holds the invented championship, and lap-file has the real"):
        await take_in(store, write_laps(tmp_path, laps_of_everybody(2)))
