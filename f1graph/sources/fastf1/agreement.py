"""Whether the pages of a session are of one recording: most of them do not say whose they are.

Each is held against the timing. Which of the two is another session's nobody can say; what is made of both
is not to be believed. The limits are from 120 recorded sessions of 2020 to 2025: how far apart are pages of
one session, and how near those of two.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence, Set
from datetime import timedelta
from enum import StrEnum

from f1graph.errors import BadSourceDataError
from f1graph.races.calendar import SessionKind
from f1graph.races.laps import RaceControlMessage
from f1graph.sources.fastf1.course import Course, course_of
from f1graph.sources.fastf1.recordings import LAPS_AFTER_THE_FLAG
from f1graph.sources.fastf1.values import Line, count, duration, text

# Of one session 56 in 100 cars and more are listed in the order of the timing; of two weekends 53 at most.
_LISTED_IN_ORDER = 0.5
_FEWEST_TO_COMPARE = 8
# Of one session 92 in 100 lap times of the tyres' page are in the timing; of two at most 6.
_TIMES_IN_BOTH = 0.5
# The pits are open while a session runs; a clock may be late by some seconds.
_PIT_EXIT = timedelta(seconds=5)
_EXITS_OUTSIDE = 0.03
# The winner of a race finishes it: within 9 seconds, mostly within one.
_FINISHES = timedelta(seconds=15)
# Q1 has 18 minutes, a practice an hour.
_LONGEST_QUALIFYING_PART = timedelta(minutes=25)
_QUALIFYINGS = (SessionKind.QUALIFYING, SessionKind.SPRINT_QUALIFYING)
# After two hours a race is shown the flag whatever its laps, after one a sprint; in 75 of them it was not.
_TIME_IS_OVER = {SessionKind.RACE: timedelta(minutes=115), SessionKind.SPRINT: timedelta(minutes=55)}


class Page(StrEnum):
    """What is held against the timing."""

    DRIVERS = "DRIVERS"
    TYRES = "TYRES"
    COURSE = "COURSE"
    LAP_COUNT = "LAP_COUNT"
    FLAGS = "FLAGS"


Lines = Callable[[str], Sequence[Line]]


def disagreements(
    lines: Lines, session: SessionKind, *, race_laps: int | None, messages: Sequence[RaceControlMessage]
) -> dict[Page, str]:
    """The pages that are not of one recording with the timing, each with the reason.

    Args:
        lines: Gives the lines of a frame of the child's answer.
        race_laps: Of how many laps the race is by the page that counts them.
        messages: Of race control, in the order in which they were sent; none where they are not known.
    """
    laps, statuses = lines("laps"), lines("session_status")
    drove = {text(lap, "DriverNumber") or "" for lap in lines("screen")}
    checks: dict[Page, Callable[[], None]] = {
        Page.DRIVERS: lambda: check_driver_list(lines("driver_list"), lines("screen"), drove),
        Page.TYRES: lambda: check_tyres(lines("tyre_laps"), laps),
        Page.COURSE: lambda: check_course(course_of(statuses), lines("pit_exits"), laps, session),
    }
    if session in _TIME_IS_OVER and race_laps is not None and laps:
        checks[Page.LAP_COUNT] = lambda: check_lap_count(
            race_laps, session, laps, course_of(statuses), messages
        )
    found = {}
    for page, check in checks.items():
        try:
            check()
        except BadSourceDataError as error:
            found[page] = str(error)
    return found


def check_driver_list(listed: Sequence[Line], screen: Sequence[Line], drove: Set[str]) -> None:
    """Args:
    screen: Each car's place by the timing, at the moment the list is of and at the end.
    drove: The numbers of the cars that did.

    Raises:
        BadSourceDataError: Somebody drove who is not listed, or the list's order is another session's.
    """
    lines = {text(line, "DriverNumber"): count(line, "Line") for line in listed}
    if not lines:
        return
    if strangers := sorted(drove - lines.keys()):
        raise BadSourceDataError(f"car {', '.join(strangers)} drove and is not in the list of drivers")
    compared = [
        (lines[car], count(line, "Early"), count(line, "Last"))
        for line in screen
        if lines.get(car := text(line, "DriverNumber")) is not None
    ]
    if len(compared) < _FEWEST_TO_COMPARE:
        return
    same = max(sum(one[0] == one[at] for one in compared) for at in (1, 2))
    if same < _LISTED_IN_ORDER * len(compared):
        raise BadSourceDataError(
            f"the list of drivers has {same} of {len(compared)} cars where the timing has them: "
            "one of the two is another session's"
        )


def not_listed(listed: Sequence[Line], results: Sequence[Line]) -> str | None:
    """Why the archive's list of drivers is another session's by Ergast's result; None if it fits."""
    drove = {
        text(line, "DriverNumber") or ""
        for line in results
        if line.get("Laps") not in (None, 0) or line.get("Q1") is not None
    }
    try:
        check_driver_list(listed, (), drove)
    except BadSourceDataError as error:
        return str(error)
    return None


def check_tyres(tyre_laps: Sequence[Line], laps: Sequence[Line]) -> None:
    """Raises:
    BadSourceDataError: The lap times on the page of the tyres are not those of the timing.
    """
    driven = {(text(lap, "DriverNumber"), lap.get("LapTime")) for lap in laps}
    told = [(text(lap, "DriverNumber"), lap.get("LapTime")) for lap in tyre_laps]
    if len(told) < _FEWEST_TO_COMPARE:
        return
    known = sum(lap in driven for lap in told)
    if known < _TIMES_IN_BOTH * len(told):
        raise BadSourceDataError(
            f"of {len(told)} lap times on the page of the tyres {known} are in the timing: "
            "one of the two is another session's"
        )


def check_course(course: Course, exits: Sequence[Line], laps: Sequence[Line], session: SessionKind) -> None:
    """Raises:
    BadSourceDataError: Cars left the pits while the session did not run, the winner crossed the line when it
        did not finish, or it is no course of such a session.
    """
    running = course.running()
    if not running:
        return
    longest = max(end - start for start, end in running)
    if session in _QUALIFYINGS and longest > _LONGEST_QUALIFYING_PART:
        raise BadSourceDataError(f"a part of the qualifying ran for {_shown(longest)}")
    is_race = session in _TIME_IS_OVER
    exits = [line for line in exits if duration(line, "Time") is not None]
    if is_race:
        # They leave for the grid before it, and nobody waits for a light in the pits.
        exits = [line for line in exits if count(line, "LapNumber") != 1]
    times = [(duration(line, "Time") or timedelta(), count(line, "LapNumber") == 1) for line in exits]
    outside = [at for at, _ in times if not any(a - _PIT_EXIT <= at <= b + _PIT_EXIT for a, b in running)]
    # FastF1 does not believe a first exit before the start, and leaves it out.
    early = [at for at, is_first in times if is_first and at < running[0][0] - _PIT_EXIT]
    if early or len(outside) > _EXITS_OUTSIDE * len(times):
        at = min([*early, *outside])
        raise BadSourceDataError(
            f"{len({*early, *outside})} of {len(times)} times a car left the pits while the session did not "
            f"run, the first at {_shown(at)}"
        )
    if is_race and course.finished and laps:
        _check_finish(max(course.finished), laps)


def check_lap_count(
    race_laps: int,
    session: SessionKind,
    laps: Sequence[Line],
    course: Course,
    messages: Sequence[RaceControlMessage],
) -> None:
    """Raises:
    BadSourceDataError: The chequered flag was shown after another number of laps, and not because the time
        was over.
    """
    if not course.finished:
        return
    said = [one.lap for one in messages if one.message == "CHEQUERED FLAG" and one.lap is not None]
    shown_after = said[-1] if said else _last_lap(laps)[0]
    # The lap back to the pits may be among those that were driven.
    too_few = race_laps < shown_after - (0 if said else LAPS_AFTER_THE_FLAG)
    too_many = race_laps > shown_after
    if course.started and max(course.finished) - min(course.started) >= _TIME_IS_OVER[session]:
        too_many = False
    if too_few or too_many:
        raise BadSourceDataError(
            f"a race of {race_laps} laps finished after {shown_after}: "
            "the count of the laps is another session's"
        )


def _check_finish(finished: timedelta, laps: Sequence[Line]) -> None:
    _, crossed = _last_lap(laps)
    if crossed is not None and abs(crossed - finished) > _FINISHES:
        raise BadSourceDataError(
            f"the winner crossed the line at {_shown(crossed)}, and the race finished at {_shown(finished)}"
        )


def _last_lap(laps: Sequence[Line]) -> tuple[int, timedelta | None]:
    """The last lap that anybody drove, and when the first car ended it."""
    driven = [
        (number, duration(lap, "Time"))
        for lap in laps
        if not lap.get("FastF1Generated") and (number := count(lap, "LapNumber")) is not None
    ]
    last = max((number for number, _ in driven), default=0)
    return last, min((at for number, at in driven if number == last and at is not None), default=None)


def _shown(at: timedelta) -> str:
    return str(timedelta(seconds=round(at.total_seconds())))
