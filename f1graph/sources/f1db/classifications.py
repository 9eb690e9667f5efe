"""The published order of every session, the grids, the fastest laps and the pit stops."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypedDict

from f1graph.errors import BadSourceDataError
from f1graph.races.results import ClassificationKind, ClassificationRow, Status
from f1graph.sources.f1db.archive import Release, Row
from f1graph.sources.f1db.calendar import ListedRace, RaceNumber
from f1graph.sources.f1db.reference import Reference, known

_STATUS_OF_CODE = {
    "DNF": Status.DID_NOT_FINISH,
    "NC": Status.NOT_CLASSIFIED,
    "DSQ": Status.DISQUALIFIED,
    "DNS": Status.DID_NOT_START,
    "DNQ": Status.DID_NOT_QUALIFY,
    "DNPQ": Status.DID_NOT_PRE_QUALIFY,
    "DNP": Status.DID_NOT_PRACTISE,
    "EX": Status.EXCLUDED,
    "PL": Status.PIT_LANE,
}
_PLACE_COLUMNS = (
    "raceId", "year", "round", "positionDisplayOrder", "positionNumber", "positionText", "driverNumber",
    "driverId", "constructorId", "engineManufacturerId",
)  # fmt: skip


class _Place(TypedDict):
    """What every list says about an entry: where it stands and who it is."""

    order: int
    driver_id: str
    constructor_id: str
    engine_id: str
    car_number: str | None
    position: int | None
    status: Status


def _practice(place: _Place, row: Row) -> ClassificationRow:
    return ClassificationRow(
        **place,
        laps=row.optional_count("laps"),
        time=row.optional_duration("timeMillis"),
        gap=row.optional_gap("gapMillis"),
    )


def _qualifying(place: _Place, row: Row) -> ClassificationRow:
    return ClassificationRow(
        **place,
        laps=row.optional_count("laps"),
        time=row.optional_duration("timeMillis"),
        gap=row.optional_gap("gapMillis"),
        q1=row.optional_duration("q1Millis"),
        q2=row.optional_duration("q2Millis"),
        q3=row.optional_duration("q3Millis"),
    )


def _race(place: _Place, row: Row) -> ClassificationRow:
    return ClassificationRow(
        **place,
        shared_car=row.boolean("sharedCar"),
        laps=row.optional_count("laps"),
        time=row.optional_duration("timeMillis"),
        time_penalty=row.optional_duration("timePenaltyMillis"),
        gap=row.optional_gap("gapMillis"),
        gap_laps=row.optional_count("gapLaps"),
        points=row.points("points"),
        qualifying_position=row.optional_count("qualificationPositionNumber"),
        grid_position=row.optional_count("gridPositionNumber"),
        reason_retired=row.optional_text("reasonRetired"),
        pit_stops=row.optional_count("pitStops"),
        fastest_lap=row.boolean("fastestLap"),
    )


def _grid(place: _Place, row: Row) -> ClassificationRow:
    return ClassificationRow(
        **place,
        time=row.optional_duration("timeMillis"),
        qualifying_position=row.optional_count("qualificationPositionNumber"),
        grid_penalty=row.optional_text("gridPenalty"),
    )


def _fastest_lap(place: _Place, row: Row) -> ClassificationRow:
    return ClassificationRow(
        **place,
        lap=row.optional_count("lap"),
        time=row.optional_duration("timeMillis"),
        gap=row.optional_gap("gapMillis"),
    )


def _pit_stop(place: _Place, row: Row) -> ClassificationRow:
    return ClassificationRow(
        **place,
        lap=row.optional_count("lap"),
        stop=row.count("stop"),
        time=row.optional_duration("timeMillis"),
    )


@dataclass(frozen=True, slots=True)
class _List:
    """A file of the release that holds one kind of list for all races."""

    kind: ClassificationKind
    file: str
    columns: tuple[str, ...]
    read: Callable[[_Place, Row], ClassificationRow]


_TIMED = ("timeMillis", "gapMillis")
_KNOCK_OUT = ("laps", *_TIMED, "q1Millis", "q2Millis", "q3Millis")
_GRID = ("timeMillis", "qualificationPositionNumber", "gridPenalty")
_RACE = (
    "sharedCar", "laps", *_TIMED, "timePenaltyMillis", "gapLaps", "points", "qualificationPositionNumber",
    "gridPositionNumber", "reasonRetired", "pitStops", "fastestLap",
)  # fmt: skip
_LISTS = (
    _List(
        ClassificationKind.PRE_QUALIFYING, "f1db-races-pre-qualifying-results.csv", _KNOCK_OUT, _qualifying
    ),
    *(
        _List(
            ClassificationKind(f"PRACTICE_{number}"),
            f"f1db-races-free-practice-{number}-results.csv",
            ("laps", *_TIMED),
            _practice,
        )
        for number in (1, 2, 3, 4)
    ),
    _List(ClassificationKind.QUALIFYING_1, "f1db-races-qualifying-1-results.csv", _KNOCK_OUT, _qualifying),
    _List(ClassificationKind.QUALIFYING_2, "f1db-races-qualifying-2-results.csv", _KNOCK_OUT, _qualifying),
    _List(ClassificationKind.QUALIFYING, "f1db-races-qualifying-results.csv", _KNOCK_OUT, _qualifying),
    _List(
        ClassificationKind.SPRINT_QUALIFYING,
        "f1db-races-sprint-qualifying-results.csv",
        _KNOCK_OUT,
        _qualifying,
    ),
    _List(ClassificationKind.SPRINT_GRID, "f1db-races-sprint-starting-grid-positions.csv", _GRID, _grid),
    _List(ClassificationKind.SPRINT, "f1db-races-sprint-race-results.csv", _RACE, _race),
    _List(ClassificationKind.GRID, "f1db-races-starting-grid-positions.csv", _GRID, _grid),
    _List(ClassificationKind.WARM_UP, "f1db-races-warming-up-results.csv", ("laps", *_TIMED), _practice),
    _List(ClassificationKind.RACE, "f1db-races-race-results.csv", _RACE, _race),
    _List(ClassificationKind.FASTEST_LAPS, "f1db-races-fastest-laps.csv", ("lap", *_TIMED), _fastest_lap),
    _List(ClassificationKind.PIT_STOPS, "f1db-races-pit-stops.csv", ("lap", "stop", "timeMillis"), _pit_stop),
)
CLASSIFICATION_FILES = tuple(listed.file for listed in _LISTS)

# Until 1978 a driver could start in, or try to qualify, two cars at one race; until 1964 also take over a
# team mate's. Both give two lines in one result.
_LAST_SEASON_OF_TWO_CARS = 1978
_LAST_SEASON_OF_SHARED_CARS = 1964
# Slips in F1DB itself, accepted as published: the same place given to two, the next one to nobody.
_PLACES_GIVEN_TWICE = {
    ("1960-belgium", ClassificationKind.QUALIFYING, 15): "Reventlow, 9 s behind Bianchi, has his place",
    ("1961-belgium", ClassificationKind.QUALIFYING, 22): "Bianchi, 4 s behind Marsh, has his place",
    ("1983-belgium", ClassificationKind.QUALIFYING_2, 9): "Boesel, 0.4 s behind Prost, has his place",
    ("2017-mexico", ClassificationKind.QUALIFYING, 19): "Gasly, without a time, has Grosjean's place",
}
_DRIVERS_LISTED_TWICE = {
    ("2023-great-britain", ClassificationKind.QUALIFYING, "valtteri-bottas"): "both as NC and as DSQ",
}

Lists = dict[RaceNumber, tuple[ClassificationRow, ...]]


def read_lists(
    release: Release, races: Mapping[RaceNumber, ListedRace], reference: Reference
) -> Iterator[tuple[ClassificationKind, Lists]]:
    """Each kind of list with its rows by race, checked against calendar, names and itself.

    Raises:
        BadSourceDataError: An unknown id or status code, a row whose season or round is not that of its
            race, an order with gaps, a position or a driver twice without a reason.
    """
    for listed in _LISTS:
        yield listed.kind, _read_list(release, listed, races, reference)


def _read_list(
    release: Release, listed: _List, races: Mapping[RaceNumber, ListedRace], reference: Reference
) -> Lists:
    numbers: dict[RaceNumber, list[tuple[int, ClassificationRow]]] = {}
    for row in release.rows(listed.file, (*_PLACE_COLUMNS, *listed.columns)):
        number = race_of(row, races)
        numbers.setdefault(number, []).append((row.number, listed.read(_place(row, reference), row)))
    lists: Lists = {}
    for number, lines in numbers.items():
        lines.sort(key=lambda line: line[1].order)
        _check_order(listed.file, lines)
        _check_positions(listed, races[number], lines)
        _check_drivers(listed, races[number], lines)
        lists[number] = tuple(row for _, row in lines)
    return lists


def race_of(row: Row, races: Mapping[RaceNumber, ListedRace]) -> RaceNumber:
    """The race a row belongs to, whose season and round must be the row's own."""
    number = row.count("raceId")
    race = races.get(number)
    if race is None:
        raise row.error(f"raceId is {number}, but the release has no such race")
    year, round_ = row.count("year"), row.count("round")
    if (year, round_) != (race.season, race.round):
        raise row.error(
            f"year {year} round {round_} contradicts raceId {number}, "
            f"which is {race.season} round {race.round}"
        )
    return number


def _place(row: Row, reference: Reference) -> _Place:
    position, code = row.optional_count("positionNumber"), row.text("positionText")
    if position is None:
        status = _STATUS_OF_CODE.get(code)
        if status is None:
            raise row.error(f"positionText is {code!r}, which is none of {', '.join(_STATUS_OF_CODE)}")
    elif str(position) == code:
        status = Status.CLASSIFIED
    else:
        raise row.error(f"positionNumber is {position}, but positionText is {code!r}")
    return _Place(
        order=row.count("positionDisplayOrder"),
        driver_id=known(row, "driverId", reference.drivers, "driver"),
        constructor_id=known(row, "constructorId", reference.constructors, "constructor"),
        engine_id=known(row, "engineManufacturerId", reference.engines, "engine manufacturer"),
        car_number=sys.intern(row.cell("driverNumber")) or None,
        position=position,
        status=status,
    )


Line = tuple[int, ClassificationRow]


def _check_order(file: str, lines: list[Line]) -> None:
    for expected, (number, row) in enumerate(lines, start=1):
        if row.order != expected:
            raise BadSourceDataError(
                f"positionDisplayOrder is {row.order} where {expected} was expected: "
                "the lines of a list count 1, 2, 3 …",
                file=file,
                row=number,
            )


def _check_positions(listed: _List, race: ListedRace, lines: list[Line]) -> None:
    previous: Line | None = None
    for number, row in lines:
        if row.position is None:
            continue
        if previous is not None:
            if row.position < (previous[1].position or 0):
                raise BadSourceDataError(
                    f"position {row.position} is listed below position {previous[1].position}",
                    file=listed.file,
                    row=number,
                )
            if row.position == previous[1].position and not _may_share(listed.kind, race, previous[1], row):
                raise BadSourceDataError(
                    f"position {row.position} of {race.id} is already {previous[1].driver_id}'s "
                    f"(row {previous[0]}) and now {row.driver_id}'s",
                    file=listed.file,
                    row=number,
                )
        previous = (number, row)


def _may_share(
    kind: ClassificationKind, race: ListedRace, first: ClassificationRow, second: ClassificationRow
) -> bool:
    """Whether two may have the same position: in one car, or with the same time for the fastest lap."""
    if kind is ClassificationKind.RACE and race.season <= _LAST_SEASON_OF_SHARED_CARS:
        return second.shared_car and first.car_number == second.car_number
    if kind is ClassificationKind.FASTEST_LAPS:
        # Watches showed fifths or tenths of a second: seven shared the fastest lap of Silverstone 1954.
        return first.time is not None and first.time == second.time
    return (race.id, kind, first.position) in _PLACES_GIVEN_TWICE


def _check_drivers(listed: _List, race: ListedRace, lines: list[Line]) -> None:
    if listed.kind is ClassificationKind.RACE and race.season <= _LAST_SEASON_OF_TWO_CARS:
        return
    seen: dict[tuple[str, int | None], int] = {}
    for number, row in lines:
        # A driver stops several times, but has each stop once.
        key = (row.driver_id, row.stop)
        if key in seen and (race.id, listed.kind, row.driver_id) not in _DRIVERS_LISTED_TWICE:
            raise BadSourceDataError(
                f"driverId {row.driver_id!r} of {race.id} is already in row {seen[key]}",
                file=listed.file,
                row=number,
            )
        seen[key] = number
