"""Weather forecasts of Open-Meteo.com (CC BY 4.0; the free service is not for commercial use).

Open-Meteo combines the newest runs of several weather services and does not say of when they are, so a
forecast counts as published when it was given out: https://open-meteo.com/en/docs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from math import asin, cos, radians, sin, sqrt
from typing import Any, TypeGuard

import httpx
import orjson

from f1graph import __version__
from f1graph.races.calendar import Circuit, Race
from f1graph.races.weather import HOUR, WeatherForecast, WeatherHour
from f1graph.sources.weather import WeatherProblem, WeatherProblemCode

OPEN_METEO = "https://api.open-meteo.com"

_DEADLINE = timedelta(seconds=20)
# A hundred hours of four values have 4 kB.
_MAX_BYTES = 256 * 1024
# The answer names the middle of its grid's cell; the coarsest grids have cells of 55 km.
_FARTHEST_KM = 60.0
_CLOCKS_DIFFER = timedelta(hours=1)
_REASON_LENGTH = 200
# What is asked, in what unit it must come, and what it can be on this planet.
_ASKED: Mapping[str, tuple[str, float, float]] = {
    "precipitation_probability": ("%", 0, 100),
    "precipitation": ("mm", 0, 500),
    "temperature_2m": ("°C", -60, 65),
    "wind_speed_10m": ("m/s", 0, 120),
}


class _RefusedError(Exception):
    def __init__(self, code: WeatherProblemCode, reason: str) -> None:
        super().__init__(reason)
        self.problem = WeatherProblem(code, reason)


class OpenMeteo:
    """Args:
    base_url: Where the service answers.
    deadline: A connection or an answer that takes longer is given up.
    """

    name = "open-meteo"
    host = "open_meteo"

    def __init__(self, base_url: str = OPEN_METEO, *, deadline: timedelta = _DEADLINE) -> None:
        self._url = base_url.rstrip("/") + "/v1/forecast"
        self._deadline = deadline

    async def forecast(
        self, race: Race, circuit: Circuit, *, now: datetime
    ) -> WeatherForecast | WeatherProblem:
        first, last = _full_hour(now), _full_hour(race.ends_at - timedelta(microseconds=1))
        try:
            response = await self._get(circuit, first, last)
            return _read(response, race, circuit, first=first, last=last, now=now)
        except _RefusedError as error:
            return error.problem

    async def _get(self, circuit: Circuit, first: datetime, last: datetime) -> httpx.Response:
        asked: dict[str, str | float] = {
            "latitude": circuit.latitude,
            "longitude": circuit.longitude,
            "hourly": ",".join(_ASKED),
            "wind_speed_unit": "ms",
            "timeformat": "unixtime",
            "timezone": "GMT",
            "start_hour": f"{first:%Y-%m-%dT%H:%M}",
            "end_hour": f"{last:%Y-%m-%dT%H:%M}",
        }
        headers = {"accept": "application/json", "user-agent": f"f1graph/{__version__}"}
        try:
            async with (
                asyncio.timeout(self._deadline.total_seconds()),
                httpx.AsyncClient(timeout=None, headers=headers) as client,
                client.stream("GET", self._url, params=asked) as response,
            ):
                body = bytearray()
                async for piece in response.aiter_bytes():
                    body += piece
                    if len(body) > _MAX_BYTES:
                        raise _RefusedError(
                            WeatherProblemCode.MALFORMED, f"{self._url} sends more than {_MAX_BYTES:,} bytes"
                        )
                return httpx.Response(response.status_code, headers=_date_of(response), content=bytes(body))
        except TimeoutError as error:
            raise _RefusedError(
                WeatherProblemCode.TIMED_OUT, f"{self._url} did not answer within {self._deadline}"
            ) from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise _RefusedError(
                WeatherProblemCode.UNAVAILABLE,
                f"{self._url} cannot be reached ({type(error).__name__}: {error})",
            ) from error


def _date_of(response: httpx.Response) -> dict[str, str]:
    return {"date": response.headers["date"]} if "date" in response.headers else {}


def _read(
    response: httpx.Response, race: Race, circuit: Circuit, *, first: datetime, last: datetime, now: datetime
) -> WeatherForecast:
    answer = _json_of(response)
    published_at = _given_out_at(response, now)
    latitude, longitude = _place(answer, circuit)
    return WeatherForecast(
        race_id=race.id,
        source=OpenMeteo.name,
        published_at=published_at,
        known_at=now,
        latitude=latitude,
        longitude=longitude,
        hours=_hours(answer, first, last),
    )


def _json_of(response: httpx.Response) -> dict[str, Any]:
    try:
        answer = orjson.loads(response.content)
    except orjson.JSONDecodeError:
        answer = None
    said = answer.get("reason") if isinstance(answer, dict) else None
    told = str(said if said is not None else response.text)[:_REASON_LENGTH]
    status = response.status_code
    # A spent allowance has been seen with other numbers than 429.
    if status == httpx.codes.TOO_MANY_REQUESTS or (said and "limit exceeded" in told.lower()):
        raise _RefusedError(WeatherProblemCode.RATE_LIMITED, f"{status}: {told}")
    if status in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
        raise _RefusedError(WeatherProblemCode.BLOCKED, f"{status}: {told}")
    if status != httpx.codes.OK or said is not None:
        raise _RefusedError(WeatherProblemCode.UNAVAILABLE, f"{status}: {told}")
    if answer is None:
        raise _RefusedError(WeatherProblemCode.NOT_JSON, f"it begins with {told[:80]!r}")
    if not isinstance(answer, dict) or not isinstance(answer.get("hourly"), dict):
        raise _RefusedError(WeatherProblemCode.MALFORMED, f"no forecast by the hour: {told[:80]!r}")
    return answer


def _given_out_at(response: httpx.Response, now: datetime) -> datetime:
    """By the host's own clock: a past weekend that is lived again must not learn today's weather."""
    try:
        date = parsedate_to_datetime(response.headers["date"]).astimezone(UTC)
    except (KeyError, ValueError):
        return now
    if abs(date - now) > _CLOCKS_DIFFER:
        raise _RefusedError(
            WeatherProblemCode.WRONG_TIME,
            f"it was given out at {date:%Y-%m-%d %H:%M} UTC, but the clock here shows {now:%Y-%m-%d %H:%M}",
        )
    return min(date, now)


def _place(answer: Mapping[str, Any], circuit: Circuit) -> tuple[float, float]:
    place = [answer.get(name) for name in ("latitude", "longitude")]
    numbers = [float(one) for one in place if _is_number(one)]
    if len(numbers) != len(place):
        raise _RefusedError(WeatherProblemCode.MALFORMED, f"it is for {place!r}")
    latitude, longitude = numbers
    away = _distance_km((latitude, longitude), (circuit.latitude, circuit.longitude))
    if away > _FARTHEST_KM:
        raise _RefusedError(
            WeatherProblemCode.WRONG_PLACE,
            f"it is for {latitude}, {longitude}, which is {away:.0f} km from {circuit.name}",
        )
    return latitude, longitude


def _distance_km(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Along the great circle (haversine)."""
    (latitude, longitude), (north, east) = ([radians(degree) for degree in place] for place in (one, other))
    chord = sin((north - latitude) / 2) ** 2 + cos(latitude) * cos(north) * sin((east - longitude) / 2) ** 2
    return 2 * 6371.0 * asin(min(1.0, sqrt(chord)))


def _hours(answer: Mapping[str, Any], first: datetime, last: datetime) -> tuple[WeatherHour, ...]:
    units, hourly = answer.get("hourly_units"), answer["hourly"]
    wanted = {"time": "unixtime", **{name: unit for name, (unit, _, _) in _ASKED.items()}}
    found = {name: units.get(name) for name in wanted} if isinstance(units, dict) else units
    if found != wanted or answer.get("utc_offset_seconds") != 0:
        raise _RefusedError(WeatherProblemCode.MALFORMED, f"its units are {found!r}, not {wanted!r}")
    columns = [hourly.get(name) for name in wanted]
    if not all(isinstance(column, list) and len(column) == len(columns[0]) for column in columns):
        raise _RefusedError(WeatherProblemCode.MALFORMED, "its columns are missing or of different lengths")
    ends = _ends(columns[0], first, last)
    values = [_checked(name, column) for name, column in zip(_ASKED, columns[1:], strict=True)]
    if all(value is None for column in values for value in column):
        raise _RefusedError(WeatherProblemCode.EMPTY, "no hour has a value")
    chances, amounts, temperatures, winds = values
    return tuple(
        WeatherHour(end, None if chance is None else chance / 100, amount, temperature, wind)
        for end, chance, amount, temperature, wind in zip(
            ends, chances, amounts, temperatures, winds, strict=True
        )
    )


def _ends(times: Sequence[Any], first: datetime, last: datetime) -> list[datetime]:
    if not times:
        raise _RefusedError(WeatherProblemCode.EMPTY, "it has no hour")
    expected = [first + n * HOUR for n in range((last - first) // HOUR + 1)]
    if [int(time) if _is_number(time) else time for time in times] != [
        int(end.timestamp()) for end in expected
    ]:
        raise _RefusedError(
            WeatherProblemCode.WRONG_TIME,
            f"{len(times)} hours from {times[0]!r} to {times[-1]!r} are not the {len(expected)} from "
            f"{expected[0]:%Y-%m-%d %H:%M} to {expected[-1]:%Y-%m-%d %H:%M} UTC",
        )
    return expected


def _checked(name: str, column: Sequence[Any]) -> list[float | None]:
    _, low, high = _ASKED[name]
    for value in column:
        if value is None:
            continue
        if not _is_number(value):
            raise _RefusedError(WeatherProblemCode.MALFORMED, f"{name} is {value!r}")
        if not low <= value <= high:
            raise _RefusedError(
                WeatherProblemCode.IMPLAUSIBLE, f"{name} is {value}, not between {low} and {high}"
            )
    return [None if value is None else float(value) for value in column]


def _is_number(value: Any) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _full_hour(moment: datetime) -> datetime:
    """The end of the hour in which a moment lies."""
    return moment.replace(minute=0, second=0, microsecond=0) + HOUR
