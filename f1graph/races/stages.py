"""Stages of a weekend: what a forecast made then may know."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from f1graph.races.calendar import PRACTICES, Race, SessionKind

# The final starting grid stands when the pit lane closes, half an hour before the start.
GRID_KNOWN_BEFORE_START = timedelta(minutes=30)


class Stage(StrEnum):
    """What a forecast of a race may know, in the order of a weekend."""

    BEFORE_WEEKEND = "BEFORE_WEEKEND"
    AFTER_PRACTICE = "AFTER_PRACTICE"
    AFTER_SPRINT = "AFTER_SPRINT"
    AFTER_QUALIFYING = "AFTER_QUALIFYING"


STAGE_ORDER = tuple(Stage)


@dataclass(frozen=True, slots=True)
class StageWindow:
    """When a stage's forecast can be made.

    Attributes:
        opens_at: The end of the session that gives the stage its name. BEFORE_WEEKEND opens when the
            race before it is over, which the calendar tells, so it is None here.
        closes_at: The last cutoff of the stage: the start of what would tell more. A back-test of the
            stage cuts here.
    """

    stage: Stage
    opens_at: datetime | None
    closes_at: datetime


def stage_windows(race: Race) -> tuple[StageWindow, ...]:
    """The stages of a weekend in their order.

    AFTER_PRACTICE ends where the first competitive session begins (qualifying, or sprint qualifying since
    2024). AFTER_SPRINT exists on sprint weekends: it ends with qualifying where that comes later, else
    when the final grid is published. AFTER_QUALIFYING is the last: the grid, penalties included, is known.
    A weekend without practice (or without a record of it) has no AFTER_PRACTICE of its own, but the
    moment before qualifying is still asked for in back-tests, so the window opens where it closes.
    """
    qualifying = race.session(SessionKind.QUALIFYING)
    sprint = race.session(SessionKind.SPRINT)
    sprint_qualifying = race.session(SessionKind.SPRINT_QUALIFYING)
    grid_known_at = race.starts_at - GRID_KNOWN_BEFORE_START
    windows = [StageWindow(Stage.BEFORE_WEEKEND, None, race.weekend_starts_at)]

    competitive = [s for s in (qualifying, sprint_qualifying, sprint) if s is not None]
    first_competitive = min((s.starts_at for s in competitive), default=grid_known_at)
    practices = [s.ends_at for s in race.sessions if s.kind in PRACTICES and s.ends_at <= first_competitive]
    windows.append(
        StageWindow(Stage.AFTER_PRACTICE, max(practices, default=first_competitive), first_competitive)
    )
    if sprint is not None:
        comes_before = qualifying is not None and qualifying.starts_at > sprint.starts_at
        closes_at = qualifying.starts_at if qualifying is not None and comes_before else grid_known_at
        windows.append(StageWindow(Stage.AFTER_SPRINT, sprint.ends_at, closes_at))
    sets_grid = [s.ends_at for s in (qualifying, sprint) if s is not None]
    windows.append(StageWindow(Stage.AFTER_QUALIFYING, max(sets_grid, default=grid_known_at), race.starts_at))
    return tuple(windows)


def stage_window(race: Race, stage: Stage) -> StageWindow | None:
    """The window of `stage`, or None where the weekend has no such stage (no sprint)."""
    return next((window for window in stage_windows(race) if window.stage is stage), None)


def stage_at(race: Race, moment: datetime) -> Stage | None:
    """The stage whose window was the last to open; None from the start of the race on, or if cancelled."""
    if race.is_cancelled or moment >= race.starts_at:
        return None
    return [w.stage for w in stage_windows(race) if w.opens_at is None or w.opens_at <= moment][-1]
