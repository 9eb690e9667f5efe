"""Scores of models beside each other: means, intervals, paired differences, and where the served one loses.

Whole races are resampled, the same ones for every model, so that differences are paired.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from f1graph.forecasts.metrics import Span
from f1graph.forecasts.report.reading import JudgedForecast
from f1graph.races.intervals import RESAMPLES, SEED, resampled_counts
from f1graph.races.measures import Definition, Direction, Measure
from f1graph.races.stages import Stage

Floats = NDArray[np.float64]


class Pooled(Enum):
    """A figure of all driver-races together, not a mean over races."""

    RETIREMENT_AUROC = Definition(
        "Retirement AUROC",
        "How often, of a starter who retired and one who did not, in whatever races, the first had been "
        "given the higher probability to retire; equal probabilities count half. 0.5 is chance.",
        Direction.HIGHER_IS_BETTER,
        0,
        1,
    )


Figure = Measure | Pooled
FIGURES: tuple[Figure, ...] = (*Measure, *Pooled)
# Two sums of the same values in another order differ by less.
_SAME = 1e-12
# What a reader should look at first: a proper score of each question, and the whole distribution.
LEADING: tuple[Figure, ...] = (
    Measure.WINNER_LOG_LOSS,
    Measure.PODIUM_BRIER,
    Measure.POINTS_BRIER,
    Measure.RETIREMENT_LOG_LOSS,
    Measure.MEAN_ABSOLUTE_ERROR,
    Measure.RANKED_PROBABILITY,
)


def definition_of(figure: Figure) -> Definition:
    return figure.definition if isinstance(figure, Measure) else figure.value


def is_lower_better(figure: Figure) -> bool:
    return definition_of(figure).direction is Direction.LOWER_IS_BETTER


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number with its 95 % bootstrap interval over races; no interval with fewer than two."""

    value: float
    low: float | None
    high: float | None

    @property
    def excludes_zero(self) -> bool:
        return self.low is not None and self.high is not None and self.low * self.high > 0


@dataclass(frozen=True, slots=True)
class Difference:
    """A model against the reference on the same races.

    Attributes:
        estimate: The model's figure minus the reference's.
        better: The share of resamples in which the model is better than the reference, in the direction of
            the figure, and not as good; None with fewer than two races.
    """

    estimate: Estimate
    better: float | None


@dataclass(frozen=True, slots=True)
class Row:
    """One model's figure; `difference` is None for the reference itself."""

    model: str
    estimate: Estimate
    difference: Difference | None


@dataclass(frozen=True)
class Table:
    """One figure of all models at one stage over one span.

    Attributes:
        races: How many every model was judged on.
    """

    figure: Figure
    races: int
    rows: tuple[Row, ...]

    def row(self, model: str) -> Row:
        return next(row for row in self.rows if row.model == model)


@dataclass(frozen=True)
class Scoreboard:
    """All figures at one stage over one span of seasons, on the races that all its models forecast.

    Attributes:
        left_out: Races of each model that not all models forecast, where there are any.
    """

    stage: Stage
    span: Span
    reference: str
    models: tuple[str, ...]
    races: int
    left_out: Mapping[str, int]
    tables: tuple[Table, ...]

    def table(self, figure: Figure) -> Table | None:
        return next((table for table in self.tables if table.figure is figure), None)


def models_at(forecasts: Iterable[JudgedForecast], stage: Stage, order: Sequence[str]) -> tuple[str, ...]:
    """The models at a stage: those in `order` first, then the others by name."""
    there = {each.model for each in forecasts if each.stage is stage}
    return tuple([name for name in order if name in there] + sorted(there - set(order)))


def scoreboard(
    forecasts: Iterable[JudgedForecast],
    *,
    stage: Stage,
    span: Span,
    reference: str,
    order: Sequence[str] = (),
    figures: Sequence[Figure] = FIGURES,
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> Scoreboard | None:
    """The scores at a stage; None where the reference or a race that all models share is missing.

    Args:
        reference: The model that the others are compared with.
        order: Of the models, as they shall be shown.
    """
    within = [each for each in forecasts if each.stage is stage and span[0] <= each.season <= span[1]]
    models = models_at(within, stage, order)
    by_model = {model: {each.race: each for each in within if each.model == model} for model in models}
    shared = sorted(set.intersection(*(set(races) for races in by_model.values()))) if models else []
    if reference not in models or not shared:
        return None
    common = {model: [races[race] for race in shared] for model, races in by_model.items()}
    tables = (_table(common, figure, reference, resamples, seed) for figure in figures)
    return Scoreboard(
        stage=stage,
        span=span,
        reference=reference,
        models=models,
        races=len(shared),
        left_out={
            model: len(races) - len(shared) for model, races in by_model.items() if len(races) > len(shared)
        },
        tables=tuple(table for table in tables if table is not None),
    )


def _table(
    forecasts: Mapping[str, Sequence[JudgedForecast]],
    figure: Figure,
    reference: str,
    resamples: int,
    seed: int,
) -> Table | None:
    races = _with_a_value(forecasts, figure)
    if not races:
        return None
    counts = resampled_counts(len(races), resamples, seed) if len(races) > 1 else None
    drawn = {
        model: _resampled(figure, [of_model[i] for i in races], counts)
        for model, of_model in forecasts.items()
    }
    lower = is_lower_better(figure)
    rows = [
        Row(
            model,
            _estimate(value, boots),
            None if model == reference else _difference((value, boots), drawn[reference], lower=lower),
        )
        for model, (value, boots) in drawn.items()
    ]
    return Table(figure, len(races), tuple(rows))


def _with_a_value(forecasts: Mapping[str, Sequence[JudgedForecast]], figure: Figure) -> list[int]:
    """The races in which every model has the figure: where two drivers shared a win, none has a winner's."""
    first = next(iter(forecasts.values()))
    count = len(first)
    if isinstance(figure, Pooled):
        retired = np.concatenate([each.judged.retired for each in first])
        return list(range(count)) if 0 < retired.sum() < len(retired) else []
    return [i for i in range(count) if all(figure in of_model[i].values for of_model in forecasts.values())]


def _resampled(
    figure: Figure, forecasts: Sequence[JudgedForecast], counts: Floats | None
) -> tuple[float, Floats | None]:
    if isinstance(figure, Pooled):
        probabilities = np.concatenate([each.judged.retirement for each in forecasts])
        retired = np.concatenate([each.judged.retired for each in forecasts])
        sizes = [len(each.judged.retired) for each in forecasts]
        once = auroc(probabilities, retired, np.ones((1, len(retired))))[0]
        boots = None if counts is None else auroc(probabilities, retired, np.repeat(counts, sizes, axis=1))
        return float(once), boots
    values = np.array([each.values[figure] for each in forecasts])
    return float(values.mean()), None if counts is None else counts @ values / len(values)


def auroc(probabilities: Floats, happened: NDArray[np.bool_], weights: Floats) -> Floats:
    """The area under the receiver operating characteristic, for each row of weights; NaN where it never or
    always happened. (weightings, driver-races) → (weightings,)"""
    _, group = np.unique(probabilities, return_inverse=True)
    begins = np.searchsorted(np.sort(group), np.arange(group.max() + 1))
    order = np.argsort(group, kind="stable")
    positive = np.add.reduceat((weights * happened)[:, order], begins, axis=1)
    negative = np.add.reduceat((weights * ~happened)[:, order], begins, axis=1)
    below = np.cumsum(negative, axis=1) - negative
    pairs = positive.sum(axis=1) * negative.sum(axis=1)
    won = (positive * (below + negative / 2)).sum(axis=1)
    area: Floats = np.divide(won, pairs, out=np.full(len(weights), np.nan), where=pairs > 0)
    return area


def _estimate(value: float, boots: Floats | None) -> Estimate:
    told = boots[np.isfinite(boots)] if boots is not None else np.empty(0)
    if not len(told):
        return Estimate(value, None, None)
    low, high = np.percentile(told, [2.5, 97.5])
    return Estimate(value, float(low), float(high))


def _difference(
    own: tuple[float, Floats | None], reference: tuple[float, Floats | None], *, lower: bool
) -> Difference:
    value = own[0] - reference[0]
    if own[1] is None or reference[1] is None:
        return Difference(Estimate(value, None, None), None)
    boots = own[1] - reference[1]
    better = float(np.mean(boots < -_SAME if lower else boots > _SAME))
    return Difference(_estimate(value, boots), better)


@dataclass(frozen=True, slots=True)
class Loss:
    """Where the served model is not shown to be better than another.

    Attributes:
        other: The model that it is compared with.
        behind: How much worse it is, positive where it is worse, whatever the figure's direction; with its
            interval.
        races: On how many.
    """

    stage: Stage
    span: Span
    figure: Figure
    other: str
    behind: Estimate
    races: int

    @property
    def is_worse(self) -> bool:
        """It is equal or worse; else it is ahead, but the interval of the difference includes zero."""
        return self.behind.value >= 0


def losses(board: Scoreboard, *, others: Iterable[str]) -> list[Loss]:
    """The figures in which the board's reference is not better than some others, or not beyond doubt."""
    found: list[Loss] = []
    for table in board.tables:
        for other in others:
            if other not in board.models or other == board.reference:
                continue
            difference = table.row(other).difference
            assert difference is not None
            behind = _behind(difference.estimate, lower=is_lower_better(table.figure))
            if behind.value >= 0 or behind.high is None or behind.high >= 0:
                found.append(Loss(board.stage, board.span, table.figure, other, behind, table.races))
    return found


def _behind(theirs_minus_ours: Estimate, *, lower: bool) -> Estimate:
    """How far we are behind: their lower loss is our loss."""
    if not lower:
        return theirs_minus_ours
    low, high = theirs_minus_ours.low, theirs_minus_ours.high
    return Estimate(-theirs_minus_ours.value, None if high is None else -high, None if low is None else -low)
