"""The last races before a race, each reduced to what form and reliability are made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from f1graph.features.lap_gaps import qualifying_gaps
from f1graph.races.calendar import Race
from f1graph.races.past import Past
from f1graph.races.results import Classification, ClassificationKind

# Two seasons and a half: the season before must be inside it, even at the end of a season of 24 races.
WINDOW = 60
_LARGEST_QUALIFYING_GAP = 5.0


@dataclass(frozen=True, slots=True)
class CarRecord:
    """How one entry did in one past race.

    Attributes:
        result: 1 for a win down to −1 for the last classified car; None if not classified.
        grid: 1 for pole down to −1 for the last place and the pit lane; None if nobody's is known.
        qualifying: Percent of a lap faster than the field's mean; None without a lap.
        points: Scored on the weekend, the sprint included.
    """

    driver_id: str
    lineage_id: str
    started: bool
    retired: bool
    result: float | None
    grid: float | None
    qualifying: float | None
    points: float


@dataclass(frozen=True, slots=True)
class RaceRecord:
    season: int
    cars: tuple[CarRecord, ...]

    @property
    def retirement_share(self) -> float:
        starters = [car for car in self.cars if car.started]
        return fmean(car.retired for car in starters) if starters else 0.0


def lineage_of(past: Past, constructor_id: str) -> str:
    """The team over its renames; the id itself where the constructor is not known."""
    constructor = past.constructors.get(constructor_id)
    return constructor_id if constructor is None else constructor.lineage_id


def races_before(past: Past, race: Race) -> tuple[Race, ...]:
    """Races with a known result that started before `race`, oldest first."""
    return tuple(other for other in past.classified_races() if other.starts_at < race.starts_at)


def recent_records(past: Past, races: Sequence[Race]) -> tuple[RaceRecord, ...]:
    """The last of `races`, newest first."""
    return tuple(_record(past, race) for race in reversed(races[-WINDOW:]))


def _record(past: Past, race: Race) -> RaceRecord:
    result = past.classification(race.id, ClassificationKind.RACE)
    assert result is not None, f"{race.id} has no result"
    finishers = sorted((row for row in result.rows if row.position is not None), key=lambda row: row.order)
    place = {row.driver_id: index for index, row in enumerate(finishers)}
    grid = _grid_scale(result)
    qualifying = _against_field(qualifying_gaps(past.classification(race.id, ClassificationKind.QUALIFYING)))
    sprint = past.classification(race.id, ClassificationKind.SPRINT)
    sprint_points = {row.driver_id: row.points or 0.0 for row in sprint.rows} if sprint is not None else {}
    cars = {
        row.driver_id: CarRecord(
            driver_id=row.driver_id,
            lineage_id=lineage_of(past, row.constructor_id),
            started=row.started,
            retired=row.retired,
            result=_scale(place[row.driver_id], len(finishers)) if row.driver_id in place else None,
            grid=grid.get(row.driver_id),
            qualifying=qualifying.get(row.driver_id),
            points=(row.points or 0.0) + sprint_points.get(row.driver_id, 0.0),
        )
        # Of a driver with two lines (two cars, until 1978) the better one stands.
        for row in sorted(result.rows, key=lambda row: -row.order)
    }
    return RaceRecord(race.season, tuple(cars[driver] for driver in sorted(cars)))


def _scale(index: int, count: int) -> float:
    return 1.0 - 2.0 * index / max(count - 1, 1)


def _grid_scale(result: Classification) -> dict[str, float]:
    starters = [row for row in result.rows if row.started]
    if all(row.grid_position is None for row in starters):
        return {}
    back = len(starters) + 1
    ordered = sorted(starters, key=lambda row: (row.grid_position or back, row.driver_id))
    return {row.driver_id: _scale(index, len(ordered)) for index, row in enumerate(ordered)}


def _against_field(gaps: dict[str, float]) -> dict[str, float]:
    if not gaps:
        return {}
    capped = {driver: min(gap, _LARGEST_QUALIFYING_GAP) for driver, gap in gaps.items()}
    mean = fmean(capped.values())
    return {driver: mean - gap for driver, gap in capped.items()}
