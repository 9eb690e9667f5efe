"""The graph's own scalars: strict, so that nobody has to guess a zone or a unit."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, NewType

from graphql import GraphQLError
from graphql.pyutils import inspect
from strawberry import scalar
from strawberry.types.scalar import ScalarDefinition

# A sum of shares may miss one by what a float loses.
_ROUNDING = 1e-9
_RFC_3339 = "https://www.rfc-editor.org/rfc/rfc3339#section-5.6"
# Python reads more of ISO 8601 than anybody means: week dates, times without seconds, digits without dashes.
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d{1,9})?([Zz]|[+-]\d{2}:\d{2})?", re.ASCII)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)

Probability = NewType("Probability", float)
LocalDateTime = NewType("LocalDateTime", datetime)
Distribution = NewType("Distribution", list)  # type: ignore[type-arg]  # Strawberry wants a plain class


def _write_moment(value: Any) -> str:
    if not isinstance(value, datetime) or value.utcoffset() != timedelta(0):
        raise ValueError(f"{value!r} is not a time in UTC")
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _read_moment(value: Any) -> datetime:
    written = _MOMENT.fullmatch(value) if isinstance(value, str) else None
    if written is None:
        raise _refused(value, "a time such as 2024-12-08T13:00:00Z")
    if written[2] is None:
        raise GraphQLError(f"{value!r} has no zone: write 2024-12-08T13:00:00Z or +01:00 at the end")
    try:
        return datetime.fromisoformat(value.upper()).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise _refused(value, "a time that there is, such as 2024-12-08T13:00:00Z") from error


def _refused(value: Any, wanted: str) -> GraphQLError:
    # What was given may be as long as a request: nobody wants it back whole.
    return GraphQLError(f"{inspect(value)} is not {wanted}")


def _write_local(value: Any) -> str:
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise ValueError(f"{value!r} has no zone")
    return value.isoformat()


def _read_local(value: Any) -> LocalDateTime:
    raise GraphQLError("a LocalDateTime is only ever given out; ask by DateTime")


def _write_date(value: Any) -> str:
    if not isinstance(value, date) or isinstance(value, datetime):
        raise ValueError(f"{value!r} is not a date")
    return value.isoformat()


def _read_date(value: Any) -> date:
    if not isinstance(value, str) or not _DATE.fullmatch(value):
        raise _refused(value, "a date such as 2024-12-08")
    try:
        return date.fromisoformat(value)
    except ValueError as error:
        raise _refused(value, "a date that there is, such as 2024-12-08") from error


def _write_duration(value: Any) -> float:
    if not isinstance(value, timedelta):
        raise ValueError(f"{value!r} is not a duration")
    return value / timedelta(seconds=1)


def _read_duration(value: Any) -> timedelta:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise _refused(value, "a number of seconds")
    try:
        return timedelta(seconds=value)
    except OverflowError as error:
        raise _refused(value, "a number of seconds that anything could last") from error


def _write_probability(value: Any) -> float:
    if value.__class__ is float and 0.0 <= value <= 1.0:
        # As nearly all of the hundreds in an answer are.
        probability: float = value
        return probability
    if not -_ROUNDING <= value <= 1.0 + _ROUNDING:
        raise ValueError(f"{value!r} is not a probability")
    return min(max(float(value), 0.0), 1.0)


def _read_probability(value: Any) -> Probability:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 1:
        raise _refused(value, "a probability between 0 and 1")
    return Probability(float(value))


def _write_distribution(value: Sequence[float]) -> Sequence[float]:
    # Checked when the forecast was made, and by the database's triggers never changed since.
    return value


def _read_distribution(value: Any) -> Distribution:
    raise GraphQLError("a Distribution is only ever given out")


SCALARS: dict[object, ScalarDefinition] = {
    datetime: scalar(
        name="DateTime",
        description="A moment in UTC: `date-time` of RFC 3339, with `Z` at its end and a fraction of the "
        "second only where there is one: `2024-12-08T13:00:00Z`. As an argument any offset is accepted, but "
        "there must be one, and up to nine digits of a fraction, of which microseconds count.",
        specified_by_url=_RFC_3339,
        serialize=_write_moment,
        parse_value=_read_moment,
    ),
    LocalDateTime: scalar(
        name="LocalDateTime",
        description="A moment on the circuit's own clock: `date-time` of RFC 3339 with its offset from UTC, "
        "`2024-11-23T22:00:00-08:00`. Only ever given out.",
        specified_by_url=_RFC_3339,
        serialize=_write_local,
        parse_value=_read_local,
    ),
    date: scalar(
        name="Date",
        description="A calendar date: `full-date` of RFC 3339, `2024-12-08`.",
        specified_by_url=_RFC_3339,
        serialize=_write_date,
        parse_value=_read_date,
    ),
    timedelta: scalar(
        name="Duration",
        description="A length of time as a number of seconds, to the millisecond: `70.27` is 1:10.270.",
        serialize=_write_duration,
        parse_value=_read_duration,
    ),
    Probability: scalar(
        name="Probability",
        description="How likely something is: a number from 0 (cannot happen) to 1 (is certain). Never a "
        "percentage, never text.",
        serialize=_write_probability,
        parse_value=_read_probability,
    ),
    Distribution: scalar(
        name="Distribution",
        description="A list of probabilities, one per position from the first to the last, that add up to "
        "1: `[0.5, 0.3, 0.2]`.",
        serialize=_write_distribution,
        parse_value=_read_distribution,
    ),
}
