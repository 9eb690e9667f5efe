"""Forecasts into the store: of past races, for the record, and their scores."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from f1graph.errors import ForecastError
from f1graph.forecasts.forecaster import Forecaster
from f1graph.forecasts.record import RETROSPECTIVE_CAUSE, record_forecast, record_past
from f1graph.races.measures import Measure
from f1graph.races.stages import Stage
from f1graph.store.engine import Store, open_store
from f1graph.store.forecasts import latest_forecast_id, load_forecast
from f1graph.store.scores import store_scores, unscored_forecasts
from f1graph.store.tables.forecasts import forecasts
from tests.databases import SqliteTemplates
from tests.forecasts.season import NOW, a_forecaster, fill_season, next_race, races_before
from tests.store.records import scores_of

RACES = races_before()[-2:]
STAGES = (Stage.BEFORE_WEEKEND, Stage.AFTER_QUALIFYING)


@pytest.fixture
def url(tmp_path: Path, sqlite_templates: SqliteTemplates) -> str:
    # Not in the asynchronous fixture: whoever is the first to ask runs a loop of their own to make it.
    return sqlite_templates.copy(tmp_path, fill_season)


@pytest.fixture
async def store(url: str) -> AsyncIterator[Store]:
    opened = open_store(url)
    yield opened
    await opened.close()


@pytest.fixture
def forecaster(store: Store, tmp_path: Path) -> Iterator[Forecaster]:
    made = a_forecaster(store, tmp_path)
    yield made
    made.close()


async def count(store: Store) -> int:
    async with store.read() as read:
        return int(await read.value(select(func.count()).select_from(forecasts)))


async def test_a_forecast_by_hand_is_stored_with_its_baselines(store: Store, forecaster: Forecaster) -> None:
    race = next_race()
    made = await record_forecast(store, forecaster, race, Stage.BEFORE_WEEKEND, now=NOW, cause="by hand")

    async with store.read() as read:
        assert await load_forecast(read, made.id) == made
        for model in ("uniform", "championship"):
            assert await latest_forecast_id(read, race.id, model=model) is not None
    assert (made.cause, made.cutoff, made.retrospective) == ("by hand", NOW, False)


async def test_a_race_that_is_over_is_forecast_as_of_the_end_of_the_stage(
    store: Store, forecaster: Forecaster
) -> None:
    race = RACES[-1]
    made = await record_forecast(store, forecaster, race, Stage.BEFORE_WEEKEND, now=NOW, cause=None)

    assert made.retrospective
    assert made.cutoff == race.weekend_starts_at


async def test_a_weekend_without_a_sprint_has_no_stage_after_it(store: Store, forecaster: Forecaster) -> None:
    race = next(race for race in races_before() if not race.has_sprint)
    with pytest.raises(ForecastError, match="no sprint"):
        await record_forecast(store, forecaster, race, Stage.AFTER_SPRINT, now=NOW, cause=None)


async def test_the_record_goes_on_where_it_was_stopped(store: Store, forecaster: Forecaster) -> None:
    """A back-filled track record takes an hour: nobody wants to begin again."""
    walk = record_past(store, forecaster, RACES, STAGES, now=NOW)
    assert (await anext(walk))[:2] == (1, 4)
    await walk.aclose()
    stopped_at = await count(store)

    rest = [step async for step in record_past(store, forecaster, RACES, STAGES, now=NOW)]
    whole = await count(store)
    again = [step async for step in record_past(store, forecaster, RACES, STAGES, now=NOW)]

    assert [step[:2] for step in rest] == [(1, 3), (2, 3), (3, 3)]
    assert again == []
    assert await count(store) == whole > stopped_at
    async with store.read() as read:
        found = await read.rows(select(forecasts.c.cause, forecasts.c.retrospective).distinct())
    assert [tuple(row) for row in found] == [(RETROSPECTIVE_CAUSE, True)]


async def test_a_race_that_cannot_be_forecast_does_not_stop_the_others(
    store: Store, forecaster: Forecaster
) -> None:
    """The first races of a championship have nothing before them to learn from."""
    first = races_before()[0]
    cancelled = replace(RACES[0], is_cancelled=True)

    walk = record_past(store, forecaster, [first, cancelled, RACES[1]], STAGES[:1], now=NOW)
    steps = [what async for _, _, what in walk]

    assert steps == [f"{first.id} BEFORE_WEEKEND", f"{RACES[1].id} BEFORE_WEEKEND"]
    async with store.read() as read:
        assert await latest_forecast_id(read, first.id) is None
        assert await latest_forecast_id(read, RACES[1].id) is not None


async def test_a_race_that_is_still_ahead_is_not_made_for_the_record(
    store: Store, forecaster: Forecaster
) -> None:
    assert [step async for step in record_past(store, forecaster, [next_race()], STAGES, now=NOW)] == []


async def test_forecasts_are_scored_and_become_metrics_beside_their_baselines(
    store: Store, forecaster: Forecaster
) -> None:
    async for _ in record_past(store, forecaster, RACES, STAGES, now=NOW):
        pass
    async with store.read() as read:
        unscored = await unscored_forecasts(read)
    for race in RACES:
        of_race = [
            (forecast_id, revision) for forecast_id, race_id, revision in unscored if race_id == race.id
        ]
        (revision,) = {revision for _, revision in of_race}
        scores = await forecaster.score([one for one, _ in of_race], race_id=race.id, revision=revision)
        async with store.write() as write:
            await store_scores(write, race.id, scores, now=NOW)

    metrics, bins = await forecaster.metrics(invented=True, as_of=NOW)

    async with store.read() as read:
        assert await unscored_forecasts(read) == []
        scored = await scores_of(read, [forecast_id for forecast_id, _, _ in unscored])
    assert len(scored) == len(unscored) == await count(store)
    log_loss = {
        metric.stage: metric
        for metric in metrics
        if (metric.model, metric.measure) == ("rating", Measure.WINNER_LOG_LOSS)
    }
    assert set(log_loss) == set(STAGES)
    for metric in log_loss.values():
        assert (metric.races, metric.retrospective_races) == (2, 2)
        assert {"uniform", "championship"} <= {baseline.model for baseline in metric.baselines}
    counted = [group for group in bins if (group.model, group.stage) == ("rating", Stage.BEFORE_WEEKEND)]
    assert sum(one.count for one in counted[0].bins if one.target == "WIN") == 24
    assert await forecaster.metrics(invented=False, as_of=NOW) == ([], [])


async def test_in_a_past_weekend_lived_again_the_metrics_know_no_score_of_later_races(
    store: Store, forecaster: Forecaster
) -> None:
    first, second = RACES
    # One was forecast before it was run; scored was all of it much later.
    on_time = first.starts_at - timedelta(minutes=40)
    await record_forecast(store, forecaster, first, Stage.AFTER_QUALIFYING, now=on_time, cause=None)
    await record_forecast(store, forecaster, second, Stage.AFTER_QUALIFYING, now=NOW, cause=None)
    async with store.read() as read:
        unscored = await unscored_forecasts(read)
    for forecast_id, race_id, revision in unscored:
        scores = await forecaster.score([forecast_id], race_id=race_id, revision=revision)
        async with store.write() as write:
            await store_scores(write, race_id, scores, now=NOW)

    async def races_counted(as_of: datetime) -> set[int]:
        metrics, _ = await forecaster.metrics(invented=True, as_of=as_of)
        return {metric.races for metric in metrics}

    assert await races_counted(NOW) == {2}
    assert await races_counted(second.starts_at) == {1}
    assert await races_counted(first.starts_at) == set()
