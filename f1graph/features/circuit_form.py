"""Whom a circuit suits: results here beside those of the races before."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from statistics import fmean

from f1graph.features.recent_races import CarRecord, RaceRecord, record_of
from f1graph.races.calendar import Race
from f1graph.races.past import Past

RUNNINGS = 5
_RACES_AROUND = 10
_PRIOR_RUNNINGS = 3.0


class CircuitForm:
    """Of each driver and team, how much better the last runnings here went than the ten races before each."""

    def __init__(self, past: Past, race: Race, before: Sequence[Race]) -> None:
        here = [index for index, other in enumerate(before) if other.circuit_id == race.circuit_id]
        runnings = [
            (
                record_of(past, before[index]),
                [record_of(past, other) for other in before[max(index - _RACES_AROUND, 0) : index]],
            )
            for index in here[-RUNNINGS:]
        ]
        self._drivers = _beyond_usual(runnings, lambda car: car.driver_id)
        self._teams = _beyond_usual(runnings, lambda car: car.lineage_id)

    def values(self, driver_id: str, lineage_id: str) -> dict[str, float]:
        return {
            "driver_circuit_form": _shrunk(self._drivers.get(driver_id, [])),
            "team_circuit_form": _shrunk(self._teams.get(lineage_id, [])),
        }


def _beyond_usual(
    runnings: Sequence[tuple[RaceRecord, Sequence[RaceRecord]]], whose: Callable[[CarRecord], str]
) -> dict[str, list[float]]:
    found: dict[str, list[float]] = defaultdict(list)
    for here, around in runnings:
        usual = _results([car for record in around for car in record.cars], whose)
        for name, results in _results(here.cars, whose).items():
            if name in usual:
                found[name].append(fmean(results) - fmean(usual[name]))
    return found


def _results(cars: Sequence[CarRecord], whose: Callable[[CarRecord], str]) -> dict[str, list[float]]:
    found: dict[str, list[float]] = defaultdict(list)
    for car in cars:
        if car.result is not None:
            found[whose(car)].append(car.result)
    return found


def _shrunk(differences: Sequence[float]) -> float:
    return sum(differences) / (len(differences) + _PRIOR_RUNNINGS)
