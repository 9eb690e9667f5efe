"""Lap times taken apart: what is the driver's and the car's, and what is everybody's.

Logarithms of lap times are explained by who drove and by what slowed or sped up everybody alike (fuel, track,
compound, age of the tyres). Least squares with Huber's weights (P. J. Huber, Robust Estimation of a Location
Parameter, 1964), so that a lap spoilt by traffic or a mistake counts little.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from f1graph.races.laps import Compound, TrackStatus
from f1graph.races.session_laps import SessionLaps

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.integer[Any]]

WET_TYRES = (Compound.INTERMEDIATE, Compound.WET)
_DISTURBED = tuple(status for status in TrackStatus if status is not TrackStatus.CLEAR)
_NO_MATTER: Mapping[Compound, float] = {}

_ITERATIONS = 6
# Beyond so many standard deviations a lap counts less (95 % efficiency on clean laps).
_HUBER = 1.345
# No driver is more even than that, in percent of a lap.
_SMALLEST_DEVIATION = 0.2
# Keeps a driver with a single lap solvable.
_RIDGE = 1e-6
# How surely a slope of one driver is the field's: as if two stints of ten laps had shown it.
_WEAR_CREDIT = 160.0


@dataclass(frozen=True)
class Common:
    """Something that slows everybody alike: a column of the regression.

    Attributes:
        values: (laps,)
        expected: Percent per unit, before any lap has told.
        credit: Weight of that expectation, in laps one unit away from the others.
    """

    values: Floats
    expected: float = 0.0
    credit: float = _RIDGE


@dataclass(frozen=True)
class Fit:
    """Attributes:
    pace: Percent of a lap slower than the field's median; NaN without a lap. (drivers,)
    residual: Percent by which each lap was slower than explained. (laps,)
    weight: What each lap counted in the end. (laps,)
    """

    pace: Floats
    residual: Floats
    weight: Floats


def fit_pace(
    times: Floats,
    driver: Ints,
    drivers: int,
    common: Sequence[Common],
    *,
    weight: Floats | None = None,
    slow_counts: float = 1.0,
) -> Fit:
    """The pace of each of `drivers`.

    Args:
        times: Lap times in seconds. (laps,)
        driver: Whose lap it was, 0 … drivers − 1. (laps,)
        weight: Of each lap; 1 if not given. (laps,)
        slow_counts: How much less than a fast lap a slow one counts: who never had a clear lap was not slow.
    """
    logs = 100.0 * np.log(times)
    level = float(np.median(logs)) if len(logs) else 0.0
    design = np.zeros((len(times), drivers + len(common)))
    design[np.arange(len(times)), driver] = 1.0
    expected = np.zeros(design.shape[1])
    credit = np.full(design.shape[1], _RIDGE)
    for column, one in enumerate(common, start=drivers):
        design[:, column] = one.values
        expected[column], credit[column] = one.expected, one.credit
    given: Floats = np.ones(len(times)) if weight is None else weight
    used: Floats = given
    residual: Floats = np.zeros(len(times))
    solution = np.zeros(design.shape[1])
    for _ in range(_ITERATIONS):
        weighted = design * used[:, None]
        normal = weighted.T @ design + np.diag(credit)
        solution[:] = np.linalg.solve(normal, weighted.T @ (logs - level) + credit * expected)
        residual = logs - level - design @ solution
        spread = max(
            1.4826 * float(np.median(np.abs(residual))) if len(residual) else 0.0, _SMALLEST_DEVIATION
        )
        huber = np.minimum(1.0, _HUBER * spread / np.maximum(np.abs(residual), 1e-12))
        used = given * huber * np.where(residual > 0, slow_counts, 1.0)
    pace = np.where(np.bincount(driver, minlength=drivers) > 0, solution[:drivers], np.nan)
    if len(times):
        pace = pace - np.nanmedian(pace)
    return Fit(pace, residual, used)


def wear_beyond_field(fit: Fit, driver: Ints, drivers: int, stint: Ints, tyre_life: Floats) -> Floats:
    """Percent of a lap that each lap on the tyres costs a driver more than the field, shrunk towards 0.

    Within stints, so that a stint that was slow as a whole says nothing. (drivers,)
    """
    group = driver * (int(stint.max(initial=0)) + 1) + stint
    weights = np.bincount(group, fit.weight)
    with np.errstate(invalid="ignore", divide="ignore"):
        age = tyre_life - (np.bincount(group, fit.weight * tyre_life) / weights)[group]
        left = fit.residual - (np.bincount(group, fit.weight * fit.residual) / weights)[group]
    together = np.bincount(driver, fit.weight * age * left, minlength=drivers)
    spread = np.bincount(driver, fit.weight * age**2, minlength=drivers)
    laps = np.bincount(driver, minlength=drivers)
    return np.where(laps > 0, together / (spread + _WEAR_CREDIT), np.nan)


def undisturbed(laps: SessionLaps) -> Bools:
    """Laps whose times are whole and which neither flags nor a safety car disturbed."""
    return np.asarray(laps.accurate & np.isfinite(laps.time) & ~laps.shown(*_DISTURBED))


def compounds_apart(
    runs: Sequence[tuple[SessionLaps, Bools]],
    *,
    credit: float,
    expected: Mapping[Compound, float] = _NO_MATTER,
) -> list[Common]:
    """A column for each compound, over the chosen laps of one or more sessions."""
    found = []
    for compound in Compound:
        values = np.concatenate([laps.on(compound)[used] for laps, used in runs]).astype(np.float64)
        if values.any():
            found.append(Common(values, expected.get(compound, 0.0), credit))
    return found
