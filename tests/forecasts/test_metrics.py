"""What many scores say of a model."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import numpy as np
import pytest

from f1graph.forecasts.metrics import calibration, calibration_bins, model_metrics
from f1graph.forecasts.score import judge
from f1graph.races.comparing import one_per_race
from f1graph.races.forecast import ScoredForecast
from f1graph.races.intervals import bootstrap_interval, wilson_interval
from f1graph.races.measures import Measure, ModelMetric, Target
from f1graph.races.stages import Stage
from tests.builders import a_history, a_moment, a_race, a_result
from tests.forecasts.form import a_forecast
from tests.forecasts.report.judged import a_judged_forecast

STAGE = Stage.AFTER_QUALIFYING
SUNDAY = a_moment("2024-03-03 15:00")


def a_score(
    race: int,
    value: float,
    *,
    model: str = "rating",
    measure: Measure = Measure.WINNER_LOG_LOSS,
    season: int = 2024,
    hours_before: int = 0,
    stage: Stage = STAGE,
    retrospective: bool = False,
) -> ScoredForecast:
    at = SUNDAY + timedelta(weeks=race, hours=-hours_before)
    return ScoredForecast(
        forecast_id=f"{model}-{race}-{hours_before}",
        race_id=f"{season}-gp-{race}",
        season=season,
        stage=stage,
        model=model,
        model_version="1",
        cutoff=at,
        made_at=at,
        retrospective=retrospective,
        values={measure: value},
    )


def the_metric(metrics: Sequence[ModelMetric], model: str = "rating") -> ModelMetric:
    [found] = [metric for metric in metrics if metric.model == model]
    return found


def test_every_chance_that_an_entry_is_given_is_judged_with_its_count_and_interval() -> None:
    """P9: whether it is a win, a podium, the first ten or a retirement."""
    judged = [a_judged_forecast(round_=round_).judged for round_ in range(1, 6)]

    bins = calibration(judged)

    for target in Target:
        of_target = [one for one in bins if one.target is target]
        assert sum(one.count for one in of_target) == 5 * 4
        assert all(one.low <= one.observed <= one.high for one in of_target)


def test_p4_ten_updates_of_one_race_count_once_and_the_last_is_taken() -> None:
    """P4: whoever updates often is not counted as often."""
    updates = [a_score(1, 9.0, hours_before=hours) for hours in range(1, 10)]
    scored = [*updates, a_score(1, 1.0), a_score(2, 3.0)]

    metric = the_metric(model_metrics(scored, baselines=(), spans=[(2024, 2024)]))

    assert (metric.races, metric.value) == (2, 2.0)


def test_p4_a_promise_counts_before_a_back_test_of_the_same_race() -> None:
    promised = a_score(1, 2.0, hours_before=3)
    in_hindsight = a_score(1, 0.5, retrospective=True)

    assert one_per_race([in_hindsight, promised]) == [promised]
    metric = the_metric(model_metrics([in_hindsight], baselines=(), spans=[(2024, 2024)]))
    assert (metric.races, metric.retrospective_races) == (1, 1)


def test_p2_a_metric_stands_beside_each_baseline_on_the_same_races() -> None:
    ours = [a_score(race, 1.0 + race / 10) for race in range(10)]
    uniform = [a_score(race, 3.0 + race / 10, model="uniform") for race in range(2, 12)]
    grid = [a_score(race, 0.9, model="grid") for race in range(10)]

    metrics = model_metrics([*ours, *uniform, *grid], baselines=["uniform", "grid"], spans=[(2024, 2024)])

    against_uniform, against_grid = the_metric(metrics).baselines
    assert (against_uniform.model, against_uniform.races) == ("uniform", 8)
    # The same difference in every race: no doubt about it, however much the races differ.
    assert against_uniform.difference == pytest.approx(-2)
    assert against_uniform.low == pytest.approx(-2)
    assert against_uniform.high == pytest.approx(-2)
    # Even where we lose.
    assert against_grid.difference == pytest.approx(0.55)
    assert against_grid.low is not None
    assert against_grid.low > 0
    assert [each.model for each in the_metric(metrics, "grid").baselines] == ["uniform"]


def test_p4_stages_and_spans_are_kept_apart() -> None:
    scored = [
        a_score(1, 1.0, season=2023),
        a_score(2, 3.0),
        a_score(2, 5.0, stage=Stage.BEFORE_WEEKEND),
    ]

    metrics = model_metrics(scored, baselines=(), spans=[(2023, 2023), (2023, 2024)])

    assert [(m.first_season, m.last_season, m.stage, m.races, m.value) for m in metrics] == [
        (2023, 2023, STAGE, 1, 1.0),
        (2023, 2024, Stage.BEFORE_WEEKEND, 1, 5.0),
        (2023, 2024, STAGE, 2, 2.0),
    ]


def test_a_race_without_a_single_winner_is_left_out_of_the_winners_measures_only() -> None:
    scored = [a_score(1, 1.0), a_score(2, 0.2, measure=Measure.RANKED_PROBABILITY)]

    metrics = model_metrics(scored, baselines=(), spans=[(2024, 2024)])

    assert {metric.measure: metric.races for metric in metrics} == {
        Measure.WINNER_LOG_LOSS: 1,
        Measure.RANKED_PROBABILITY: 1,
    }


def test_the_interval_of_a_mean_is_that_of_resampled_races() -> None:
    values = np.random.default_rng(3).normal(2, 1, 400)

    low, high = bootstrap_interval(values)

    assert low is not None
    assert high is not None
    error = values.std() / np.sqrt(400)
    assert low == pytest.approx(values.mean() - 1.96 * error, abs=0.15 * error)
    assert high == pytest.approx(values.mean() + 1.96 * error, abs=0.15 * error)
    assert bootstrap_interval(values) == (low, high)


def test_one_race_has_no_interval() -> None:
    assert bootstrap_interval(np.array([1.0])) == (None, None)


def test_p5_a_bin_has_its_count_and_its_interval_and_says_when_it_is_few() -> None:
    given = np.array([0.05] * 40 + [0.65] * 9)
    happened = np.array([True] * 2 + [False] * 38 + [True] * 6 + [False] * 3)

    rare, likely = calibration_bins(Target.WIN, given, happened)

    assert (rare.from_probability, rare.to_probability, rare.count, rare.is_few) == (0.05, 0.1, 40, False)
    assert rare.forecast == pytest.approx(0.05)
    assert rare.observed == pytest.approx(0.05)
    assert (likely.count, likely.is_few) == (9, True)
    assert likely.observed == pytest.approx(2 / 3)
    assert likely.low < 0.5 < likely.observed < 0.8 < likely.high


def test_certainty_belongs_to_the_last_bin_and_impossible_to_the_first() -> None:
    first, last = calibration_bins(Target.POINTS, np.array([0.0, 1.0]), np.array([False, True]))

    assert (first.from_probability, last.to_probability) == (0, 1)


def test_the_interval_of_a_share_is_wilsons() -> None:
    # Newcombe (1998): 81 of 263 gives 0.2553 to 0.3662; 0 of 20 gives 0 to 0.1611.
    assert wilson_interval(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert wilson_interval(0, 20) == pytest.approx((0, 0.1611), abs=5e-5)
    assert wilson_interval(20, 20) == pytest.approx((0.8389, 1), abs=5e-5)


def test_calibration_counts_every_starter_of_every_race_once_for_each_question() -> None:
    race = a_race(2024, 4)
    judged = judge(a_forecast(a_history(), race), a_result(race))

    bins = calibration([judged, judged])

    for target in Target:
        assert sum(each.count for each in bins if each.target is target) == 16
    assert calibration([]) == ()
