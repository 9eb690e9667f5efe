"""Whom to ask for the weather to come. What they answer is checked before it is used."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from f1graph.races.calendar import Circuit, Race
from f1graph.races.weather import WeatherForecast


class WeatherProblemCode(StrEnum):
    """Why an answer gave no forecast."""

    UNAVAILABLE = "UNAVAILABLE"  # no connection, 5xx, or another answer than a forecast
    BLOCKED = "BLOCKED"  # 401, 403
    RATE_LIMITED = "RATE_LIMITED"  # 429
    TIMED_OUT = "TIMED_OUT"
    NOT_JSON = "NOT_JSON"
    MALFORMED = "MALFORMED"  # JSON, but not of the form, or in other units
    EMPTY = "EMPTY"
    WRONG_PLACE = "WRONG_PLACE"
    WRONG_TIME = "WRONG_TIME"  # hours that nobody asked for, or an answer of another day
    IMPLAUSIBLE = "IMPLAUSIBLE"  # no weather on this planet


@dataclass(frozen=True, slots=True)
class WeatherProblem:
    """Why there is no forecast.

    Attributes:
        reason: For a reader, with the value at fault.
    """

    code: WeatherProblemCode
    reason: str


class WeatherForecastSource(Protocol):
    """Somebody who forecasts the weather. Whatever goes wrong outside is in the answer."""

    @property
    def name(self) -> str:
        """As it stands in `WeatherForecast.source`."""
        ...

    @property
    def host(self) -> str:
        """Whose budget a call is taken from. A forecast is one call."""
        ...

    async def forecast(
        self, race: Race, circuit: Circuit, *, now: datetime
    ) -> WeatherForecast | WeatherProblem:
        """The weather from `now` to the end of a race that is not over, with `now` as its `known_at`.

        Never blocks the event loop, and ends within the source's own deadline.
        """
        ...
