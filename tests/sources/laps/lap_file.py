"""Small lap files, as parquet, with whatever is wrong with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from arro3.core import Array, DataType, Table
from arro3.io import write_parquet

from f1graph.races.calendar import Race, SessionKind
from f1graph.sources.laps import KnownDriver, KnownSeason
from tests.builders import a_race

RACE = a_race(2024, 1)
SPRINT = a_race(2024, 2, has_sprint=True)
CODES = {"norris": ("NOR", "4"), "alonso": ("ALO", "14"), "hamilton": ("HAM", "44")}

_TYPES = {
    str: DataType.utf8(),
    int: DataType.int16(),
    float: DataType.float64(),
    bool: DataType.bool(),
}


def a_lap_row(number: int = 1, code: str = "NOR", **columns: Any) -> dict[str, Any]:
    """A row in FastF1's columns: a lap of 90 s in the first race of 2024."""
    return {
        "Season": 2024,
        "RoundNumber": 1,
        "Driver": code,
        "DriverNumber": dict(CODES.values()).get(code, "99"),
        "LapNumber": number,
        "LapTime": 90.0,
        "Time": 3300.0 + 90.0 * number,
        "Stint": 1,
        "Compound": "SOFT",
        "CompoundName": "C5",
        "TyreLife": float(number),
        "FreshTyre": True,
        "PitInTime": None,
        "PitOutTime": None,
        "TrackStatus": "1",
        "Position": 1,
        "IsPersonalBest": False,
        "IsAccurate": True,
        **columns,
    }


def laps_of_everybody(laps: int = 3, **columns: Any) -> list[dict[str, Any]]:
    return [a_lap_row(number, code, **columns) for code, _ in CODES.values() for number in range(1, laps + 1)]


def write_laps(
    folder: Path, rows: Sequence[Mapping[str, Any]], *, name: str = "race_laps_2024.parquet"
) -> Path:
    """A file of the rows; a column has the type of its first value that is there."""
    path = folder / name
    columns: dict[str, Any] = {}
    for column in rows[0]:
        values = [row[column] for row in rows]
        kind = next((type(value) for value in values if value is not None), float)
        columns[column] = Array(values, type=_TYPES[kind])
    write_parquet(Table.from_pydict(columns), path)
    return path


def a_known_season(
    *races: Race,
    codes: Mapping[str, tuple[str, str]] = CODES,
    drove: Mapping[str, int | None] | None = None,
) -> dict[int, KnownSeason]:
    """The season of 2024 with everybody of `codes` entered in each race."""
    races = races or (RACE, SPRINT)
    return {
        2024: KnownSeason(
            races={race.round: race for race in races},
            drivers=[
                KnownDriver(race.id, driver_id, code, number)
                for race in races
                for driver_id, (code, number) in codes.items()
            ],
            drove={} if drove is None else {(RACE.id, SessionKind.RACE): drove},
        )
    }
