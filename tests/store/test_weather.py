"""Weather forecasts in the database: appended, and seen from the moment on at which they were learned."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from f1graph.races.weather import WeatherForecast
from f1graph.store.engine import Store
from f1graph.store.events import newest_sequence
from f1graph.store.facts import record_facts
from f1graph.store.past import load_history
from f1graph.store.tables.recordings import weather_forecasts
from f1graph.store.weather import record_weather_forecast, weather_forecasts_known
from tests.api.seed import facts_of
from tests.builders import a_history, a_moment, a_season, a_weather_forecast

RACES = a_season(2024, 2)
FIRST, SECOND = RACES
FRIDAY, SATURDAY = (FIRST.starts_at - timedelta(days=days) for days in (2, 1))
EARLIER, LATER = a_weather_forecast(FIRST, FRIDAY, rain=0.1), a_weather_forecast(FIRST, SATURDAY, rain=0.9)


@pytest.fixture(autouse=True)
async def _two_races(store: Store) -> None:
    async with store.write() as write:
        await record_facts(write, facts_of(a_history(RACES, [])), now=a_moment("2024-01-01"))


async def told(store: Store, *forecasts: WeatherForecast) -> list[bool]:
    async with store.write() as write:
        return [await record_weather_forecast(write, forecast) for forecast in forecasts]


async def rows(store: Store) -> int:
    async with store.read() as read:
        return int(await read.value(select(func.count()).select_from(weather_forecasts)))


async def test_a_newer_one_stands_beside_the_older(store: Store) -> None:
    assert await told(store, EARLIER, LATER) == [True, True]

    async with store.read() as read:
        known = [
            await weather_forecasts_known(read, [FIRST.id, SECOND.id], moment)
            for moment in (FRIDAY - timedelta(seconds=1), FRIDAY, SATURDAY)
        ]
    assert known == [{}, {FIRST.id: EARLIER}, {FIRST.id: LATER}]


async def test_the_same_words_are_kept_once_and_count_again_after_others(store: Store) -> None:
    again, once_more = (
        replace(EARLIER, known_at=moment, published_at=moment)
        for moment in (FRIDAY + timedelta(hours=6), SATURDAY + timedelta(hours=6))
    )

    assert await told(store, EARLIER, again, LATER, once_more) == [True, False, True, True]
    assert await rows(store) == 3


async def test_each_race_has_its_own(store: Store) -> None:
    other = a_weather_forecast(SECOND, SATURDAY, rain=0.5)
    await told(store, EARLIER, other)

    async with store.read() as read:
        known = await weather_forecasts_known(read, [FIRST.id, SECOND.id], SATURDAY)
    assert known == {FIRST.id: EARLIER, SECOND.id: other}


async def test_news_counts_up_what_users_see_and_the_same_words_do_not(store: Store) -> None:
    versions = []
    for forecast in (EARLIER, EARLIER, LATER):
        await told(store, forecast)
        async with store.read() as read:
            versions.append(await newest_sequence(read))

    assert versions[0] == versions[1] < versions[2]


async def test_a_history_has_all_of_them(store: Store) -> None:
    await told(store, EARLIER, LATER)

    async with store.read() as read:
        history = await load_history(read)
        of_another_season = await load_history(read, from_season=2025)

    assert history.weather_forecasts == (EARLIER, LATER)
    assert history.as_of(FRIDAY).weather_forecast(FIRST.id) == EARLIER
    assert of_another_season.weather_forecasts == ()
