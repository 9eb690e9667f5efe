"""Explanations of forecasts that are made from the store, and kept in it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from f1graph.features.build import build_features
from f1graph.forecasts.examples import ExampleBook
from f1graph.forecasts.forecaster import Forecaster
from f1graph.forecasts.life_cycle import register
from f1graph.forecasts.members import RATING, Models
from f1graph.forecasts.record import record_forecast
from f1graph.forecasts.training import train
from f1graph.models.ensemble import UltraEstimator
from f1graph.races.explanation import ExplainedNumber, InputGroup
from f1graph.races.forecast import Forecast
from f1graph.races.stages import Stage
from f1graph.store.bundles import BundleStatus
from f1graph.store.engine import Store, open_store
from f1graph.store.explanations import load_explanations
from f1graph.store.forecasts import load_forecast
from f1graph.store.past import load_history
from tests.databases import SqliteTemplates
from tests.forecasts.season import FIRST_SEASON, a_forecaster, facts_at, next_race, races_before, take_in
from tests.models.networks import a_member

# Enough races for a network.
AUTUMN = datetime(2025, 9, 24, 12, tzinfo=UTC)
LAST = races_before(AUTUMN)[-1]
TINY = UltraEstimator(members=(RATING, a_member("tft")))


async def fill_autumn(store: Store) -> None:
    await take_in(store, facts_at(AUTUMN), now=AUTUMN)


@pytest.fixture
def url(tmp_path: Path, sqlite_templates: SqliteTemplates) -> str:
    return sqlite_templates.copy(tmp_path, fill_autumn)


@pytest.fixture
async def store(url: str) -> AsyncIterator[Store]:
    opened = open_store(url)
    yield opened
    await opened.close()


async def kept(store: Store, forecaster: Forecaster, stage: Stage) -> Forecast:
    """The last race as of a stage of its weekend, as it comes back from the database."""
    made = await record_forecast(store, forecaster, LAST, stage, now=AUTUMN, cause=None)
    async with store.read() as read:
        return await load_forecast(read, made.id)


async def test_a_forecast_is_kept_with_its_explanation_and_verifies(store: Store, tmp_path: Path) -> None:
    """The explanation is no part of the receipt: the forecast is made again without it."""
    forecaster = a_forecaster(store, tmp_path)
    forecast = await kept(store, forecaster, Stage.AFTER_QUALIFYING)

    assert forecast.explanation is not None
    for entry in forecast.entries:
        explained = forecast.explanation.of_driver(entry.driver_id)
        assert explained is not None
        win = explained.of(ExplainedNumber.WIN)
        assert win.value == pytest.approx(entry.win, abs=1e-12)
        assert abs(win.rest) < 0.05
        assert dict(win.contributions).keys() >= {InputGroup.GRID, InputGroup.CAR_FORM}
    verified = await forecaster.verify(forecast)
    assert (verified.holds, verified.identical) == (True, True)
    assert (await forecaster.verify(replace(forecast, explanation=None))).holds
    forecaster.close()


async def test_baselines_are_not_explained(store: Store, tmp_path: Path) -> None:
    forecaster = a_forecaster(store, tmp_path)
    race = next_race(AUTUMN)
    made = await forecaster.forecast(race.id, Stage.BEFORE_WEEKEND, cutoff=AUTUMN, cause=None, now=AUTUMN)
    forecaster.close()

    assert [(is_served, one.explanation is not None) for one, is_served in made] == [
        (True, True),
        (False, False),
        (False, False),
    ]


async def test_p1_the_transformer_looks_at_races_before_the_forecast_and_at_none_after_it(
    store: Store, tmp_path: Path
) -> None:
    """P1: also at one that was run since the model was trained."""
    async with store.read() as read:
        history = await load_history(read, from_season=FIRST_SEASON - 1)
    book = ExampleBook(history, build_features, first_season=FIRST_SEASON)
    trained = train(
        TINY,
        book,
        stage=Stage.AFTER_QUALIFYING,
        cutoff=races_before(AUTUMN)[-2].starts_at,
        trained_at=AUTUMN,
        folder=tmp_path / "bundles",
        status=BundleStatus.CANDIDATE,
        invented=True,
    )
    async with store.write() as write:
        await register(write, trained.row, now=AUTUMN)
    forecaster = a_forecaster(store, tmp_path, Models(served=TINY, at_once=RATING))

    forecast = await kept(store, forecaster, Stage.AFTER_QUALIFYING)
    forecaster.close()

    assert forecast.model == "ultra"
    assert forecast.explanation is not None
    before = [race.id for race in races_before(AUTUMN)][:-1]
    for entry in forecast.explanation.entries:
        looked_at = [race_id for race_id, _ in entry.attention]
        assert looked_at[-1] in before[-3:]
        assert looked_at == sorted(looked_at, key=before.index)
        assert sum(weight for _, weight in entry.attention) == pytest.approx(1, abs=1e-4)
    async with store.read() as read:
        assert await load_explanations(read, [forecast.id, "none"]) == {forecast.id: forecast.explanation}
