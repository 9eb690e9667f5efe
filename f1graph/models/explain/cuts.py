"""A field of which one car's chances to be among the first k move, and how the field was balanced stays."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from f1graph.models.cuts import SMALLEST_CHANCE, places_of_cuts
from f1graph.models.scaling import log_odds_of

Values = NDArray[np.float64]


def utilities_of_moved_cuts(within: Values, moved: Values) -> Values:
    """What each car brings to the choice for each place, while one car is told apart.

    Args:
        within: P(among the first k) of the field as it is. (places, entries)
        moved: By how much a car's log odds of that differ from what they are; of the last place they are
            not heard. (entries, coalitions, places)

    Returns:
        (entries, coalitions, places, all entries)
    """
    as_it_is = np.cumsum(places_of_cuts(within), axis=0).T[:, None, :]  # (entries, 1, places)
    chance = 1.0 / (1.0 + np.exp(-(log_odds_of(as_it_is, smallest=SMALLEST_CHANCE) + moved)))
    chance[..., -1] = 1.0
    chance = np.maximum.accumulate(chance, axis=-1)
    taken = np.maximum(np.diff(chance, axis=-1, prepend=0.0), SMALLEST_CHANCE)
    left = 1.0 - np.cumsum(taken, axis=-1) + taken
    # Still racing for a place, a car takes it so often; the place's other takers are the other cars.
    own = np.log(taken) - np.log(np.maximum(left, SMALLEST_CHANCE))
    actual = own[:, -1].T  # (places, entries): in the last coalition all is as it is
    changed = np.broadcast_to(actual, (*own.shape[:2], *actual.shape)).copy()
    np.einsum("icki->ick", changed)[...] = own
    return changed
