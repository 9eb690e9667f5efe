"""Turns FastF1's results into classifications, and holds them against the rules of the sport."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

from f1graph.errors import BadSourceDataError
from f1graph.races.calendar import PRACTICES, Race, SessionKind
from f1graph.races.points import has_fastest_lap_point, points_for, points_scale
from f1graph.races.results import ClassificationKind, ClassificationRow, Status
from f1graph.sources.fastf1.values import Line, count, duration, number, text
from f1graph.sources.identity import Known, NamedDriver, NamedTeam, constructor_id, driver_id

_STATUS_OF_TEXT = {
    "R": Status.DID_NOT_FINISH,
    "W": Status.DID_NOT_START,
    "D": Status.DISQUALIFIED,
    "F": Status.DID_NOT_QUALIFY,
    "N": Status.NOT_CLASSIFIED,
    "E": Status.EXCLUDED,
}
_NEVER_STARTED = frozenset({Status.DID_NOT_START, Status.DID_NOT_QUALIFY, Status.EXCLUDED})
_NO_REASON = frozenset({"Retired", "Finished", "Lapped", "Disqualified", "Did not start"})
_CARS_OF_A_TEAM = 2
_FEWEST_CARS = 10
_MOST_CARS = 26
# Who fell ill or crashed in practice may be listed without having been classified.
_MOST_WITHOUT_PLACE = 3
# A qualifying lap or race time outside these is none.
_SHORTEST_LAP, _LONGEST_LAP = timedelta(seconds=45), timedelta(minutes=10)
_FULL_POINTS_FROM = 0.75


class People:
    """Who is who in one session, found once: by car number, with engine where the entry is known.

    Raises:
        UnknownIdentityError: On asking for somebody whom nobody can map.
    """

    def __init__(self, results: Sequence[Line], season: int, known: Known) -> None:
        self._season, self._known = season, known
        self._lines = {text(line, "DriverNumber"): line for line in results}
        self._drivers: dict[str, str] = {}
        self._engines = {
            (entry.driver_id, entry.constructor_id): entry.engine_id
            for entry in (*known.season_entries, *known.entries)
        }

    def driver(self, car_number: str) -> str:
        if car_number not in self._drivers:
            line = self._lines.get(car_number, {})
            named = NamedDriver(
                code=text(line, "Abbreviation"),
                number=car_number,
                first_name=text(line, "FirstName"),
                last_name=text(line, "LastName"),
                ergast_id=text(line, "DriverId"),
            )
            self._drivers[car_number] = driver_id(named, season=self._season, known=self._known)
        return self._drivers[car_number]

    def constructor(self, car_number: str) -> str:
        line = self._lines.get(car_number, {})
        named = NamedTeam(name=text(line, "TeamName"), ergast_id=text(line, "TeamId"))
        return constructor_id(named, season=self._season, known=self._known)

    def engine(self, driver: str, constructor: str) -> str | None:
        return self._engines.get((driver, constructor))


def classification_rows(
    session: SessionKind,
    results: Sequence[Line],
    people: People,
    *,
    race: Race,
    laps_of: Mapping[str, int],
    fastest_car: str | None,
) -> tuple[ClassificationRow, ...]:
    """The session's order, checked.

    Args:
        laps_of: Laps driven by car number, for practice.
        fastest_car: The number of the car with the fastest lap by the timing, where there are laps.

    Raises:
        BadSourceDataError: It contradicts itself or the rules; the text says how.
        UnknownIdentityError: A driver or team is not known.
    """
    taking_part = [line for line in results if _took_part(session, line, laps_of)]
    placed = sorted(taking_part, key=_place_of)
    rows = tuple(
        _READERS[session](_row(line, people, order), line, placed[0], laps_of)
        for order, line in enumerate(placed, start=1)
    )
    _check_field(rows)
    if session is SessionKind.QUALIFYING:
        _check_everybody_is_placed(rows)
    if session in (SessionKind.RACE, SessionKind.SPRINT):
        rows = _with_fastest_lap(_check_race(rows, race, session), race, session, fastest_car)
    else:
        _check_times(rows)
    return rows


def grid_rows(rows: Sequence[ClassificationRow]) -> tuple[ClassificationRow, ...]:
    """The grid that the race's own list tells: who started, pit-lane starts last.

    Raises:
        BadSourceDataError: Two cars on one place, or a place beyond the field.
    """
    on_grid = [row for row in rows if row.grid_position is not None]
    places = Counter(row.grid_position for row in on_grid)
    twice = [place for place, cars in places.items() if cars > 1]
    if twice:
        raise BadSourceDataError(f"place {twice[0]} of the grid has {places[twice[0]]} cars")
    if not on_grid or max(row.grid_position or 0 for row in on_grid) > len(rows):
        raise BadSourceDataError("the grid has no places, or places beyond the number of cars")
    from_pits = [row for row in rows if row.grid_position is None and row.status not in _NEVER_STARTED]
    if len(from_pits) > len(on_grid):
        raise BadSourceDataError(f"{len(from_pits)} cars without a place on the grid")
    ordered = [*sorted(on_grid, key=lambda row: row.grid_position or 0), *from_pits]
    return tuple(
        ClassificationRow(
            order=order,
            driver_id=row.driver_id,
            constructor_id=row.constructor_id,
            engine_id=row.engine_id,
            car_number=row.car_number,
            position=row.grid_position,
            status=Status.CLASSIFIED if row.grid_position is not None else Status.PIT_LANE,
        )
        for order, row in enumerate(ordered, start=1)
    )


def grid_kind(session: SessionKind) -> ClassificationKind:
    return ClassificationKind.GRID if session is SessionKind.RACE else ClassificationKind.SPRINT_GRID


def with_best_laps(results: Sequence[Line], laps: Sequence[Line]) -> list[Line]:
    """The results of a practice session by best laps, for when FastF1 gives none.

    It gives none without race control's messages, since it then does not know which times were taken away.
    """
    best: dict[str, int] = {}
    for lap in laps:
        car, time = text(lap, "DriverNumber") or "", lap.get("LapTime")
        if isinstance(time, int) and lap.get("Deleted") is not True:
            best[car] = min(time, best.get(car, time))
    places = {car: place for place, car in enumerate(sorted(best, key=lambda car: best[car]), start=1)}
    return [
        {**line, "Position": places.get(car), "Time": best.get(car)}
        for line in results
        for car in [text(line, "DriverNumber") or ""]
    ]


def _took_part(session: SessionKind, line: Line, laps_of: Mapping[str, int]) -> bool:
    """The list of drivers of a practice session has reserves that never drove."""
    if session not in PRACTICES:
        return True
    return number(line, "Position") is not None or laps_of.get(text(line, "DriverNumber") or "", 0) > 0


def _place_of(line: Line) -> tuple[float, int]:
    place = number(line, "Position")
    car = text(line, "DriverNumber") or ""
    return (float("inf") if place is None else place, int(car) if car.isdigit() else 0)


def _row(line: Line, people: People, order: int) -> ClassificationRow:
    car_number = text(line, "DriverNumber")
    if car_number is None:
        raise BadSourceDataError("a line of the results has no car number")
    driver, constructor = people.driver(car_number), people.constructor(car_number)
    return ClassificationRow(
        order=order,
        driver_id=driver,
        constructor_id=constructor,
        engine_id=people.engine(driver, constructor),
        car_number=car_number,
        position=count(line, "Position"),
    )


def _practice(
    row: ClassificationRow, line: Line, first: Line, laps_of: Mapping[str, int]
) -> ClassificationRow:
    best, fastest = duration(line, "Time"), duration(first, "Time")
    # Who drove without a time is listed after the others, as the published lists do it.
    return replace(
        row,
        position=row.order,
        time=best,
        gap=None if best is None or fastest is None or row.order == 1 else best - fastest,
        laps=laps_of.get(row.car_number or ""),
    )


def _qualifying(
    row: ClassificationRow, line: Line, first: Line, laps_of: Mapping[str, int]
) -> ClassificationRow:
    q1, q2, q3 = (duration(line, column) for column in ("Q1", "Q2", "Q3"))
    return replace(row, q1=q1, q2=q2, q3=q3)


def _race(row: ClassificationRow, line: Line, first: Line, laps_of: Mapping[str, int]) -> ClassificationRow:
    published = text(line, "ClassifiedPosition")
    status = Status.CLASSIFIED if (published or "").isdigit() else _STATUS_OF_TEXT.get(published or "")
    if status is None:
        raise BadSourceDataError(f"car {row.car_number} has the place {published!r}, which is none")
    classified = status is Status.CLASSIFIED
    if classified and int(published or 0) != row.position:
        raise BadSourceDataError(f"car {row.car_number} is {row.position}. and {published}. at once")
    laps, laps_of_first = count(line, "Laps"), count(first, "Laps")
    total = duration(first, "Time")
    behind = duration(line, "Time") if row.order > 1 else None
    if behind is not None and total is not None and behind >= total:
        behind -= total  # some answers give the total instead of the gap
    grid = count(line, "GridPosition")
    why = text(line, "Status")
    stopped = why is not None and why not in _NO_REASON and not why.startswith("+")
    running = classified and not stopped and why != "Retired"
    lapped = running and laps is not None and laps_of_first is not None and laps < laps_of_first
    return replace(
        row,
        status=status,
        position=row.position if classified else None,
        laps=None if status in _NEVER_STARTED and not laps else laps,
        time=total if row.order == 1 else None if total is None or behind is None else total + behind,
        gap=behind,
        gap_laps=(laps_of_first or 0) - (laps or 0) if lapped else None,
        points=number(line, "Points"),
        grid_position=grid or None,
        reason_retired=why if stopped else None,
    )


_Reader = Callable[[ClassificationRow, Line, Line, Mapping[str, int]], ClassificationRow]
_READERS: dict[SessionKind, _Reader] = {
    **dict.fromkeys(PRACTICES, _practice),
    SessionKind.QUALIFYING: _qualifying,
    SessionKind.SPRINT_QUALIFYING: _qualifying,
    SessionKind.SPRINT: _race,
    SessionKind.RACE: _race,
}


def _check_field(rows: tuple[ClassificationRow, ...]) -> None:
    if not _FEWEST_CARS <= len(rows) <= _MOST_CARS:
        raise BadSourceDataError(
            f"{len(rows)} cars are classified; a session has {_FEWEST_CARS} to {_MOST_CARS}"
        )
    places = [row.position for row in rows if row.position is not None]
    if places != list(range(1, len(places) + 1)):
        raise BadSourceDataError(f"the places are {places}, not 1 to {len(places)}, each once")
    for what, counted, most in (
        ("driver", Counter(row.driver_id for row in rows), 1),
        ("car", Counter(row.car_number for row in rows), 1),
        ("team", Counter(row.constructor_id for row in rows), _CARS_OF_A_TEAM),
    ):
        named, lines_with_it = counted.most_common(1)[0]
        if lines_with_it > most:
            raise BadSourceDataError(f"{what} {named} is in {lines_with_it} lines; {most} is the most")


def _check_everybody_is_placed(rows: tuple[ClassificationRow, ...]) -> None:
    """Who set no time is placed as well; the beginning of a list looks like a whole one otherwise."""
    placed = sum(row.position is not None for row in rows)
    if len(rows) - placed > _MOST_WITHOUT_PLACE:
        raise BadSourceDataError(f"{placed} of {len(rows)} cars have a place")


def _check_race(
    rows: tuple[ClassificationRow, ...], race: Race, session: SessionKind
) -> tuple[ClassificationRow, ...]:
    if not any(row.position is not None for row in rows):
        raise BadSourceDataError("nobody is classified")
    gaps = [row.gap for row in rows if row.position is not None and row.gap is not None]
    if gaps != sorted(gaps):
        raise BadSourceDataError("a car is listed behind one that finished later")
    laps = [row.laps for row in rows if row.position is not None and row.laps is not None]
    if laps != sorted(laps, reverse=True) or not laps or laps[0] == 0:
        raise BadSourceDataError("a car is listed behind one that drove fewer laps, or no laps were driven")
    for row in rows:
        if row.points not in _points_possible(row, race, session, laps[0]):
            raise BadSourceDataError(f"{row.points} points for place {row.position}, which do not go with it")
    return rows


def _points_possible(row: ClassificationRow, race: Race, session: SessionKind, laps: int) -> Points:
    scale = points_scale(race.id)
    usual = {
        points_for(race.season, row.position, session=session, fastest_lap=fastest, scale=scale)
        for fastest in (False, True)
    }
    shortened = race.scheduled_laps is not None and laps < _FULL_POINTS_FROM * race.scheduled_laps
    return _Upto(max(usual)) if shortened and session is SessionKind.RACE else usual


class _Upto:
    """A race stopped early pays fewer points, by a table of its own."""

    def __init__(self, most: float) -> None:
        self._most = most

    def __contains__(self, points: object) -> bool:
        return isinstance(points, float) and 0 <= points <= self._most


Points = set[float] | _Upto


def _with_fastest_lap(
    rows: tuple[ClassificationRow, ...], race: Race, session: SessionKind, fastest_car: str | None
) -> tuple[ClassificationRow, ...]:
    """Who has the extra point had the fastest lap; where nobody has it, the timing says whose it was."""
    if session is not SessionKind.RACE:
        return rows
    scale = points_scale(race.id)
    extra = [
        row.car_number
        for row in rows
        if has_fastest_lap_point(race.season, row.position)
        and row.points == points_for(race.season, row.position, fastest_lap=True, scale=scale)
    ]
    if len(extra) > 1:
        raise BadSourceDataError(f"cars {' and '.join(map(str, extra))} both have the fastest lap's point")
    fastest = extra[0] if extra else fastest_car
    return tuple(replace(row, fastest_lap=row.car_number == fastest) for row in rows)


def _check_times(rows: tuple[ClassificationRow, ...]) -> None:
    times = [time for row in rows for time in (row.time, row.q1, row.q2, row.q3) if time is not None]
    if not times:
        raise BadSourceDataError("nobody has a time")
    if min(times) < _SHORTEST_LAP or max(times) > _LONGEST_LAP:
        raise BadSourceDataError(f"a lap of {min(times)} or {max(times)} is none")
    best = [row.time for row in rows if row.time is not None]
    if best != sorted(best):
        raise BadSourceDataError("a driver is listed behind one who was slower")
