"""How far a position is open, and why: because racing is a lottery, or because the models do not know."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from f1graph.models.draws import OutcomeDistribution

Values = NDArray[np.float64]

# How far off an expected position may be to count as right.
NEAR = 2


def spread_of(
    members: Sequence[tuple[float, Sequence[OutcomeDistribution]]],
    whole: OutcomeDistribution,
    *,
    doubting: int | None = None,
) -> tuple[Values, Values]:
    """The aleatoric and the epistemic part of the variance of each position, in places squared.

    The law of total variance over the members and, within each, over its networks or weight draws: the mean
    of their variances, and the variance of their means, less what the means vary because each is of some
    hundred draws. Both are brought to the variance of the calibrated whole. (Depeweg et al., "Decomposition
    of Uncertainty in Bayesian Deep Learning", 2018.)

    Args:
        members: Share and voices of each; the shares sum to 1.
        doubting: Which of them speaks with voices that each take another strength of the cars for true. All
            members believe the same strengths, so what those voices disagree about is what none of them
            knows: it counts in full, not by that member's share, and the others' luck is less by it.

    Returns:
        Two arrays (entries,), which sum to the variance of `whole`.
    """
    weights = np.array([share / len(voices) for share, voices in members for _ in voices])[:, None]
    means = np.stack([voice.positions.mean(axis=0) for _, voices in members for voice in voices])
    variances = np.stack(
        [voice.positions.var(axis=0, dtype=np.float64) for _, voices in members for voice in voices]
    )
    draws = np.array([voice.draws for _, voices in members for voice in voices])[:, None]
    middle = (weights * means).sum(axis=0)
    aleatoric = (weights * variances).sum(axis=0)
    # A weighted variance of means that are only estimated is too large by this.
    by_chance = (weights * (1 - weights) * variances / draws).sum(axis=0)
    epistemic = np.maximum((weights * (means - middle) ** 2).sum(axis=0) - by_chance, 0.0)
    if doubting is not None:
        share, voices = members[doubting]
        taken_for_luck = np.minimum((1 - share) * _disagreement(voices), aleatoric)
        aleatoric, epistemic = aleatoric - taken_for_luck, epistemic + taken_for_luck
    total = whole.positions.var(axis=0, dtype=np.float64)
    scale = total / np.maximum(aleatoric + epistemic, 1e-9)
    return aleatoric * scale, epistemic * scale


def _disagreement(voices: Sequence[OutcomeDistribution]) -> Values:
    """The variance of the mean position of some equal voices, less what is chance. (entries,)"""
    means = np.stack([voice.positions.mean(axis=0) for voice in voices])
    by_chance = np.stack([voice.positions.var(axis=0) / voice.draws for voice in voices]).mean(axis=0)
    return np.asarray(np.maximum(means.var(axis=0) - by_chance, 0.0), dtype=np.float64)


def confidence_of(position_probabilities: Values, expected: NDArray[np.int64]) -> Values:
    """P(within two places of the expected position). (entries, positions), (entries,) → (entries,)"""
    places = np.arange(1, position_probabilities.shape[1] + 1)
    near = np.abs(places[None, :] - expected[:, None]) <= NEAR
    return np.asarray((position_probabilities * near).sum(axis=1), dtype=np.float64)
