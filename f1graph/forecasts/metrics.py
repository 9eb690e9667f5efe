"""What the scores of many races say of a model: means, intervals, baselines, calibration.

Resampled are whole races, never drivers: what happens in a race happens to all of them together.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from f1graph.forecasts.score import Judged
from f1graph.races.comparing import compare, one_per_race
from f1graph.races.forecast import ScoredForecast
from f1graph.races.intervals import RESAMPLES, SEED, bootstrap_interval, wilson_interval
from f1graph.races.measures import CalibrationBin, Measure, ModelMetric, Target
from f1graph.races.stages import Stage

Floats = NDArray[np.float64]
Span = tuple[int, int]

# Finer where most forecasts of wins and podiums lie.
BIN_EDGES = (0.0, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)


def model_metrics(
    scored: Iterable[ScoredForecast],
    *,
    baselines: Sequence[str],
    spans: Sequence[Span],
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> list[ModelMetric]:
    """Every measure per model, stage and span of seasons (first and last included).

    Races without a value (no single winner) are left out of that measure, and counted so.
    """
    races = one_per_race(scored)
    found: list[ModelMetric] = []
    for first, last in spans:
        within = [each for each in races if first <= each.season <= last]
        for stage in Stage:
            by_model: dict[str, dict[str, ScoredForecast]] = {}
            for each in within:
                if each.stage is stage:
                    by_model.setdefault(each.model, {})[each.race_id] = each
            for model in sorted(by_model):
                for measure in Measure:
                    metric = _metric(
                        by_model, model, stage, (first, last), measure, baselines, resamples, seed
                    )
                    if metric is not None:
                        found.append(metric)
    return found


def _metric(
    by_model: Mapping[str, Mapping[str, ScoredForecast]],
    model: str,
    stage: Stage,
    span: Span,
    measure: Measure,
    baselines: Sequence[str],
    resamples: int,
    seed: int,
) -> ModelMetric | None:
    own = {race: each for race, each in by_model[model].items() if measure in each.values}
    if not own:
        return None
    values = np.array([each.values[measure] for each in own.values()])
    low, high = bootstrap_interval(values, resamples=resamples, seed=seed)
    comparisons = (
        compare(own, by_model[name], model=name, measure=measure, resamples=resamples, seed=seed)
        for name in baselines
        if name != model and name in by_model
    )
    return ModelMetric(
        model=model,
        stage=stage,
        first_season=span[0],
        last_season=span[1],
        measure=measure,
        races=len(own),
        retrospective_races=sum(each.retrospective for each in own.values()),
        value=float(values.mean()),
        low=low,
        high=high,
        baselines=tuple(each for each in comparisons if each is not None),
    )


def calibration(
    judged: Iterable[Judged], *, edges: Sequence[float] = BIN_EDGES
) -> tuple[CalibrationBin, ...]:
    """How often came true what was forecast, for each target and bin that has any. One forecast a race."""
    races = list(judged)
    bins: list[CalibrationBin] = []
    for target in Target:
        answers = [race.answers(target) for race in races]
        if answers:
            probabilities = np.concatenate([given for given, _ in answers])
            happened = np.concatenate([true for _, true in answers])
            bins.extend(calibration_bins(target, probabilities, happened, edges=edges))
    return tuple(bins)


def calibration_bins(
    target: Target,
    probabilities: Floats,
    happened: NDArray[np.bool_],
    *,
    edges: Sequence[float] = BIN_EDGES,
) -> tuple[CalibrationBin, ...]:
    """The bins of one target that have any forecast. Certainty belongs to the last bin."""
    index = np.clip(np.searchsorted(np.asarray(edges), probabilities, side="right") - 1, 0, len(edges) - 2)
    counts = np.bincount(index, minlength=len(edges) - 1)
    forecast = np.bincount(index, weights=probabilities, minlength=len(edges) - 1)
    true = np.bincount(index, weights=happened, minlength=len(edges) - 1)
    bins: list[CalibrationBin] = []
    for i in np.flatnonzero(counts).tolist():
        low, high = wilson_interval(int(true[i]), int(counts[i]))
        bins.append(
            CalibrationBin(
                target=target,
                from_probability=edges[i],
                to_probability=edges[i + 1],
                count=int(counts[i]),
                forecast=float(forecast[i] / counts[i]),
                observed=float(true[i] / counts[i]),
                low=low,
                high=high,
            )
        )
    return tuple(bins)
