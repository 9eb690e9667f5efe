"""How fast everybody was in a race or sprint, traffic, fuel, tyres and safety cars left out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from f1graph.features.pace import (
    WET_TYRES,
    Bools,
    Common,
    Floats,
    compounds_apart,
    fit_pace,
    undisturbed,
    wear_beyond_field,
)
from f1graph.races.session_laps import SessionLaps

# A car that crosses the line less than this behind another was held up by it.
CLEAR_AIR = 2.0
_TRAFFIC_COUNTS = 0.3
# Fuel, track and weather change slowly: so many laps share what they do to everybody.
_LAPS_TOGETHER = 5
_FEWEST_LAPS = 6
_FEWEST_DRIVERS = 6
# The start and the laps after it are driven in a queue.
_FIRST_LAP = 3
_COMPOUND_CREDIT = 20.0
_WEAR_EXPECTED = 0.04
_WEAR_PRIOR = 2000.0


@dataclass(frozen=True)
class RacePace:
    """Attributes:
    pace: By driver, percent of a lap slower than the field's median; below 0 is faster.
    wear: By driver, percent of a lap that each lap on the tyres costs beyond the field's.
    """

    pace: dict[str, float]
    wear: dict[str, float]


def race_pace(laps: SessionLaps) -> RacePace:
    """Of the drivers with at least six undisturbed laps on dry tyres; nothing of a race with few of them."""
    used = undisturbed(laps) & ~laps.on(*WET_TYRES) & (laps.number >= _FIRST_LAP) & (laps.tyre_life >= 0)
    enough = np.bincount(laps.driver[used], minlength=len(laps.driver_ids)) >= _FEWEST_LAPS
    used &= enough[laps.driver]
    if enough.sum() < _FEWEST_DRIVERS:
        return RacePace({}, {})
    driver, age = laps.driver[used], laps.tyre_life[used].astype(np.float64)
    common = [
        *_parts_of_the_race(laps, used),
        *compounds_apart([(laps, used)], credit=_COMPOUND_CREDIT),
        Common(age - age.mean(), _WEAR_EXPECTED, _WEAR_PRIOR),
    ]
    weight = np.where(gap_ahead(laps)[used] >= CLEAR_AIR, 1.0, _TRAFFIC_COUNTS)
    fit = fit_pace(laps.time[used], driver, len(laps.driver_ids), common, weight=weight)
    wear = wear_beyond_field(fit, driver, len(laps.driver_ids), np.maximum(laps.stint[used], 0), age)
    known = np.flatnonzero(enough)
    return RacePace(
        {laps.driver_ids[index]: float(fit.pace[index]) for index in known},
        {laps.driver_ids[index]: float(wear[index]) for index in known},
    )


def gap_ahead(laps: SessionLaps) -> Floats:
    """Seconds since another car crossed the line, at the end of each lap; infinite for the first. (laps,)"""
    gaps = np.full(laps.size, np.inf)
    timed = np.flatnonzero(np.isfinite(laps.at))
    order = timed[np.argsort(laps.at[timed], kind="stable")]
    gaps[order[1:]] = np.diff(laps.at[order])
    return gaps


def _parts_of_the_race(laps: SessionLaps, used: Bools) -> list[Common]:
    part = laps.number[used] // _LAPS_TOGETHER
    return [Common((part == one).astype(np.float64), credit=1e-3) for one in np.unique(part)[1:]]
