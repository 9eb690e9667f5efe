"""Judging a forecast against what happened."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from math import log

import numpy as np
import pytest

from f1graph.errors import ForecastError
from f1graph.forecasts.asking import TrainedModel
from f1graph.forecasts.make import distribution_of
from f1graph.forecasts.score import judge, score_forecast, without
from f1graph.races.forecast import Forecast
from f1graph.races.measures import Measure
from f1graph.races.results import Classification, ClassificationKind, Status
from f1graph.races.stages import Stage
from tests.builders import DRIVERS, a_history, a_list, a_race, a_result, a_row, an_entry_list
from tests.forecasts.form import AnythingGoes, Says, a_forecast

RACE = a_race(2024, 1)
# Norris wins 6 of 10, Russell 3, Bottas 1; Russell retires in 2.
TEN_DRAWS = ("n r b",) * 4 + ("n b|r",) * 2 + ("r n b",) * 3 + ("b n r",)


def a_spoken_forecast(orders: Sequence[str], drivers: Sequence[str]) -> Forecast:
    history = a_history([RACE], [an_entry_list(RACE, drivers)])
    return a_forecast(history, RACE, model=TrainedModel(Says(tuple(orders)), "1"), draws=len(orders))


def an_even_forecast(drivers: Sequence[str]) -> Forecast:
    history = a_history([RACE], [an_entry_list(RACE, drivers)])
    model = TrainedModel(AnythingGoes(Stage.AFTER_QUALIFYING), "1")
    return a_forecast(history, RACE, model=model, draws=100 * len(drivers))


def values(forecast: Forecast, result: Classification) -> dict[Measure, float]:
    return {score.measure: score.value for score in score_forecast(forecast, result).scores}


def test_every_measure_is_what_its_definition_says_computed_by_hand() -> None:
    forecast = a_spoken_forecast(TEN_DRAWS, ["bottas", "norris", "russell"])

    found = values(forecast, a_result(RACE, ["russell", "norris"], out=["bottas"]))

    assert found == pytest.approx(
        {
            Measure.WINNER_LOG_LOSS: -log(0.3),
            Measure.WINNER_BRIER: 0.6**2 + 0.7**2 + 0.1**2,
            # Bottas was sure of the podium by the draws, Russell at 0.8.
            Measure.PODIUM_BRIER: (0 + 0.2**2 + 1) / 3,
            Measure.POINTS_BRIER: (0 + 0.2**2 + 1) / 3,
            Measure.RETIREMENT_LOG_LOSS: -(log(1 - 1e-4) + log(0.8) + log(1e-4)) / 3,
            Measure.RETIREMENT_BRIER: (0 + 0.2**2 + 1) / 3,
            Measure.RANKED_PROBABILITY: ((0.6**2 + 0) + (0.7**2 + 0.3**2) + (0.1**2 + 0.3**2)) / (3 * 2),
            Measure.POSITION_LOG_LOSS: -(log(0.4) + log(0.3) + log(0.7)) / 3,
            Measure.WINNER_HIT: 0,
            Measure.PODIUM_OVERLAP: 1,
            Measure.PAIRWISE_ORDER: 2 / 3,
            Measure.WITHIN_TWO: 1,
            Measure.MEAN_ABSOLUTE_ERROR: 2 / 3,
        }
    )


@pytest.mark.parametrize("seed", range(8))
def test_a_forecast_that_is_the_same_for_all_scores_exactly_chance_whoever_wins(seed: int) -> None:
    shuffled = [str(driver) for driver in np.random.default_rng(seed).permutation(DRIVERS)]

    found = values(an_even_forecast(DRIVERS), a_result(RACE, shuffled))

    assert found[Measure.WINNER_LOG_LOSS] == pytest.approx(log(8), rel=1e-12)
    assert found[Measure.WINNER_BRIER] == pytest.approx(7 / 8, rel=1e-12)
    assert found[Measure.WINNER_HIT] == pytest.approx(1 / 8, rel=1e-12)
    assert found[Measure.PODIUM_OVERLAP] == pytest.approx(3 / 8, rel=1e-12)
    assert found[Measure.PODIUM_BRIER] == pytest.approx(3 / 8 * 5 / 8, rel=1e-12)
    assert found[Measure.PAIRWISE_ORDER] == 0.5
    assert found[Measure.POSITION_LOG_LOSS] == pytest.approx(log(8), rel=1e-12)
    # Σ k/8 · (1 - k/8) over the seven cuts, divided by seven.
    assert found[Measure.RANKED_PROBABILITY] == pytest.approx(0.1875, rel=1e-12)
    # Everybody is expected fourth: places 2 to 6 are within two.
    assert found[Measure.WITHIN_TWO] == 5 / 8
    assert found[Measure.MEAN_ABSOLUTE_ERROR] == (3 + 2 + 1 + 0 + 1 + 2 + 3 + 4) / 8


def test_a_certain_and_true_forecast_loses_nothing() -> None:
    forecast = a_spoken_forecast(["n r b"] * 10, ["bottas", "norris", "russell"])

    found = values(forecast, a_result(RACE, ["norris", "russell", "bottas"]))

    for measure, value in found.items():
        best = measure.definition.low if measure.lower_is_better else measure.definition.high
        assert value == pytest.approx(best, abs=2e-4), measure


def test_a_disqualified_winner_moves_the_score_and_the_old_score_stays() -> None:
    forecast = a_spoken_forecast(TEN_DRAWS, ["bottas", "norris", "russell"])
    on_sunday = a_result(RACE, ["norris", "russell", "bottas"])
    in_court = a_result(
        RACE,
        ["russell", "bottas"],
        disqualified=["norris"],
        known_at=RACE.ends_at + timedelta(days=30),
        revision=2,
    )

    before, after = score_forecast(forecast, on_sunday), score_forecast(forecast, in_court)

    assert {score.race_revision for score in before.scores} == {1}
    assert {score.race_revision for score in after.scores} == {2}
    assert values(forecast, on_sunday)[Measure.WINNER_LOG_LOSS] == pytest.approx(-log(0.6))
    assert values(forecast, in_court)[Measure.WINNER_LOG_LOSS] == pytest.approx(-log(0.3))
    assert score_forecast(forecast, on_sunday) == before
    # A disqualified car is no podium and no retirement.
    judged = judge(forecast, in_court)
    assert judged.on_podium.tolist() == [True, False, True]
    assert judged.retired.tolist() == [False, False, False]
    assert judged.positions.tolist() == [2, 3, 1]


def test_an_entry_that_does_not_start_is_void_and_the_others_move_up() -> None:
    forecast = a_spoken_forecast(TEN_DRAWS, ["bottas", "norris", "russell"])
    result = a_result(RACE, ["norris", "bottas"], void=["russell"])

    found, judged = values(forecast, result), judge(forecast, result)

    assert score_forecast(forecast, result).void == ("russell",)
    assert judged.win.tolist() == pytest.approx([0.1 / 0.7, 0.6 / 0.7])
    assert found[Measure.WINNER_LOG_LOSS] == pytest.approx(-log(0.6 / 0.7))
    # Without Russell, Norris is ahead of Bottas in nine draws of ten.
    assert judged.position_probabilities.tolist() == [[0.1, 0.9], [0.9, 0.1]]
    assert found[Measure.RANKED_PROBABILITY] == pytest.approx(0.1**2)


def test_draws_without_an_entry_keep_the_order_of_the_others() -> None:
    forecast = a_spoken_forecast(["a n|r b", "r b n a"], ["alonso", "bottas", "norris", "russell"])

    kept = without(distribution_of(forecast), ("russell",))

    assert kept.driver_ids == ("alonso", "bottas", "norris")
    assert kept.positions.tolist() == [[1, 3, 2], [3, 1, 2]]
    assert kept.retired.tolist() == [[False, True, False], [False, False, False]]


def test_a_starter_that_nobody_forecast_is_left_out_and_named() -> None:
    forecast = a_spoken_forecast(TEN_DRAWS, ["bottas", "norris", "russell"])
    result = a_result(RACE, ["norris", "alonso", "russell", "bottas"])

    scored = score_forecast(forecast, result)

    assert scored.unforecast == ("alonso",)
    assert judge(forecast, result).positions.tolist() == [3, 1, 2]
    # The podium was Norris, Alonso, Russell: one of them had no probability at all.
    assert values(forecast, result)[Measure.PODIUM_OVERLAP] == pytest.approx(2 / 3)


def test_a_winner_that_nobody_forecast_costs_the_most() -> None:
    forecast = a_spoken_forecast(TEN_DRAWS, ["bottas", "norris", "russell"])

    found = values(forecast, a_result(RACE, ["alonso", "norris", "russell", "bottas"]))

    assert found[Measure.WINNER_LOG_LOSS] == Measure.WINNER_LOG_LOSS.definition.high
    assert found[Measure.WINNER_HIT] == 0
    assert found[Measure.WINNER_BRIER] == pytest.approx(0.36 + 0.09 + 0.01 + 1)


def test_a_shared_winning_car_has_no_single_winner_to_score() -> None:
    rows = [a_row(1, "norris"), a_row(2, "russell", position=1), a_row(3, "bottas")]
    forecast = a_spoken_forecast(TEN_DRAWS, ["bottas", "norris", "russell"])

    found = values(forecast, a_list(RACE, ClassificationKind.RACE, rows))

    assert Measure.WINNER_LOG_LOSS not in found
    assert Measure.RANKED_PROBABILITY in found


def test_a_retired_car_is_no_podium_even_if_only_three_started() -> None:
    forecast = a_spoken_forecast(TEN_DRAWS, ["bottas", "norris", "russell"])

    judged = judge(forecast, a_result(RACE, ["norris"], out=["russell", "bottas"]))

    assert judged.on_podium.tolist() == [False, True, False]
    assert judged.retired.tolist() == [True, False, True]
    assert judged.positions.tolist() == [3, 1, 2]


def test_a_car_that_was_not_classified_counts_as_retired() -> None:
    rows = [a_row(1, "norris"), a_row(2, "russell"), a_row(3, "bottas", status=Status.NOT_CLASSIFIED)]
    forecast = a_spoken_forecast(TEN_DRAWS, ["bottas", "norris", "russell"])

    assert judge(forecast, a_list(RACE, ClassificationKind.RACE, rows)).retired.tolist() == [
        True,
        False,
        False,
    ]


def test_a_forecast_is_not_scored_against_another_race() -> None:
    forecast = a_spoken_forecast(TEN_DRAWS, ["bottas", "norris", "russell"])

    with pytest.raises(ForecastError, match="cannot be scored against RACE of 2024-gp-2"):
        score_forecast(forecast, a_result(a_race(2024, 2), ["norris"]))


@pytest.mark.parametrize("measure", Measure)
def test_every_measure_says_what_it_is(measure: Measure) -> None:
    assert measure.definition.sentence.endswith(".")
    assert measure.definition.low == 0
