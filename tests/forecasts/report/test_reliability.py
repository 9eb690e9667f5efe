"""Whether probabilities mean what they say."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from f1graph.forecasts.report.reliability import calibration_error, interval_coverage, reliability
from f1graph.races.measures import Target
from tests.forecasts.report.judged import a_judged_forecast


def test_a_forecast_that_is_right_on_average_has_an_error_no_larger_than_chance() -> None:
    generator = np.random.default_rng(1)
    honest, bold = [], []
    for round_ in range(1, 301):
        chances = generator.uniform(0.05, 0.6, 4)
        retired = tuple((generator.random(4) < chances).tolist())
        honest.append(a_judged_forecast(round_=round_, retirement=tuple(chances), retired=retired))
        bold.append(a_judged_forecast(round_=round_, retirement=tuple(chances**2), retired=retired))

    errors = {}
    for name, forecasts in (("honest", honest), ("bold", bold)):
        found = {each.target: each for each in reliability(forecasts, model="rating")}
        errors[name] = found[Target.RETIREMENT]

    assert errors["honest"].count == 1200
    assert errors["honest"].error < errors["honest"].error_by_chance_95
    assert errors["bold"].error > 3 * errors["bold"].error_by_chance_95


def test_the_error_is_the_distance_of_ten_groups_weighed_by_their_size() -> None:
    probabilities = np.repeat(np.arange(10) / 10, 10)
    happened = np.zeros(100, dtype=np.bool_)

    assert calibration_error(probabilities, happened) == pytest.approx(0.45)
    assert calibration_error(np.full(7, 0.5), np.array([True] * 7)) == pytest.approx(0.5)


def test_a_bin_with_three_driver_races_says_that_it_has_few() -> None:
    """P5: each bin has its count and interval, and one with fewer than ten says so."""
    forecasts = [
        a_judged_forecast(round_=i, retirement=(0.03, 0.03, 0.03, 0.45 if i <= 3 else 0.03))
        for i in range(1, 5)
    ]

    retirement = next(
        each for each in reliability(forecasts, model="rating") if each.target is Target.RETIREMENT
    )

    assert [(each.count, each.is_few) for each in retirement.bins] == [(13, False), (3, True)]
    assert all(each.low <= each.observed <= each.high for each in retirement.bins)
    assert retirement.bins[1].high - retirement.bins[1].low > 0.5


def test_a_model_that_forecast_nothing_has_no_reliability() -> None:
    assert reliability([a_judged_forecast()], model="nobody") == []
    assert interval_coverage([a_judged_forecast()], model="nobody") is None


def test_coverage_counts_whole_places_and_says_how_much_it_promises() -> None:
    # Of four equally likely places three hold 75 %, and all hold 100 %.
    found = interval_coverage([a_judged_forecast(round_=i) for i in (1, 2)], model="rating")

    assert found is not None
    assert found.observed.value == found.said == 0.75
    assert found.excess.value == 0
    assert found.places == 3
    # Of the first place 60 % of its probability lie above 10 %, of the last 60 % below 90 %.
    assert found.central.value == pytest.approx((0.6 + 1 + 1 + 0.6) / 4)


def test_honest_intervals_cover_what_they_say() -> None:
    generator = np.random.default_rng(2)
    forecasts = []
    for round_ in range(1, 401):
        skill = generator.normal(0, 1, 4)
        order = np.argsort(np.argsort(skill + generator.normal(0, 1, (2000, 4)), axis=1), axis=1) + 1
        matrix: NDArray[np.float64] = np.stack(
            [(order == place).mean(axis=0) for place in range(1, 5)], axis=1
        )
        happened = np.argsort(np.argsort(skill + generator.normal(0, 1, 4))) + 1
        forecasts.append(a_judged_forecast(round_=round_, positions=happened.tolist(), matrix=matrix))

    found = interval_coverage(forecasts, model="rating")

    assert found is not None
    assert found.excess.value == pytest.approx(0, abs=0.02)
    assert found.observed.value == pytest.approx(found.said, abs=0.02)
    assert found.said == pytest.approx(0.8, abs=0.05)
    assert found.central.value == pytest.approx(0.8, abs=0.02)


def test_a_place_that_was_thought_impossible_is_outside() -> None:
    sure: list[list[float]] = [[1.0, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]

    right = interval_coverage([a_judged_forecast(matrix=sure)], model="rating")
    wrong = interval_coverage([a_judged_forecast(matrix=sure, positions=(2, 1, 4, 3))], model="rating")

    assert right is not None
    assert wrong is not None
    assert (right.observed.value, wrong.observed.value) == (1, 0)
    assert (right.central.value, wrong.central.value) == pytest.approx((0.8, 0))
