"""What a user reads about the weather to come."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from f1graph.store.engine import open_store
from f1graph.store.ledger import claim, fail, finish
from f1graph.store.weather import record_weather_forecast
from tests.api.conftest import Api, start
from tests.api.seed import FIRST, NEXT, NOW
from tests.api.test_statements import _app, _ask, counted
from tests.builders import a_weather_forecast

FRIDAY, SATURDAY = NOW - timedelta(days=2), NOW - timedelta(days=1)
# The last has not been learned yet.
FORECASTS = [
    a_weather_forecast(NEXT, known_at, rain=rain)
    for known_at, rain in ((FRIDAY, 0.1), (SATURDAY, 0.6), (NOW + timedelta(hours=1), 0.9))
]


@pytest.fixture
async def _forecast(url: str) -> None:
    store = open_store(url)
    async with store.write() as write:
        for forecast in FORECASTS:
            await record_weather_forecast(write, forecast)
    await store.close()


def weather(api: Api, fields: str, race_id: str = NEXT.id) -> Any:
    return api.ask(f'{{ race(id: "{race_id}") {{ {fields} }} }}')["race"]


@pytest.mark.usefixtures("_forecast")
def test_the_weather_of_a_race_is_told_with_its_source_and_its_age(api: Api) -> None:
    told = weather(
        api,
        "session(kind: RACE) { weatherForecast { source publishedAt knownAt latitude longitude"
        " hours { endsAt rainProbability precipitation temperature windSpeed } } }",
    )["session"]["weatherForecast"]

    hours = told.pop("hours")
    assert told == {
        "source": "open-meteo",
        "publishedAt": f"{SATURDAY - timedelta(minutes=5):%Y-%m-%dT%H:%M:%SZ}",
        "knownAt": f"{SATURDAY:%Y-%m-%dT%H:%M:%SZ}",
        "latitude": 45.625,
        "longitude": 9.25,
    }
    # The race is from 13:00 to 15:00; the hour that ends at its start is not of it.
    assert hours == [
        {
            "endsAt": f"{NEXT.starts_at + timedelta(hours=n):%Y-%m-%dT%H:%M:%SZ}",
            "rainProbability": 0.6,
            "precipitation": pytest.approx(0.1 * n),
            "temperature": 20.0 + n,
            "windSpeed": None,
        }
        for n in (1, 2)
    ]


@pytest.mark.usefixtures("_forecast")
def test_the_weekend_s_forecast_has_every_hour_and_as_of_friday_friday_s_words(api: Api) -> None:
    fields = "weatherForecast%s { hours { rainProbability } }"
    now = weather(api, fields % "")["weatherForecast"]
    friday = weather(api, fields % f'(asOf: "{FRIDAY.isoformat()}")')["weatherForecast"]
    before = weather(api, fields % f'(asOf: "{(FRIDAY - timedelta(minutes=1)).isoformat()}")')

    assert [hour["rainProbability"] for hour in now["hours"]] == [0.6] * 6
    assert [hour["rainProbability"] for hour in friday["hours"]] == [0.1] * 6
    assert before == {"weatherForecast": None}


@pytest.mark.usefixtures("_forecast")
def test_where_nobody_forecast_the_weather_there_is_none(api: Api) -> None:
    fields = "weatherForecast { source } sessions { weatherForecast { source } }"

    assert weather(api, fields, FIRST.id) == {
        "weatherForecast": None,
        "sessions": [{"weatherForecast": None}] * len(FIRST.sessions),
    }
    # It says nothing of Friday's practice any more.
    of_next = weather(api, fields)["sessions"]
    assert [one["weatherForecast"] is not None for one in of_next] == [False] * (len(of_next) - 1) + [True]


@pytest.mark.usefixtures("_forecast")
async def test_the_weather_of_a_season_is_one_question(url: str) -> None:
    store = open_store(url)
    query = "{ season(year: 2024) { races { weatherForecast { hours { endsAt } } } } }"
    with counted(store) as alone:
        await _ask(_app(store), "{ season(year: 2024) { races { slug } } }")
    with counted(store) as statements:
        await _ask(_app(store), query)
    await store.close()

    assert len(statements) == len(alone) + 1


def test_the_source_is_told_with_its_terms_its_budget_and_what_went_wrong(sqlite_url: str) -> None:
    fields = (
        "{ service { sources { name attribution licence url lastSuccess lastProblem { code work }"
        " budget { host perHour left } } } }"
    )
    with start(sqlite_url, weather_forecast=True, fastf1=False) as client:
        api = Api(client, sqlite_url)
        client.portal.call(_two_fetches, sqlite_url)  # type: ignore[union-attr]  # it runs
        told = {one["name"]: one for one in api.ask(fields)["service"]["sources"]}["open-meteo"]

    assert "Open-Meteo.com" in told["attribution"]
    assert "CC BY 4.0" in told["licence"]
    assert "commercial" in told["licence"]
    assert told["lastSuccess"] == f"{FRIDAY:%Y-%m-%dT%H:%M:%SZ}"
    assert told["lastProblem"] == {"code": "RATE_LIMITED", "work": "WEATHER/2024-gp-4/later"}
    assert told["budget"] == [{"host": "open_meteo", "perHour": 20, "left": 20}]


async def _two_fetches(url: str) -> None:
    store = open_store(url)
    problem = {"part": "WEATHER_FORECAST", "code": "RATE_LIMITED", "reason": "429", "host": "open_meteo"}
    detail = {"source": "open-meteo", "problems": [problem]}
    async with store.write() as write:
        for name, now in (("earlier", FRIDAY), ("later", SATURDAY)):
            key, lease = f"WEATHER/{NEXT.id}/{name}", timedelta(minutes=1)
            await claim(write, key, kind="WEATHER", worker="w", now=now, lease=lease, race_id=NEXT.id)
            if name == "earlier":
                await finish(write, key, worker="w", now=now, detail={"source": "open-meteo"})
            else:
                await fail(write, key, worker="w", now=now, error="no", pause=timedelta(0), detail=detail)
    await store.close()
