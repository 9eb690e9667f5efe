"""Drivers against their teammates: the one comparison in which the car is the same."""

from __future__ import annotations

from f1graph.features.form import recent_mean, shrunk_mean
from f1graph.features.recent_races import RecentCars

QUALIFYING_HALF_LIFE = 8.0
RACE_HALF_LIFE = 10.0
# Races shared evenly that every driver is credited with.
_PRIOR_RACES = 4.0
_EVEN = 0.5


def teammate_values(recent: RecentCars, driver_id: str, lineage_id: str) -> dict[str, float]:
    """`lineage_id`: of the team that the driver is entered for now."""
    cars = recent.of_driver(driver_id)
    return {
        "teammate_qualifying_gap": recent_mean([car.teammate_gap for car in cars], QUALIFYING_HALF_LIFE),
        "teammate_race_share": shrunk_mean(
            [car.teammates_beaten for car in cars], RACE_HALF_LIFE, towards=_EVEN, credit=_PRIOR_RACES
        ),
        "races_with_team": float(sum(car.started and car.lineage_id == lineage_id for car in cars)),
    }
