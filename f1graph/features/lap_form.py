"""What the laps of earlier races say of drivers, teams and the circuit."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, median

from f1graph.features.form import recent_mean, shrunk_mean
from f1graph.features.race_flow import RaceFlow, race_flow
from f1graph.features.race_pace import RacePace, race_pace
from f1graph.features.recent_races import RaceRecord, record_of
from f1graph.races.calendar import Race, SessionKind
from f1graph.races.past import Past
from f1graph.races.results import Classification, ClassificationKind

WINDOW = 24
PACE_HALF_LIFE = 5.0
WEAR_HALF_LIFE = 10.0
FIRST_LAP_HALF_LIFE = 10.0
PIT_STOP_HALF_LIFE = 8.0
RUNNINGS = 5
_PRIOR_FIRST_LAPS = 5.0
_PRIOR_RUNNINGS = 2.0
_USUAL_RACES = 40
# A stop that takes so much longer than a quick one was for repairs, a penalty or a red flag.
_LONGEST_STOP = 1.3
_QUICK = 0.2


@dataclass(frozen=True)
class _LapRecord:
    """One past race by driver, or by team; what is not known of somebody, or of the race, is not in it."""

    pace: Mapping[str, float]
    team_pace: Mapping[str, float]
    wear: Mapping[str, float]
    first_lap_gains: Mapping[str, float]
    stops: Mapping[str, float]


class LapForm:
    """`before`: the races with a result before this one, oldest first."""

    def __init__(self, past: Past, race: Race, before: Sequence[Race]) -> None:
        self._records = [_record(past, other) for other in reversed(before[-WINDOW:])]
        self._starts_known = any(one.first_lap_gains for one in self._records)
        self.circuit_values = _circuit_values(past, race, before)

    def driver_values(self, driver_id: str) -> dict[str, float]:
        gains = [one.first_lap_gains.get(driver_id) for one in self._records]
        return {
            "race_pace_form": recent_mean([one.pace.get(driver_id) for one in self._records], PACE_HALF_LIFE),
            "tyre_wear_form": recent_mean([one.wear.get(driver_id) for one in self._records], WEAR_HALF_LIFE),
            "first_lap_gain_form": (
                shrunk_mean(gains, FIRST_LAP_HALF_LIFE, towards=0.0, credit=_PRIOR_FIRST_LAPS)
                if self._starts_known
                else float("nan")
            ),
        }

    def team_values(self, lineage_id: str) -> dict[str, float]:
        pace = [one.team_pace.get(lineage_id) for one in self._records]
        stops = [one.stops.get(lineage_id) for one in self._records]
        return {
            "team_race_pace_form": recent_mean(pace, PACE_HALF_LIFE),
            "pit_stop_form": recent_mean(stops, PIT_STOP_HALF_LIFE),
        }


def _record(past: Past, race: Race) -> _LapRecord:
    laps = past.laps(race.id, SessionKind.RACE)
    return past.recall(
        _reduced,
        record_of(past, race),
        None if laps is None else past.recall(race_pace, laps),
        None if laps is None else past.recall(race_flow, laps),
        past.classification(race.id, ClassificationKind.PIT_STOPS),
    )


def _reduced(
    cars: RaceRecord, pace: RacePace | None, flow: RaceFlow | None, stops: Classification | None
) -> _LapRecord:
    team_of = {car.driver_id: car.lineage_id for car in cars.cars}
    grid = {car.driver_id: car.grid_position for car in cars.cars}
    paces = pace.pace if pace is not None else {}
    of_team: dict[str, list[float]] = {}
    for driver, own in paces.items():
        if driver in team_of:
            of_team.setdefault(team_of[driver], []).append(own)
    return _LapRecord(
        pace=paces,
        team_pace={team: fmean(own) for team, own in of_team.items()},
        wear=pace.wear if pace is not None else {},
        first_lap_gains={
            driver: start - place
            for driver, place in (flow.after_first_lap if flow is not None else {}).items()
            if (start := grid.get(driver)) is not None
        },
        stops={} if stops is None else _time_lost_in_stops(stops, team_of),
    )


def _time_lost_in_stops(stops: Classification, team_of: Mapping[str, str]) -> dict[str, float]:
    """By team the median of its stops in seconds beyond the field's; repairs and red flags left out."""
    times = [(row.driver_id, row.time.total_seconds()) for row in stops.rows if row.time is not None]
    if not times:
        return {}
    quick = sorted(time for _, time in times)[int(_QUICK * len(times))]
    whole = [(driver, time) for driver, time in times if time <= _LONGEST_STOP * quick and driver in team_of]
    if not whole:
        return {}
    field = median(time for _, time in whole)
    of_team: dict[str, list[float]] = {}
    for driver, time in whole:
        of_team.setdefault(team_of[driver], []).append(time - field)
    return {team: median(own) for team, own in of_team.items()}


def _circuit_values(past: Past, race: Race, before: Sequence[Race]) -> dict[str, float]:
    here = [other for other in before if other.circuit_id == race.circuit_id][-RUNNINGS:]
    return {
        "circuit_safety_car_share": _here_and_usual(past, here, before, lambda flow: flow.safety_car_share),
        "circuit_overtaking": _here_and_usual(past, here, before, lambda flow: flow.overtakes),
    }


def _here_and_usual(
    past: Past, here: Sequence[Race], before: Sequence[Race], what: Callable[[RaceFlow], float | None]
) -> float:
    """Mean over the runnings here, shrunk towards that of the last 40 races; NaN if no race has laps."""
    everywhere = _known(past, before[-_USUAL_RACES:], what)
    known = _known(past, here, what)
    if not everywhere:
        return fmean(known) if known else float("nan")
    return (sum(known) + _PRIOR_RUNNINGS * fmean(everywhere)) / (len(known) + _PRIOR_RUNNINGS)


def _known(past: Past, races: Sequence[Race], what: Callable[[RaceFlow], float | None]) -> list[float]:
    laps = [past.laps(race.id, SessionKind.RACE) for race in races]
    values = [what(past.recall(race_flow, one)) for one in laps if one is not None]
    return [value for value in values if value is not None]
