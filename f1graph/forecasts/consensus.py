"""How far the members of an ensemble agree on a race, and how uncertain a position is."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from f1graph.models.draws import OutcomeDistribution
from f1graph.races.forecast import Consensus


def entropy_bits(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    """Shannon entropy over the last axis."""
    logs = np.log2(np.where(probabilities > 0, probabilities, 1.0))
    # abs: a certain outcome is 0 bits, not -0.
    return np.asarray(np.abs((probabilities * logs).sum(axis=-1)), dtype=np.float64)


def consensus(distributions: Sequence[OutcomeDistribution]) -> Consensus | None:
    """How far members agree; None with fewer than two."""
    divergence = divergences(distributions)
    if divergence is None:
        return None
    matrices = np.stack([drawn.position_probabilities for drawn in distributions])
    places = np.arange(1, matrices.shape[2] + 1)
    return Consensus(
        members=len(distributions),
        kendall_w=kendall_w(matrices @ places),
        divergence_bits=float(divergence.mean()),
    )


def divergences(distributions: Sequence[OutcomeDistribution]) -> NDArray[np.float64] | None:
    """Jensen–Shannon divergence of each entry's position in bits; None with fewer than two. (entries,)"""
    if len(distributions) < 2:
        return None
    matrices = np.stack(
        [drawn.position_probabilities for drawn in distributions]
    )  # (members, entries, positions)
    found = entropy_bits(matrices.mean(axis=0)) - entropy_bits(matrices).mean(axis=0)
    # Never below 0 but for rounding.
    return np.asarray(np.maximum(found, 0.0), dtype=np.float64)


def kendall_w(scores: NDArray[np.float64]) -> float:
    """Kendall's coefficient of concordance of (members, entries) scores, corrected for ties."""
    members, entries = scores.shape
    less = (scores[:, None, :] < scores[:, :, None]).sum(axis=2)
    equal = (scores[:, None, :] == scores[:, :, None]).sum(axis=2)
    ranks = less + (equal + 1) / 2  # (members, entries), tied entries share the mean of their ranks
    totals = ranks.sum(axis=0)
    spread = float(((totals - totals.mean()) ** 2).sum())
    # Each entry of a group of t tied ones adds t² - 1, the group t³ - t.
    ties = float((equal.astype(np.float64) ** 2 - 1).sum())
    whole = members**2 * (entries**3 - entries) - members * ties
    return 12 * spread / whole if whole > 0 else 0.0
