"""Reads the child's plain values: columns to lines, milliseconds to durations; what does not fit is bad."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from f1graph.errors import BadSourceDataError
from f1graph.races.times import require_utc, utc

Line = Mapping[str, Any]
# In milliseconds: nothing of a session takes longer.
_A_DAY = 86_400_000


def lines(frame: Mapping[str, list[Any]]) -> Iterator[Line]:
    """The frame's lines, each with every column."""
    for values in zip(*frame.values(), strict=True):
        yield dict(zip(frame, values, strict=True))


def duration(line: Line, column: str) -> timedelta | None:
    value = line.get(column)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= _A_DAY:
        raise BadSourceDataError(f"{column} is {value!r}, which is no duration")
    return timedelta(milliseconds=value)


def number(line: Line, column: str) -> float | None:
    value = line.get(column)
    if value is None:
        return None
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise BadSourceDataError(f"{column} is {value!r}, which is no number")
    return float(value)


def count(line: Line, column: str) -> int | None:
    """A whole number of nought or more; pandas writes it as 3.0 where others are missing."""
    value = number(line, column)
    if value is None:
        return None
    if value < 0 or value != int(value):
        raise BadSourceDataError(f"{column} is {value!r}, which is no count")
    return int(value)


def text(line: Line, column: str) -> str | None:
    """None for what pandas and FastF1 write where there is nothing."""
    value = line.get(column)
    if value is None or str(value).strip() in ("", "nan", "None", "NaT"):
        return None
    return str(value).strip()


def flag(line: Line, column: str) -> bool | None:
    value = line.get(column)
    return value if isinstance(value, bool) else None


def moment(value: Any, what: str) -> datetime:
    """A time of FastF1's: written without a zone, meant in UTC."""
    try:
        read = datetime.fromisoformat(value)
        return require_utc(utc(read) if read.tzinfo is None else read, what)
    except (TypeError, ValueError) as error:
        raise BadSourceDataError(f"{what} is {value!r}, which is no time in UTC") from error
