"""The member that is made of trees."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from f1graph.errors import ForecastError
from f1graph.models.boost import BoostEstimator, BoostPredictor
from f1graph.models.protocol import Example
from tests.models.coherence import assert_coherent
from tests.models.networks import CARS, STAGE, invented_races


@pytest.fixture(scope="module")
def races() -> list[Example]:
    return invented_races(60)


@pytest.fixture(scope="module")
def trees(races: list[Example]) -> BoostPredictor:
    return BoostEstimator().fit(races[:-1], stage=STAGE, seed=1)


def test_the_best_car_by_far_is_expected_to_win_and_the_worst_to_come_last(
    trees: BoostPredictor, races: list[Example]
) -> None:
    drawn = trees.predict(races[-1].features, draws=2000, seed=3)

    order = [driver for driver in CARS if driver in drawn.driver_ids]
    mean = dict(zip(drawn.driver_ids, drawn.positions.mean(axis=0).tolist(), strict=True))
    assert max(drawn.driver_ids, key=lambda driver: drawn.win[drawn.driver_ids.index(driver)]) == order[-1]
    assert mean[order[-1]] < mean[order[len(order) // 2]] < mean[order[0]]
    assert_coherent(drawn)


def test_trees_that_were_stored_say_the_same_to_the_bit(trees: BoostPredictor, races: list[Example]) -> None:
    again = BoostEstimator().restore(*trees.state())

    said, said_again = (one.predict(races[-1].features, draws=500, seed=5) for one in (trees, again))
    assert np.array_equal(said.positions, said_again.positions)
    assert np.array_equal(said.retired, said_again.retired)


def test_t4_the_same_races_and_seed_grow_the_same_trees(trees: BoostPredictor, races: list[Example]) -> None:
    """T4: training is repeatable on one machine."""
    again = BoostEstimator().fit(races[:-1], stage=STAGE, seed=1)

    tensors, facts = trees.state()
    others, other_facts = again.state()
    assert facts == other_facts
    assert all(torch.equal(tensors[name], others[name]) for name in tensors)


def test_trees_that_cannot_be_read_are_refused_by_name(trees: BoostPredictor) -> None:
    tensors, facts = trees.state()
    tensors["cut1"] = torch.frombuffer(bytearray(b"no trees"), dtype=torch.uint8)

    with pytest.raises(ValueError, match="the trees cannot be read"):
        BoostEstimator().restore(tensors, facts)


def test_a_handful_of_races_teaches_no_trees(races: list[Example]) -> None:
    with pytest.raises(ForecastError, match="30 are needed"):
        BoostEstimator().fit(races[:10], stage=STAGE, seed=1)
