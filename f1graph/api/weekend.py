"""Where a race weekend stands at a moment: pure arithmetic on its sessions."""

from __future__ import annotations

from datetime import datetime, timedelta

from f1graph.races.calendar import Race
from f1graph.races.refreshes import next_refresh
from f1graph.races.stages import Stage, stage_window

SOONEST = timedelta(minutes=1)
LATEST = timedelta(hours=1)


def has_begun(race: Race, stage: Stage, moment: datetime) -> bool | None:
    """Whether a stage's forecast can be made by now; None where the weekend has no such stage."""
    window = stage_window(race, stage)
    return None if window is None else window.opens_at is None or window.opens_at <= moment


def next_update(race: Race, moment: datetime) -> datetime | None:
    """When news of the race is next expected: the end of a session, or the daily refresh before it.

    None for a race that is over or cancelled.
    """
    if race.is_cancelled or moment >= race.ends_at:
        return None
    ends = [session.ends_at for session in race.sessions if session.ends_at > moment]
    return min([*ends, next_refresh(moment)])


def ask_again(race: Race | None, moment: datetime) -> datetime:
    """When to ask for news again: not within the minute, and within the hour."""
    expected = None if race is None else next_update(race, moment)
    return min(max(expected or moment + LATEST, moment + SOONEST), moment + LATEST)
