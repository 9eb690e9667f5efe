"""What a weather forecast is, and what it is of the hours of a session."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from f1graph.races.weather import WeatherHour
from tests.builders import a_moment, a_race, a_weather_forecast

RACE = a_race()
MORNING = RACE.starts_at - timedelta(hours=5)
FORECAST = a_weather_forecast(RACE, MORNING)


def test_the_weather_of_a_race_is_that_of_the_hours_in_which_it_is_driven() -> None:
    start = RACE.starts_at.replace(minute=30)
    forecast = a_weather_forecast(RACE, MORNING, first=start.replace(minute=0), hours=6)

    during = forecast.between(start, start + timedelta(hours=2))

    assert during is not None
    # The hours that end at half past and later, up to the one in which it ends.
    assert [hour.ends_at.hour - start.hour for hour in during.hours] == [1, 2, 3]
    assert (during.source, during.published_at) == (forecast.source, forecast.published_at)
    assert forecast.between(start - timedelta(days=1), start - timedelta(hours=20)) is None


def test_an_hour_that_ends_as_a_session_begins_is_none_of_it() -> None:
    start = FORECAST.hours[0].ends_at

    during = FORECAST.between(start, start + timedelta(hours=1))

    assert during is not None
    assert during.hours == FORECAST.hours[1:2]


def test_the_same_words_said_later_are_the_same_words() -> None:
    later = replace(FORECAST, known_at=RACE.starts_at, published_at=RACE.starts_at)

    assert later.content_hash == FORECAST.content_hash
    assert a_weather_forecast(RACE, MORNING, rain=0.3).content_hash != FORECAST.content_hash


def test_nobody_knows_a_forecast_before_it_is_published() -> None:
    with pytest.raises(ValueError, match="cannot be known at"):
        replace(FORECAST, published_at=FORECAST.known_at + timedelta(seconds=1))


@pytest.mark.parametrize("hours", [(), FORECAST.hours[::2], FORECAST.hours[::-1], FORECAST.hours[:1] * 2])
def test_its_hours_follow_each_other(hours: tuple[WeatherHour, ...]) -> None:
    with pytest.raises(ValueError, match="do not follow each other"):
        replace(FORECAST, hours=hours)


@pytest.mark.parametrize("chance", [-0.01, 1.01, 70])
def test_a_chance_of_rain_is_no_percentage(chance: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        WeatherHour(a_moment("2024-03-14 13:00"), chance, None, None, None)


def test_its_times_have_a_zone() -> None:
    with pytest.raises(ValueError, match="forecast hour"):
        WeatherHour(datetime(2024, 3, 14, 13), 0.1, None, None, None)  # noqa: DTZ001  # that is the point
