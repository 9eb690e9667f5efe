"""In which places an entry will end with a probability of about 80 %.

Places are whole, so hardly any run of them holds 80 % exactly. One that holds at least as much holds 86 % on
average, and would not do what it says. So the nearest is taken, too much here and too little there, and each
says how much it holds.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Places = NDArray[np.int64]

SHARE = 0.8
# An interval may be a place longer only if it comes nearer to the share by so much: a short one says more.
_WORTH_A_PLACE = 0.005


@dataclass(frozen=True, eq=False)
class PositionIntervals:
    """Of each entry a run of places, both ends included, and the probability to end in it. Each (entries,)"""

    low: Places
    high: Places
    probability: Floats


def position_intervals(position_probabilities: Floats, *, share: float = SHARE) -> PositionIntervals:
    """The runs of places that hold most nearly `share` of each row; a place more must be worth it.

    Args:
        position_probabilities: (entries, positions)
    """
    entries, positions = position_probabilities.shape
    upto = np.concatenate([np.zeros((entries, 1)), np.cumsum(position_probabilities, axis=1)], axis=1)
    low, high = np.triu_indices(positions)
    held = upto[:, high + 1] - upto[:, low]  # (entries, runs)
    cost = np.abs(held - share) + _WORTH_A_PLACE * (high - low)
    best = cost.argmin(axis=1)
    return PositionIntervals(low[best] + 1, high[best] + 1, held[np.arange(entries), best])
