"""What is recorded of a session lap by lap, beside its classification: laps, weather, messages, flags."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cached_property
from typing import Any

from f1graph.races.calendar import SessionKind
from f1graph.races.results import KnownAtBasis
from f1graph.races.times import require_utc


class SessionPart(StrEnum):
    """What a recording consists of. Each part is fetched, checked, stored and revised for itself."""

    LAPS = "LAPS"
    WEATHER = "WEATHER"
    RACE_CONTROL = "RACE_CONTROL"
    TRACK_STATUS = "TRACK_STATUS"


class Compound(StrEnum):
    """A tyre as it is called in its weekend; until 2018 there were more names for dry ones."""

    HYPERSOFT = "HYPERSOFT"
    ULTRASOFT = "ULTRASOFT"
    SUPERSOFT = "SUPERSOFT"
    SOFT = "SOFT"
    MEDIUM = "MEDIUM"
    HARD = "HARD"
    SUPERHARD = "SUPERHARD"
    INTERMEDIATE = "INTERMEDIATE"
    WET = "WET"
    TEST = "TEST"
    UNKNOWN = "UNKNOWN"


class TrackStatus(StrEnum):
    """The state of the track; the values are the timing system's codes."""

    CLEAR = "1"
    YELLOW = "2"
    SAFETY_CAR = "4"
    RED = "5"
    VIRTUAL_SAFETY_CAR = "6"
    VIRTUAL_SAFETY_CAR_ENDING = "7"


@dataclass(frozen=True, slots=True)
class Lap:
    """One lap of one driver.

    Attributes:
        number: 1 is the first lap of the session.
        at: End of the lap since the start of the recording, which is before the session's start.
        time: None for many laps into or out of the pits, and where it was not measured.
        stint: 1 until the first change of tyres.
        compound_name: Which rubber it was, such as `C3`, where known.
        tyre_life: Laps these tyres had done after this one.
        track_status: Every code that was shown during the lap, in order: `"1"`, `"24"`.
        position: At the end of the lap of a race or sprint; not the classification, which knows penalties.
        is_accurate: Its times fit together, and it is no lap into or out of the pits or behind a safety car.
        deleted: The time was taken away for leaving the track; None where nobody recorded it.
        speed_1, speed_2, speed_finish, speed_trap: km/h at the two sector ends, at the line, and on the
            longest straight.
    """

    driver_id: str
    number: int
    at: timedelta | None = None
    time: timedelta | None = None
    sector_1: timedelta | None = None
    sector_2: timedelta | None = None
    sector_3: timedelta | None = None
    stint: int | None = None
    compound: Compound | None = None
    compound_name: str | None = None
    tyre_life: int | None = None
    fresh_tyre: bool | None = None
    pit_in_at: timedelta | None = None
    pit_out_at: timedelta | None = None
    track_status: str | None = None
    position: int | None = None
    is_personal_best: bool | None = None
    is_accurate: bool | None = None
    deleted: bool | None = None
    deleted_reason: str | None = None
    speed_1: float | None = None
    speed_2: float | None = None
    speed_finish: float | None = None
    speed_trap: float | None = None


@dataclass(frozen=True, slots=True)
class WeatherSample:
    """The weather at the circuit, measured about once a minute.

    Attributes:
        at: Since the start of the recording.
        air_temperature, track_temperature: °C.
        humidity: %.
        pressure: mbar.
        wind_speed: m/s.
        wind_direction: Degrees; 0 is from the north.
    """

    at: timedelta
    air_temperature: float | None = None
    track_temperature: float | None = None
    humidity: float | None = None
    pressure: float | None = None
    rain: bool | None = None
    wind_speed: float | None = None
    wind_direction: int | None = None


@dataclass(frozen=True, slots=True)
class RaceControlMessage:
    """A message of race control to everybody.

    Attributes:
        order: 1, 2, 3 … as sent.
        lap: Of the leader, in a race or sprint.
        flag: Such as `YELLOW`, `CHEQUERED`; None for a message without one.
        scope: `Track`, `Sector` or `Driver`.
        car_number: Of whom it speaks.
    """

    order: int
    sent_at: datetime
    category: str
    message: str
    lap: int | None = None
    flag: str | None = None
    scope: str | None = None
    sector: int | None = None
    car_number: str | None = None

    def __post_init__(self) -> None:
        require_utc(self.sent_at, "a race control message")


@dataclass(frozen=True, slots=True)
class TrackStatusChange:
    """From when on a status held, since the start of the recording."""

    at: timedelta
    status: TrackStatus


RecordingRow = Lap | WeatherSample | RaceControlMessage | TrackStatusChange


@dataclass(frozen=True)
class Recording:
    """One revision of one part of what was recorded of a session.

    Attributes:
        missing: Why it is not complete, in words (`laps of 5 of 20 starters`); None for a complete one. A
            partial recording is kept, says so, and is replaced by a more complete one.
    """

    race_id: str
    session: SessionKind
    part: SessionPart
    rows: tuple[RecordingRow, ...]
    known_at: datetime
    known_at_basis: KnownAtBasis
    source: str
    source_version: str
    missing: str | None = None
    revision: int = 1
    invented: bool = False

    def __post_init__(self) -> None:
        require_utc(self.known_at, f"known_at of {self.race_id} {self.session} {self.part}")

    @cached_property
    def content_hash(self) -> str:
        """What the rows say, as SHA-256: equal content, equal hash, whatever the source."""
        table = [[_plain(getattr(row, field.name)) for field in fields(row)] for row in self.rows]
        return hashlib.sha256(json.dumps(table, separators=(",", ":")).encode()).hexdigest()


def _plain(value: Any) -> Any:
    if isinstance(value, timedelta):
        return value // timedelta(milliseconds=1)
    if isinstance(value, datetime):
        return value.isoformat()
    return value
