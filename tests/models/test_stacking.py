"""How much each member is trusted, given what it had said of past races."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from f1graph.models.protocol import Outcome
from f1graph.models.stacking import (
    JudgedRace,
    Logistic,
    Stack,
    View,
    fit_logistic,
    learn_stack,
)
from tests.models.fields import FIELD, an_outcome

Values = NDArray[np.float64]

CARS = FIELD[:4]
MEMBERS = ("oracle", "dice")
ANCHORS = ("grid", "table")


def a_view(order: Sequence[int], *, sure: float, retirement: float | Values = 0.1) -> View:
    """Each car ends where `order` has it with probability `sure`, else anywhere."""
    certain = np.zeros((4, 4))
    certain[list(order), np.arange(4)] = 1.0
    positions = sure * certain + (1 - sure) / 4
    return View(positions, positions[:, 0], np.broadcast_to(retirement, 4).astype(np.float64))


def a_race(order: Sequence[int], views: Mapping[str, View], *, age: float = 0.0) -> JudgedRace:
    return JudgedRace(views, an_outcome(CARS, [CARS[car] for car in order]), age)


def some_races(
    count: int,
    *,
    sure: Mapping[str, float],
    seed: int = 1,
    wrong: Sequence[str] = (),
    age: float = 0.0,
) -> list[JudgedRace]:
    """Members know the order as well as they are sure of it; those that are `wrong` have it upside down."""
    generator = np.random.default_rng(seed)
    races = []
    for _ in range(count):
        order = generator.permutation(4).tolist()
        views = {
            name: a_view(order[::-1] if name in wrong else order, sure=of_member)
            for name, of_member in sure.items()
        }
        races.append(a_race(order, views, age=age))
    return races


def learned(races: Sequence[JudgedRace], anchors: Sequence[str] = ()) -> Stack:
    return learn_stack(races, members=MEMBERS, anchors=anchors)


def test_a_member_that_is_always_right_gets_more() -> None:
    few, many = (learned(some_races(count, sure={"oracle": 0.9, "dice": 0.0})) for count in (20, 200))

    assert 0.5 < few.order["oracle"] < many.order["oracle"] < 1
    assert 0.5 < few.winner["oracle"] < many.winner["oracle"] < 1
    for stack in (few, many):
        assert sum(stack.order.values()) == pytest.approx(1)
        assert sum(stack.winner.values()) == pytest.approx(1)
    assert many.races == 200


def test_without_a_race_members_are_trusted_alike_and_anchors_a_little_with_the_winner() -> None:
    stack = learned([], anchors=ANCHORS)

    assert stack.order == {"oracle": 0.5, "dice": 0.5}
    assert stack.winner == pytest.approx({"oracle": 0.45, "dice": 0.45, "grid": 0.05, "table": 0.05})
    assert (stack.winner_power, stack.retirement, stack.races) == (1.0, Logistic(), 0)
    assert sum(learned([]).order.values()) == 1


def test_members_that_say_the_same_keep_equal_shares() -> None:
    stack = learned(some_races(30, sure={"oracle": 0.5, "dice": 0.5}))

    assert stack.order == pytest.approx({"oracle": 0.5, "dice": 0.5})


def test_who_names_the_winner_and_who_names_the_rest_are_told_apart() -> None:
    races = []
    for race in some_races(60, sure={"oracle": 0.8, "dice": 0.8}):
        won = race.outcome.positions == 1
        flat, sharp = np.full(4, 0.25), np.where(won, 0.85, 0.05)
        views = {
            "oracle": View(race.views["oracle"].positions, flat, np.full(4, 0.1)),
            "dice": View(np.full((4, 4), 0.25), sharp, np.full(4, 0.1)),
        }
        races.append(JudgedRace(views, race.outcome, 0.0))

    stack = learned(races)

    assert stack.order["oracle"] > 0.6
    assert stack.winner["dice"] > 0.6


def test_recent_races_count_more() -> None:
    sure = {"oracle": 0.8, "dice": 0.8}
    once, now = (
        [
            *some_races(40, sure=sure, wrong=["dice"], age=old),
            *some_races(40, sure=sure, wrong=["oracle"], age=new),
        ]
        for old, new in ((12.0, 0.0), (0.0, 12.0))
    )

    assert learned(once).order["dice"] > 0.55
    assert learned(now).order["oracle"] > 0.55


def test_t8_the_share_of_a_missing_member_goes_to_the_others_in_proportion() -> None:
    """T8: weights are renormalised."""
    stack = Stack({"a": 0.5, "b": 0.3, "c": 0.2}, {"a": 0.2, "b": 0.6, "c": 0.2}, 1.1, Logistic(0.9, 0.1), 40)

    left = stack.without(["a"])

    assert left.order == pytest.approx({"b": 0.6, "c": 0.4})
    assert left.winner == pytest.approx({"b": 0.75, "c": 0.25})
    assert (left.winner_power, left.retirement, left.races) == (1.1, Logistic(0.9, 0.1), 40)
    assert stack.without([]).order == pytest.approx(stack.order)


def test_a_power_above_one_sharpens_the_chances_to_win() -> None:
    views = {"a": View(np.full((4, 4), 0.25), np.array([0.4, 0.3, 0.2, 0.1]), np.full(4, 0.1))}

    plain, sharper = (
        Stack({"a": 1.0}, {"a": 1.0}, power, Logistic(), 1).pooled_win(views) for power in (1.0, 2.0)
    )

    np.testing.assert_allclose(plain, [0.4, 0.3, 0.2, 0.1])
    np.testing.assert_allclose(sharper, np.array([16, 9, 4, 1]) / 30)


@pytest.mark.parametrize(("said", "happens", "sharpens"), [(0.4, 0.8, True), (0.8, 0.4, False)])
def test_a_pool_that_is_too_flat_is_sharpened_and_one_that_is_too_sure_is_not(
    said: float, happens: float, sharpens: bool
) -> None:
    generator = np.random.default_rng(1)
    view = View(np.full((4, 4), 0.25), np.array([said, *[(1 - said) / 3] * 3]), np.full(4, 0.1))
    races = [
        a_race([0, 1, 2, 3] if generator.random() < happens else [1, 0, 2, 3], {"oracle": view, "dice": view})
        for _ in range(200)
    ]

    assert (learned(races).winner_power > 1.05) == sharpens
    assert (learned(races).winner_power < 0.95) == (not sharpens)


def retirements(count: int, *, said: Values, happens: Values) -> list[JudgedRace]:
    generator = np.random.default_rng(3)
    races = []
    for _ in range(count):
        stopped = generator.random(4) < happens
        finished = [car for car, out in zip(CARS, stopped, strict=True) if not out]
        out = [car for car, is_out in zip(CARS, stopped, strict=True) if is_out]
        view = a_view([0, 1, 2, 3], sure=0.1, retirement=said)
        races.append(JudgedRace({"oracle": view, "dice": view}, an_outcome(CARS, finished, out=out), 0.0))
    return races


def test_too_many_retirements_foretold_are_corrected_to_those_that_happen() -> None:
    said, happens = np.array([0.2, 0.3, 0.4, 0.5]), np.array([0.06, 0.1, 0.15, 0.2])
    races = retirements(500, said=said, happens=happens)

    corrected = learned(races).pooled_retirement(races[0].views)

    np.testing.assert_allclose(corrected, happens, atol=0.03)


def test_right_chances_to_retire_are_left_alone() -> None:
    said = np.array([0.1, 0.2, 0.3, 0.4])
    races = retirements(800, said=said, happens=said)

    np.testing.assert_allclose(learned(races).pooled_retirement(races[0].views), said, atol=0.03)


def test_a_correction_follows_slope_and_shift_in_log_odds() -> None:
    chances = np.array([0.2, 0.5, 0.8])

    np.testing.assert_allclose(Logistic().apply(chances), chances)
    np.testing.assert_allclose(Logistic(2.0, 0.0).apply(chances), [1 / 17, 0.5, 16 / 17])
    np.testing.assert_allclose(Logistic(1.0, np.log(4)).apply(chances), [0.5, 0.8, 16 / 17])


def test_a_few_cases_hardly_correct_anything() -> None:
    few = fit_logistic(np.array([0.3, 0.4]), np.array([False, False]), np.ones(2) * 1e-9)

    assert np.isfinite([few.slope, few.shift]).all()
    # Even what is never true is not ruled out.
    never = fit_logistic(np.full(50, 0.3), np.zeros(50, dtype=np.bool_), np.ones(50))
    assert 0 < never.apply(np.array([0.3]))[0] < 0.05


def test_a_race_that_nobody_finished_teaches_nothing_of_winners() -> None:
    races = some_races(10, sure={"oracle": 0.9, "dice": 0.0})
    nobody: Outcome = an_outcome(CARS, [], out=CARS)

    with_it = learned([*races, JudgedRace(races[0].views, nobody, 0.0)])

    assert with_it.winner == pytest.approx(learned(races).winner)
    assert with_it.winner_power == learned(races).winner_power


def test_whoever_did_not_start_is_judged_by_nobody() -> None:
    races = some_races(10, sure={"oracle": 0.9, "dice": 0.0})
    absent = an_outcome(CARS, CARS[:3], absent=[CARS[3]])
    told, otherwise = (
        [
            *races,
            JudgedRace(
                {"oracle": a_view([0, 1, 2, 3], sure=0.5, retirement=r), "dice": races[0].views["dice"]},
                absent,
                0.0,
            ),
        ]
        for r in (np.array([0.1, 0.1, 0.1, 0.1]), np.array([0.1, 0.1, 0.1, 0.9]))
    )

    assert learned(told) == learned(otherwise)


def test_who_is_classified_where_is_pooled_in_the_proportions_of_the_order() -> None:
    stack = Stack({"a": 0.75, "b": 0.25}, {"a": 0.5, "b": 0.5}, 1.0, Logistic(), 1)
    told = {
        name: replace(a_view(range(4), sure=sure), classified=np.full((4, 4), sure))
        for name, sure in (("a", 0.4), ("b", 0.8))
    }

    np.testing.assert_allclose(stack.pooled_classified(told), 0.5)
    with pytest.raises(ValueError, match="not all of a, b"):
        stack.pooled_classified(told | {"b": a_view(range(4), sure=0.8)})
