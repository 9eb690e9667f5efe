"""What holds for each of the four networks, whatever it has learnt."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from f1graph.models.bnn import BayesianLinear
from f1graph.models.network_training import RaceNetwork
from f1graph.models.order_head import Heads
from f1graph.models.race_memory import LENGTH
from f1graph.models.tft import TemporalFusionNetwork
from f1graph.models.training_races import Fields, fields_of
from tests.models.networks import BUILDS, invented_races, prepared, shaken

RACES = invented_races(16)
NAMES, RAW, BEFORE, SCALING = prepared(RACES)
LINEAGES = [example.features.lineage_ids for example in RACES]
every_network = pytest.mark.parametrize("name", list(BUILDS))


def fields(races: list[int], *, order: list[int] | None = None) -> Fields:
    """Some of the races, their entries listed in another order."""
    listed = order or list(range(len(RAW[0])))
    return fields_of(
        [RAW[race][listed] for race in races],
        [[LINEAGES[race][entry] for entry in listed] for race in races],
        [
            replace(
                BEFORE[race],
                sequence=BEFORE[race].sequence[listed],
                length=BEFORE[race].length[listed],
                former_teams=tuple(BEFORE[race].former_teams[entry] for entry in listed),
            )
            for race in races
        ],
        SCALING,
    )


def said(network: RaceNetwork, of: Fields) -> Heads:
    """With the same draw of the weights every time."""
    with torch.no_grad():
        torch.manual_seed(5)
        heads: Heads = network(of)
    return heads


def opinionated(name: str) -> RaceNetwork:
    torch.manual_seed(3)
    return shaken(BUILDS[name](NAMES))


def assert_alike(one: Heads, other: Heads) -> None:
    for name in ("order", "retirement", "causes"):
        torch.testing.assert_close(getattr(one, name), getattr(other, name), atol=1e-4, rtol=1e-4)


@every_network
def test_a_network_that_has_learnt_nothing_says_that_all_cars_are_alike(name: str) -> None:
    network = BUILDS[name](NAMES).eval()
    for layer in network.modules():
        if isinstance(layer, BayesianLinear):
            # What it does not know yet, it doubts; here it is asked for what it believes.
            torch.nn.init.constant_(layer.log_deviation, -30.0)

    heads = said(network, fields([14, 15]))

    torch.testing.assert_close(heads.order, torch.zeros_like(heads.order), atol=1e-6, rtol=0)
    torch.testing.assert_close(heads.causes, torch.zeros_like(heads.causes), atol=1e-6, rtol=0)
    assert heads.retirement.std() < 1e-6
    assert torch.sigmoid(heads.retirement).mean().item() == pytest.approx(0.154, abs=0.01)


@every_network
def test_the_order_in_which_cars_are_listed_does_not_matter_to_a_network(name: str) -> None:
    network, order = opinionated(name), [3, 7, 0, 5, 1, 6, 2, 4]

    heads, turned = said(network, fields([9, 14])), said(network, fields([9, 14], order=order))

    assert heads.order.std() > 0.01
    assert_alike(Heads(*(values[:, order] for values in heads)), turned)


@every_network
def test_a_smaller_field_beside_a_larger_one_is_read_as_if_it_were_alone(name: str) -> None:
    network, six = opinionated(name), [0, 1, 2, 3, 4, 5]
    alone, larger = fields([14], order=six), fields([9])
    padded = fields_of(
        [RAW[9], RAW[14][six]],
        [LINEAGES[9], LINEAGES[14][:6]],
        [
            BEFORE[9],
            replace(
                BEFORE[14],
                sequence=BEFORE[14].sequence[six],
                length=BEFORE[14].length[six],
                former_teams=BEFORE[14].former_teams[:6],
            ),
        ],
        SCALING,
    )
    assert list(padded.real.sum(dim=1)) == [8, 6]

    together = said(network, padded)

    assert_alike(Heads(*(values[:1] for values in together)), said(network, larger))
    assert_alike(Heads(*(values[1:, :6] for values in together)), said(network, alone))


@every_network
def test_one_race_does_not_hear_of_another_in_the_same_batch(name: str) -> None:
    network = opinionated(name)

    together, alone = said(network, fields([3, 9, 14])), said(network, fields([9]))

    assert_alike(Heads(*(values[1:2] for values in together)), alone)


@every_network
def test_a_field_of_newcomers_of_whom_nothing_is_known_gets_an_answer(name: str) -> None:
    empty = fields([14])
    unknown = replace(
        empty,
        inputs=torch.zeros_like(empty.inputs),
        sequence=torch.zeros_like(empty.sequence),
        length=torch.zeros_like(empty.length),
        former=torch.full_like(empty.former, -1),
        team=torch.arange(8)[None],
    )

    heads = said(opinionated(name), unknown)

    assert all(torch.isfinite(values).all() for values in heads)
    # Nothing tells one from another.
    torch.testing.assert_close(heads.order, heads.order[:, :1].expand_as(heads.order), atol=1e-5, rtol=0)


@every_network
def test_every_weight_that_a_network_has_can_learn_something(name: str) -> None:
    network = opinionated(name).train()
    heads = network(fields(list(range(16))))

    said = (heads.order.square(), heads.retirement, heads.cuts.square(), heads.causes.square())
    sum((values.sum() for values in said), start=torch.zeros(())).backward()

    # The tasks beside the order, and the shapes of the order and the cuts, are read from the loss alone.
    elsewhere = ("tasks", "noise", "head.shape", "head.cuts.gain")
    unread = [
        key
        for key, parameter in network.named_parameters()
        if parameter.grad is None and not key.startswith(elsewhere)
    ]
    assert unread == []


def test_the_transformer_says_where_it_looked() -> None:
    network = opinionated("tft")
    assert isinstance(network, TemporalFusionNetwork)
    early = fields([0, 4, 15])

    _, reading = network.read(early)

    weights = reading.variables
    torch.testing.assert_close(weights.sum(dim=-1), torch.ones(weights.shape[:-1]))
    attention = reading.attention.detach().numpy()
    lengths = early.length.numpy()
    np.testing.assert_allclose(attention.sum(axis=-1), lengths > 0, atol=1e-5)
    # Nobody looks at a race that a driver has not driven.
    places = np.arange(LENGTH)
    assert not attention[places < LENGTH - lengths[..., None]].any()


def test_a_former_team_is_heard_by_the_graph() -> None:
    network, moved = opinionated("gnn"), fields([14])
    assert (moved.former >= 0).any()

    stayed = replace(moved, former=torch.full_like(moved.former, -1))

    assert not torch.allclose(said(network, moved).order, said(network, stayed).order, atol=1e-4)
