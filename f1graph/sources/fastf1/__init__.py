"""FastF1 (github.com/theOehrly/Fast-F1, MIT): the running season, session by session.

Nothing outside this package knows FastF1 or pandas, and in it only `child`, which runs in its own process.
"""

from f1graph.sources.fastf1.answers import (
    Allowance,
    Failure,
    Host,
    Hosts,
    Part,
    Problem,
    ProblemCode,
    ScheduleAnswer,
    ScheduledRace,
    ScheduledSession,
    SessionAnswer,
    planned_calls,
)
from f1graph.sources.fastf1.source import FastF1

__all__ = [
    "Allowance",
    "Failure",
    "FastF1",
    "Host",
    "Hosts",
    "Part",
    "Problem",
    "ProblemCode",
    "ScheduleAnswer",
    "ScheduledRace",
    "ScheduledSession",
    "SessionAnswer",
    "planned_calls",
]
