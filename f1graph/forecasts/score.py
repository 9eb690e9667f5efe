"""Judges a forecast against a classification, by the measures that `races.measures` defines.

A classification is revised, weeks later even: each revision gets scores of its own, and nothing that was
scored before changes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from f1graph.errors import ForecastError
from f1graph.forecasts.make import distribution_of
from f1graph.models.draws import OutcomeDistribution
from f1graph.races.forecast import Forecast, Score
from f1graph.races.measures import Measure, Target
from f1graph.races.results import Classification, ClassificationKind, ClassificationRow

Floats = NDArray[np.float64]

# No logarithm of a smaller probability: one surprise must not outweigh a decade.
FLOOR = 1e-4
_SAME = 1e-12


class EntryNumbers(Protocol):
    """What is judged of one entry: see `EntryForecast`."""

    @property
    def driver_id(self) -> str: ...
    @property
    def win(self) -> float: ...
    @property
    def podium(self) -> float: ...
    @property
    def points(self) -> float: ...
    @property
    def retirement(self) -> float: ...
    @property
    def expected_position(self) -> float: ...


@dataclass(frozen=True, eq=False)
class Judged:
    """A forecast laid beside what happened, for the starters that it knew, by driver id.

    Attributes:
        win: Scaled to sum to one over the starters.
        position_probabilities: (entries, positions) among the starters.
        positions: 1 … n among them.
        won, on_podium, in_points: By official position, so a retired or disqualified car never is.
        winners, podium_size: Of the whole field, unforecast starters included.
        void: Entries that were forecast and did not start.
        unforecast: Starters that the forecast did not know. They are left out and the others move up;
            if one of them won, the winner had no probability.
    """

    driver_ids: tuple[str, ...]
    win: Floats
    podium: Floats
    points: Floats
    retirement: Floats
    expected_position: Floats
    position_probabilities: Floats
    positions: NDArray[np.int64]
    won: NDArray[np.bool_]
    on_podium: NDArray[np.bool_]
    in_points: NDArray[np.bool_]
    retired: NDArray[np.bool_]
    winners: int
    podium_size: int
    void: tuple[str, ...]
    unforecast: tuple[str, ...]

    def answers(self, target: Target) -> tuple[Floats, NDArray[np.bool_]]:
        """The probabilities given to a yes-or-no question, and the answers: what calibration is made of."""
        return {
            Target.WIN: (self.win, self.won),
            Target.PODIUM: (self.podium, self.on_podium),
            Target.POINTS: (self.points, self.in_points),
            Target.RETIREMENT: (self.retirement, self.retired),
        }[target]


@dataclass(frozen=True)
class ForecastScore:
    """All measures of one forecast against one revision.

    Attributes:
        void, unforecast: See `Judged`; to be shown wherever the scores are.
    """

    scores: tuple[Score, ...]
    void: tuple[str, ...]
    unforecast: tuple[str, ...]


def score_forecast(forecast: Forecast, result: Classification) -> ForecastScore:
    """Scores `forecast` against one revision of its race's classification.

    Raises:
        ForecastError: It is the classification of another race or session, or nobody started.
    """
    judged = judge(forecast, result)
    scores = tuple(
        Score(forecast.id, result.revision, measure, value) for measure, value in measure_race(judged).items()
    )
    return ForecastScore(scores, judged.void, judged.unforecast)


def judge(forecast: Forecast, result: Classification) -> Judged:
    """Lays a forecast beside what happened."""
    if result.race_id != forecast.race_id or result.kind is not ClassificationKind.RACE:
        raise ForecastError(
            f"A forecast of {forecast.race_id} cannot be scored against {result.kind} of {result.race_id}."
        )

    def among_starters(void: tuple[str, ...]) -> Floats:
        if void:
            return without(distribution_of(forecast), void).position_probabilities
        return np.array([entry.position_probabilities for entry in forecast.entries])

    return judge_entries(forecast.entries, result, among_starters=among_starters)


def judge_entries(
    entries: Sequence[EntryNumbers],
    result: Classification,
    *,
    among_starters: Callable[[tuple[str, ...]], Floats],
) -> Judged:
    """Lays what was forecast of some entries beside what happened.

    Args:
        among_starters: Given who did not start, the position probabilities of the other entries, in the
            order of `entries`. (starters, positions)

    Raises:
        ForecastError: Nobody that was forecast started.
    """
    starters = {row.driver_id: row for row in result.starters()}
    kept = [entry for entry in entries if entry.driver_id in starters]
    if not kept:
        raise ForecastError(f"Nobody that was forecast started {result.race_id}; there is nothing to score.")
    void = tuple(entry.driver_id for entry in entries if entry.driver_id not in starters)
    driver_ids = tuple(entry.driver_id for entry in kept)
    place = {
        driver_id: i for i, driver_id in enumerate((d for d in starters if d in set(driver_ids)), start=1)
    }
    rows = [starters[driver_id] for driver_id in driver_ids]
    win = np.array([entry.win for entry in kept])
    return Judged(
        driver_ids=driver_ids,
        win=win / win.sum() if win.sum() > 0 else np.full(len(kept), 1 / len(kept)),
        podium=np.array([entry.podium for entry in kept]),
        points=np.array([entry.points for entry in kept]),
        retirement=np.array([entry.retirement for entry in kept]),
        expected_position=np.array([float(entry.expected_position) for entry in kept]),
        position_probabilities=among_starters(void),
        positions=np.array([place[driver_id] for driver_id in driver_ids]),
        won=np.array([_is_within(row, 1) for row in rows]),
        on_podium=np.array([_is_within(row, 3) for row in rows]),
        in_points=np.array([_is_within(row, 10) for row in rows]),
        retired=np.array([row.retired for row in rows]),
        winners=sum(_is_within(row, 1) for row in starters.values()),
        podium_size=sum(_is_within(row, 3) for row in starters.values()),
        void=void,
        unforecast=tuple(sorted(set(starters) - set(driver_ids))),
    )


def without(distribution: OutcomeDistribution, void: tuple[str, ...]) -> OutcomeDistribution:
    """The same draws without some entries: whoever was behind them moves up."""
    kept = [i for i, driver_id in enumerate(distribution.driver_ids) if driver_id not in void]
    order = np.argsort(distribution.positions[:, kept], axis=1)
    positions = np.empty(order.shape, dtype=np.uint8)
    places = np.broadcast_to(np.arange(1, len(kept) + 1, dtype=np.uint8), order.shape)
    np.put_along_axis(positions, order, places, axis=1)
    return OutcomeDistribution(
        tuple(distribution.driver_ids[i] for i in kept),
        positions,
        np.ascontiguousarray(distribution.retired[:, kept]),
    )


def measure_race(judged: Judged) -> dict[Measure, float]:
    """Every measure that this race allows, in the order of `Measure`.

    The winner's measures need exactly one winner (two drivers shared the winning car until 1957), those
    of the order at least two starters.
    """
    values = {
        Measure.PODIUM_BRIER: _brier(judged.podium, judged.on_podium),
        Measure.POINTS_BRIER: _brier(judged.points, judged.in_points),
        Measure.RETIREMENT_LOG_LOSS: _log_loss(judged.retirement, judged.retired),
        Measure.RETIREMENT_BRIER: _brier(judged.retirement, judged.retired),
        Measure.PODIUM_OVERLAP: _overlap(judged.podium, judged.on_podium, 3, there=judged.podium_size),
    }
    if judged.winners == 1:
        values |= _winner_measures(judged)
    if len(judged.driver_ids) > 1:
        values |= _order_measures(judged)
    return {measure: values[measure] for measure in Measure if measure in values}


def _winner_measures(judged: Judged) -> dict[Measure, float]:
    chance = float(judged.win[judged.won].sum())  # 0 if nobody forecast the winner
    missed = 1.0 if not judged.won.any() else 0.0
    return {
        Measure.WINNER_LOG_LOSS: float(-np.log(max(chance, FLOOR))),
        Measure.WINNER_BRIER: float(((judged.win - judged.won) ** 2).sum()) + missed,
        Measure.WINNER_HIT: float(_top(judged.win, 1) @ judged.won),
    }


def _order_measures(judged: Judged) -> dict[Measure, float]:
    entries = len(judged.driver_ids)
    probabilities = judged.position_probabilities
    cumulative = probabilities.cumsum(axis=1)[:, :-1]
    happened = judged.positions[:, None] <= np.arange(1, entries)  # (entries, cuts)
    given = probabilities[np.arange(entries), judged.positions - 1]
    error = np.abs(judged.expected_position - judged.positions)
    return {
        Measure.RANKED_PROBABILITY: float(((cumulative - happened) ** 2).mean()),
        Measure.POSITION_LOG_LOSS: float(-np.log(np.clip(given, FLOOR, 1)).mean()),
        Measure.PAIRWISE_ORDER: _pairwise_order(judged.expected_position, judged.positions),
        Measure.WITHIN_TWO: float((error <= 2).mean()),
        Measure.MEAN_ABSOLUTE_ERROR: float(error.mean()),
    }


def _is_within(row: ClassificationRow, places: int) -> bool:
    return row.position is not None and row.position <= places


def _brier(probabilities: Floats, happened: NDArray[np.bool_]) -> float:
    return float(((probabilities - happened) ** 2).mean())


def _log_loss(probabilities: Floats, happened: NDArray[np.bool_]) -> float:
    given = np.where(happened, probabilities, 1 - probabilities)
    return float(-np.log(np.clip(given, FLOOR, 1 - FLOOR)).mean())


def _top(probabilities: Floats, places: int) -> Floats:
    """1 for the `places` highest, 0 for the others; a tie on the boundary is shared, so that equal
    probabilities cannot borrow the order of the entries."""
    places = min(places, len(probabilities))
    boundary = np.sort(probabilities)[::-1][places - 1]
    weights: Floats = (probabilities > boundary + _SAME).astype(np.float64)
    tied = np.abs(probabilities - boundary) <= _SAME
    weights[tied] = (places - weights.sum()) / tied.sum()
    return weights


def _overlap(probabilities: Floats, happened: NDArray[np.bool_], places: int, *, there: int) -> float:
    return float(_top(probabilities, places) @ happened) / max(1, min(places, there))


def _pairwise_order(expected: Floats, positions: NDArray[np.int64]) -> float:
    i, j = np.triu_indices(len(expected), 1)
    agreement = np.sign(expected[i] - expected[j]) * np.sign(positions[i] - positions[j])
    return float(((agreement + 1) / 2).mean())
