"""Training as work: beside the forecasts, once, stopped and gone on with, and what follows from it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from f1graph.forecasts.forecaster import Forecaster
from f1graph.forecasts.members import RATING, Models
from f1graph.races.stages import Stage, stage_windows
from f1graph.sources.invented import InventedSource
from f1graph.store.bundles import roll_back
from f1graph.store.engine import Store, open_store
from f1graph.store.forecasts import latest_forecast_id, load_forecast
from f1graph.store.ledger import LedgerRow, WorkStatus, last_work
from f1graph.weekends.engine import ForecastEngine, OnTraining, Trainer
from f1graph.weekends.run import Outcome, Result, run_due
from f1graph.weekends.work import WorkKind
from tests.databases import SqliteTemplates
from tests.forecasts.pool import PoolEstimator, train_pool
from tests.forecasts.season import NOW, a_forecaster, fill_season, next_race
from tests.weekends.recorded import MovingClock, RecordedEngine, RecordedTrainer

NEXT = next_race()
# It has a sprint.
STAGES = [window.stage for window in stage_windows(NEXT)]


@pytest.fixture
def url(tmp_path: Path, sqlite_templates: SqliteTemplates) -> str:
    """The invented championship, on the Wednesday before a weekend."""
    return sqlite_templates.copy(tmp_path, fill_season)


@pytest.fixture
async def season(url: str) -> AsyncIterator[Store]:
    opened = open_store(url)
    yield opened
    await opened.close()


@pytest.fixture
def clock() -> MovingClock:
    return MovingClock(NOW)


@pytest.fixture
def forecaster(season: Store, tmp_path: Path) -> Iterator[Forecaster]:
    made = a_forecaster(season, tmp_path, Models(served=PoolEstimator(), at_once=RATING))
    yield made
    made.close()


async def run(
    store: Store,
    engine: ForecastEngine,
    trainer: Trainer,
    clock: MovingClock,
    *,
    only: set[WorkKind] | None = None,
    **options: Any,
) -> list[Outcome]:
    return await run_due(
        store,
        InventedSource(1, 1),
        engine,
        clock=clock,
        worker_name="worker",
        trainer=trainer,
        only=only or {WorkKind.FORECAST, WorkKind.TRAIN},
        **options,
    )


async def trainings(store: Store) -> list[LedgerRow]:
    async with store.read() as read:
        return await last_work(read, limit=100, kind="TRAIN")


async def last_forecast(store: Store) -> tuple[str, str | None, tuple[tuple[str, str], ...]]:
    """Model, cause, and who could not speak."""
    async with store.read() as read:
        found = await latest_forecast_id(read, NEXT.id)
        assert found is not None
        forecast = await load_forecast(read, found)
    return forecast.model, forecast.cause, forecast.missing_members


class PoolTrainer:
    """Trains the pool here; of other stages than the first it says that it has."""

    model = "ultra"

    def __init__(self, store: Store, folder: Path, clock: MovingClock) -> None:
        self._store, self._folder, self._clock = store, folder, clock
        self.estimator = PoolEstimator()

    async def train(self, model: str, stage: Stage, *, on_progress: OnTraining) -> dict[str, Any]:
        if stage is not Stage.BEFORE_WEEKEND:
            return {"bundle": None}
        verdict = await train_pool(
            self._store, self._folder, cutoff=self._clock.now, stage=stage, estimator=self.estimator
        )
        return {"bundle": verdict.bundle.id, "is_in_use": verdict.is_in_use}


async def test_a_new_installation_forecasts_with_the_rating_at_once_and_again_with_the_new_model(
    season: Store, forecaster: Forecaster, clock: MovingClock, tmp_path: Path
) -> None:
    trainer = PoolTrainer(season, tmp_path, clock)

    outcomes = await run(season, forecaster, trainer, clock)

    assert [(outcome.work.kind, outcome.result) for outcome in outcomes] == [
        (WorkKind.FORECAST, Result.DONE),
        (WorkKind.TRAIN, Result.DONE),
        (WorkKind.FORECAST, Result.DONE),
        *[(WorkKind.TRAIN, Result.DONE)] * 3,
    ]
    assert outcomes[0].work.cause != "new model"
    assert await last_forecast(season) == ("ultra", "new model", ())
    # Everything is told by the store: another process finds nothing left to do.
    assert await run(season, forecaster, trainer, clock) == []


async def test_a_rolled_back_model_makes_a_new_forecast_too(
    season: Store, forecaster: Forecaster, clock: MovingClock, tmp_path: Path
) -> None:
    await train_pool(season, tmp_path, cutoff=NOW - timedelta(days=2))
    await train_pool(season, tmp_path, cutoff=NOW)
    only = {WorkKind.FORECAST}
    await run(season, forecaster, RecordedTrainer(), clock, only=only)
    async with season.write() as write:
        back = await roll_back(write, model="ultra", stage=Stage.BEFORE_WEEKEND, now=NOW)

    (outcome,) = await run(season, forecaster, RecordedTrainer(), clock, only=only)

    assert (outcome.work.cause, outcome.detail["bundle"]) == ("new model", back.checksum)


async def test_a_worse_model_makes_no_new_forecast(
    season: Store, forecaster: Forecaster, clock: MovingClock, tmp_path: Path
) -> None:
    await train_pool(season, tmp_path)
    only = {WorkKind.FORECAST}
    await run(season, forecaster, RecordedTrainer(), clock, only=only)
    clock.move(timedelta(hours=1))
    await train_pool(season, tmp_path, cutoff=clock.now, estimator=PoolEstimator(score=0.3))

    assert await run(season, forecaster, RecordedTrainer(), clock, only=only) == []


async def test_forecasts_go_on_while_a_model_is_trained(
    season: Store, forecaster: Forecaster, clock: MovingClock
) -> None:
    is_over = asyncio.Event()
    trainer = RecordedTrainer(waits_for=is_over)
    training = asyncio.create_task(run(season, forecaster, trainer, clock, only={WorkKind.TRAIN}))
    await trainer.begun.wait()

    (made,) = await run(season, forecaster, RecordedTrainer(), clock, only={WorkKind.FORECAST})

    assert made.result is Result.DONE
    # The ledger tells how far the training is, while it is.
    (row,) = await trainings(season)
    assert row.status is WorkStatus.CLAIMED
    assert row.detail == {"estimator": "tft", "number": 3, "expected": 10}
    is_over.set()
    assert {outcome.result for outcome in await training} == {Result.DONE}


async def test_two_workers_do_not_train_the_same(season: Store, clock: MovingClock) -> None:
    is_over = asyncio.Event()
    first, second = RecordedTrainer(waits_for=is_over), RecordedTrainer()
    training = asyncio.create_task(run(season, RecordedEngine(), first, clock, only={WorkKind.TRAIN}))
    await first.begun.wait()
    await run(season, RecordedEngine(), second, clock, only={WorkKind.TRAIN})
    is_over.set()
    await training

    assert [stage for _, stage in (*first.asked, *second.asked)] == STAGES


async def test_a_training_that_was_stopped_is_begun_again_at_once(season: Store, clock: MovingClock) -> None:
    trainer = RecordedTrainer(waits_for=asyncio.Event())
    training = asyncio.create_task(run(season, RecordedEngine(), trainer, clock, only={WorkKind.TRAIN}))
    await trainer.begun.wait()
    training.cancel()
    with suppress(asyncio.CancelledError):
        await training
    (row,) = await trainings(season)
    assert (row.status, row.error) == (WorkStatus.FAILED, "stopped")

    again = RecordedTrainer()
    await run(season, RecordedEngine(), again, clock, only={WorkKind.TRAIN})

    assert [stage for _, stage in again.asked] == STAGES
    assert {row.status for row in await trainings(season)} == {WorkStatus.DONE}


async def test_a_training_that_fails_is_told_with_its_reason_and_tried_again_later(
    season: Store, clock: MovingClock
) -> None:
    trainer = RecordedTrainer(refuses="there are too few races")
    await run(season, RecordedEngine(), trainer, clock, only={WorkKind.TRAIN})

    assert {row.error for row in await trainings(season)} == {"WORK_ERROR: there are too few races"}
    assert await run(season, RecordedEngine(), RecordedTrainer(), clock, only={WorkKind.TRAIN}) == []
    clock.move(timedelta(minutes=2))
    assert len(await run(season, RecordedEngine(), RecordedTrainer(), clock, only={WorkKind.TRAIN})) == 4
