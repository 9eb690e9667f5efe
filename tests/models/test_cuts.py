"""Who is among the first k, for each k: learnt cut by cut, and turned into orders."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from f1graph.models.cut_likelihood import CUT_WORTHS, CutReadout
from f1graph.models.cuts import utilities_of_cuts
from f1graph.models.protocol import Example
from f1graph.models.sampling import place_finishers
from f1graph.models.training_races import Outcomes, outcomes_of
from tests.models.fields import FIELD, an_outcome, some_features

CARS = FIELD[:8]
DRAWS = 40_000


def some_worth(seed: int = 1) -> torch.Tensor:
    return torch.randn(1, len(CARS), CUT_WORTHS, generator=torch.Generator().manual_seed(seed))


def a_result(finishers: tuple[str, ...], *, out: tuple[str, ...] = ()) -> Outcomes:
    race = Example(some_features(drivers=CARS), an_outcome(CARS, finishers, out=out))
    return outcomes_of([race], half_life_years=10.0)


@pytest.mark.parametrize("retired", [0, 3], ids=["all finish", "three are out"])
def test_k_cars_are_among_the_first_k(retired: int) -> None:
    racing = torch.arange(len(CARS))[None] >= retired

    chances = torch.sigmoid(CutReadout().log_odds(some_worth(), racing)) * racing[:, None]

    finishers = len(CARS) - retired
    for cut in range(1, finishers):
        assert chances[0, cut - 1].sum().item() == pytest.approx(cut, abs=1e-3)


def test_a_car_worth_the_most_at_the_front_alone_is_likeliest_to_win_and_not_to_score() -> None:
    worth = torch.zeros(1, len(CARS), CUT_WORTHS)
    worth[0, 0] = torch.tensor([2.0, 0.0, -1.0])

    chances = torch.sigmoid(CutReadout().log_odds(worth, torch.ones(1, len(CARS), dtype=torch.bool)))[0]

    assert chances[0].argmax() == 0
    assert chances[-1].argmin() == 0


def test_the_likelihood_is_greatest_for_the_order_that_was_told() -> None:
    worth = torch.linspace(2, -2, len(CARS))[None, :, None].expand(1, -1, CUT_WORTHS)
    readout = CutReadout()

    told = readout.log_likelihood(worth, a_result(CARS)).item()
    neighbours = readout.log_likelihood(worth, a_result((CARS[1], CARS[0], *CARS[2:]))).item()
    reversed_ = readout.log_likelihood(worth, a_result(CARS[::-1])).item()

    assert told > neighbours > reversed_


def test_who_retired_is_in_no_cut() -> None:
    worth, readout = some_worth(), CutReadout()
    result = a_result(CARS[:6], out=CARS[6:])
    other = worth.clone()
    other[0, 6:] += 5.0

    assert readout.log_likelihood(worth, result).item() == pytest.approx(
        readout.log_likelihood(other, result).item(), abs=1e-5
    )
    assert readout.log_likelihood(worth, result).item() != pytest.approx(
        readout.log_likelihood(some_worth(2), result).item(), abs=1e-3
    )


def test_a_race_without_a_finisher_says_nothing_of_the_cuts() -> None:
    assert CutReadout().log_likelihood(some_worth(), a_result((), out=CARS)).item() == 0


def test_the_gradient_knows_that_one_cars_place_is_anothers_loss() -> None:
    # The threshold is found by iteration; its gradient is compared with finite differences.
    worth = some_worth().double().requires_grad_()
    readout = CutReadout().double()
    racing = torch.ones(1, len(CARS), dtype=torch.bool)

    def chances(worth: torch.Tensor) -> torch.Tensor:
        return torch.sigmoid(readout.log_odds(worth, racing))[0, 2, 1]

    (found,) = torch.autograd.grad(chances(worth), worth)
    moved = worth.detach().clone()
    moved[0, 0, 1] += 1e-4
    slope = (chances(moved) - chances(worth.detach())).item() / 1e-4

    assert slope < -1e-3
    assert found[0, 0, 1].item() == pytest.approx(slope, rel=0.05)


def test_drawn_orders_keep_the_chances_of_every_cut() -> None:
    generator = np.random.default_rng(3)
    racing = torch.ones(1, len(CARS), dtype=torch.bool)
    # A field as it is in life: who is good in front is good at the back, though not as good.
    worth = torch.linspace(1, -1, len(CARS))[None, :, None] + 0.2 * some_worth()
    told = torch.sigmoid(CutReadout().log_odds(worth, racing))[0].detach().double().numpy()
    within = np.concatenate([told, np.ones((1, len(CARS)))])

    positions = place_finishers(
        utilities_of_cuts(within), np.zeros((DRAWS, len(CARS)), dtype=np.bool_), generator
    )

    drawn = np.stack([(positions <= cut).mean(axis=0) for cut in range(1, len(CARS) + 1)])
    assert np.abs(drawn - within).mean() < 0.008
    assert drawn[0] == pytest.approx(within[0], abs=0.01)
