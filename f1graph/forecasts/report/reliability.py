"""Whether probabilities mean what they say: how often came true what was forecast."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from f1graph.forecasts.metrics import calibration
from f1graph.forecasts.position_interval import position_intervals
from f1graph.forecasts.report.reading import JudgedForecast
from f1graph.forecasts.report.tables import Estimate
from f1graph.races.intervals import SEED, bootstrap_interval
from f1graph.races.measures import CalibrationBin, Target

Floats = NDArray[np.float64]

_BINS = 10
_SIMULATIONS = 400


@dataclass(frozen=True)
class Reliability:
    """One model's answers to one yes-or-no question.

    Attributes:
        bins: Those that have any forecast; each with its count and interval.
        error: The calibration error: the driver-races, sorted by probability, are split into ten groups of
            equal size; mean distance between a group's mean probability and the share in which it happened.
        error_by_chance: The same of outcomes that are drawn from the very probabilities, one by one: the
            mean and the 95 % point. Even a perfect forecast has an error; one above that point is not chance.
    """

    model: str
    target: Target
    bins: tuple[CalibrationBin, ...]
    count: int
    error: float
    error_by_chance: float
    error_by_chance_95: float


def reliability(forecasts: Sequence[JudgedForecast], *, model: str, seed: int = SEED) -> list[Reliability]:
    """Win, podium, points, retirement of one model at one stage; empty where it forecast nothing."""
    judged = [each.judged for each in forecasts if each.model == model]
    bins = calibration(judged)
    found: list[Reliability] = []
    for target in Target if judged else ():
        answers = [race.answers(target) for race in judged]
        probabilities = np.concatenate([given for given, _ in answers])
        happened = np.concatenate([true for _, true in answers])
        by_chance = _errors_by_chance(probabilities, seed)
        found.append(
            Reliability(
                model=model,
                target=target,
                bins=tuple(each for each in bins if each.target is target),
                count=len(probabilities),
                error=calibration_error(probabilities, happened),
                error_by_chance=float(by_chance.mean()),
                error_by_chance_95=float(np.percentile(by_chance, 95)),
            )
        )
    return found


def calibration_error(probabilities: Floats, happened: NDArray[np.bool_], *, bins: int = _BINS) -> float:
    """See `Reliability.error`. Equal probabilities are put in an order that knows nothing."""
    return float(_errors(probabilities, happened[None].astype(np.float64), bins)[0])


def _errors_by_chance(probabilities: Floats, seed: int) -> Floats:
    """The errors of outcomes drawn from the probabilities. (simulations,)"""
    drawn = np.random.default_rng(seed).random((_SIMULATIONS, len(probabilities))) < probabilities
    return _errors(probabilities, drawn.astype(np.float64), _BINS)


def _errors(probabilities: Floats, happened: Floats, bins: int) -> Floats:
    """(driver-races,) and (outcomes, driver-races) → (outcomes,)"""
    ties = np.random.default_rng(0).random(len(probabilities))
    groups = np.array_split(np.lexsort((ties, probabilities)), bins)
    apart = [
        len(group) * np.abs(probabilities[group].mean() - happened[:, group].mean(axis=1))
        for group in groups
        if len(group)
    ]
    return np.asarray(np.sum(apart, axis=0) / len(probabilities))


@dataclass(frozen=True, slots=True)
class Coverage:
    """How often the position was within the 80 % interval, see `position_interval`.

    Attributes:
        observed: The share of starters within it, averaged over races.
        said: The probability that the forecast itself gives to the places within: near 80 %, as places are
            whole.
        excess: `observed` less `said`, race by race: 0 if the forecasts mean what they say.
        central: The share of starters between the 10 % and the 90 % quantile, where a place on the edge
            counts by the part of its probability that lies between them: 80 % if they mean what they say.
        places: The mean number of places within.
    """

    model: str
    races: int
    observed: Estimate
    excess: Estimate
    central: Estimate
    said: float
    places: float


def interval_coverage(forecasts: Sequence[JudgedForecast], *, model: str) -> Coverage | None:
    """The coverage of one model's intervals at one stage; None where it forecast nothing."""
    races = [_in_interval(each) for each in forecasts if each.model == model]
    if not races:
        return None
    within, central, said, places = (np.array(column) for column in zip(*races, strict=True))
    return Coverage(
        model,
        len(races),
        observed=_mean(within),
        excess=_mean(within - said),
        central=_mean(central),
        said=float(said.mean()),
        places=float(places.mean()),
    )


def _mean(values: Floats) -> Estimate:
    return Estimate(float(values.mean()), *bootstrap_interval(values))


def _in_interval(forecast: JudgedForecast) -> tuple[float, float, float, float]:
    """Share within, share between the quantiles, probability and places within: means over the starters."""
    probabilities = forecast.judged.position_probabilities
    positions = forecast.judged.positions
    interval = position_intervals(probabilities)
    return (
        float(((interval.low <= positions) & (positions <= interval.high)).mean()),
        float(_between_quantiles(probabilities, positions).mean()),
        float(interval.probability.mean()),
        float((interval.high - interval.low + 1).mean()),
    )


def _between_quantiles(probabilities: Floats, positions: NDArray[np.int64]) -> Floats:
    """Of each starter's place the part that lies between the 10 % and the 90 % quantile. (entries,)"""
    entries = np.arange(len(positions))
    given = probabilities[entries, positions - 1]
    ends = np.cumsum(probabilities, axis=1)[entries, positions - 1]
    inside = np.clip(np.minimum(ends, 0.9) - np.maximum(ends - given, 0.1), 0, None)
    # A place that was given no probability is not on the edge: it is on one side of it.
    whole = ((ends >= 0.1) & (ends <= 0.9)).astype(np.float64)
    return np.asarray(np.divide(inside, given, out=whole, where=given > 0))
