"""Weather forecasts: appended, and the newest known at a moment asked for."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy import ColumnElement, Row, func, insert, select

from f1graph.races.weather import WeatherForecast, WeatherHour
from f1graph.store.engine import Read, Write
from f1graph.store.events import EventKind, publish
from f1graph.store.tables.facts import races
from f1graph.store.tables.recordings import weather_forecast_hours as hours
from f1graph.store.tables.recordings import weather_forecasts as forecasts


async def record_weather_forecast(write: Write, forecast: WeatherForecast) -> bool:
    """Appends a forecast, unless it says what the source's last one for the race says.

    Returns:
        Whether it was news.
    """
    last = (
        select(forecasts.c.content_hash)
        .where(forecasts.c.race_id == forecast.race_id, forecasts.c.source == forecast.source)
        .order_by(forecasts.c.known_at.desc(), forecasts.c.id.desc())
        .limit(1)
    )
    if await write.value(last) == forecast.content_hash:
        return False
    number = await write.value(
        insert(forecasts)
        .values(
            race_id=forecast.race_id,
            source=forecast.source,
            published_at=forecast.published_at,
            known_at=forecast.known_at,
            latitude=forecast.latitude,
            longitude=forecast.longitude,
            content_hash=forecast.content_hash,
        )
        .returning(forecasts.c.id)
    )
    await write.execute(
        insert(hours),
        [
            {
                "forecast_id": number,
                "ends_at": hour.ends_at,
                "rain_probability": hour.rain_probability,
                "precipitation": hour.precipitation,
                "temperature": hour.temperature,
                "wind_speed": hour.wind_speed,
            }
            for hour in forecast.hours
        ],
    )
    await publish(
        write,
        EventKind.IMPORTED,
        cause=f"the weather to come at {forecast.race_id}, by {forecast.source}",
        race_id=forecast.race_id,
        now=forecast.known_at,
    )
    return True


async def weather_forecasts_known(
    read: Read, race_ids: Collection[str], moment: datetime
) -> dict[str, WeatherForecast]:
    """Of each race the newest forecast known at `moment`, in one statement."""
    place = func.row_number().over(
        partition_by=forecasts.c.race_id, order_by=(forecasts.c.known_at.desc(), forecasts.c.id.desc())
    )
    numbered = (
        select(forecasts.c.id, place.label("place"))
        .where(forecasts.c.race_id.in_(list(race_ids)), forecasts.c.known_at <= moment)
        .subquery()
    )
    newest = select(numbered.c.id).where(numbered.c.place == 1)
    return {one.race_id: one for one in await load_weather_forecasts(read, forecasts.c.id.in_(newest))}


async def load_weather_forecasts(read: Read, *where: ColumnElement[bool]) -> list[WeatherForecast]:
    """All of them as they became known; `where` may speak of races and weather forecasts."""
    found = await read.rows(
        select(
            forecasts.c.id,
            forecasts.c.race_id,
            forecasts.c.source,
            forecasts.c.published_at,
            forecasts.c.known_at,
            forecasts.c.latitude,
            forecasts.c.longitude,
            hours.c.ends_at,
            hours.c.rain_probability,
            hours.c.precipitation,
            hours.c.temperature,
            hours.c.wind_speed,
        )
        .join(races, races.c.id == forecasts.c.race_id)
        .join(hours, hours.c.forecast_id == forecasts.c.id)
        .where(*where)
        .order_by(forecasts.c.known_at, forecasts.c.id, hours.c.ends_at)
    )
    return [_record(list(rows)) for _, rows in groupby(found, key=lambda row: row.id)]


def _record(rows: Sequence[Row[Any]]) -> WeatherForecast:
    head = rows[0]
    return WeatherForecast(
        race_id=head.race_id,
        source=head.source,
        published_at=head.published_at,
        known_at=head.known_at,
        latitude=head.latitude,
        longitude=head.longitude,
        hours=tuple(
            WeatherHour(row.ends_at, row.rain_probability, row.precipitation, row.temperature, row.wind_speed)
            for row in rows
        ),
    )
