"""Strengths of drivers and cars."""

from __future__ import annotations

import numpy as np
import pytest

from f1graph.models.strength_filter import REGULATION_CHANGES, Drift, StrengthFilter, _order_likelihood
from tests.models.fields import FIELD, team_of

CARS = [team_of(driver) for driver in FIELD]


def after(orders: int, *, season: int = 2023, drift: Drift | None = None) -> StrengthFilter:
    """The field finished in alphabetical order so many times."""
    strengths = StrengthFilter(drift)
    strengths.begin_season(season)
    for _ in range(orders):
        strengths.learn(FIELD, CARS)
    return strengths


def test_a_driver_who_always_wins_gets_the_highest_strength() -> None:
    total = after(10).before(FIELD, CARS).total

    assert total.argmax() == 0
    assert (np.diff(total) < 0).all()


def test_the_teammate_shares_in_a_cars_success() -> None:
    strengths = StrengthFilter()
    strengths.begin_season(2023)
    for _ in range(5):
        strengths.learn(["winner", "other", "third"], ["good-car", "car", "car"])

    beliefs = strengths.before(["newcomer", "rookie"], ["good-car", "car"])

    assert beliefs.total[0] > beliefs.total[1] + 0.3


def test_a_driver_keeps_her_own_strength_in_another_car() -> None:
    strengths = after(10)

    beliefs = strengths.before([FIELD[0], FIELD[-1]], ["new-car", "new-car"])

    assert beliefs.driver[0] > beliefs.driver[1] + 0.5


def test_races_make_strengths_more_certain() -> None:
    few, many = (after(races).before(FIELD, CARS).deviation for races in (1, 20))

    assert (many < few).all()


def test_cars_are_less_certain_after_a_regulation_change_than_after_another_winter() -> None:
    changed, usual = after(10, season=2021), after(10, season=2022)
    changed.begin_season(2022)
    usual.begin_season(2023)

    assert (changed.before(FIELD, CARS).deviation > usual.before(FIELD, CARS).deviation + 0.1).all()
    assert abs(changed.before(FIELD, CARS).car).max() < abs(usual.before(FIELD, CARS).car).max()


def test_drivers_do_not_forget_how_to_drive_when_the_regulations_change() -> None:
    strengths = after(10, season=2021)
    driver = strengths.before(FIELD, CARS).driver
    strengths.begin_season(2022)

    np.testing.assert_array_equal(strengths.before(FIELD, CARS).driver, driver)


def test_every_winter_in_between_is_passed() -> None:
    at_once, one_by_one = after(5, season=2020), after(5, season=2020)
    at_once.begin_season(2023)
    for season in (2021, 2022, 2023):
        one_by_one.begin_season(season)

    np.testing.assert_array_equal(at_once.covariance, one_by_one.covariance)


def test_the_seasons_of_new_regulations_are_those_of_the_rule_books() -> None:
    assert {2009, 2014, 2017, 2022, 2026} == REGULATION_CHANGES


def test_a_race_that_nobody_finished_teaches_nothing() -> None:
    strengths = after(5)
    before = strengths.mean.copy()

    strengths.learn([], [])

    np.testing.assert_array_equal(strengths.mean, before)


def test_what_cars_may_really_be_is_drawn_from_all_that_is_not_known_of_them() -> None:
    strengths = after(3)
    # A newcomer in the car of the driver of another team.
    drivers, cars = [*FIELD[:-1], "newcomer"], CARS
    joint = strengths.copy()
    drawn = joint.possible(drivers, cars, pairs=20_000, generator=np.random.default_rng(1))

    assert drawn.shape == (40_000, len(FIELD))
    np.testing.assert_allclose(drawn.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(drawn.sum(axis=1), 0, atol=1e-9)
    covariance = np.cov(drawn.T)
    assert np.trace(covariance) / len(FIELD) == pytest.approx(joint.doubt(drivers, cars), rel=0.02)
    # Who is new is less known than the teammate, and both share what is not known of the car.
    assert covariance[-1, -1] > 1.5 * covariance[-2, -2]
    assert covariance[0, 1] > covariance[0, 2] + 0.05
    assert "newcomer" not in strengths.drivers


def test_new_regulations_leave_more_doubt() -> None:
    changed, usual = after(10, season=2021), after(10, season=2022)
    before = changed.doubt(FIELD, CARS)
    changed.begin_season(2022)
    usual.begin_season(2023)

    assert changed.doubt(FIELD, CARS) > 1.5 * usual.doubt(FIELD, CARS) > 1.5 * before


def test_a_copy_learns_on_its_own() -> None:
    strengths = after(5)
    before = strengths.covariance.copy()

    strengths.copy().learn(FIELD, CARS)

    np.testing.assert_array_equal(strengths.covariance, before)


def test_the_likelihood_of_an_order_has_the_slope_and_curvature_it_claims() -> None:
    utility = np.array([0.3, -0.2, 0.8, 0.0])

    def log_chance(u: np.ndarray[tuple[int], np.dtype[np.float64]]) -> float:
        return float(sum(u[k] - np.log(np.exp(u[k:]).sum()) for k in range(len(u))))

    gradient, information = _order_likelihood(utility)
    step = 1e-5
    for i in range(4):
        nudge = step * np.eye(4)[i]
        slope = (log_chance(utility + nudge) - log_chance(utility - nudge)) / (2 * step)
        assert gradient[i] == pytest.approx(slope, abs=1e-8)
        higher, lower = _order_likelihood(utility + nudge)[0], _order_likelihood(utility - nudge)[0]
        np.testing.assert_allclose(information[i], -(higher - lower) / (2 * step), atol=1e-8)
