"""A real season of laps beside the official results: skipped with a reason where there is none."""

from __future__ import annotations

from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from f1graph.races.calendar import SessionKind
from f1graph.races.laps import Compound, Lap
from f1graph.races.results import ClassificationKind
from f1graph.races.stints import stints_of
from f1graph.sources.laps import KnownDriver, KnownSeason, LapFile, read_laps
from tests.real_data import f1db_facts, lap_folder

pytestmark = pytest.mark.real_data
_SEASON = 2024


@cache
def season() -> LapFile:
    return _read(lap_folder())


def _read(folder: Path) -> LapFile:
    facts = f1db_facts()
    races = {race.id: race for race in facts.races if race.season == _SEASON}
    codes = {driver.id: driver.code for driver in facts.drivers}
    return read_laps(
        folder / f"race_laps_{_SEASON}.parquet",
        {
            _SEASON: KnownSeason(
                races={race.round: race for race in races.values()},
                drivers=[
                    KnownDriver(one.race_id, row.driver_id, codes[row.driver_id], row.car_number)
                    for one in facts.classifications
                    if one.race_id in races and one.kind is ClassificationKind.ENTRY_LIST
                    for row in one.rows
                ],
                drove={(race_id, SessionKind.RACE): driven for race_id, driven in laps_of_starters().items()},
            )
        },
    )


def laps_of_starters() -> dict[str, dict[str, int | None]]:
    """By race, as officially classified."""
    return {
        one.race_id: {row.driver_id: row.laps for row in one.rows if row.started}
        for one in f1db_facts().classifications
        if one.kind is ClassificationKind.RACE and one.race_id.startswith(f"{_SEASON}-")
    }


def laps(race_id: str, driver_id: str) -> list[Lap]:
    (recording,) = [one for one in season().recordings if one.race_id == race_id]
    return [row for row in recording.rows if isinstance(row, Lap) and row.driver_id == driver_id]


def test_every_race_is_read_and_nobody_is_a_stranger() -> None:
    assert season().problems == ()
    assert len(season().recordings) == 24
    assert sum(len(one.rows) for one in season().recordings) == 26_590


def test_verstappen_won_the_first_race_in_57_laps_and_three_stints() -> None:
    driven = laps("2024-bahrain", "max-verstappen")

    assert [lap.number for lap in driven] == list(range(1, 58))
    assert [stint.compound for stint in stints_of(driven)] == [Compound.SOFT, Compound.HARD, Compound.SOFT]
    fastest = min(lap.time for lap in driven if lap.time is not None)
    assert fastest.total_seconds() == 92.608


def test_nearly_every_driver_has_the_laps_of_the_official_result() -> None:
    differences: Counter[int] = Counter()
    complete = {one.race_id for one in season().recordings if not one.missing}
    for race_id, driven in laps_of_starters().items():
        if race_id not in complete:
            continue
        for driver_id, number in driven.items():
            # The lap on which a car retires is recorded, and not completed.
            differences[len(laps(race_id, driver_id)) - (number or 0)] += 1

    assert differences[0] + differences[1] >= differences.total() - 1


def test_the_only_race_with_a_lap_missing_is_monaco() -> None:
    assert {one.race_id: one.missing for one in season().recordings if one.missing} == {
        "2024-monaco": "ends at lap 77 of 78"
    }
