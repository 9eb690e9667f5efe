"""Whether what was drawn looks like what was observed."""

from __future__ import annotations

import numpy as np
import pytest

from f1graph.forecasts.backtest_file import Drawn
from f1graph.forecasts.report.checks import positions_gained, retirements, teammates, winners
from tests.forecasts.report.judged import a_judged_forecast

OUT = (True, True, False, False)


def test_retirements_that_come_together_vary_more_than_if_each_came_alone() -> None:
    # In half the draws of a race four retire, in the other half nobody.
    drawn = Drawn(retirements=(50, 0, 0, 0, 50), teams_out=(50, 0, 50), teams_in_points=(50, 0, 50))
    half = (0.5, 0.5, 0.5, 0.5)
    forecasts = [
        a_judged_forecast(
            round_=i,
            retirement=half,
            retired=(i % 2 == 0,) * 4,
            teams_out=2 * (i % 2 == 0),
            teams_in_points=2 * (i % 2 == 1),
            drawn=drawn,
        )
        for i in range(1, 41)
    ]

    found = retirements(forecasts, model="rating")

    assert found is not None
    assert found.per_race is not None
    assert (found.observed_mean, found.observed_variance, found.expected_mean) == (2, 4, 2)
    assert found.independent_variance == pytest.approx(1)
    assert found.per_race.drawn_moments == pytest.approx((2, 4))
    assert found.per_race.observed_moments == pytest.approx((2, 4))
    assert found.per_race.observed == pytest.approx((0.5, 0, 0, 0, 0.5))
    # Forty tosses of a coin.
    assert 0.3 < found.per_race.low[0] < 0.4
    assert 0.6 < found.per_race.high[0] < 0.7
    assert found.per_race.high[1] == 0
    assert found.per_race.mean.holds(2)
    assert found.per_race.variance.holds(4)
    # Every other race nobody retires. If that were every race, the draws would not look like it.
    assert not found.per_race.mean.holds(0.5)
    together = teammates(forecasts, model="rating")
    assert together is not None
    for counted in (together.out, together.in_points):
        assert counted is not None
        assert counted.observed_moments[0] == counted.drawn_moments[0] == pytest.approx(1)
        assert counted.mean.holds(1)


def test_a_file_without_a_journal_cannot_tell_how_cars_retire_together() -> None:
    known = a_judged_forecast(round_=1, retired=OUT, drawn=Drawn((10,), (10,)))
    unknown = a_judged_forecast(round_=2, retired=OUT)

    found = retirements([known, unknown], model="rating")

    assert found is not None
    assert found.per_race is None
    together = teammates([known, unknown], model="rating")
    assert together is not None
    assert (together.out, together.in_points) == (None, None)
    assert (found.races, found.observed_mean) == (2, 2)
    assert found.expected_mean == pytest.approx(0.4)


def test_an_older_journal_tells_which_teams_retired_and_not_which_scored() -> None:
    found = teammates([a_judged_forecast(drawn=Drawn((10,), (10,)))], model="rating")

    assert found is not None
    assert found.out is not None
    assert found.in_points is None
    assert teammates([], model="rating") is None


def test_winners_of_a_season_are_drawn_from_each_race() -> None:
    sure = [a_judged_forecast(round_=i, win=(1, 0, 0, 0)) for i in (1, 2, 3)]
    open_ = [
        a_judged_forecast(season=2023, round_=i, win=(0.25,) * 4, positions=order)
        for i, order in enumerate([(1, 2, 3, 4), (2, 1, 3, 4)], start=1)
    ]

    found = winners([*sure, *open_], model="rating")

    assert [(each.season, each.races, each.observed) for each in found] == [(2023, 2, 2), (2024, 3, 1)]
    # Two races with four equal drivers: the second has another winner three times in four.
    assert found[0].mean == pytest.approx(1.75, abs=0.02)
    assert (found[0].low, found[0].high) == (1, 2)
    assert (found[1].mean, found[1].low, found[1].high) == (1, 1, 1)


def test_places_are_gained_from_the_grid_among_those_who_started_from_it() -> None:
    # Hamilton starts from the pit lane; two cars between Bottas and Gasly did not start.
    race = a_judged_forecast(grid=(1, 2, 5, 0), positions=(3, 1, 2, 4))

    found = positions_gained([race], model="rating")

    assert found is not None
    observed = dict(zip(found.gains, found.observed, strict=True))
    drawn = dict(zip(found.gains, found.drawn, strict=True))
    assert found.count == 3
    assert {gain: share for gain, share in observed.items() if share} == pytest.approx({-2: 1 / 3, 1: 2 / 3})
    assert drawn[-3] == pytest.approx(1 / 12)
    assert drawn[0] == pytest.approx(3 / 12)
    assert sum(found.drawn) == pytest.approx(1)
    assert found.observed_spread == pytest.approx(np.std([-2, 1, 1]))
    # Three cars, each in any of four places: what happened is one of the things that happen.
    assert found.spread.holds(found.observed_spread)
    assert found.spread.low < found.drawn_spread < found.spread.high
    assert found.far(places=2) == pytest.approx((1 / 3, 4 / 12))


def test_without_a_grid_nothing_is_gained() -> None:
    assert positions_gained([a_judged_forecast(grid=(0, 0, 0, 0))], model="rating") is None
