"""What somebody forecasts of the weather at a circuit, hour by hour.

Measured weather is a part of a session's recording: see `laps`. There is no history of past weather
forecasts here, so nothing can be learnt from them: no feature is made of one, and what models know of rain
they have learnt from weather that was measured in sessions.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import astuple, dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property
from itertools import pairwise

from f1graph.races.times import require_utc

HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class WeatherHour:
    """One hour; None is what the source does not tell.

    Attributes:
        ends_at: A full hour.
        rain_probability: Of more than 0.1 mm within the hour, in [0, 1].
        precipitation: Expected within the hour, mm.
        temperature: Of the air at its end, °C.
        wind_speed: At its end, m/s.
    """

    ends_at: datetime
    rain_probability: float | None
    precipitation: float | None
    temperature: float | None
    wind_speed: float | None

    def __post_init__(self) -> None:
        require_utc(self.ends_at, "the end of a forecast hour")
        if self.rain_probability is not None and not 0 <= self.rain_probability <= 1:
            raise ValueError(f"a chance of rain is between 0 and 1, not {self.rain_probability}")


@dataclass(frozen=True)
class WeatherForecast:
    """One forecast of the weather at a race's circuit. Another one never takes its place, it stands beside.

    Attributes:
        source: Who made it.
        published_at: When the source gave it out.
        known_at: When we learned it: what is made before does not know it.
        latitude, longitude: Of the place it is for, which may be some kilometres from the circuit.
        hours: Ascending, without a gap.
    """

    race_id: str
    source: str
    published_at: datetime
    known_at: datetime
    latitude: float
    longitude: float
    hours: tuple[WeatherHour, ...]

    def __post_init__(self) -> None:
        require_utc(self.published_at, "the publication of a weather forecast")
        require_utc(self.known_at, "known_at of a weather forecast")
        if self.published_at > self.known_at:
            raise ValueError(
                f"a weather forecast of {self.published_at} cannot be known at {self.known_at} already"
            )
        ends = [hour.ends_at for hour in self.hours]
        if not ends or any(later - end != HOUR for end, later in pairwise(ends)):
            raise ValueError(f"the hours of a weather forecast of {self.race_id} do not follow each other")

    @cached_property
    def content_hash(self) -> str:
        """What it says, as SHA-256, whenever it was said."""
        hours = [[hour.ends_at.isoformat(), *astuple(hour)[1:]] for hour in self.hours]
        said = [self.race_id, self.source, self.latitude, self.longitude, hours]
        return hashlib.sha256(json.dumps(said).encode()).hexdigest()

    def between(self, starts_at: datetime, ends_at: datetime) -> WeatherForecast | None:
        """The same for the hours in which a session is driven; None where it says nothing of them."""
        hours = tuple(
            hour for hour in self.hours if hour.ends_at > starts_at and hour.ends_at - HOUR < ends_at
        )
        return replace(self, hours=hours) if hours else None
