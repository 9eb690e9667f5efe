"""What is asked of FastF1 and what comes back: plain values, without its libraries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from f1graph.races.calendar import PRACTICES, SessionKind, WeekendFormat
from f1graph.races.facts import Facts
from f1graph.races.times import require_utc


class Host(StrEnum):
    """Whom FastF1 asks. A budget is kept for each."""

    LIVE_TIMING = "live_timing"
    LIVE_TIMING_MIRROR = "live_timing_mirror"
    SCHEDULE = "schedule"
    ERGAST = "ergast"


@dataclass(frozen=True, slots=True)
class Hosts:
    """Where the hosts answer; FastF1's own addresses unless told otherwise."""

    live_timing: str = "https://livetiming.formula1.com"
    live_timing_mirror: str = "https://livetiming-mirror.fastf1.dev"
    schedule: str = "https://raw.githubusercontent.com/theOehrly/f1schedule/master/"
    ergast: str = "https://api.jolpi.ca/ergast/f1"

    def of(self, host: Host) -> str:
        return str(getattr(self, host.value))


@dataclass(frozen=True, slots=True)
class Allowance:
    """What one fetch may ask: it was taken from the budget beforehand.

    Attributes:
        calls: The most calls to each host; a host that is not named may not be asked at all.
        interval: The least time between two calls to the same host.
    """

    calls: Mapping[Host, int]
    interval: timedelta = timedelta(milliseconds=250)


class Part(StrEnum):
    """What can be missing from an answer while the rest of it is sound."""

    SCHEDULE = "SCHEDULE"
    SESSION = "SESSION"  # all of it, or what describes it: who took part, what it was
    CLASSIFICATION = "CLASSIFICATION"
    GRID = "GRID"
    LAPS = "LAPS"
    WEATHER = "WEATHER"
    RACE_CONTROL = "RACE_CONTROL"
    TRACK_STATUS = "TRACK_STATUS"


class ProblemCode(StrEnum):
    """Why a part is missing or incomplete."""

    UNAVAILABLE = "UNAVAILABLE"  # not there (404), or the host failed (5xx, connection dropped)
    BLOCKED = "BLOCKED"  # 401, 403: the timing host refuses cloud addresses
    RATE_LIMITED = "RATE_LIMITED"  # 429
    TIMED_OUT = "TIMED_OUT"
    TRUNCATED = "TRUNCATED"
    NOT_JSON = "NOT_JSON"
    EMPTY = "EMPTY"
    BUDGET_SPENT = "BUDGET_SPENT"
    WRONG_RACE = "WRONG_RACE"  # the answer is about another race or session
    INCOMPLETE = "INCOMPLETE"  # kept, but the recording says what is missing
    CONTRADICTION = "CONTRADICTION"  # contradicts itself or the rules of the sport
    UNKNOWN_ID = "UNKNOWN_ID"  # a driver or team nobody has mapped
    CRASHED = "CRASHED"  # the child process failed or FastF1 did


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a part gave no facts, or fewer than it should.

    Attributes:
        reason: For a reader, with the value at fault and what to do where something can be done.
        host: Whose fault it was, where a host is to blame.
    """

    part: Part
    code: ProblemCode
    reason: str
    host: Host | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """A call that did not bring what was asked, whether or not a part is missing because of it."""

    host: Host
    address: str
    code: ProblemCode


@dataclass(frozen=True, slots=True)
class SessionAnswer:
    """What one fetch of one session gave.

    Attributes:
        facts: The classifications and recordings that passed every check. May be without any.
        calls: Calls made, by host; a call that failed counts.
        raw_hashes: SHA-256 of every body received, by address.
        failures: Calls that went wrong: what the health of a host is judged by.
        peak_memory: The most bytes that reading it took; 0 where the system does not tell.
    """

    facts: Facts
    problems: tuple[Problem, ...] = ()
    calls: Mapping[Host, int] = field(default_factory=dict)
    raw_hashes: Mapping[str, str] = field(default_factory=dict)
    failures: tuple[Failure, ...] = ()
    peak_memory: int = 0


@dataclass(frozen=True, slots=True)
class ScheduledSession:
    kind: SessionKind
    starts_at: datetime

    def __post_init__(self) -> None:
        require_utc(self.starts_at, f"the start of {self.kind}")


@dataclass(frozen=True, slots=True)
class ScheduledRace:
    """One race weekend as the schedule announces it."""

    season: int
    round: int
    name: str
    official_name: str
    country: str
    place: str
    format: WeekendFormat
    sessions: tuple[ScheduledSession, ...]

    def session(self, kind: SessionKind) -> ScheduledSession | None:
        return next((session for session in self.sessions if session.kind is kind), None)


@dataclass(frozen=True, slots=True)
class ScheduleAnswer:
    """A season's weekends in the order of their rounds, tests left out; none if it could not be fetched."""

    season: int
    races: tuple[ScheduledRace, ...] = ()
    problems: tuple[Problem, ...] = ()
    calls: Mapping[Host, int] = field(default_factory=dict)
    raw_hashes: Mapping[str, str] = field(default_factory=dict)
    failures: tuple[Failure, ...] = ()


# Pages of the timing archive: info, drivers, status, track, timing, tyres, weather, messages; of races the
# lap count as well.
_TIMING_PAGES = 8
_RACES = (SessionKind.RACE, SessionKind.SPRINT)
FETCHED = (*PRACTICES[:3], SessionKind.QUALIFYING, SessionKind.SPRINT_QUALIFYING, *_RACES)


def planned_calls(session: SessionKind | None) -> Mapping[Host, int]:
    """The most calls one fetch can make to each host, to be taken from the budget before it.

    Args:
        session: None for the schedule.
    """
    if session is None:
        return {Host.SCHEDULE: 1}
    pages = _TIMING_PAGES + (1 if session in _RACES else 0)
    ergast = 2 if session in _RACES else 0 if session is SessionKind.SPRINT_QUALIFYING else 1
    # Every page that the archive refuses is asked of the mirror as well.
    return {
        Host.SCHEDULE: 1,
        Host.LIVE_TIMING: pages,
        Host.LIVE_TIMING_MIRROR: pages,
        **({Host.ERGAST: ergast} if ergast else {}),
    }
