"""How often drivers and teams are at the very front, and what drivers make of their grid places."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import fmean

from f1graph.features.form import shrunk_mean
from f1graph.features.recent_races import CarRecord, RecentCars

DRIVER_HALF_LIFE = 10.0
TEAM_HALF_LIFE = 16.0
GAIN_HALF_LIFE = 8.0
_USUAL_FIELD = 20.0
_FIELD_RACES = 20
# Starts at the field's share that every driver and team is credited with.
_PRIOR_STARTS = 2.0
_PRIOR_GAINS = 5.0
_PODIUM = 3
_FRONT_ROW = 2


class Success:
    """Shares of recent starts, shrunk towards those of a field in which all are alike."""

    def __init__(self, recent: RecentCars) -> None:
        self._recent = recent
        sizes = [len(record.starters) for record in recent.records[:_FIELD_RACES]]
        self._field = max(fmean(sizes) if sizes else _USUAL_FIELD, float(_PODIUM))

    def driver_values(self, driver_id: str) -> dict[str, float]:
        cars = [car for car in self._recent.of_driver(driver_id) if car.started]
        gridded = [car for car in cars if car.grid is not None]
        return {
            "driver_win_share": self._share(cars, _won, 1, DRIVER_HALF_LIFE),
            "driver_podium_share": self._share(cars, _on_podium, _PODIUM, DRIVER_HALF_LIFE),
            "driver_pole_share": self._share(gridded, _on_pole, 1, DRIVER_HALF_LIFE),
            "driver_front_row_share": self._share(gridded, _on_front_row, _FRONT_ROW, DRIVER_HALF_LIFE),
            "driver_mean_gain": shrunk_mean(
                [car.gain for car in cars], GAIN_HALF_LIFE, towards=0.0, credit=_PRIOR_GAINS
            ),
        }

    def team_values(self, lineage_id: str) -> dict[str, float]:
        cars = [car for car in self._recent.of_team(lineage_id) if car.started]
        return {
            "team_win_share": self._share(cars, _won, 1, TEAM_HALF_LIFE),
            "team_podium_share": self._share(cars, _on_podium, _PODIUM, TEAM_HALF_LIFE),
        }

    def _share(
        self, cars: Sequence[CarRecord], succeeded: Callable[[CarRecord], bool], places: int, half_life: float
    ) -> float:
        values = [float(succeeded(car)) for car in cars]
        return shrunk_mean(values, half_life, towards=places / self._field, credit=_PRIOR_STARTS)


def _won(car: CarRecord) -> bool:
    return car.position == 1


def _on_podium(car: CarRecord) -> bool:
    return car.position is not None and car.position <= _PODIUM


def _on_pole(car: CarRecord) -> bool:
    return car.grid_position == 1


def _on_front_row(car: CarRecord) -> bool:
    return car.grid_position is not None and car.grid_position <= _FRONT_ROW
