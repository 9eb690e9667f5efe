"""What practice laps say of race pace and of one fast lap, tyres, track and session taken out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from f1graph.features.pace import (
    WET_TYRES,
    Bools,
    Common,
    Floats,
    Ints,
    compounds_apart,
    fit_pace,
    undisturbed,
    wear_beyond_field,
)
from f1graph.races.laps import Compound, TrackStatus
from f1graph.races.results import Classification
from f1graph.races.session_laps import SessionLaps

LONG_RUN_LAPS = 5
# Of the stint's median: a slower lap lets the tyres cool or a faster car by.
_LONG_RUN_SPREAD = 1.02
_FEWEST_DRIVERS = 6
# What a compound is worth in percent of a lap before a session has told, and how surely.
_ONE_LAP_EXPECTED = {
    Compound.HYPERSOFT: -0.9,
    Compound.ULTRASOFT: -0.7,
    Compound.SUPERSOFT: -0.6,
    Compound.SOFT: -0.6,
    Compound.HARD: 0.6,
    Compound.SUPERHARD: 0.9,
}
_COMPOUND_CREDIT = 4.0
_LONG_RUN_COMPOUND_CREDIT = 20.0
_WEAR_EXPECTED = 0.05
_WEAR_CREDIT = 500.0
# The track gets faster by so many percent in an hour.
_TRACK_EXPECTED = -0.5
_TRACK_CREDIT = 2.0
# A slow best lap is often one that was spoilt.
_SLOW_COUNTS = 0.4


@dataclass(frozen=True)
class LongRuns:
    """By driver: percent of a lap slower than the field's median, percent per lap of tyre wear beyond the
    field's, and of how many laps that is known."""

    pace: dict[str, float]
    wear: dict[str, float]
    laps: dict[str, float]


def long_runs(*sessions: SessionLaps | None) -> LongRuns:
    """Of the drivers with a stint of at least five undisturbed laps near its median, on dry tyres."""
    runs = [(laps, _in_long_run(laps)) for laps in sessions if laps is not None]
    drivers = sorted({laps.driver_ids[index] for laps, used in runs for index in laps.driver[used]})
    if len(drivers) < _FEWEST_DRIVERS:
        return LongRuns({}, {}, {})
    driver = np.concatenate([_renumbered(laps, drivers)[used] for laps, used in runs])
    times = np.concatenate([laps.time[used] for laps, used in runs])
    age = np.concatenate([laps.tyre_life[used] for laps, used in runs]).astype(np.float64)
    # No stint of one session is that of another.
    stint = np.concatenate([laps.stint[used] + 50 * place for place, (laps, used) in enumerate(runs)])
    common = [
        *_sessions_apart([int(used.sum()) for _, used in runs]),
        *compounds_apart(runs, credit=_LONG_RUN_COMPOUND_CREDIT),
        Common(age - age.mean(), _WEAR_EXPECTED, _WEAR_CREDIT),
    ]
    fit = fit_pace(times, driver, len(drivers), common)
    wear = wear_beyond_field(fit, driver, len(drivers), stint, age)
    counts = np.bincount(driver, minlength=len(drivers))
    return LongRuns(_named(drivers, fit.pace), _named(drivers, wear), _named(drivers, counts))


def one_lap_pace(*sessions: SessionLaps | Classification | None) -> dict[str, float]:
    """By driver, percent of a lap slower than the field's median on one lap.

    Args:
        sessions: Laps and classification of each session in turn. A lap that is faster than the driver's
            official best was taken away later.
    """
    runs: list[tuple[SessionLaps, Bools]] = []
    for laps, official in zip(sessions[::2], sessions[1::2], strict=True):
        if isinstance(laps, SessionLaps):
            assert official is None or isinstance(official, Classification)
            runs.append((laps, _best_laps(laps, official)))
    drivers = sorted({laps.driver_ids[index] for laps, used in runs for index in laps.driver[used]})
    if len(drivers) < _FEWEST_DRIVERS:
        return {}
    hours = np.concatenate([_hours(laps)[used] for laps, used in runs])
    fit = fit_pace(
        np.concatenate([laps.time[used] for laps, used in runs]),
        np.concatenate([_renumbered(laps, drivers)[used] for laps, used in runs]),
        len(drivers),
        [
            *_sessions_apart([int(used.sum()) for _, used in runs]),
            *compounds_apart(runs, credit=_COMPOUND_CREDIT, expected=_ONE_LAP_EXPECTED),
            Common(hours, _TRACK_EXPECTED, _TRACK_CREDIT),
        ],
        slow_counts=_SLOW_COUNTS,
    )
    return _named(drivers, fit.pace)


def wet_share(*sessions: SessionLaps | None) -> float | None:
    """Share of the laps that were driven on intermediate or wet tyres; None without a lap."""
    wet = [laps.on(*WET_TYRES) for laps in sessions if laps is not None and laps.size]
    return float(np.concatenate(wet).mean()) if wet else None


def _in_long_run(laps: SessionLaps) -> Bools:
    usable = undisturbed(laps) & ~laps.on(*WET_TYRES) & (laps.stint > 0) & (laps.tyre_life >= 0)
    found = np.zeros(laps.size, dtype=np.bool_)
    group = laps.driver.astype(np.int64) * 100 + laps.stint
    for stint in np.unique(group[usable]):
        own = np.flatnonzero(usable & (group == stint))
        near = own[laps.time[own] <= _LONG_RUN_SPREAD * np.median(laps.time[own])]
        near = near[laps.time[near] >= np.median(laps.time[own]) / _LONG_RUN_SPREAD]
        if len(near) >= LONG_RUN_LAPS:
            found[near] = True
    return found


def _best_laps(laps: SessionLaps, official: Classification | None) -> Bools:
    """The best lap of each driver on each dry compound."""
    best_of = {row.driver_id: row.time for row in official.rows} if official is not None else {}
    floor = np.array(
        [time.total_seconds() if (time := best_of.get(driver)) else 0.0 for driver in laps.driver_ids]
    )
    allowed = (
        np.isfinite(laps.time)
        & ~laps.deleted
        & ~laps.on(*WET_TYRES)
        & ~laps.shown(TrackStatus.RED)
        & (laps.time >= floor[laps.driver] - 0.0005)
    )
    found = np.zeros(laps.size, dtype=np.bool_)
    group = laps.driver.astype(np.int64) * 100 + laps.compound
    order = np.flatnonzero(allowed)
    order = order[np.lexsort((laps.time[order], group[order]))]
    first = np.ones(len(order), dtype=np.bool_)
    first[1:] = group[order][1:] != group[order][:-1]
    found[order[first]] = True
    # A best lap on a compound that was never pushed on is none.
    if found.any():
        found &= laps.time <= 1.05 * laps.time[found].min()
    return found


def _hours(laps: SessionLaps) -> Floats:
    """Of each lap since the first known one; 0 where unknown."""
    known = laps.at[np.isfinite(laps.at)]
    return np.nan_to_num((laps.at - (known.min() if known.size else 0.0)) / 3600.0)


def _renumbered(laps: SessionLaps, drivers: Sequence[str]) -> Ints:
    place = {driver: index for index, driver in enumerate(drivers)}
    return np.array([place.get(driver, 0) for driver in laps.driver_ids], dtype=np.int64)[laps.driver]


def _sessions_apart(sizes: Sequence[int]) -> list[Common]:
    place = np.repeat(np.arange(len(sizes)), sizes)
    return [Common((place == one).astype(np.float64), credit=1e-3) for one in range(1, len(sizes))]


def _named(drivers: Sequence[str], values: Floats | Ints) -> dict[str, float]:
    return {driver: float(value) for driver, value in zip(drivers, values, strict=True)}
