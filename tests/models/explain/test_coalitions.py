"""What each of some players is worth, by orders that lie on a circle."""

from __future__ import annotations

from collections.abc import Callable
from itertools import permutations

import numpy as np
import pytest

from f1graph.models.explain.coalitions import Coalitions, Values

Game = Callable[[frozenset[int]], float]


def worth(game: Game, players: int, *, circles: int = 1, seed: int = 1) -> Values:
    coalitions = Coalitions.on_circles(players, circles=circles, seed=seed)
    values = np.array([game(frozenset(np.flatnonzero(present).tolist())) for present in coalitions.present])
    return coalitions.shapley(values)


def over_all_orders(game: Game, players: int) -> Values:
    found = np.zeros(players)
    orders = list(permutations(range(players)))
    for order in orders:
        for place, player in enumerate(order):
            before = frozenset(order[:place])
            found[player] += (game(before | {player}) - game(before)) / len(orders)
    return found


def squared(present: frozenset[int]) -> float:
    """All play together: what one adds depends on everybody who is there."""
    return float(sum(1 + player for player in present) ** 2 + 3 * (0 in present))


def cubed(present: frozenset[int]) -> float:
    return float(sum(1 + player for player in present) ** 3)


def test_the_first_coalition_is_nobody_and_the_last_everybody() -> None:
    coalitions = Coalitions.on_circles(6, circles=2, seed=3)

    assert not coalitions.present[0].any()
    assert coalitions.present[-1].all()
    assert len(np.unique(coalitions.present, axis=0)) == len(coalitions.present)
    # Each group comes first, second, … last equally often.
    for place in range(6):
        assert np.bincount(coalitions.orders[:, place], minlength=6).tolist() == [4] * 6


@pytest.mark.parametrize("players", [1, 2, 3])
def test_with_three_groups_or_fewer_every_order_is_asked_for(players: int) -> None:
    np.testing.assert_allclose(worth(cubed, players), over_all_orders(cubed, players), atol=1e-12)


def test_what_two_groups_do_together_is_shared_exactly_however_many_there_are() -> None:
    np.testing.assert_allclose(worth(squared, 7), over_all_orders(squared, 7), atol=1e-9)


def test_what_all_groups_do_together_is_shared_whole_and_nearly_right() -> None:
    found = worth(cubed, 7, circles=2)

    assert found.sum() == pytest.approx(cubed(frozenset(range(7))))
    np.testing.assert_allclose(found, over_all_orders(cubed, 7), rtol=0.1)


def test_who_adds_nothing_gets_nothing_and_equals_get_the_same() -> None:
    def game(present: frozenset[int]) -> float:
        return float(len(present - {4}) >= 2) + 0.5 * (3 in present)

    found = worth(game, 5, circles=3)

    assert found[4] == 0
    # Their mean over some orders is not to the last bit that over all.
    np.testing.assert_allclose(found[:3], found[:3].mean(), atol=0.15)


def test_several_numbers_of_several_cars_are_shared_at_once() -> None:
    coalitions = Coalitions.on_circles(4, circles=1, seed=2)
    values = np.random.default_rng(1).normal(size=(len(coalitions.present), 5, 2))

    found = coalitions.shapley(values)

    assert found.shape == (4, 5, 2)
    np.testing.assert_allclose(found.sum(axis=0), values[-1] - values[0])


def test_t4_the_same_seed_asks_for_the_same_coalitions() -> None:
    ours, theirs, others = (Coalitions.on_circles(8, circles=1, seed=seed) for seed in (5, 5, 6))

    np.testing.assert_array_equal(ours.present, theirs.present)
    assert not np.array_equal(ours.present, others.present)
