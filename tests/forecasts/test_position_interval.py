"""In which places a car will end, with about 80 %."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from f1graph.forecasts.position_interval import position_intervals

Floats = NDArray[np.float64]


def interval(*probabilities: float) -> tuple[int, int, float]:
    found = position_intervals(np.array([probabilities]))
    return int(found.low[0]), int(found.high[0]), float(found.probability[0])


def test_of_a_sure_winner_it_is_the_first_place() -> None:
    assert interval(0.82, 0.1, 0.05, 0.03) == (1, 1, 0.82)


def test_it_holds_as_near_to_80_per_cent_as_whole_places_allow() -> None:
    assert interval(0.1, 0.3, 0.3, 0.2, 0.1) == pytest.approx((2, 4, 0.8))
    # All four hold 100 %, any three 75 %: that is nearer, and says so.
    assert interval(0.25, 0.25, 0.25, 0.25) == (1, 3, 0.75)


def test_of_two_that_hold_nearly_the_same_the_shorter_is_told() -> None:
    # From the fourth place on it is the lottery of the retired: six places for what two hold in front.
    tail = 0.03
    low, high, probability = interval(0.4, 0.395, *[tail] * 6, 0.025)

    assert (low, high) == (1, 2)
    assert probability == pytest.approx(0.795)


@given(st.integers(0, 2**32 - 1), st.integers(2, 24))
def test_it_is_a_run_of_places_around_the_median_and_says_what_it_holds(seed: int, places: int) -> None:
    matrix: Floats = np.random.default_rng(seed).dirichlet(np.full(places, 0.6), size=4)

    found = position_intervals(matrix)

    for row, low, high, probability in zip(matrix, found.low, found.high, found.probability, strict=True):
        assert 1 <= low <= high <= places
        assert row[low - 1 : high].sum() == pytest.approx(probability)
        median = 1 + int((row.cumsum() >= 0.5 - 1e-12).argmax())
        assert low <= median <= high or probability < 0.6


def test_on_average_it_holds_80_per_cent() -> None:
    generator = np.random.default_rng(1)
    pace = np.linspace(0, 2, 20) + 1.2 * generator.gumbel(size=(4000, 20))
    positions = np.argsort(np.argsort(-pace, axis=1), axis=1)
    matrix: Floats = np.stack([(positions == place).mean(axis=0) for place in range(20)], axis=1)

    found = position_intervals(matrix)

    assert found.probability.mean() == pytest.approx(0.8, abs=0.01)
    within = (found.low - 1 <= positions) & (positions <= found.high - 1)
    np.testing.assert_allclose(within.mean(axis=0), found.probability)
