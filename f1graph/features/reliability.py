"""Retirements by cause: the driver's accidents, and what breaks on the team's cars.

Since 2025 nobody publishes causes. A retirement of unknown cause counts as an accident by that share of
itself which the field's known retirements had, so that rates are the same on both sides of that winter.
"""

from __future__ import annotations

from collections.abc import Sequence

from f1graph.features.form import USUAL_RETIREMENT_RATE, fading
from f1graph.features.recent_races import CarRecord, RecentCars
from f1graph.races.retirement_causes import RetirementCause

# Of the retirements of 2014 to 2024 whose cause was published.
_USUAL_SHARES = {RetirementCause.ACCIDENT: 0.45, RetirementCause.MECHANICAL: 0.53}
# Retirements with the usual shares, and starts at the field's rate, that everybody is credited with.
_PRIOR_RETIREMENTS = 20.0
_PRIOR_STARTS = 15.0
_FIELD_MEMORY = 0.998
_DRIVER_MEMORY = 0.965
_TEAM_MEMORY = 0.97


class Reliability:
    """Rates per start, older starts counting less, shrunk towards the field's."""

    def __init__(self, recent: RecentCars) -> None:
        self._recent = recent
        starters = [car for record in recent.records for car in record.starters]
        causes = [car.cause for car in starters if car.cause not in (None, RetirementCause.UNKNOWN)]
        self._shares = {
            cause: (sum(one is cause for one in causes) + _PRIOR_RETIREMENTS * usual)
            / (len(causes) + _PRIOR_RETIREMENTS)
            for cause, usual in _USUAL_SHARES.items()
        }
        self._field = {
            cause: self._rate(starters, cause, _FIELD_MEMORY, USUAL_RETIREMENT_RATE * usual)
            for cause, usual in _USUAL_SHARES.items()
        }

    @property
    def field_values(self) -> dict[str, float]:
        return {
            "field_accident_rate": self._field[RetirementCause.ACCIDENT],
            "field_mechanical_rate": self._field[RetirementCause.MECHANICAL],
        }

    def driver_values(self, driver_id: str) -> dict[str, float]:
        starts = _starts(self._recent.of_driver(driver_id))
        cause = RetirementCause.ACCIDENT
        return {"driver_accident_rate": self._rate(starts, cause, _DRIVER_MEMORY, self._field[cause])}

    def team_values(self, lineage_id: str) -> dict[str, float]:
        starts = _starts(self._recent.of_team(lineage_id))
        cause = RetirementCause.MECHANICAL
        return {"team_mechanical_rate": self._rate(starts, cause, _TEAM_MEMORY, self._field[cause])}

    def _rate(
        self, starts: Sequence[CarRecord], cause: RetirementCause, memory: float, usual: float
    ) -> float:
        weights = fading(memory, len(starts))
        stopped = sum(
            weight * self._is_of(car, cause)
            for weight, car in zip(weights, starts, strict=True)
            if car.cause is not None
        )
        return (stopped + _PRIOR_STARTS * usual) / (sum(weights) + _PRIOR_STARTS)

    def _is_of(self, car: CarRecord, cause: RetirementCause) -> float:
        return self._shares[cause] if car.cause is RetirementCause.UNKNOWN else float(car.cause is cause)


def _starts(cars: Sequence[CarRecord]) -> list[CarRecord]:
    return [car for car in cars if car.started]
