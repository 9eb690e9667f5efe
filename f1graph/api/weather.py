"""The weather to come at a circuit, as somebody forecast it."""

# Strawberry's decorator is typed as Any without its plugin for mypy.
# mypy: disallow-untyped-decorators=False

from __future__ import annotations

from datetime import datetime

import strawberry
from strawberry import field

import f1graph.races.weather as records
from f1graph.api.context import Context
from f1graph.api.scalars import Probability


@strawberry.type(description="One hour of a weather forecast. Null is what the source does not tell.")
class WeatherForecastHour:
    ends_at: datetime = field(description="The end of the hour, in UTC.")
    rain_probability: Probability | None = field(
        description="P(more than 0.1 mm of rain or snow falls within the hour). By the source, not by us."
    )
    precipitation: float | None = field(description="Expected rain within the hour, in mm.")
    temperature: float | None = field(description="Of the air at the end of the hour, in °C.")
    wind_speed: float | None = field(description="At the end of the hour, in m/s.")

    @classmethod
    def of(cls, record: records.WeatherHour) -> WeatherForecastHour:
        return cls(
            ends_at=record.ends_at,
            rain_probability=None
            if record.rain_probability is None
            else Probability(record.rain_probability),
            precipitation=record.precipitation,
            temperature=record.temperature,
            wind_speed=record.wind_speed,
        )


@strawberry.type(
    description="The weather to come, as somebody forecast it. Show the source's attribution beside it "
    "(`service { sources }`). Our forecasts of races do not use it: there is no history of weather forecasts "
    "to learn from, and what they know of rain was measured in sessions."
)
class WeatherForecast:
    source: str = field(description="Who forecast it: `open-meteo`.")
    published_at: datetime = field(description="When the source gave it out.")
    known_at: datetime = field(description="When we learned it. `asOf` before this moment does not see it.")
    latitude: float = field(
        description="Of the place it is for, which may be some kilometres from the circuit. In degrees, "
        "north is positive."
    )
    longitude: float = field(description="The same, east is positive.")
    hours: list[WeatherForecastHour] = field(
        description="Hour by hour: a few for a session, some hundred at most for a weekend."
    )

    @classmethod
    def of(cls, record: records.WeatherForecast) -> WeatherForecast:
        return cls(
            source=record.source,
            published_at=record.published_at,
            known_at=record.known_at,
            latitude=record.latitude,
            longitude=record.longitude,
            hours=[WeatherForecastHour.of(hour) for hour in record.hours],
        )


async def known_weather_forecast(
    context: Context, race_id: str, as_of: datetime | None
) -> records.WeatherForecast | None:
    """The newest known at the moment asked for, all its hours."""
    return await context.loaders.weather_forecast.load((race_id, context.known_at(as_of)))
