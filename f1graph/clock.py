"""The one place that asks what time it is, so that a past weekend can be lived again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]


def system_clock() -> datetime:
    """The machine's time, aware, in UTC."""
    return datetime.now(UTC)


def clock_started_at(moment: datetime, *, ticks: Clock = system_clock) -> Clock:
    """A clock that shows `moment` now and then runs at its normal pace.

    Args:
        moment: What the clock shows first. Must be aware.
        ticks: The clock whose passing time is followed.

    Raises:
        ValueError: `moment` is naive.
    """
    if moment.tzinfo is None:
        raise ValueError(f"a clock cannot start at {moment.isoformat()}: the time has no zone")
    offset = moment.astimezone(UTC) - ticks()
    return lambda: ticks() + offset
