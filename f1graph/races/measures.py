"""The named measures by which forecasts are judged, with their definitions.

There is no bare "accuracy": every figure that is published has its name, definition, count, interval and
baselines here. How they are computed stands in `forecasts.score` and `forecasts.metrics`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from f1graph.races.stages import Stage


class Direction(StrEnum):
    LOWER_IS_BETTER = "LOWER_IS_BETTER"
    HIGHER_IS_BETTER = "HIGHER_IS_BETTER"


@dataclass(frozen=True, slots=True)
class Definition:
    """What a measure says.

    Attributes:
        sentence: For a reader who never saw it before.
        low, high: The range of one race's value; `high` is None where the field's size sets it.
    """

    title: str
    sentence: str
    direction: Direction
    low: float
    high: float | None


class Measure(StrEnum):
    """A figure of one forecast against one classification; of a model, its mean over races.

    Who is judged: those who took the start. An entry that did not start is void: it is dropped, the win
    probabilities of the others are scaled to sum to one, and the order of the others is read from the
    draws without it. Probabilities are never taken as smaller than 0.0001 in a logarithm.
    """

    WINNER_LOG_LOSS = "WINNER_LOG_LOSS"
    WINNER_BRIER = "WINNER_BRIER"
    PODIUM_BRIER = "PODIUM_BRIER"
    POINTS_BRIER = "POINTS_BRIER"
    RETIREMENT_LOG_LOSS = "RETIREMENT_LOG_LOSS"
    RETIREMENT_BRIER = "RETIREMENT_BRIER"
    RANKED_PROBABILITY = "RANKED_PROBABILITY"
    POSITION_LOG_LOSS = "POSITION_LOG_LOSS"
    WINNER_HIT = "WINNER_HIT"
    PODIUM_OVERLAP = "PODIUM_OVERLAP"
    PAIRWISE_ORDER = "PAIRWISE_ORDER"
    WITHIN_TWO = "WITHIN_TWO"
    MEAN_ABSOLUTE_ERROR = "MEAN_ABSOLUTE_ERROR"

    @property
    def definition(self) -> Definition:
        return _DEFINITIONS[self]

    @property
    def lower_is_better(self) -> bool:
        return self.definition.direction is Direction.LOWER_IS_BETTER


_LOWER, _HIGHER = Direction.LOWER_IS_BETTER, Direction.HIGHER_IS_BETTER
# -ln(0.0001), the worst that a logarithm can say.
_WORST_LOG = 9.210340371976182

_DEFINITIONS: dict[Measure, Definition] = {
    Measure.WINNER_LOG_LOSS: Definition(
        "Winner log loss",
        "Minus the natural logarithm of the win probability given to the winner.",
        _LOWER,
        0,
        _WORST_LOG,
    ),
    Measure.WINNER_BRIER: Definition(
        "Winner Brier score",
        "The squared difference between win probability and outcome (1 for the winner, else 0), summed "
        "over the field.",
        _LOWER,
        0,
        2,
    ),
    Measure.PODIUM_BRIER: Definition(
        "Podium Brier score",
        "The squared difference between the probability to be classified in the first three and the "
        "outcome, averaged over the starters.",
        _LOWER,
        0,
        1,
    ),
    Measure.POINTS_BRIER: Definition(
        "Top ten Brier score",
        "The squared difference between the probability to be classified in the first ten and the "
        "outcome, averaged over the starters.",
        _LOWER,
        0,
        1,
    ),
    Measure.RETIREMENT_LOG_LOSS: Definition(
        "Retirement log loss",
        "Minus the natural logarithm of the probability given to what happened, retired or not, averaged "
        "over the starters. Not being classified counts as retired, a disqualification does not.",
        _LOWER,
        0,
        _WORST_LOG,
    ),
    Measure.RETIREMENT_BRIER: Definition(
        "Retirement Brier score",
        "The squared difference between the probability to retire and the outcome, averaged over the "
        "starters. Not being classified counts as retired, a disqualification does not.",
        _LOWER,
        0,
        1,
    ),
    Measure.RANKED_PROBABILITY: Definition(
        "Ranked probability score",
        "For each starter the squared difference between the forecast and the actual cumulative "
        "distribution of the position, averaged over the places 1 … n - 1; then averaged over the "
        "starters. Unclassified cars take the last places in the published order.",
        _LOWER,
        0,
        1,
    ),
    Measure.POSITION_LOG_LOSS: Definition(
        "Position log loss",
        "Minus the natural logarithm of the probability given to the position that a starter ended in, "
        "averaged over the starters.",
        _LOWER,
        0,
        _WORST_LOG,
    ),
    Measure.WINNER_HIT: Definition(
        "Winner hit rate",
        "1 if the driver with the highest win probability won, else 0; drivers that share the highest "
        "probability share the hit.",
        _HIGHER,
        0,
        1,
    ),
    Measure.PODIUM_OVERLAP: Definition(
        "Podium overlap",
        "The share of the podium that is among the three highest podium probabilities, in any order; a "
        "tie for third is shared.",
        _HIGHER,
        0,
        1,
    ),
    Measure.PAIRWISE_ORDER: Definition(
        "Pairwise order",
        "The share of all pairs of starters whose expected positions are in the order in which they "
        "ended; a pair with equal expected positions counts half.",
        _HIGHER,
        0,
        1,
    ),
    Measure.WITHIN_TWO: Definition(
        "Within two places",
        "The share of starters who ended at most two places from their expected position (the median of "
        "the forecast distribution).",
        _HIGHER,
        0,
        1,
    ),
    Measure.MEAN_ABSOLUTE_ERROR: Definition(
        "Mean absolute error",
        "The difference in places between expected (the median) and actual position, averaged over all "
        "starters.",
        _LOWER,
        0,
        None,
    ),
}


class Target(StrEnum):
    """A yes-or-no question that a forecast answers for each entry."""

    WIN = "WIN"
    PODIUM = "PODIUM"
    POINTS = "POINTS"
    RETIREMENT = "RETIREMENT"


@dataclass(frozen=True, slots=True)
class Comparison:
    """A measure of a model beside the same measure of a baseline, on the races that both forecast.

    Attributes:
        model: The baseline.
        value: The baseline's mean.
        difference: The model's mean minus the baseline's, on the same races.
        low, high: 95 % bootstrap interval of the difference; None with fewer than two races.
    """

    model: str
    races: int
    value: float
    difference: float
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class ModelMetric:
    """A measure of a model at a stage over a span of seasons.

    Attributes:
        races: How many were judged, each once.
        retrospective_races: How many of them were forecast after the race, in a back-test.
        value: The mean over the races.
        low, high: 95 % bootstrap interval over races; None with fewer than two.
    """

    model: str
    stage: Stage
    first_season: int
    last_season: int
    measure: Measure
    races: int
    retrospective_races: int
    value: float
    low: float | None
    high: float | None
    baselines: tuple[Comparison, ...] = ()


# Below this a bin says so: three events are no truth.
FEW = 10


@dataclass(frozen=True, slots=True)
class CalibrationBin:
    """The forecasts between two probabilities, and how often it happened.

    Attributes:
        from_probability, to_probability: The lower edge belongs to the bin, the upper to the next.
        count: Driver-races in it.
        forecast: Their mean probability.
        observed: The share in which it happened.
        low, high: 95 % Wilson interval of `observed`.
    """

    target: Target
    from_probability: float
    to_probability: float
    count: int
    forecast: float
    observed: float
    low: float
    high: float

    @property
    def is_few(self) -> bool:
        return self.count < FEW
