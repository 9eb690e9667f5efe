"""A network whose weights are distributions."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch

from f1graph.models.bnn import BayesianLinear, BayesianNetwork
from f1graph.models.network_training import train_network
from f1graph.models.scaling import Scaling
from f1graph.models.training_races import fields_of, outcomes_of
from tests.models.networks import QUICK, STAGE, a_member, a_next_race, invented_races, prepared

PRIOR_DEVIATION = 0.25


def a_layer(*, mean: float = 0.0, deviation: float = PRIOR_DEVIATION) -> BayesianLinear:
    layer = BayesianLinear(3, 2)
    with torch.no_grad():
        layer.mean.fill_(mean)
        layer.log_deviation.fill_(math.log(deviation))
    return layer


def test_weights_that_are_as_they_were_expected_to_be_cost_nothing() -> None:
    assert a_layer().divergence().item() == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize(("mean", "deviation"), [(0.3, 0.25), (-0.3, 0.25), (0.0, 0.1), (0.0, 0.6)])
def test_weights_that_are_not_cost_as_much_as_the_divergence_between_two_gaussians(
    mean: float, deviation: float
) -> None:
    ours = torch.distributions.Normal(mean, deviation)
    expected = torch.distributions.kl_divergence(ours, torch.distributions.Normal(0.0, PRIOR_DEVIATION))

    found = a_layer(mean=mean, deviation=deviation).divergence().item()

    assert found == pytest.approx(6 * expected.item(), rel=1e-5)
    assert found > 0.1


def test_one_draw_of_the_weights_is_the_same_for_all_cars_of_a_race() -> None:
    layer, alike = a_layer().eval(), torch.ones(5, 3)

    told = layer(alike)

    assert (told == told[0]).all()
    assert not torch.equal(layer(alike), told)


def test_while_it_learns_every_car_meets_another_draw_of_the_same_spread() -> None:
    torch.manual_seed(1)
    layer, inputs = a_layer(mean=0.1).train(), torch.tensor([1.0, 2.0, -2.0])

    told = layer(inputs.expand(20_000, 3))

    assert told.mean().item() == pytest.approx(0.1, abs=0.01)
    assert told.std().item() == pytest.approx(PRIOR_DEVIATION * 3, rel=0.02)


def test_t4_a_member_draws_other_weights_each_time_and_the_same_for_the_same_seed() -> None:
    """T4: a forecast of a Bayesian network is repeated to the last bit."""
    fitted = a_member("bnn").fit(invented_races(30), stage=STAGE, seed=1)

    spoken = fitted.spoken(a_next_race(), seed=7)

    # Four draws of the weights, each of which speaks place by place and cut by cut.
    assert len(spoken) == 8
    for one, other in pairwise(spoken[::2]):
        assert np.abs(one.utilities - other.utilities).max() > 1e-3
    again, otherwise = (fitted.spoken(a_next_race(), seed=seed) for seed in (7, 8))
    for one, same, different in zip(spoken, again, otherwise, strict=True):
        np.testing.assert_array_equal(one.utilities, same.utilities)
        np.testing.assert_array_equal(one.retirement_log_odds, same.retirement_log_odds)
        assert not np.array_equal(one.utilities, different.utilities)


def test_the_more_races_there_are_the_less_it_doubts() -> None:
    examples = invented_races(10)
    names, raw, before, _ = prepared(examples)
    told = [names.index(name) for name in ("slot", "driver_form", "strength")]
    raw = [race[:, told] for race in raw]
    lineages = [example.features.lineage_ids for example in examples]
    training = replace(QUICK, fewest_steps=50, most_steps=50, learning_rate=0.05, held_back=0)

    def doubt(times: int) -> tuple[float, float]:
        """Of the weights, and of what is said beside its size, after the same races so many times over."""
        fields = fields_of(raw * times, lineages * times, before * times, Scaling.of(raw))
        outcomes = outcomes_of(examples * times, half_life_years=10.0)
        network, _ = train_network(
            lambda: BayesianNetwork(len(told), width=4), fields, outcomes, training, seed=1
        )
        direct = network.head.from_inputs
        assert isinstance(direct, BayesianLinear)
        with torch.no_grad():
            torch.manual_seed(2)
            said = torch.stack([network(fields).order for _ in range(12)])
        doubted = said.std(dim=0).mean() / said.mean(dim=0).abs().mean()
        return direct.log_deviation.exp().mean().item(), doubted.item()

    few, many = doubt(1), doubt(12)

    assert many[0] < 0.8 * few[0]
    assert many[1] < 0.8 * few[1]
