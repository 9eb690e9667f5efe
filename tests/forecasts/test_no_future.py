"""P1: what was learnt after the cutoff changes no feature and no probability."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import pytest

from f1graph.features.build import build_features
from f1graph.forecasts.asking import TrainedModel
from f1graph.forecasts.examples import ExampleBook
from f1graph.forecasts.make import BuildFeatures, make_forecast
from f1graph.races.forecast import Forecast
from f1graph.races.past import History
from f1graph.races.results import Classification
from f1graph.races.stages import Stage, stage_window
from tests.builders import a_history, a_season, a_weather_forecast
from tests.forecasts.form import FormEstimator, form_features

RACES = (*a_season(2023, 3), *a_season(2024, 4, sprints=[2, 3]))
RACE = RACES[-2]
HISTORY = a_history(RACES)
GENERATOR = np.random.default_rng(1)

Change = Callable[[Classification], Classification | None]


def deleted(_: Classification) -> None:
    return None


def permuted(fact: Classification) -> Classification:
    drivers = GENERATOR.permutation([row.driver_id for row in fact.rows])
    rows = [replace(row, driver_id=str(driver)) for row, driver in zip(fact.rows, drivers, strict=True)]
    return replace(fact, rows=tuple(rows))


def corrupted(fact: Classification) -> Classification:
    rows = [
        replace(row, order=99 - row.order, position=None, points=1e6, time=timedelta(0), grid_position=77)
        for row in fact.rows[1:]
    ]
    return replace(fact, rows=tuple(rows))


def contradicted(fact: Classification) -> Classification:
    """A later revision that says something else: a corrected result of an old race, too."""
    return replace(permuted(fact), revision=fact.revision + 1)


def with_another_future(cutoff: datetime, change: Change) -> History:
    facts = [fact for revisions in HISTORY.revisions.values() for fact in revisions]
    known = [fact for fact in facts if fact.known_at <= cutoff]
    later = [change(fact) for fact in facts if fact.known_at > cutoff]
    if change is contradicted:
        for fact in known:
            revised = contradicted(fact)
            later.append(replace(revised, known_at=max(cutoff, fact.known_at) + timedelta(seconds=1)))
    return a_history(RACES, [*known, *(fact for fact in later if fact is not None)])


def forecast_from(history: History, stage: Stage, cutoff: datetime, build: BuildFeatures) -> Forecast:
    book = ExampleBook(history, build)
    learnt = FormEstimator().fit(book.known_by(cutoff, stage), stage=stage, seed=1)
    # The stand-in averages whatever the row of features says, so any difference moves its draws.
    return make_forecast(
        history.as_of(cutoff),
        RACE,
        stage=stage,
        model=TrainedModel(learnt, "1"),
        made_at=cutoff,
        build_features=build,
        draws=400,
    )


@pytest.mark.parametrize("build", [form_features, build_features])
@pytest.mark.parametrize("change", [deleted, permuted, corrupted, contradicted])
@pytest.mark.parametrize("stage", Stage)
def test_p1_no_fact_from_after_the_cutoff_changes_a_forecast(
    stage: Stage, change: Change, build: BuildFeatures
) -> None:
    window = stage_window(RACE, stage)
    assert window is not None
    cutoff = window.closes_at

    as_it_was = forecast_from(HISTORY, stage, cutoff, build)
    with_other_news = forecast_from(with_another_future(cutoff, change), stage, cutoff, build)

    assert with_other_news.receipt.inputs_fingerprint == as_it_was.receipt.inputs_fingerprint
    assert with_other_news == as_it_was


def test_no_forecast_depends_on_a_weather_forecast_that_nothing_could_be_learnt_from() -> None:
    """Of past races there is none: whoever read it today would have learnt from races without."""
    cutoff = RACE.starts_at
    rain = [a_weather_forecast(RACE, cutoff - timedelta(hours=hours), rain=1.0) for hours in (30, 2)]

    told = forecast_from(
        a_history(RACES, weather_forecasts=rain), Stage.AFTER_QUALIFYING, cutoff, build_features
    )

    assert told == forecast_from(HISTORY, Stage.AFTER_QUALIFYING, cutoff, build_features)


@pytest.mark.parametrize("build", [form_features, build_features])
def test_p1_a_fact_from_before_the_cutoff_does_change_it(build: BuildFeatures) -> None:
    yesterday = with_another_future(RACE.starts_at - timedelta(days=1), permuted)

    changed = forecast_from(yesterday, Stage.AFTER_QUALIFYING, RACE.starts_at, build)

    assert changed != forecast_from(HISTORY, Stage.AFTER_QUALIFYING, RACE.starts_at, build)
