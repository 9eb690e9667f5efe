"""How networks are trained: repeatably, and stopped by later races only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch

from f1graph.models.network_training import RaceNetwork, Training, train_network
from f1graph.models.order_head import Heads, OrderHead
from f1graph.models.training_races import Fields, Outcomes, fields_of, outcomes_of
from tests.models.networks import BUILDS, QUICK, invented_races, prepared

RACES = invented_races(40)
NAMES, RAW, BEFORE, SCALING = prepared(RACES)
FIELDS = fields_of(RAW, [example.features.lineage_ids for example in RACES], BEFORE, SCALING)
OUTCOMES = outcomes_of(RACES, half_life_years=10.0)
EACH = Training(batch=16, fewest_steps=4, most_steps=40, every=2, held_back=8, warm_up=4, learning_rate=0.05)


def trained(name: str, *, seed: int = 1, training: Training = QUICK) -> RaceNetwork:
    return train_network(lambda: BUILDS[name](NAMES), FIELDS, OUTCOMES, training, seed=seed)[0]


def weights(network: RaceNetwork) -> torch.Tensor:
    return torch.cat([parameter.detach().flatten() for parameter in network.parameters()])


@pytest.mark.parametrize("name", list(BUILDS))
def test_t4_the_same_seed_gives_the_same_weights_to_the_last_bit(name: str) -> None:
    """T4: whatever else has drawn random numbers before; another seed gives others."""
    torch.manual_seed(1)
    first = weights(trained(name))
    torch.manual_seed(2)
    second = weights(trained(name))

    assert torch.equal(first, second)
    assert not torch.allclose(first, weights(trained(name, seed=2)))


def test_training_leaves_the_random_numbers_of_others_alone() -> None:
    state = torch.random.get_rng_state()

    trained("mtl")

    assert torch.equal(torch.random.get_rng_state(), state)


class OnePull(RaceNetwork):
    """A network of one weight: how much a car's first input counts."""

    def __init__(self) -> None:
        super().__init__()
        self.head = OrderHead(1, 1, dropout=0.0)

    def forward(self, fields: Fields) -> Heads:
        heads: Heads = self.head(fields.inputs[..., :1], fields.inputs[..., :1])
        return heads


def recording(seen: list[tuple[frozenset[int], bytes]]) -> Callable[[], RaceNetwork]:
    """A network that writes down which races it learns from, told by their weight, and what it has learnt."""

    class Recording(OnePull):
        def loss(self, heads: Heads, outcomes: Outcomes, *, races: int) -> torch.Tensor:
            marks = frozenset(outcomes.grid[:, 0].tolist())
            seen.append((marks, weights(self).numpy().tobytes()))
            return super().loss(heads, outcomes, races=races)

    return Recording


def marked() -> tuple[Fields, Outcomes]:
    """Races whose first input tells the order, each with its number in place of a grid."""
    numbers = torch.arange(len(OUTCOMES))[:, None].expand_as(OUTCOMES.grid)
    inputs = -OUTCOMES.position[..., None].float() / 4
    return replace(FIELDS, inputs=inputs), replace(OUTCOMES, grid=numbers)


def upside_down(outcomes: Outcomes, *, first: int) -> Outcomes:
    """From one race on, the last of the finishers are the first."""
    position, chosen, left = outcomes.position.clone(), outcomes.chosen.clone(), outcomes.left.clone()
    for race in range(first, len(outcomes)):
        classified = torch.nonzero(outcomes.classified[race]).flatten()
        order = classified[torch.argsort(outcomes.position[race][classified], descending=True)]
        position[race, order] = torch.arange(1, len(order) + 1)
        for place in range(len(order) - 1):
            chosen[race, place] = order[place]
            left[race, place] = torch.isin(torch.arange(left.shape[-1]), order[place:])
    return replace(outcomes, position=position, chosen=chosen, left=left)


def test_p1_when_to_stop_is_found_from_races_that_are_later_than_those_learnt_from() -> None:
    """P1: the newest eight are not learnt from until the number of steps is known."""
    seen: list[tuple[frozenset[int], bytes]] = []
    fields, outcomes = marked()

    _, steps = train_network(recording(seen), fields, outcomes, EACH, seed=1)

    to_find_the_step, afterwards = seen[: EACH.most_steps], seen[EACH.most_steps :]
    assert frozenset().union(*(races for races, _ in to_find_the_step)) == frozenset(range(32))
    assert len(afterwards) == steps
    assert frozenset().union(*(races for races, _ in afterwards)) > frozenset(range(32))


def test_p1_later_races_change_when_to_stop_and_nothing_that_is_learnt_until_then() -> None:
    """P1: with their results upside down, the sooner training stops the better."""
    seen: list[tuple[frozenset[int], bytes]] = []
    corrupted: list[tuple[frozenset[int], bytes]] = []
    fields, outcomes = marked()

    _, steps = train_network(recording(seen), fields, outcomes, EACH, seed=1)
    _, fewer = train_network(recording(corrupted), fields, upside_down(outcomes, first=32), EACH, seed=1)

    assert seen[: EACH.most_steps] == corrupted[: EACH.most_steps]
    assert steps > 30
    assert fewer == EACH.fewest_steps


def test_a_history_too_short_to_hold_races_back_is_learnt_in_the_fewest_steps() -> None:
    four = torch.arange(4)

    _, steps = train_network(OnePull, FIELDS.of(four), OUTCOMES.of(four), EACH, seed=1)

    assert steps == EACH.fewest_steps


def test_recent_races_count_more() -> None:
    fields, outcomes = marked()
    against = upside_down(outcomes, first=20)
    no_stop = replace(EACH, fewest_steps=40)

    def pull(weight: torch.Tensor) -> float:
        told = replace(against, weight=weight)
        network, _ = train_network(OnePull, fields, told, no_stop, seed=1)
        return weights(network).sum().item()

    old, new = torch.ones(40), torch.ones(40)
    old[20:], new[:20] = 0.0, 0.0
    assert pull(old) > 0 > pull(new)


@pytest.mark.parametrize("name", list(BUILDS))
def test_every_network_learns_who_is_fast(name: str) -> None:
    training = replace(QUICK, fewest_steps=40, most_steps=40, learning_rate=0.02)
    network = trained(name, training=training)
    with torch.no_grad():
        torch.manual_seed(1)
        likelihood = network.head.order_log_likelihood(network(FIELDS), OUTCOMES).mean().item()

    nothing = OnePull()
    alike = nothing.head.order_log_likelihood(nothing(FIELDS), OUTCOMES).mean().item()
    assert likelihood > alike + 2
    assert np.isfinite(likelihood)
