"""Recordings as columns: hundred thousands of laps in a few megabytes, ready to be computed with.

The records in `laps` say the same lap by lap and are what is stored and shown; these are what features see.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from f1graph.races.calendar import SessionKind
from f1graph.races.laps import Compound, Recording, SessionPart, TrackStatus
from f1graph.races.times import require_utc

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.integer[Any]]

# What is read of a lap and of a weather sample, in this order.
LAP_COLUMNS = (
    *("driver_id", "number", "at", "time", "stint", "compound", "tyre_life", "track_status", "position"),
    *("pit_in_at", "pit_out_at", "is_accurate", "deleted", "speed_trap"),
)
WEATHER_COLUMNS = ("at", "air_temperature", "track_temperature", "rain")

UNKNOWN = -1
COMPOUNDS = tuple(Compound)
_COMPOUND_CODE: Mapping[str | None, int] = {
    None: UNKNOWN,
    **{compound.value: code for code, compound in enumerate(COMPOUNDS)},
}


@dataclass(frozen=True)
class RecordingName:
    """Which revision of which part of which session it is; see `Recording`."""

    race_id: str
    session: SessionKind
    part: SessionPart
    known_at: datetime
    revision: int = 1

    def __post_init__(self) -> None:
        require_utc(self.known_at, f"known_at of {self.race_id} {self.session} {self.part}")


class _Columns:
    """Equal if every column is, unknown values included."""

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        mine, theirs = vars(self), vars(other)
        return all(_same(mine[name], theirs[name]) for name in mine)

    # Nobody looks for a hundred thousand laps by their hash.
    __hash__ = None  # type: ignore[assignment]


@dataclass(frozen=True, eq=False, repr=False)
class SessionLaps(_Columns):
    """The laps of a session by driver and number, one value per lap in each column. (laps,)

    Attributes:
        driver_ids: In ascending order.
        driver: Index into `driver_ids`.
        at, time: Seconds; NaN where unknown.
        stint, tyre_life, position: −1 where unknown.
        compound: Index into `COMPOUNDS`; −1 where unknown.
        status: A bit for each code of the track's status that was shown: code 4 is bit 4.
        into_pits, out_of_pits: Whether the lap ended or began in the pits.
        deleted: Whether the time is known to have been taken away.
        speed_trap: km/h; NaN where unknown.
    """

    name: RecordingName
    driver_ids: tuple[str, ...]
    driver: Ints
    number: Ints
    at: Floats
    time: Floats
    stint: Ints
    compound: Ints
    tyre_life: Ints
    status: Ints
    position: Ints
    into_pits: Bools
    out_of_pits: Bools
    accurate: Bools
    deleted: Bools
    speed_trap: Floats

    @classmethod
    def of(cls, name: RecordingName, rows: Iterable[Sequence[Any]]) -> SessionLaps:
        """From values in the order of `LAP_COLUMNS`, by driver and number; durations in milliseconds."""
        columns = list(zip(*rows, strict=True)) or [()] * len(LAP_COLUMNS)
        (drivers, number, at, time, stint, compound, life, status, position, into, out, *rest) = columns
        accurate, deleted, speed = rest
        driver_ids = tuple(sorted(set(drivers)))
        index = {driver: place for place, driver in enumerate(driver_ids)}
        return cls(
            name=name,
            driver_ids=driver_ids,
            driver=np.array([index[driver] for driver in drivers], dtype=np.int16),
            number=np.array(number, dtype=np.int16),
            at=_numbers(at) / 1000.0,
            time=_numbers(time) / 1000.0,
            stint=_whole(stint),
            compound=np.array([_COMPOUND_CODE[one] for one in compound], dtype=np.int8),
            tyre_life=_whole(life),
            status=np.array([_bits(codes) for codes in status], dtype=np.int16),
            position=_whole(position),
            into_pits=np.array([moment is not None for moment in into], dtype=np.bool_),
            out_of_pits=np.array([moment is not None for moment in out], dtype=np.bool_),
            accurate=np.array([bool(one) for one in accurate], dtype=np.bool_),
            deleted=np.array([bool(one) for one in deleted], dtype=np.bool_),
            speed_trap=_numbers(speed),
        )

    @property
    def size(self) -> int:
        return len(self.driver)

    def shown(self, *statuses: TrackStatus) -> Bools:
        """Of each lap whether one of these was shown in it."""
        return np.asarray((self.status & sum(1 << int(status) for status in statuses)) != 0)

    def on(self, *compounds: Compound) -> Bools:
        """Of each lap whether it was driven on one of these tyres."""
        return np.isin(self.compound, [COMPOUNDS.index(compound) for compound in compounds])


@dataclass(frozen=True, eq=False, repr=False)
class SessionWeather(_Columns):
    """The weather measured through a session, one value per sample in each column. (samples,)

    Attributes:
        at: Seconds since the start of the recording.
        air_temperature, track_temperature: °C; NaN where unknown.
        rain: Whether it rained.
    """

    name: RecordingName
    at: Floats
    air_temperature: Floats
    track_temperature: Floats
    rain: Bools

    @classmethod
    def of(cls, name: RecordingName, rows: Iterable[Sequence[Any]]) -> SessionWeather:
        """From values in the order of `WEATHER_COLUMNS`; durations in milliseconds."""
        at, air, track, rain = list(zip(*rows, strict=True)) or [()] * len(WEATHER_COLUMNS)
        return cls(
            name=name,
            at=_numbers(at) / 1000.0,
            air_temperature=_numbers(air),
            track_temperature=_numbers(track),
            rain=np.array([bool(one) for one in rain], dtype=np.bool_),
        )


SessionRecord = SessionLaps | SessionWeather
# The parts that features are made of, with what is read of them.
RECORDED_PARTS: Mapping[SessionPart, tuple[tuple[str, ...], Callable[..., SessionRecord]]] = {
    SessionPart.LAPS: (LAP_COLUMNS, SessionLaps.of),
    SessionPart.WEATHER: (WEATHER_COLUMNS, SessionWeather.of),
}


def in_columns(recording: Recording) -> SessionRecord:
    """A recording of laps or weather as columns.

    Raises:
        ValueError: It is of another part.
    """
    if recording.part not in RECORDED_PARTS:
        raise ValueError(f"features are made of laps and weather, not of {recording.part}")
    columns, build = RECORDED_PARTS[recording.part]
    rows: Iterable[Any] = recording.rows
    if recording.part is SessionPart.LAPS:
        rows = sorted(rows, key=lambda lap: (lap.driver_id, lap.number))
    name = RecordingName(
        recording.race_id, recording.session, recording.part, recording.known_at, recording.revision
    )
    return build(name, [[_milliseconds(getattr(row, column)) for column in columns] for row in rows])


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, np.ndarray):
        return np.array_equal(one, other, equal_nan=one.dtype.kind == "f")
    return bool(one == other)


def _milliseconds(value: Any) -> Any:
    return value // timedelta(milliseconds=1) if isinstance(value, timedelta) else value


def _numbers(values: Sequence[float | None]) -> Floats:
    return np.array(values, dtype=np.float64)  # None becomes NaN


def _whole(values: Sequence[int | None]) -> NDArray[np.int16]:
    return np.array([UNKNOWN if value is None else value for value in values], dtype=np.int16)


@cache
def _bits(codes: str | None) -> int:
    return sum(1 << int(code) for code in set(codes or ""))
