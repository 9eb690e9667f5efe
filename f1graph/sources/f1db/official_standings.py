"""The championship tables after each race, as published."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from f1graph.races.facts import Standings, StandingsKind, StandingsRow
from f1graph.sources.f1db.archive import Release, Row
from f1graph.sources.f1db.calendar import ListedRace, RaceNumber
from f1graph.sources.f1db.classifications import race_of
from f1graph.sources.f1db.reference import Reference, known

DRIVER_STANDINGS = "f1db-races-driver-standings.csv"
CONSTRUCTOR_STANDINGS = "f1db-races-constructor-standings.csv"
STANDINGS_FILES = (DRIVER_STANDINGS, CONSTRUCTOR_STANDINGS)

_COLUMNS = ("raceId", "year", "round", "positionDisplayOrder", "positionNumber", "positionText", "points")
# Disqualified or excluded from the championship: Schumacher 1997, McLaren 2007.
_OUT_OF_THE_CHAMPIONSHIP = ("DSQ", "EX")

_Competitor = Callable[[Row], tuple[str, str | None]]


def read_official_standings(
    release: Release, races: Mapping[RaceNumber, ListedRace], reference: Reference
) -> list[Standings]:
    """Drivers' and constructors' tables, ordered by race.

    Raises:
        BadSourceDataError: An unknown id or code, an order with gaps, a competitor twice.
    """

    def driver(row: Row) -> tuple[str, str | None]:
        return known(row, "driverId", reference.drivers, "driver"), None

    def constructor(row: Row) -> tuple[str, str | None]:
        return (
            known(row, "constructorId", reference.constructors, "constructor"),
            known(row, "engineManufacturerId", reference.engines, "engine manufacturer"),
        )

    return [
        *_tables(release, races, DRIVER_STANDINGS, StandingsKind.DRIVERS, ("driverId",), driver),
        *_tables(
            release,
            races,
            CONSTRUCTOR_STANDINGS,
            StandingsKind.CONSTRUCTORS,
            ("constructorId", "engineManufacturerId"),
            constructor,
        ),
    ]


def _tables(
    release: Release,
    races: Mapping[RaceNumber, ListedRace],
    file: str,
    kind: StandingsKind,
    competitor_columns: tuple[str, ...],
    competitor: _Competitor,
) -> list[Standings]:
    tables: dict[RaceNumber, list[tuple[Row, StandingsRow]]] = {}
    for row in release.rows(file, (*_COLUMNS, *competitor_columns)):
        competitor_id, engine_id = competitor(row)
        line = StandingsRow(
            order=row.count("positionDisplayOrder"),
            position=_position(row),
            competitor_id=competitor_id,
            points=row.points("points"),
            engine_id=engine_id,
        )
        tables.setdefault(race_of(row, races), []).append((row, line))
    for lines in tables.values():
        lines.sort(key=lambda line: line[1].order)
        _check(lines)
    return [
        Standings(races[number].id, kind, tuple(line for _, line in lines))
        for number, lines in sorted(
            tables.items(), key=lambda table: (races[table[0]].season, races[table[0]].round)
        )
    ]


def _position(row: Row) -> int | None:
    position, code = row.optional_count("positionNumber"), row.text("positionText")
    if position is None and code not in _OUT_OF_THE_CHAMPIONSHIP:
        raise row.error(f"positionText is {code!r}, which is none of {', '.join(_OUT_OF_THE_CHAMPIONSHIP)}")
    if position is not None and str(position) != code:
        raise row.error(f"positionNumber is {position}, but positionText is {code!r}")
    return position


def _check(lines: list[tuple[Row, StandingsRow]]) -> None:
    seen: dict[tuple[str, str | None, bool], int] = {}
    for expected, (row, line) in enumerate(lines, start=1):
        if line.order != expected:
            raise row.error(f"positionDisplayOrder is {line.order} where {expected} was expected")
        # Positions may be shared. A team may have an excluded line beside a counted one: Force India 2018.
        key = (line.competitor_id, line.engine_id, line.position is None)
        if key in seen:
            raise row.error(f"{line.competitor_id!r} is already in row {seen[key]}")
        seen[key] = row.number
