"""Puts the draws of some members together, each as often as it is heard."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from f1graph.models.draws import OutcomeDistribution

Values = NDArray[np.float64]


def pooled(
    drawn: Mapping[str, OutcomeDistribution],
    shares: Mapping[str, float],
    draws: int,
    generator: np.random.Generator,
    *,
    causes: Values | None,
) -> OutcomeDistribution:
    """Some draws of each component, as many as its share says."""
    bounds = np.round(np.cumsum([0.0, *(shares[name] for name in drawn)]) * draws).astype(int)
    picked = [
        (one, generator.permutation(one.draws)[: high - low])
        for one, low, high in zip(drawn.values(), bounds[:-1], bounds[1:], strict=True)
    ]
    return OutcomeDistribution(
        next(iter(drawn.values())).driver_ids,
        np.concatenate([one.positions[rows] for one, rows in picked]),
        np.concatenate([one.retired[rows] for one, rows in picked]),
        causes,
    )


def joined_causes(members: Mapping[str, OutcomeDistribution], shares: Mapping[str, float]) -> Values | None:
    """The causes of a retirement, as those members see them that tell them apart. (entries, 3)"""
    told = [(shares[name], one.cause_shares) for name, one in members.items() if one.cause_shares is not None]
    if not told:
        return None
    total = sum(share for share, _ in told)
    return np.asarray(sum(share / total * causes for share, causes in told), dtype=np.float64)
