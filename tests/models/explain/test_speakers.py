"""What each kind of model says of a car whose inputs are those of an average one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
import torch

from f1graph.features.race_features import RaceFeatures
from f1graph.models.baselines import UniformEstimator, championship_baseline, grid_baseline
from f1graph.models.boost import BoostEstimator
from f1graph.models.cuts import utilities_of_cuts
from f1graph.models.draws import OutcomeDistribution
from f1graph.models.ensemble import UltraEstimator, UltraPredictor
from f1graph.models.explain.evidence import Evidence, groups_that_differ
from f1graph.models.explain.outlook import Values, chance_of, numbers_of, outlook_of
from f1graph.models.explain.speakers import outlook
from f1graph.models.explain.variants import Variants
from f1graph.models.network_member import NetworkPredictor, within_of
from f1graph.models.order_head import Heads
from f1graph.models.protocol import Predictor
from f1graph.models.rating import RatingEstimator
from f1graph.models.training_races import fields_of
from f1graph.races.explanation import ExplainedNumber, InputGroup
from tests.models.networks import CARS, STAGE, a_member, a_next_race, invented_races

RACES = invented_races(40)
NEXT = a_next_race()
GROUPS = groups_that_differ(NEXT)
WIN, MEAN = 0, list(ExplainedNumber).index(ExplainedNumber.MEAN_POSITION)
MEMBERS = ("rating", "mtl", "tft", "gnn", "bnn", "boost")
ANCHORS = ("grid", "championship", "uniform")


@pytest.fixture(scope="module")
def trained() -> UltraPredictor:
    return UltraEstimator(
        members=(
            RatingEstimator(),
            a_member("mtl"),
            a_member("tft"),
            a_member("gnn"),
            a_member("bnn"),
            BoostEstimator(),
        ),
        anchors=(grid_baseline(), championship_baseline(), UniformEstimator()),
        walked_seasons=1,
    ).fit(RACES, stage=STAGE, seed=1)


def said(
    predictor: Predictor,
    coalitions: Sequence[Sequence[InputGroup]],
    *,
    race: RaceFeatures = NEXT,
    groups: tuple[InputGroup, ...] = GROUPS,
) -> Values:
    """The explained numbers when these groups are as they are, and last when all are."""
    present = np.array([[group in one for group in groups] for one in [*coalitions, groups]])
    found = outlook(predictor, Variants(race, groups, present), 3)
    assert found is not None
    return numbers_of(found)


def drawn_numbers(drawn: OutcomeDistribution) -> Values:
    return np.stack([drawn.win, drawn.podium, drawn.retirement, drawn.positions.mean(axis=0)], axis=1)


@pytest.mark.parametrize("name", [*MEMBERS, *ANCHORS])
def test_every_member_says_without_draws_what_its_draws_say(trained: UltraPredictor, name: str) -> None:
    member = trained.components[name]

    found = said(member, [])[:, -1]

    expected = drawn_numbers(member.predict(NEXT, draws=8000, seed=3))
    np.testing.assert_allclose(found[:, :MEAN], expected[:, :MEAN], atol=0.05)
    np.testing.assert_allclose(found[:, MEAN], expected[:, MEAN], atol=0.3)


def test_the_ensemble_says_without_draws_what_its_calibrated_draws_say(trained: UltraPredictor) -> None:
    stack = trained.stack
    # Calibrated with a heavier hand, so that it would be seen if it were left out.
    calm = replace(stack.retirement, shift=stack.retirement.shift - 0.6)
    predictor = replace(trained, stack=replace(stack, winner_power=1.2, retirement=calm))

    found = said(predictor, [])[:, -1]

    expected = drawn_numbers(predictor.predict(NEXT, draws=8000, seed=3))
    np.testing.assert_allclose(found[:, :MEAN], expected[:, :MEAN], atol=0.03)
    np.testing.assert_allclose(found[:, MEAN], expected[:, MEAN], atol=0.2)


@pytest.mark.parametrize("name", MEMBERS)
def test_the_best_car_with_average_inputs_is_no_favourite_any_more(
    trained: UltraPredictor, name: str
) -> None:
    numbers = said(trained.components[name], [[]])

    best, worst = len(CARS) - 1, 0
    assert numbers[best, 0, MEAN] > numbers[best, 1, MEAN] + 0.3
    assert numbers[worst, 0, MEAN] < numbers[worst, 1, MEAN] - 0.3


def test_the_table_of_the_grid_asks_for_the_grid_alone(trained: UltraPredictor) -> None:
    others = [group for group in GROUPS if group is not InputGroup.GRID]

    numbers = said(trained.components["grid"], [others, [InputGroup.GRID]])

    np.testing.assert_allclose(numbers[:, 1], numbers[:, 2], rtol=1e-12)
    assert numbers[-1, 0, MEAN] > numbers[-1, 2, MEAN] + 0.5


def test_uniform_says_the_same_whatever_it_is_told(trained: UltraPredictor) -> None:
    numbers = said(trained.components["uniform"], [[], [InputGroup.GRID]])

    np.testing.assert_allclose(numbers, np.broadcast_to(numbers[:1, :1], numbers.shape))


def test_a_network_hears_the_same_draws_of_its_weights_in_every_batch(trained: UltraPredictor) -> None:
    """Else two coalitions would differ by chance alone: a hundred times the same one gives the same."""
    numbers = said(trained.components["bnn"], [GROUPS] * 100)

    np.testing.assert_allclose(numbers, np.broadcast_to(numbers[:, :1], numbers.shape), atol=1e-5)


@pytest.mark.parametrize("name", ["mtl", "tft", "gnn"])
def test_a_network_reads_a_changed_car_as_in_a_race_in_which_that_car_alone_is_so(
    trained: UltraPredictor, name: str
) -> None:
    """A newcomer is given the past of an average driver, too; everybody else is as they are."""
    member = trained.components[name]
    assert isinstance(member, NetworkPredictor)
    race = a_next_race(drivers=(*CARS, "driver-z"))
    entry, entries = len(CARS), len(CARS) + 1
    evidence = Evidence.of(race, member.memory.before(race))
    changed = evidence.in_the_middle(entry, [InputGroup.DRIVER_FORM])
    before, after = evidence.remembered, changed.remembered
    assert (before.length[entry], after.length[entry]) == (0, 10)
    inputs = member.plan.inputs(race, before.strengths)[1]
    inputs[entry] = member.plan.inputs(changed.features, after.strengths)[1][entry]
    fields = fields_of([inputs], [race.lineage_ids], [after], member.scaling)
    (network,) = member.networks
    with torch.no_grad():
        heads: Heads = network(fields)
        by_place = network.head.utilities(heads.order)[0].double().numpy()
        by_cut = utilities_of_cuts(within_of(network.head.cuts, heads.cuts))
    chances = chance_of(heads.retirement.double().numpy(), member.deviation)
    expected = [
        outlook_of(
            np.broadcast_to(utilities, (entries, 1, entries, entries)),
            np.broadcast_to(chances, (entries, 1, entries)),
        ).places[entry, 0]
        for utilities in (by_place, by_cut)
    ]

    groups = groups_that_differ(race)
    without = [group is not InputGroup.DRIVER_FORM for group in groups]
    found = outlook(member, Variants(race, groups, np.array([without, [True] * len(groups)])), 3)

    assert found is not None
    np.testing.assert_allclose(found.retirement[entry, 0], chances[0, entry], atol=1e-7)
    # In the second way of telling an order, how the field was balanced stays as it was.
    np.testing.assert_allclose(found.places[entry, 0], np.mean(expected, axis=0), atol=0.001)
    assert np.abs(found.places[entry, 0] - found.places[entry, 1]).max() > 0.005


def test_without_a_member_the_others_are_asked(trained: UltraPredictor) -> None:
    tensors, facts = trained.state()
    left = {name: tensor for name, tensor in tensors.items() if not name.startswith("gnn/")}
    estimator = UltraEstimator(
        members=(RatingEstimator(), *(a_member(name) for name in MEMBERS[1:5]), BoostEstimator())
    )
    restored = estimator.restore(left, facts)

    assert [name for name, _ in restored.missing] == ["gnn"]
    expected = drawn_numbers(restored.predict(NEXT, draws=8000, seed=3))
    np.testing.assert_allclose(said(restored, [])[:, -1, WIN], expected[:, WIN], atol=0.03)


def test_a_kind_of_model_that_nobody_has_told_how_to_be_asked_says_nothing(trained: UltraPredictor) -> None:
    variants = Variants(NEXT, GROUPS, np.ones((1, len(GROUPS)), dtype=np.bool_))

    assert outlook(_Stranger(trained), variants, 3) is None
    stranger = replace(trained, components={**trained.components, "uniform": _Stranger(trained)})
    assert outlook(stranger, variants, 3) is None


class _Stranger:
    """Speaks the protocol of predictors by another's words."""

    def __init__(self, other: Predictor) -> None:
        self.name, self.stage, self.feature_names = other.name, other.stage, other.feature_names
        self.predict, self.update, self.state = other.predict, other.update, other.state
