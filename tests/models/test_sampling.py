"""Drawn races."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from f1graph.models.draws import OutcomeDistribution
from f1graph.models.sampling import draw_races
from tests.models.fields import FIELD


def drawn(
    utilities: NDArray[np.float64],
    *,
    retirement: float = 0.15,
    race_deviation: float = 0.0,
    draws: int = 20_000,
    seed: int = 1,
    moved: NDArray[np.float64] | None = None,
) -> OutcomeDistribution:
    entries = utilities.shape[1]
    return draw_races(
        FIELD[:entries],
        utilities=utilities,
        retirement_log_odds=np.full(entries, np.log(retirement / (1 - retirement))),
        race_deviation=race_deviation,
        draws=draws,
        generator=np.random.default_rng(seed),
        moved=moved,
    )


def test_draws_are_coherent() -> None:
    distribution = drawn(np.random.default_rng(0).normal(size=(10, 10)))

    matrix = distribution.position_probabilities
    np.testing.assert_allclose(matrix.sum(axis=0), 1, atol=1e-9)
    np.testing.assert_allclose(matrix.sum(axis=1), 1, atol=1e-9)
    assert (distribution.win <= distribution.podium).all()
    assert (distribution.podium <= distribution.points).all()
    assert (distribution.points <= 1 - distribution.retirement + 1e-9).all()


def test_cars_win_as_often_as_plackett_and_luce_say() -> None:
    utility = np.log(np.array([5.0, 3.0, 2.0]))

    distribution = drawn(np.tile(utility, (3, 1)), retirement=1e-9)

    np.testing.assert_allclose(distribution.win, [0.5, 0.3, 0.2], atol=0.015)
    # B wins, then A is chosen from A and C: 0.3 × 5/7.
    b_then_a = (distribution.positions[:, 1] == 1) & (distribution.positions[:, 0] == 2)
    assert b_then_a.mean() == pytest.approx(0.3 * 5 / 7, abs=0.015)


def test_the_back_of_the_field_can_be_more_of_a_lottery_than_the_front() -> None:
    utilities = np.zeros((4, 4))
    utilities[0] = [8, 0, 0, 0]

    distribution = drawn(utilities, retirement=1e-9)

    assert distribution.win[0] > 0.99
    np.testing.assert_allclose(distribution.position_probabilities[1:, 1:], 1 / 3, atol=0.02)


def test_each_place_is_decided_by_its_own_utilities() -> None:
    utilities = np.zeros((3, 3))
    utilities[1] = [0, 0, 20]

    distribution = drawn(utilities, retirement=1e-9)

    # Anybody may win, but whoever else does, the third car is second.
    np.testing.assert_allclose(distribution.win, 1 / 3, atol=0.02)
    assert distribution.position_probabilities[2, 2] < 0.001


def test_retirements_come_as_often_as_asked() -> None:
    assert drawn(np.zeros((10, 10)), retirement=0.2).retirement == pytest.approx(0.2, abs=0.012)


def test_a_bad_day_is_shared_by_the_field() -> None:
    alone = drawn(np.zeros((10, 10)), race_deviation=0.0).retired.sum(axis=1)
    together = drawn(np.zeros((10, 10)), race_deviation=1.0).retired.sum(axis=1)

    assert together.var() > 1.3 * alone.var()


def test_a_car_may_be_faster_in_some_draws_than_in_others() -> None:
    moved = np.zeros((20_000, 4))
    moved[10_000:, 0] = np.log(3)

    distribution = drawn(np.zeros((4, 4)), retirement=1e-9, moved=moved)

    slow, fast = distribution.positions[:10_000, 0] == 1, distribution.positions[10_000:, 0] == 1
    # As Plackett and Luce say: 1 of 4, and 3 of 6.
    assert slow.mean() == pytest.approx(1 / 4, abs=0.015)
    assert fast.mean() == pytest.approx(1 / 2, abs=0.015)


def test_a_race_that_everybody_retires_from_is_still_an_order() -> None:
    distribution = drawn(np.zeros((4, 4)), retirement=1 - 1e-9, draws=100)

    assert distribution.retired.all()
    assert distribution.win.sum() == 0


def test_the_same_seed_draws_the_same_races() -> None:
    first, again, other = (drawn(np.zeros((5, 5)), draws=50, seed=seed) for seed in (1, 1, 2))

    assert (first.positions == again.positions).all()
    assert (first.positions != other.positions).any()
