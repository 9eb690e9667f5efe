"""What every forecast of a race must hold, whoever made it."""

from __future__ import annotations

import numpy as np
import pytest

from f1graph.models.draws import OutcomeDistribution


def assert_coherent(forecast: OutcomeDistribution) -> None:
    """Rows and columns sum to 1, better is rarer, and of two cars one is ahead, even if both retire."""
    matrix = forecast.position_probabilities
    np.testing.assert_allclose(matrix.sum(axis=0), 1, atol=1e-6)
    np.testing.assert_allclose(matrix.sum(axis=1), 1, atol=1e-6)
    assert (forecast.win <= forecast.podium).all()
    assert (forecast.podium <= forecast.points).all()
    assert (forecast.points <= 1 - forecast.retirement + 1e-9).all()
    assert forecast.win.sum() <= 1 + 1e-9
    by_cause = forecast.retirement_by_cause
    if by_cause is not None:
        np.testing.assert_allclose(by_cause.sum(axis=1), forecast.retirement, atol=1e-9)
    first, *others = forecast.driver_ids
    for other in others:
        assert forecast.ahead(first, other) + forecast.ahead(other, first) == pytest.approx(1)
