"""FastF1 (github.com/theOehrly/Fast-F1, MIT): the running season, session by session.

Nothing outside this package knows FastF1 or pandas, and nothing in it imports them but `child`, which runs in a
process of its own.
"""

from f1graph.sources.fastf1.answers import (
    Allowance,
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
