"""What is taken of Open-Meteo's answers, and what is refused."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from f1graph.races.weather import WeatherForecast, WeatherHour
from f1graph.sources.open_meteo import OpenMeteo
from f1graph.sources.weather import WeatherProblem, WeatherProblemCode
from f1graph.worker.embedded import free_port
from tests.builders import a_circuit, a_race
from tests.sources.weather_host import Change, WeatherHost, weather_host

RACE, CIRCUIT = a_race(), a_circuit()
# Saturday, a quarter past an hour; the race is from 13:00 to 15:00 on Sunday.
NOW = RACE.starts_at - timedelta(days=1) + timedelta(minutes=15)


@pytest.fixture
def host() -> Iterator[WeatherHost]:
    with weather_host() as started:
        started.date = NOW + timedelta(seconds=2)
        yield started


async def ask(host: WeatherHost) -> WeatherForecast | WeatherProblem:
    return await OpenMeteo(host.url).forecast(RACE, CIRCUIT, now=NOW)


async def refused(host: WeatherHost) -> tuple[WeatherProblemCode, str]:
    answer = await ask(host)
    assert isinstance(answer, WeatherProblem), answer
    return answer.code, answer.reason


def with_hourly(**changed: Any) -> Change:
    return lambda answer: {**answer, "hourly": {**answer["hourly"], **changed}}


def with_values(name: str, value: Any) -> Change:
    """The third hour has another value."""

    def change(answer: dict[str, Any]) -> Any:
        answer["hourly"][name][2] = value
        return answer

    return change


async def test_the_hours_from_now_to_the_end_of_the_race_come_in_our_units(host: WeatherHost) -> None:
    forecast = await ask(host)

    assert isinstance(forecast, WeatherForecast)
    assert (forecast.race_id, forecast.source) == (RACE.id, "open-meteo")
    assert (forecast.latitude, forecast.longitude) == (45.5, 9.25)
    # By its own clock, which is two seconds ahead of ours.
    assert (forecast.published_at, forecast.known_at) == (NOW, NOW)
    assert len(forecast.hours) == 26
    first, last = forecast.hours[0], forecast.hours[-1]
    assert first.ends_at == NOW.replace(minute=0) + timedelta(hours=1)
    assert last.ends_at == RACE.ends_at
    assert forecast.hours[10] == WeatherHour(
        NOW.replace(minute=0) + timedelta(hours=11), 0.1, 1.0, 24.0, None
    )


async def test_it_is_asked_for_one_place_in_metric_units_and_utc(host: WeatherHost) -> None:
    await ask(host)

    assert host.paths == ["/v1/forecast"]
    (asked,) = host.asked
    assert asked == {
        "latitude": "45.6",
        "longitude": "9.3",
        "hourly": "precipitation_probability,precipitation,temperature_2m,wind_speed_10m",
        "wind_speed_unit": "ms",
        "timeformat": "unixtime",
        "timezone": "GMT",
        "start_hour": f"{NOW + timedelta(hours=1):%Y-%m-%dT%H:00}",
        "end_hour": f"{RACE.ends_at:%Y-%m-%dT%H:00}",
    }


async def test_an_earlier_publication_is_told_as_the_host_says_it(host: WeatherHost) -> None:
    host.date = NOW - timedelta(minutes=40)

    forecast = await ask(host)

    assert isinstance(forecast, WeatherForecast)
    assert forecast.published_at == NOW - timedelta(minutes=40)
    assert forecast.known_at == NOW


async def test_a_host_without_a_clock_published_when_it_answered(host: WeatherHost) -> None:
    host.date = None

    forecast = await ask(host)

    assert isinstance(forecast, WeatherForecast)
    assert forecast.published_at == NOW


LIMIT = {"error": True, "reason": "Minutely API request limit exceeded. Please try again in one minute."}
CODES = WeatherProblemCode


@pytest.mark.parametrize(
    ("status", "body", "code", "said"),
    [
        (429, LIMIT, CODES.RATE_LIMITED, "429: Minutely API request limit exceeded"),
        (400, LIMIT, CODES.RATE_LIMITED, "400: Minutely API request limit exceeded"),
        (200, LIMIT, CODES.RATE_LIMITED, "200: Minutely"),
        (429, b"", CODES.RATE_LIMITED, "429: "),
        (500, b"oops", CODES.UNAVAILABLE, "500: oops"),
        (502, b"<html>Bad Gateway</html>", CODES.UNAVAILABLE, "502: <html>"),
        (
            400,
            {"error": True, "reason": "Latitude must be in range"},
            CODES.UNAVAILABLE,
            "400: Latitude must",
        ),
        (200, {"error": True, "reason": "no data for this place"}, CODES.UNAVAILABLE, "200: no data"),
        (301, b"", CODES.UNAVAILABLE, "301"),
        (403, b"denied by proxy", CODES.BLOCKED, "403: denied by proxy"),
    ],
)
async def test_an_answer_that_is_no_forecast_is_told_for_what_it_is(
    host: WeatherHost, status: int, body: Any, code: WeatherProblemCode, said: str
) -> None:
    host.status = status
    host.change = lambda answer: body

    found, reason = await refused(host)

    assert found is code
    assert said in reason


@pytest.mark.parametrize(
    ("change", "code", "said"),
    [
        (lambda answer: b"", CODES.NOT_JSON, "begins with"),
        (lambda answer: b"<html>Wi-Fi login</html>", CODES.NOT_JSON, "<html>Wi-Fi"),
        (lambda answer: json.dumps(answer).encode()[:-40], CODES.NOT_JSON, "latitude"),
        (with_values("temperature_2m", float("nan")), CODES.NOT_JSON, "latitude"),
        (lambda answer: b"[]", CODES.MALFORMED, "no forecast by the hour"),
        (lambda answer: {}, CODES.MALFORMED, "no forecast by the hour"),
        (lambda answer: {**answer, "hourly": None}, CODES.MALFORMED, "no forecast by the hour"),
        (lambda answer: {**answer, "latitude": "45.5"}, CODES.MALFORMED, "it is for ['45.5', 9.25]"),
        (lambda answer: {**answer, "longitude": None}, CODES.MALFORMED, "it is for [45.5, None]"),
        (lambda answer: {**answer, "latitude": -45.5}, CODES.WRONG_PLACE, "km from Monza"),
        (lambda answer: {**answer, "longitude": 10.25}, CODES.WRONG_PLACE, "it is for 45.5, 10.25"),
        (lambda answer: {**answer, "hourly_units": {}}, CODES.MALFORMED, "its units are"),
        (
            lambda answer: {**answer, "hourly_units": {**answer["hourly_units"], "wind_speed_10m": "km/h"}},
            CODES.MALFORMED,
            "km/h",
        ),
        (lambda answer: {**answer, "utc_offset_seconds": 7200}, CODES.MALFORMED, "its units are"),
        (with_hourly(precipitation=[0.0]), CODES.MALFORMED, "different lengths"),
        (with_hourly(precipitation=None), CODES.MALFORMED, "columns are missing"),
        (with_values("precipitation", "heavy"), CODES.MALFORMED, "precipitation is 'heavy'"),
        (with_values("precipitation", True), CODES.MALFORMED, "precipitation is True"),
        (with_values("precipitation", -1), CODES.IMPLAUSIBLE, "precipitation is -1, not between 0 and 500"),
        (with_values("precipitation_probability", 101), CODES.IMPLAUSIBLE, "is 101"),
        (with_values("temperature_2m", 295.0), CODES.IMPLAUSIBLE, "temperature_2m is 295.0"),
        (with_values("wind_speed_10m", 1e300), CODES.IMPLAUSIBLE, "wind_speed_10m is 1e+300"),
        (
            lambda answer: {**answer, "hourly": {name: [] for name in answer["hourly"]}},
            CODES.EMPTY,
            "it has no hour",
        ),
        (
            lambda answer: {
                **answer,
                "hourly": {
                    name: column if name == "time" else [None] * len(column)
                    for name, column in answer["hourly"].items()
                },
            },
            CODES.EMPTY,
            "no hour has a value",
        ),
        (
            lambda answer: {**answer, "hourly": {k: v[:-1] for k, v in answer["hourly"].items()}},
            CODES.WRONG_TIME,
            "25 hours",
        ),
        (
            lambda answer: {
                **answer,
                "hourly": {
                    **answer["hourly"],
                    "time": [time + 86_400 for time in answer["hourly"]["time"]],
                },
            },
            CODES.WRONG_TIME,
            "are not the 26 from",
        ),
        (with_values("time", "2024-03-02T13:00"), CODES.WRONG_TIME, "are not the 26"),
        (lambda answer: b" " * 300_000, CODES.MALFORMED, "sends more than 262,144 bytes"),
    ],
)
async def test_a_forecast_with_one_thing_wrong_is_refused_whole(
    host: WeatherHost, change: Change, code: WeatherProblemCode, said: str
) -> None:
    """S4: nothing of it is used, and the value at fault is named."""
    host.change = change

    found, reason = await refused(host)

    assert (found, said in reason) == (code, True), reason


@pytest.mark.parametrize("days", [-1, 1, 400])
async def test_p1_today_s_weather_is_not_told_to_a_past_that_is_lived_again(
    host: WeatherHost, days: int
) -> None:
    """P1: it would be a forecast of weather that is known."""
    host.date = NOW + timedelta(days=days)

    code, reason = await refused(host)

    assert code is CODES.WRONG_TIME
    assert "the clock here shows" in reason


async def test_a_host_that_hangs_is_given_up(host: WeatherHost) -> None:
    host.hangs = threading.Event()

    answer = await OpenMeteo(host.url, deadline=timedelta(milliseconds=50)).forecast(RACE, CIRCUIT, now=NOW)

    assert isinstance(answer, WeatherProblem)
    assert answer.code is CODES.TIMED_OUT


@pytest.mark.parametrize("url", ["http://127.0.0.1:{port}", "http://"])
async def test_a_host_that_is_not_there_is_told(url: str) -> None:
    source = OpenMeteo(url.format(port=free_port()))

    answer = await source.forecast(RACE, CIRCUIT, now=NOW)

    assert isinstance(answer, WeatherProblem)
    assert answer.code is CODES.UNAVAILABLE
    assert "cannot be reached" in answer.reason


async def test_the_place_may_be_across_the_date_line(host: WeatherHost) -> None:
    """The middle of a cell at 180 degrees is the same place as at -180."""
    circuit = replace(CIRCUIT, longitude=179.95)
    host.change = lambda answer: {**answer, "longitude": -179.9}

    answer = await OpenMeteo(host.url).forecast(RACE, circuit, now=NOW)

    assert isinstance(answer, WeatherForecast)
