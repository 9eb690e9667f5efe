"""The clock, which can be set so that a past weekend is lived again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from f1graph.clock import clock_started_at, system_clock

ABU_DHABI = datetime(2024, 12, 5, 12, tzinfo=UTC)
TODAY = datetime(2026, 9, 1, tzinfo=UTC)


def test_the_clock_runs_on_from_the_moment_it_was_set_to() -> None:
    passing = iter([TODAY, TODAY, TODAY + timedelta(hours=1)])
    clock = clock_started_at(ABU_DHABI, ticks=lambda: next(passing))

    assert clock() == ABU_DHABI
    assert clock() == ABU_DHABI + timedelta(hours=1)


def test_a_moment_of_another_zone_is_shown_in_utc() -> None:
    there = ABU_DHABI.astimezone(timezone(timedelta(hours=4)))
    clock = clock_started_at(there, ticks=lambda: TODAY)

    assert clock() == ABU_DHABI
    assert clock().utcoffset() == timedelta(0)


def test_a_moment_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match=r"2024-12-05T12:00:00: the time has no zone"):
        clock_started_at(datetime(2024, 12, 5, 12))  # noqa: DTZ001 - the point


def test_the_machines_time_is_aware_and_goes_forward() -> None:
    first, second = system_clock(), system_clock()
    assert first.utcoffset() == timedelta(0)
    assert first <= second
