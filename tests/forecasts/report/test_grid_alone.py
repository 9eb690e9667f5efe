"""The check before a release: better than the grid alone?"""

from __future__ import annotations

import numpy as np
import pytest

from f1graph.forecasts.report.grid_alone import AgainstGrid, against_grid
from f1graph.forecasts.report.reading import JudgedForecast
from f1graph.races.measures import Measure
from f1graph.races.stages import Stage
from tests.forecasts.report.judged import a_judged_forecast

RPS, OVERLAP = Measure.RANKED_PROBABILITY, Measure.PODIUM_OVERLAP
RACES = 40


def forecasts(*, gain: float, stage: Stage = Stage.AFTER_QUALIFYING) -> list[JudgedForecast]:
    """Of the grid, and of a model that is better by `gain` on average, in some races by more."""
    luck = np.random.default_rng(1).normal(0, 0.02, RACES)
    hard = np.random.default_rng(2).normal(0.12, 0.04, RACES)
    return [
        a_judged_forecast(round_=i, model=model, stage=at, values={RPS: float(value)})
        for i in range(RACES)
        for model, at, value in (
            ("grid", Stage.AFTER_QUALIFYING, hard[i]),
            ("rating", stage, hard[i] - gain + luck[i] - luck.mean()),
        )
    ]


def the_one(found: list[AgainstGrid]) -> AgainstGrid:
    (one,) = found
    return one


def test_p10_a_model_is_held_to_the_grid_alone_race_by_race() -> None:
    """P10: paired by race with its standard error, which is that of the differences and not of hard races."""
    found = the_one(against_grid(forecasts(gain=0.01), model="rating"))

    assert (found.stage, found.measure, found.races) == (Stage.AFTER_QUALIFYING, RPS, RACES)
    assert found.difference == pytest.approx(-0.01)
    assert found.value - found.grid == pytest.approx(found.difference)
    luck = np.random.default_rng(1).normal(0, 0.02, RACES)
    assert found.error == pytest.approx(luck.std(ddof=1) / RACES**0.5)
    assert found.better_by == pytest.approx(0.01 / found.error)
    assert (found.verdict, found.fails) == ("better", False)


@pytest.mark.parametrize(
    ("gain", "verdict", "fails"),
    [
        (0.01, "better", False),
        (0.002, "not told apart", False),
        (-0.002, "not told apart", False),
        (-0.01, "worse", True),
    ],
)
def test_p10_only_what_is_beyond_chance_is_called_better_or_worse(
    gain: float, verdict: str, fails: bool
) -> None:
    """P10: good or bad."""
    found = the_one(against_grid(forecasts(gain=gain), model="rating"))

    assert (found.verdict, found.fails) == (verdict, fails)


def test_p10_before_qualifying_nobody_can_be_held_to_a_grid_that_is_not_known() -> None:
    """P10: per stage; the earlier ones are shown and do not fail."""
    found = the_one(against_grid(forecasts(gain=-0.01, stage=Stage.AFTER_PRACTICE), model="rating"))

    assert (found.stage, found.verdict, found.fails) == (Stage.AFTER_PRACTICE, "worse", False)


def test_without_the_grid_or_with_one_race_there_is_nothing_to_compare() -> None:
    all_ = forecasts(gain=0.01)

    assert against_grid([each for each in all_ if each.model != "grid"], model="rating") == []
    assert against_grid(all_[:2], model="rating") == []


def test_a_model_that_says_the_same_as_the_grid_is_not_told_apart() -> None:
    same = forecasts(gain=0.0)
    grid = {each.race: each.values for each in same if each.model == "grid"}
    equal = [a_judged_forecast(round_=each.round, model=each.model, values=grid[each.race]) for each in same]

    found = the_one(against_grid(equal, model="rating"))

    assert (found.difference, found.error, found.verdict) == (0, 0, "not told apart")
