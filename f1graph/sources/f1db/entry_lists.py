"""Who is entered for a race: everybody in its results, or, before it, the season's announced drivers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from f1graph.races.results import ClassificationRow
from f1graph.sources.f1db.archive import Release, Row
from f1graph.sources.f1db.calendar import ListedRace, RaceNumber
from f1graph.sources.f1db.reference import Reference, known

ENTRANTS = "f1db-seasons-entrants-drivers.csv"
ENTRY_FILES = (ENTRANTS,)


@dataclass(frozen=True, slots=True)
class Announced:
    """A driver announced for a race by her entrant."""

    driver_id: str
    constructor_id: str
    engine_id: str


def read_announced(
    release: Release, races: Mapping[RaceNumber, ListedRace], reference: Reference
) -> dict[tuple[int, int], list[Announced]]:
    """The announced race drivers by season and round; test drivers are left out.

    Raises:
        BadSourceDataError: An unknown id, or a round that the season does not have.
    """
    rounds = {(race.season, race.round) for race in races.values()}
    announced: dict[tuple[int, int], list[Announced]] = {}
    columns = ("year", "constructorId", "engineManufacturerId", "driverId", "rounds", "testDriver")
    for row in release.rows(ENTRANTS, columns):
        driver = Announced(
            driver_id=known(row, "driverId", reference.drivers, "driver"),
            constructor_id=known(row, "constructorId", reference.constructors, "constructor"),
            engine_id=known(row, "engineManufacturerId", reference.engines, "engine manufacturer"),
        )
        season_rounds = _rounds(row, rounds)
        if not row.boolean("testDriver"):
            for season_round in season_rounds:
                announced.setdefault(season_round, []).append(driver)
    return announced


def _rounds(row: Row, existing: set[tuple[int, int]]) -> list[tuple[int, int]]:
    season = row.count("year")
    rounds = []
    for text in filter(None, row.cell("rounds").split(";")):
        if not (text.isascii() and text.isdigit()) or (season, int(text)) not in existing:
            raise row.error(f"rounds has {text!r}, but {season} has no such round")
        rounds.append((season, int(text)))
    return rounds


def entry_list_of(results: tuple[ClassificationRow, ...]) -> tuple[ClassificationRow, ...]:
    """Everybody in a race's results, once each, with the car of the first line."""
    seen: dict[str, ClassificationRow] = {}
    for row in results:
        seen.setdefault(row.driver_id, row)
    return tuple(
        ClassificationRow(
            order=order,
            driver_id=row.driver_id,
            constructor_id=row.constructor_id,
            engine_id=row.engine_id,
            car_number=row.car_number,
        )
        for order, row in enumerate(
            sorted(seen.values(), key=lambda row: (row.constructor_id, row.engine_id or "", row.driver_id)),
            start=1,
        )
    )


def announced_entry_list(announced: list[Announced], reference: Reference) -> tuple[ClassificationRow, ...]:
    """The announced drivers, once each, with their permanent numbers."""
    drivers = {entry.driver_id: entry for entry in reversed(announced)}
    return tuple(
        ClassificationRow(
            order=order,
            driver_id=entry.driver_id,
            constructor_id=entry.constructor_id,
            engine_id=entry.engine_id,
            car_number=reference.drivers[entry.driver_id].permanent_number,
        )
        for order, entry in enumerate(
            sorted(
                drivers.values(), key=lambda entry: (entry.constructor_id, entry.engine_id, entry.driver_id)
            ),
            start=1,
        )
    )
