"""Forecasts into the store: one by hand, or those of past races that nobody made in time."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from datetime import datetime

import structlog

from f1graph.errors import ForecastError
from f1graph.forecasts.forecaster import Forecaster
from f1graph.races.calendar import Race
from f1graph.races.forecast import Forecast
from f1graph.races.stages import Stage, stage_window, stage_windows
from f1graph.store.engine import Store
from f1graph.store.forecasts import forecast_stages_of_races, store_forecast

log = structlog.get_logger(__name__)

RETROSPECTIVE_CAUSE = "made after the race, for the record"


async def record_forecast(
    store: Store, forecaster: Forecaster, race: Race, stage: Stage, *, now: datetime, cause: str | None
) -> Forecast:
    """Makes the forecast of a race with its baselines as of now, and stores them together.

    A race that has started is forecast as of the end of the stage, and marked retrospective.
    """
    window = stage_window(race, stage)
    if window is None:
        raise ForecastError(f"{race.id} has no stage {stage}: its weekend has no sprint")
    if window.opens_at is not None and now < window.opens_at:
        raise ForecastError(
            f"{stage} of {race.id} opens at {window.opens_at:%Y-%m-%d %H:%M} UTC; "
            "until then ask for an earlier stage"
        )
    cutoff = min(now, window.closes_at)
    made = await forecaster.forecast(race.id, stage, cutoff=cutoff, cause=cause, now=now)
    async with store.write() as write:
        for forecast, is_served in made:
            await store_forecast(write, forecast, is_served=is_served, now=now)
    return next(forecast for forecast, is_served in made if is_served)


async def record_past(
    store: Store,
    forecaster: Forecaster,
    races: Sequence[Race],
    stages: Sequence[Stage],
    *,
    now: datetime,
) -> AsyncGenerator[tuple[int, int, str], None]:
    """Makes the forecasts of past races that are not there yet, each as of the end of its stage.

    May be stopped and run again: what is stored is not made twice. A race that cannot be forecast is
    logged and passed over.

    Yields:
        How many of how many are done, and which was last.
    """
    async with store.read() as read:
        there = await forecast_stages_of_races(read, [race.id for race in races])
    missing = [
        (race, window.stage)
        for race in races
        for window in stage_windows(race)
        if window.stage in stages
        and (race.id, window.stage) not in there
        and race.starts_at < now
        and not race.is_cancelled
    ]
    for count, (race, stage) in enumerate(missing, start=1):
        try:
            await record_forecast(store, forecaster, race, stage, now=now, cause=RETROSPECTIVE_CAUSE)
        except ForecastError as error:
            # Too few races before it to learn from, or nobody recorded its entries: the others go on.
            log.warning("no forecast for the record", race=race.id, stage=stage, why=str(error))
        yield count, len(missing), f"{race.id} {stage}"
