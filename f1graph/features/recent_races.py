"""The last races before a race, each reduced to what form and reliability are made of."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from f1graph.features.lap_gaps import gap_between, qualifying_gaps
from f1graph.races.calendar import Race
from f1graph.races.entries import Constructor
from f1graph.races.past import Past
from f1graph.races.results import Classification, ClassificationKind, ClassificationRow
from f1graph.races.retirement_causes import RetirementCause, retirement_cause

# Two seasons and a half: the season before must be inside it, even at the end of a season of 24 races.
WINDOW = 60
_LARGEST_QUALIFYING_GAP = 5.0
# A lap spoilt by rain or a red flag says nothing about the two drivers.
_LARGEST_TEAMMATE_GAP = 3.0


@dataclass(frozen=True, slots=True)
class CarRecord:
    """How one entry did in one past race.

    Attributes:
        result: 1 for a win down to −1 for the last classified car; None if not classified.
        grid: 1 for pole down to −1 for the last place and the pit lane; None if nobody's is known.
        qualifying: Percent of a lap faster than the field's mean; None without a lap.
        points: Scored on the weekend, the sprint included.
        position, grid_position: As published; None where not classified, or from the pit lane.
        cause: Why it stopped; None if it did not.
        teammate_gap: Percent of a lap slower than the teammate in the last part of qualifying that both
            drove, at most 3 either way; None without one.
        teammates_beaten: Share of the classified teammates that finished behind; None without one, or if
            not classified.
    """

    driver_id: str
    lineage_id: str
    started: bool
    retired: bool
    result: float | None
    grid: float | None
    qualifying: float | None
    points: float
    position: int | None
    grid_position: int | None
    cause: RetirementCause | None
    teammate_gap: float | None
    teammates_beaten: float | None

    @property
    def gain(self) -> float | None:
        """Places between grid and finish; below 0 if lost."""
        if self.position is None or self.grid_position is None:
            return None
        return float(self.grid_position - self.position)


@dataclass(frozen=True, slots=True)
class RaceRecord:
    season: int
    cars: tuple[CarRecord, ...]

    @property
    def starters(self) -> tuple[CarRecord, ...]:
        return tuple(car for car in self.cars if car.started)

    @property
    def retirement_share(self) -> float:
        starters = self.starters
        return fmean(car.retired for car in starters) if starters else 0.0


class RecentCars:
    """The cars of the last races by driver and by team, newest first."""

    def __init__(self, records: Sequence[RaceRecord]) -> None:
        self.records = records
        self._of_driver: dict[str, list[CarRecord]] = defaultdict(list)
        self._of_team: dict[str, list[CarRecord]] = defaultdict(list)
        for record in records:
            for car in record.cars:
                self._of_driver[car.driver_id].append(car)
                self._of_team[car.lineage_id].append(car)

    def of_driver(self, driver_id: str) -> Sequence[CarRecord]:
        return self._of_driver.get(driver_id, ())

    def of_team(self, lineage_id: str) -> Sequence[CarRecord]:
        return self._of_team.get(lineage_id, ())


def lineage_of(constructors: Mapping[str, Constructor], constructor_id: str) -> str:
    """The team over its renames; the id itself where the constructor is not known."""
    constructor = constructors.get(constructor_id)
    return constructor_id if constructor is None else constructor.lineage_id


def races_before(past: Past, race: Race) -> tuple[Race, ...]:
    """Races with a known result that started before `race`, oldest first."""
    return tuple(other for other in past.classified_races() if other.starts_at < race.starts_at)


def recent_records(past: Past, races: Sequence[Race]) -> tuple[RaceRecord, ...]:
    """The last of `races`, newest first."""
    return tuple(record_of(past, race) for race in reversed(races[-WINDOW:]))


def record_of(past: Past, race: Race) -> RaceRecord:
    result = past.classification(race.id, ClassificationKind.RACE)
    assert result is not None, f"{race.id} has no result"
    qualifying = past.classification(race.id, ClassificationKind.QUALIFYING)
    sprint = past.classification(race.id, ClassificationKind.SPRINT)
    return past.recall(_record, race, result, qualifying, sprint, past.constructors)


def _record(
    race: Race,
    result: Classification,
    qualifying: Classification | None,
    sprint: Classification | None,
    constructors: Mapping[str, Constructor],
) -> RaceRecord:
    finishers = sorted((row for row in result.rows if row.position is not None), key=lambda row: row.order)
    place = {row.driver_id: index for index, row in enumerate(finishers)}
    grid = _grid_scale(result)
    pace = against_field(qualifying_gaps(qualifying))
    sprint_points = {row.driver_id: row.points or 0.0 for row in sprint.rows} if sprint is not None else {}
    # Of a driver with two lines (two cars, until 1978) the better one stands.
    rows = {row.driver_id: row for row in sorted(result.rows, key=lambda row: -row.order)}
    of_team: dict[str, list[ClassificationRow]] = defaultdict(list)
    for row in rows.values():
        of_team[row.constructor_id].append(row)
    cars = (
        CarRecord(
            driver_id=driver,
            lineage_id=lineage_of(constructors, row.constructor_id),
            started=row.started,
            retired=row.retired,
            result=_scale(place[driver], len(finishers)) if driver in place else None,
            grid=grid.get(driver),
            qualifying=pace.get(driver),
            points=(row.points or 0.0) + sprint_points.get(driver, 0.0),
            position=row.position,
            grid_position=row.grid_position,
            cause=retirement_cause(row),
            teammate_gap=_teammate_gap(qualifying, row, of_team[row.constructor_id]),
            teammates_beaten=_teammates_beaten(row, of_team[row.constructor_id]),
        )
        for driver, row in sorted(rows.items())
    )
    return RaceRecord(race.season, tuple(cars))


def _scale(index: int, count: int) -> float:
    return 1.0 - 2.0 * index / max(count - 1, 1)


def _grid_scale(result: Classification) -> dict[str, float]:
    starters = [row for row in result.rows if row.started]
    if all(row.grid_position is None for row in starters):
        return {}
    back = len(starters) + 1
    ordered = sorted(starters, key=lambda row: (row.grid_position or back, row.driver_id))
    return {row.driver_id: _scale(index, len(ordered)) for index, row in enumerate(ordered)}


def against_field(gaps: Mapping[str, float]) -> dict[str, float]:
    """Percent of a lap faster than the field's mean, gaps beyond 5 % taken as 5 %."""
    if not gaps:
        return {}
    capped = {driver: min(gap, _LARGEST_QUALIFYING_GAP) for driver, gap in gaps.items()}
    mean = fmean(capped.values())
    return {driver: mean - gap for driver, gap in capped.items()}


def _teammate_gap(
    qualifying: Classification | None, own: ClassificationRow, team: Sequence[ClassificationRow]
) -> float | None:
    gaps = [
        min(max(gap, -_LARGEST_TEAMMATE_GAP), _LARGEST_TEAMMATE_GAP)
        for mate in team
        if mate.driver_id != own.driver_id
        and (gap := gap_between(qualifying, own.driver_id, mate.driver_id)) is not None
    ]
    return fmean(gaps) if gaps else None


def _teammates_beaten(own: ClassificationRow, team: Sequence[ClassificationRow]) -> float | None:
    if own.position is None:
        return None
    beaten = [
        own.order < mate.order
        for mate in team
        if mate.driver_id != own.driver_id and mate.position is not None
    ]
    return fmean(beaten) if beaten else None
