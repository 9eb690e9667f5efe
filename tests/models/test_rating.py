"""The rating member, from past races to a forecast."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from f1graph.errors import BundleError, ForecastError
from f1graph.models.protocol import Estimator, Example, Predictor
from f1graph.models.rating import FEWEST_RACES, RatingEstimator, RatingPredictor
from f1graph.models.sampling import draw_races
from f1graph.models.strength_filter import Drift
from f1graph.races.stages import Stage
from tests.models.fields import FIELD, an_outcome, simulated_seasons, some_features, team_of

STAGE = Stage.BEFORE_WEEKEND
# Two drivers of a team are alike, the last team is the best.
TRUTH = {driver: 0.35 * number for number, driver in enumerate(FIELD)}
NEXT = some_features(11)


def a_fit(examples: list[Example], stage: Stage = STAGE) -> RatingPredictor:
    return RatingEstimator().fit(examples, stage=stage, seed=1)


@pytest.fixture(scope="module")
def past_races() -> list[Example]:
    return simulated_seasons(TRUTH, races=80, seed=3)


@pytest.fixture(scope="module")
def fitted(past_races: list[Example]) -> RatingPredictor:
    return a_fit(past_races)


def test_it_speaks_the_protocol(fitted: RatingPredictor) -> None:
    estimator: Estimator = RatingEstimator()
    predictor: Predictor = fitted

    assert estimator.name == predictor.name == "rating"
    assert predictor.stage in estimator.stages


def test_the_true_chances_of_a_field_that_never_changes_are_recovered() -> None:
    steady = Drift(
        driver_per_race=0.0,
        driver_per_season=0.0,
        car_per_race=0.0,
        car_per_season=0.0,
        car_at_change=0.0,
        car_kept=1.0,
        car_kept_at_change=1.0,
        race_weight=1.0,
    )
    races = simulated_seasons(TRUTH, races=150, seed=3)
    fitted = RatingEstimator(steady).fit(races, stage=STAGE, seed=1)
    truth = draw_races(
        FIELD,
        utilities=np.tile(list(TRUTH.values()), (len(FIELD), 1)),
        retirement_log_odds=np.full(len(FIELD), np.log(0.15 / 0.85)),
        race_deviation=0.0,
        draws=20_000,
        generator=np.random.default_rng(0),
    )

    forecast = fitted.predict(NEXT, draws=20_000, seed=1)

    assert np.abs(forecast.win - truth.win).max() < 0.08
    assert np.abs(forecast.podium - truth.podium).max() < 0.08
    assert forecast.retirement == pytest.approx(0.15, abs=0.03)
    chance = len(FIELD) * np.abs(truth.position_probabilities - 0.1).mean()
    error = len(FIELD) * np.abs(forecast.position_probabilities - truth.position_probabilities).mean()
    assert error < 0.2 * chance


def test_a_driver_who_always_wins_is_the_favourite() -> None:
    order = ["driver-e", *(driver for driver in FIELD if driver != "driver-e")]
    examples = [Example(some_features(n), an_outcome(FIELD, order)) for n in range(1, 13)]

    forecast = a_fit(examples).predict(some_features(13), draws=2000, seed=1)

    assert forecast.win.argmax() == FIELD.index("driver-e")


def test_renaming_the_drivers_renames_the_forecast(fitted: RatingPredictor) -> None:
    # Alphabetical order turned around: whatever depended on it would show.
    def renamed(driver: str) -> str:
        return FIELD[len(FIELD) - 1 - FIELD.index(driver)]

    teams = {renamed(driver): team_of(driver) for driver in FIELD}
    mirrored_truth = {renamed(driver): strength for driver, strength in TRUTH.items()}
    examples = [
        Example(
            replace(
                example.features,
                constructor_ids=example.features.constructor_ids[::-1],
                lineage_ids=example.features.lineage_ids[::-1],
                values=example.features.values[::-1],
            ),
            replace(
                example.outcome,
                positions=example.outcome.positions[::-1],
                retired=example.outcome.retired[::-1],
                classified=example.outcome.classified[::-1],
            ),
        )
        for example in simulated_seasons(TRUTH, races=80, seed=3)
    ]
    assert set(mirrored_truth) == set(TRUTH)

    forecast = a_fit(examples).predict(some_features(11, teams=teams), draws=20_000, seed=2)

    original = fitted.predict(NEXT, draws=20_000, seed=1)
    np.testing.assert_allclose(
        forecast.position_probabilities[::-1], original.position_probabilities, atol=0.02
    )


def test_who_starts_in_front_is_more_likely_to_win_once_the_grid_is_known() -> None:
    generator = np.random.default_rng(5)
    examples = []
    for number in range(60):
        grid = generator.permutation(len(FIELD)) + 1.0
        # The grid decides, strength does not.
        order = [FIELD[i] for i in np.argsort(grid + generator.normal(0, 1.5, len(FIELD)))]
        features = some_features(
            number % 10 + 1,
            season=2018 + number // 10,
            stage=Stage.AFTER_QUALIFYING,
            columns={"grid_position": grid, "qualifying_position": grid, "pit_lane_start": 0 * grid},
        )
        examples.append(Example(features, an_outcome(FIELD, order)))
    grid = np.arange(len(FIELD), 0, -1.0)
    next_race = some_features(
        11, stage=Stage.AFTER_QUALIFYING, columns={"grid_position": grid, "pit_lane_start": 0 * grid}
    )

    forecast = a_fit(examples, Stage.AFTER_QUALIFYING).predict(next_race, draws=2000, seed=1)

    assert forecast.win[-1] > 0.4
    assert forecast.win[0] < 0.02


def test_a_car_that_keeps_breaking_down_is_more_likely_to_retire() -> None:
    generator = np.random.default_rng(7)
    rate = np.array([0.05] * 5 + [0.45] * 5)
    examples = []
    for number in range(60):
        stopped = generator.random(len(FIELD)) < rate
        features = some_features(
            number % 10 + 1, season=2018 + number // 10, columns={"team_retirement_rate": rate}
        )
        finished = [driver for driver, out in zip(FIELD, stopped, strict=True) if not out]
        out = [driver for driver, out in zip(FIELD, stopped, strict=True) if out]
        examples.append(Example(features, an_outcome(FIELD, finished, out=out)))

    forecast = a_fit(examples).predict(
        some_features(11, columns={"team_retirement_rate": rate}), draws=5000, seed=1
    )

    assert forecast.retirement[:5].mean() < 0.12
    assert forecast.retirement[5:].mean() > 0.3


def test_a_car_that_did_not_start_neither_lost_nor_retired() -> None:
    examples = simulated_seasons(TRUTH, races=20, seed=3, retirement=0.0)
    absent = FIELD[-1]
    race = some_features(1, season=2025)
    order = list(FIELD[:-1])
    missed = Example(race, an_outcome(FIELD, order, absent=[absent]))
    lost = Example(race, an_outcome(FIELD, [*order, absent]))
    before = a_fit(examples)

    def strength(predictor: RatingPredictor) -> float:
        return float(predictor.strengths_before(some_features(2, season=2025)).driver[-1])

    assert strength(before.update([*examples, lost])) < strength(before.update([*examples, missed])) - 0.1


def test_the_same_past_gives_the_same_forecast_to_the_last_bit(
    past_races: list[Example], fitted: RatingPredictor
) -> None:
    again = a_fit(past_races)

    first, second = (predictor.predict(NEXT, draws=500, seed=9) for predictor in (fitted, again))

    assert (first.positions == second.positions).all()
    np.testing.assert_array_equal(fitted.order.weights, again.order.weights)


def test_a_forecast_is_made_from_the_next_seasons_doubts(fitted: RatingPredictor) -> None:
    same_season = fitted.strengths_before(NEXT).deviation
    new_regulations = fitted.strengths_before(some_features(1, season=2026)).deviation

    assert (new_regulations > same_season + 0.2).all()


def test_newer_races_move_the_strengths_on_without_a_refit(past_races: list[Example]) -> None:
    predictor = a_fit(past_races[:60])

    updated = predictor.update(past_races)

    assert updated.order is predictor.order
    assert predictor.learned == 60
    in_one_go = a_fit(past_races)
    np.testing.assert_array_equal(updated.strengths.mean, in_one_go.strengths.mean)
    np.testing.assert_array_equal(updated.strengths.covariance, in_one_go.strengths.covariance)


def test_a_corrected_result_is_learned_anew(past_races: list[Example]) -> None:
    predictor = a_fit(past_races[:60])
    first = past_races[0]
    turned = replace(first.outcome, positions=first.outcome.positions[::-1].copy())
    corrected = [Example(first.features, turned), *past_races[1:]]

    updated = predictor.update(corrected)

    np.testing.assert_array_equal(updated.strengths.mean, a_fit(corrected).strengths.mean)
    assert not np.array_equal(updated.strengths.mean, predictor.update(past_races).strengths.mean)


def test_forecasting_changes_nothing_in_the_model(fitted: RatingPredictor) -> None:
    before = fitted.strengths.covariance.copy()
    guest = some_features(1, season=2026, drivers=(*FIELD, "driver-z"))

    fitted.predict(guest, draws=100, seed=1)

    np.testing.assert_array_equal(fitted.strengths.covariance, before)
    assert "driver-z" not in fitted.strengths.drivers


def test_too_few_races_are_refused(past_races: list[Example]) -> None:
    with pytest.raises(ForecastError, match="too few"):
        a_fit(past_races[: FEWEST_RACES - 1])


@pytest.mark.parametrize("stage", [Stage.BEFORE_WEEKEND, Stage.AFTER_QUALIFYING])
def test_a_history_that_begins_without_a_retirement_can_be_learned_from(stage: Stage) -> None:
    examples = simulated_seasons(TRUTH, races=20, seed=5, stage=stage)
    nobody_was_out = {
        name: np.array(0.0)
        for name in ("driver_retirement_rate", "team_retirement_rate", "field_retirement_rate")
    }
    unscathed = replace(
        examples[0], features=some_features(1, season=2023, stage=stage, columns=nobody_was_out)
    )

    forecast = a_fit([unscathed, *examples[1:]], stage).predict(
        some_features(11, stage=stage), draws=200, seed=1
    )

    assert 0 < forecast.retirement.mean() < 0.5


def test_features_of_another_stage_are_refused(fitted: RatingPredictor) -> None:
    with pytest.raises(BundleError, match="AFTER_PRACTICE"):
        fitted.predict(some_features(stage=Stage.AFTER_PRACTICE), draws=10, seed=1)


def test_other_features_are_refused_with_both_lists(fitted: RatingPredictor) -> None:
    other = replace(NEXT, names=("moon_phase", *NEXT.names[1:]))

    with pytest.raises(BundleError, match=r"points_share(.|\n)*moon_phase"):
        fitted.predict(other, draws=10, seed=1)


@pytest.mark.parametrize("stage", list(Stage))
def test_it_forecasts_at_every_stage_even_when_nothing_of_the_weekend_is_known(stage: Stage) -> None:
    examples = simulated_seasons(TRUTH, races=12, seed=4, stage=stage)

    forecast = a_fit(examples, stage).predict(some_features(13, stage=stage), draws=200, seed=1)

    assert forecast.draws == 200
    assert forecast.win.sum() == pytest.approx(1.0, abs=0.01)
