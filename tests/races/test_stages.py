"""Which stage a moment of a weekend belongs to."""

from __future__ import annotations

from datetime import timedelta

from f1graph.races.stages import STAGE_ORDER, Stage, stage_at, stage_windows
from tests.builders import a_race

RACE = a_race(2024, 1, has_sprint=True)


def test_the_stage_of_a_moment_is_the_last_that_opened() -> None:
    windows = stage_windows(RACE)
    opened = [(stage_at(RACE, window.opens_at), window.stage) for window in windows if window.opens_at]
    assert [found for found, _ in opened] == [stage for _, stage in opened] == list(STAGE_ORDER[1:])
    assert stage_at(RACE, RACE.weekend_starts_at - timedelta(days=300)) is Stage.BEFORE_WEEKEND


def test_a_race_that_has_started_has_no_stage_any_more() -> None:
    assert stage_at(RACE, RACE.starts_at - timedelta(seconds=1)) is Stage.AFTER_QUALIFYING
    assert stage_at(RACE, RACE.starts_at) is None


def test_a_cancelled_race_has_no_stage() -> None:
    """S10: it gets no forecast."""
    cancelled = a_race(2024, 1, is_cancelled=True)
    assert stage_at(cancelled, cancelled.weekend_starts_at) is None
