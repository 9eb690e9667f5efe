"""How drivers and teams did lately, and how often they stopped."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from operator import mul
from statistics import fmean

from f1graph.features.recent_races import CarRecord, RecentCars

DRIVER_HALF_LIFE = 4.0
DRIVER_LONG_HALF_LIFE = 15.0
TEAM_HALF_LIFE = 6.0
GRID_HALF_LIFE = 5.0
QUALIFYING_HALF_LIFE = 6.0
FIELD_RACES = 20
USUAL_RETIREMENT_RATE = 0.15
# Starts at the field's rate that every driver and team is credited with.
_PRIOR_STARTS = 15.0
_DRIVER_MEMORY = 0.96
_TEAM_MEMORY = 0.975


class Form:
    """What the last races say of each driver and each team."""

    def __init__(self, recent: RecentCars) -> None:
        self._recent = recent
        shares = [record.retirement_share for record in recent.records[:FIELD_RACES]]
        self.field_retirement_rate = fmean(shares) if shares else USUAL_RETIREMENT_RATE

    def driver_values(self, driver_id: str) -> dict[str, float]:
        cars = self._recent.of_driver(driver_id)
        results = [car.result for car in cars]
        return {
            "driver_form": recent_mean(results, DRIVER_HALF_LIFE),
            "driver_long_form": recent_mean(results, DRIVER_LONG_HALF_LIFE),
            "driver_grid_form": recent_mean([car.grid for car in cars], GRID_HALF_LIFE),
            "driver_qualifying_form": recent_mean([car.qualifying for car in cars], QUALIFYING_HALF_LIFE),
            "recent_starts": float(sum(car.started for car in cars)),
            "driver_retirement_rate": self._retirement_rate(cars, _DRIVER_MEMORY),
        }

    def team_values(self, lineage_id: str) -> dict[str, float]:
        cars = self._recent.of_team(lineage_id)
        return {
            "team_form": recent_mean([car.result for car in cars], TEAM_HALF_LIFE),
            "team_qualifying_form": recent_mean([car.qualifying for car in cars], QUALIFYING_HALF_LIFE),
            "team_retirement_rate": self._retirement_rate(cars, _TEAM_MEMORY),
        }

    def _retirement_rate(self, cars: Sequence[CarRecord], memory: float) -> float:
        """Retirements per start, older ones counting less, shrunk towards the field's rate."""
        starts = [car for car in cars if car.started]
        weights = fading(memory, len(starts))
        retirements = sum(weight for weight, car in zip(weights, starts, strict=True) if car.retired)
        credit = _PRIOR_STARTS * self.field_retirement_rate
        return (retirements + credit) / (sum(weights) + _PRIOR_STARTS)


def recent_mean(values: Sequence[float | None], half_life: float) -> float:
    """Mean of the known values, newest first, each worth half of the one `half_life` before it; else NaN."""
    return shrunk_mean(values, half_life, towards=float("nan"), credit=0.0)


def shrunk_mean(values: Sequence[float | None], half_life: float, *, towards: float, credit: float) -> float:
    """As `recent_mean`, with a further value `towards` of weight `credit`: it stands where none is known."""
    known = [value for value in values if value is not None]
    if not known:
        return towards
    weights = fading(0.5 ** (1.0 / half_life), len(known))
    total: float = sum(map(mul, weights, known))
    if not credit:
        return total / sum(weights)
    return (total + credit * towards) / (sum(weights) + credit)


@lru_cache(maxsize=2_000)
def fading(memory: float, count: int) -> tuple[float, ...]:
    """Weights of values from the newest on, each `memory` times the one before it."""
    return tuple(memory**age for age in range(count))
