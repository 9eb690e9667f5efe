"""Posterior-predictive checks: races as they were drawn beforehand look like races as they were run.

What was observed is to be within the middle 95 % of what as many races would show, if each was drawn once
from its own forecast. Two numbers are known to be a little off, and are held by how much: the draws of the
rating are some 4 % too open, and teammates end in the first ten together even more often than is drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import pytest
import torch

from f1graph.features.build import build_features
from f1graph.forecasts.backtest import Walk, backtest
from f1graph.forecasts.report.checks import positions_gained, retirements, teammates, winners
from f1graph.forecasts.report.reading import JudgedForecast, judge_files, read_files
from f1graph.forecasts.report.reliability import interval_coverage
from f1graph.models.ensemble import UltraEstimator
from f1graph.models.fit_cache import FitCache
from f1graph.models.protocol import Estimator
from f1graph.models.rating import RatingEstimator
from f1graph.races.facts import Facts
from f1graph.races.past import History
from f1graph.races.stages import Stage
from f1graph.sources.invented import championship
from tests.real_data import f1db_facts

NOW = datetime(2025, 1, 1, tzinfo=UTC)
STAGE = Stage.AFTER_QUALIFYING
# Every other one, to have them in half a minute; 2022 had new cars. The ensemble is walked through all.
SEASONS = (2016, 2018, 2020, 2022, 2024)

Races = Sequence[JudgedForecast]


def history_of(facts: Facts) -> History:
    return History.of(
        races=facts.races,
        classifications=facts.classifications,
        circuits=facts.circuits,
        drivers=facts.drivers,
        constructors=facts.constructors,
    )


@cache
def invented_facts() -> Facts:
    return championship(seed=11, seasons=18, now=NOW).facts


def walked(facts: Facts, folder: Path, estimator: Estimator, seasons: tuple[int, ...]) -> Races:
    """Each race beside its forecast, and beside what was drawn of it."""
    torch.set_num_threads(1)
    history = history_of(facts)
    walk = Walk(seasons, (STAGE,), (estimator,), made_at=NOW, draws=1000)
    for _ in backtest(history, walk, build_features, out=folder / "walk.csv"):
        pass
    return judge_files(read_files([folder / "walk.csv"]), history).forecasts


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(("real", "rating"), id="real", marks=pytest.mark.real_data),
        pytest.param(("invented", "rating"), id="invented"),
        pytest.param(("real", "ultra"), id="real-ultra", marks=[pytest.mark.real_data, pytest.mark.slow]),
    ],
)
def races(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Races:
    championship_, model = request.param
    facts = f1db_facts() if championship_ == "real" else invented_facts()
    folder = tmp_path_factory.mktemp("walk")
    if model == "rating":
        return walked(facts, folder, RatingEstimator(), SEASONS)
    return walked(facts, folder, UltraEstimator(cache=FitCache(folder / "fits")), tuple(range(2015, 2025)))


def test_as_many_cars_retire_as_were_drawn_and_as_unevenly(races: Races) -> None:
    found = retirements(races, model=races[0].model)

    assert found is not None
    assert found.per_race is not None
    assert found.per_race.mean.holds(found.observed_mean)
    assert found.per_race.variance.holds(found.observed_variance)
    # A bad day is everybody's: the number varies more than if each car retired by itself.
    assert found.per_race.drawn_moments[1] > 1.05 * found.independent_variance


def test_a_season_has_as_many_winners_as_were_drawn(races: Races) -> None:
    found = winners(races, model=races[0].model)

    # One season in twenty is outside by chance.
    outside = [season for season in found if not season.low <= season.observed <= season.high]
    assert len(outside) <= 1
    assert sum(season.observed for season in found) == pytest.approx(sum(s.mean for s in found), rel=0.2)


def test_as_many_places_are_gained_and_lost_as_were_drawn(races: Races) -> None:
    found = positions_gained(races, model=races[0].model)

    assert found is not None
    assert found.observed_spread == pytest.approx(found.drawn_spread, rel=0.06)
    observed, drawn = found.far()
    assert observed == pytest.approx(drawn, rel=0.12)


def test_teammates_share_their_luck_as_they_were_drawn_to(races: Races) -> None:
    found = teammates(races, model=races[0].model)

    assert found is not None
    assert found.out is not None
    assert found.in_points is not None
    assert found.out.mean.holds(found.out.observed_moments[0])
    assert found.in_points.observed_moments[0] == pytest.approx(found.in_points.drawn_moments[0], rel=0.07)


def test_the_80_per_cent_interval_covers_what_it_says(races: Races) -> None:
    found = interval_coverage(races, model=races[0].model)

    assert found is not None
    assert found.said == pytest.approx(0.8, abs=0.01)
    assert 0.78 <= found.observed.value <= 0.82
    assert found.excess.value == pytest.approx(0, abs=0.02)
    assert found.central.value == pytest.approx(0.8, abs=0.02)
