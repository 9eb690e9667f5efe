"""What every member must beat."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from f1graph.errors import BundleError, ForecastError
from f1graph.models.baselines import UniformEstimator, championship_baseline, grid_baseline
from f1graph.models.protocol import Estimator, Example
from f1graph.races.stages import Stage
from tests.models.fields import FIELD, an_outcome, simulated_seasons, some_features

EVEN = dict.fromkeys(FIELD, 0.0)


def races_won_from(slot: int, *, races: int, field: Sequence[str] = FIELD) -> list[Example]:
    """Races in which the car in `slot` won and the others kept their order; a new grid each time."""
    generator = np.random.default_rng(2)
    examples = []
    for number in range(races):
        grid = generator.permutation(len(field)) + 1.0
        by_slot = [field[i] for i in np.argsort(grid)]
        order = [by_slot.pop(slot - 1), *by_slot]
        features = some_features(
            number + 1, drivers=field, stage=Stage.AFTER_QUALIFYING, columns={"grid_position": grid}
        )
        examples.append(Example(features, an_outcome(field, order)))
    return examples


@pytest.mark.parametrize("stage", list(Stage))
def test_uniform_is_exactly_chance(stage: Stage) -> None:
    examples = simulated_seasons(EVEN, races=5, seed=1, stage=stage)
    predictor = UniformEstimator().fit(examples, stage=stage, seed=1)

    forecast = predictor.predict(some_features(6, stage=stage), draws=1000, seed=1)

    np.testing.assert_array_equal(forecast.position_probabilities, 0.1)
    np.testing.assert_array_equal(forecast.expected_position, forecast.expected_position[0])
    assert len(set(forecast.win.tolist())) == 1


def test_uniform_is_chance_within_one_draw_when_the_field_does_not_divide_the_draws() -> None:
    examples = simulated_seasons(EVEN, races=5, seed=1, retirement=0.0)
    predictor = UniformEstimator().fit(examples, stage=Stage.BEFORE_WEEKEND, seed=1)

    forecast = predictor.predict(some_features(6), draws=1003, seed=1)

    assert np.abs(1003 * forecast.position_probabilities - 100.3).max() <= 1


def test_uniform_knows_how_often_cars_retire() -> None:
    examples = simulated_seasons(EVEN, races=100, seed=1, retirement=0.2)
    predictor = UniformEstimator().fit(examples, stage=Stage.BEFORE_WEEKEND, seed=1)

    forecast = predictor.predict(some_features(6), draws=10_000, seed=1)

    assert forecast.retirement == pytest.approx(0.2, abs=0.03)


def test_the_grid_gives_each_slot_what_it_had_before() -> None:
    predictor = grid_baseline().fit(races_won_from(3, races=20), stage=Stage.AFTER_QUALIFYING, seed=1)
    grid = np.arange(len(FIELD), 0, -1.0)

    forecast = predictor.predict(
        some_features(21, stage=Stage.AFTER_QUALIFYING, columns={"grid_position": grid}), draws=5000, seed=1
    )

    third_on_the_grid = len(FIELD) - 3
    assert forecast.win.argmax() == third_on_the_grid
    assert forecast.expected_position[-1] == 2  # pole fell back by one


def test_nothing_is_impossible_to_a_baseline() -> None:
    predictor = grid_baseline().fit(races_won_from(1, races=20), stage=Stage.AFTER_QUALIFYING, seed=1)
    grid = np.arange(1.0, len(FIELD) + 1)

    forecast = predictor.predict(
        some_features(21, stage=Stage.AFTER_QUALIFYING, columns={"grid_position": grid}),
        draws=10_000,
        seed=1,
    )

    assert (forecast.win > 0).all()


def test_the_grid_says_nothing_before_it_is_known() -> None:
    baseline = grid_baseline()

    assert baseline.stages == {Stage.AFTER_QUALIFYING}
    with pytest.raises(ForecastError, match="says nothing"):
        baseline.fit(simulated_seasons(EVEN, races=5, seed=1), stage=Stage.BEFORE_WEEKEND, seed=1)


def test_a_larger_field_than_ever_can_be_forecast() -> None:
    predictor = grid_baseline().fit(races_won_from(1, races=20), stage=Stage.AFTER_QUALIFYING, seed=1)
    field = (*FIELD, "driver-y", "driver-z")
    grid = np.arange(1.0, len(field) + 1)

    forecast = predictor.predict(
        some_features(21, drivers=field, stage=Stage.AFTER_QUALIFYING, columns={"grid_position": grid}),
        draws=1000,
        seed=1,
    )

    assert forecast.position_probabilities.shape == (12, 12)


def test_the_championship_follows_the_table() -> None:
    place = np.arange(1.0, len(FIELD) + 1)
    examples = [
        Example(
            some_features(n, columns={"championship_position": place[::-1]}), an_outcome(FIELD, FIELD[::-1])
        )
        for n in range(1, 11)
    ]
    predictor = championship_baseline().fit(examples, stage=Stage.BEFORE_WEEKEND, seed=1)

    forecast = predictor.predict(
        some_features(11, columns={"championship_position": place}), draws=2000, seed=1
    )

    assert forecast.win.argmax() == 0
    np.testing.assert_array_equal(forecast.expected_position, place)


def test_drivers_level_on_points_are_split_by_name_and_never_by_result() -> None:
    level = {"championship_position": np.ones(len(FIELD))}
    examples = [
        Example(some_features(n, columns=level), an_outcome(FIELD, FIELD[::-1])) for n in range(1, 11)
    ]
    predictor = championship_baseline().fit(examples, stage=Stage.BEFORE_WEEKEND, seed=1)

    assert predictor.slots_of(some_features(11, columns=level)).tolist() == list(range(1, 11))


@pytest.mark.parametrize("estimator", [UniformEstimator(), championship_baseline(), grid_baseline()])
def test_every_baseline_draws_the_same_with_the_same_seed_and_survives_being_stored(
    estimator: Estimator,
) -> None:
    stage = Stage.AFTER_QUALIFYING
    predictor = estimator.fit(races_won_from(2, races=12), stage=stage, seed=1)
    race = some_features(13, stage=stage, columns={"grid_position": np.arange(1.0, 11.0)})

    stored = estimator.restore(*predictor.state())

    first, second = (each.predict(race, draws=300, seed=4) for each in (predictor, stored))
    assert (first.positions == second.positions).all()
    assert (first.retired == second.retired).all()
    assert stored.update([]) is stored


@pytest.mark.parametrize("estimator", [UniformEstimator(), championship_baseline(), grid_baseline()])
def test_a_baseline_without_a_past_is_refused(estimator: Estimator) -> None:
    with pytest.raises(ForecastError, match="no past race"):
        estimator.fit([], stage=Stage.AFTER_QUALIFYING, seed=1)


def test_a_baseline_refuses_features_of_another_stage() -> None:
    predictor = UniformEstimator().fit(
        simulated_seasons(EVEN, races=2, seed=1), stage=Stage.BEFORE_WEEKEND, seed=1
    )

    with pytest.raises(BundleError, match="AFTER_SPRINT"):
        predictor.predict(some_features(3, stage=Stage.AFTER_SPRINT), draws=10, seed=1)
