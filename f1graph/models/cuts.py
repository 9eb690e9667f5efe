"""From the chances to be among the first k, for each k, to the order of a field.

The cumulative ordinal model of Frank and Hall, "A Simple Approach to Ordinal Classification" (2001): whoever
learns each cut of the order for itself need not believe that what decides who wins decides who is eleventh.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]

SMALLEST_CHANCE = 1e-5
_SINKHORN_ROUNDS = 40


def utilities_of_cuts(within: Values) -> Values:
    """What each car brings to the choice for each place, so that it takes it about as often as it should.

    The chance to take a place for who is still racing for it. That one car's place is another's loss is seen
    on average only: drawn orders are within .004 of what was asked, on average over cuts and cars.

    Args:
        within: P(among the first k of those who finish); the last row is the whole field. (places, entries)

    Returns:
        (places, entries)
    """
    places = places_of_cuts(within)
    left = 1 - np.cumsum(places, axis=0) + places
    return np.asarray(np.log(places) - np.log(np.maximum(left, SMALLEST_CHANCE)), dtype=np.float64)


def places_of_cuts(told: Values) -> Values:
    """P(takes place k among the finishers), rows and columns summing to 1, from P(among the first k).

    Sinkhorn and Knopp, "Concerning Nonnegative Matrices and Doubly Stochastic Matrices" (1967).
    Both (places, entries).
    """
    within = np.maximum.accumulate(told, axis=0)
    within[-1] = 1.0
    chance = np.maximum(np.diff(within, axis=0, prepend=0.0), SMALLEST_CHANCE)
    for _ in range(_SINKHORN_ROUNDS):
        chance /= chance.sum(axis=1, keepdims=True)
        chance /= chance.sum(axis=0, keepdims=True)
    return np.asarray(chance, dtype=np.float64)
