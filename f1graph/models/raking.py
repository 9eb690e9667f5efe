"""Draws that are weighed anew until the chances read from them are given ones.

Iterative proportional fitting (Deming and Stephan, "On a Least Squares Adjustment of a Sampled Frequency
Table When the Expected Marginal Totals are Known", 1940): of all weights that give the wanted chances, those
nearest to equal. Every draw stays a whole race, so whatever is read from the draws stays coherent.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from f1graph.models.draws import OutcomeDistribution

Values = NDArray[np.float64]

_ROUNDS = 12
# A draw may not come to count more than this often: a target that no draw supports is not reached.
_MOST = 20.0


def rake(distribution: OutcomeDistribution, *, win: Values, retirement: Values) -> Values:
    """Weights of the draws, summing to 1, under which each car wins and retires as often as wanted.

    Args:
        win: P(classified first), of each entry, summing to at most 1.
        retirement: P(does not finish), of each entry.
    """
    count = distribution.draws
    first = np.where(distribution.positions == 1, np.arange(len(distribution.driver_ids)), 0).sum(axis=1)
    has_winner = ~distribution.retired[np.arange(count), first]
    weights = np.full(count, 1.0 / count)
    for _ in range(_ROUNDS):
        for entry, target in enumerate(retirement):
            stopped = distribution.retired[:, entry]
            share = float(weights[stopped].sum())
            if 0.0 < share < 1.0:
                weights *= np.where(stopped, target / share, (1.0 - target) / (1.0 - share))
        share_of = np.bincount(first[has_winner], weights[has_winner], minlength=len(win))
        factor = np.where(share_of > 0, win / np.maximum(share_of, 1e-12), 1.0)
        weights = np.where(has_winner, weights * factor[first], weights)
        weights = np.minimum(weights / weights.sum(), _MOST / count)
        weights /= weights.sum()
    return weights


def resample(
    distribution: OutcomeDistribution, weights: Values, *, draws: int, generator: np.random.Generator
) -> OutcomeDistribution:
    """`draws` of the draws, each about as often as its weight says (systematic resampling), shuffled."""
    points = (generator.random() + np.arange(draws)) / draws
    chosen = np.minimum(np.searchsorted(np.cumsum(weights), points), distribution.draws - 1)
    generator.shuffle(chosen)
    return OutcomeDistribution(
        distribution.driver_ids,
        distribution.positions[chosen],
        distribution.retired[chosen],
        distribution.cause_shares,
    )
