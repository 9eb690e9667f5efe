"""The likelihood of a finishing order, of retirements and of their causes."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
import torch

from f1graph.models.cut_likelihood import CUT_WORTHS
from f1graph.models.order_head import Heads, OrderHead, cause_loss, retirement_loss
from f1graph.models.protocol import CAUSES, Example
from f1graph.models.training_races import Outcomes, outcomes_of
from tests.models.fields import an_outcome, some_features

FOUR = ("driver-a", "driver-b", "driver-c", "driver-d")


def a_head(*, sharpness: float = 0.0, slope: float = 0.0) -> OrderHead:
    head = OrderHead(4, 4, dropout=0.0)
    with torch.no_grad():
        head.shape.copy_(torch.tensor([sharpness, slope]))
    return head


def heads_of(order: torch.Tensor, *, races: int = 1, retirement: float = -1.7) -> Heads:
    """The same word on some races. order: (entries, 2)"""
    entries = len(order)
    return Heads(
        order.expand(races, entries, 2),
        torch.full((races, entries), retirement),
        torch.zeros(races, entries, CUT_WORTHS),
        torch.zeros(races, entries, len(CAUSES)),
        torch.zeros(races, entries, 4),
    )


def results(
    orders: list[tuple[str, ...]], *, out: tuple[str, ...] = (), absent: tuple[str, ...] = ()
) -> Outcomes:
    race = some_features(drivers=FOUR)
    return outcomes_of(
        [Example(race, an_outcome(FOUR, order, out=out, absent=absent)) for order in orders],
        half_life_years=10.0,
    )


@pytest.mark.parametrize(
    ("out", "absent"),
    [((), ()), (("driver-b",), ()), ((), ("driver-d",))],
    ids=["all", "one out", "one absent"],
)
def test_the_chances_of_all_orders_of_the_finishers_sum_to_one(
    out: tuple[str, ...], absent: tuple[str, ...]
) -> None:
    finishers = [driver for driver in FOUR if driver not in (*out, *absent)]
    outcomes = results(list(permutations(finishers)), out=out, absent=absent)
    order = torch.randn(4, 2, generator=torch.Generator().manual_seed(1))

    chances = a_head(sharpness=0.3, slope=-0.4).order_log_likelihood(
        heads_of(order, races=len(outcomes)), outcomes
    )

    assert len(outcomes) == len(list(permutations(finishers)))
    assert chances.exp().sum().item() == pytest.approx(1, abs=1e-5)
    assert chances.exp().std() > 0.01


def test_the_winner_is_chosen_as_plackett_and_luce_say() -> None:
    worth = torch.tensor([5.0, 3.0, 2.0, 1.0])
    order = torch.stack([worth.log(), worth.log()], dim=1)

    likelihood = a_head().order_log_likelihood(heads_of(order), results([FOUR]))

    assert likelihood.exp().item() == pytest.approx(5 / 11 * 3 / 6 * 2 / 3, rel=1e-5)


def test_the_front_of_the_field_can_be_surer_than_its_back() -> None:
    utilities = a_head(sharpness=0.5, slope=-1.0).utilities(torch.tensor([[2.0, 0.5]] + [[0.0, 0.0]] * 3))

    assert utilities.shape == (4, 4)
    assert (utilities[:-1, 0] > utilities[1:, 0]).all()
    assert utilities[0, 0].item() == pytest.approx(2 * np.exp(0.5), rel=1e-5)


def test_whoever_did_not_start_did_not_retire() -> None:
    outcomes = results([FOUR[:2]], out=("driver-c",), absent=("driver-d",))
    heads = heads_of(torch.zeros(4, 2))
    moved = heads._replace(retirement=heads.retirement + torch.tensor([0.0, 0.0, 0.0, 9.0]))

    assert retirement_loss(heads, outcomes).item() == retirement_loss(moved, outcomes).item()
    # One of three, each at 15.4 %.
    chance = 1 / (1 + np.exp(1.7))
    expected = -(np.log(chance) + 2 * np.log(1 - chance)) / 3
    assert retirement_loss(heads, outcomes).item() == pytest.approx(expected, rel=1e-5)


def test_a_cause_that_nobody_published_teaches_nothing() -> None:
    race = some_features(drivers=FOUR)
    outcome = an_outcome(FOUR, FOUR[:2], out=FOUR[2:])
    unknown = outcomes_of([Example(race, outcome)], half_life_years=10.0)
    outcome.causes[2] = 1
    known = outcomes_of([Example(race, outcome)], half_life_years=10.0)
    heads = heads_of(torch.zeros(4, 2))

    assert cause_loss(heads, unknown).item() == 0
    assert cause_loss(heads, known).item() == pytest.approx(np.log(3), rel=1e-5)


def test_a_race_without_a_finisher_says_nothing_of_the_order() -> None:
    outcomes = results([()], out=FOUR)

    assert a_head().order_log_likelihood(heads_of(torch.zeros(4, 2)), outcomes).item() == 0
