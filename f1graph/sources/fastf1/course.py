"""The course of a session, against which pages are held that do not say whose they are.

The weather and the flags have times since their recording began, and nothing else to know them by. Those
of another session are told by what must coincide: the weather is measured every minute until the session
is closed, a session is interrupted when the red flag is shown, race control announces each safety car and
each yellow flag. In 112 recorded sessions of 2023 and 2024 these agree within 60, 5, 9 and 15 seconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from f1graph.errors import BadSourceDataError
from f1graph.races.laps import RaceControlMessage, TrackStatus, TrackStatusChange, WeatherSample
from f1graph.sources.fastf1.values import Line, duration, text

# Every minute until the session is closed: the station may miss the last measurement.
_MEASURED_LAST, _MEASURED_AFTER = timedelta(minutes=2), timedelta(seconds=5)
# Flags are lifted when the last car is back.
_FLAGS_AFTER = timedelta(minutes=3)
_FLAGS_DIFFER = timedelta(seconds=30)
_YELLOWS_DIFFER = timedelta(seconds=15)
# The field goes behind the safety car when a race begins again, without another announcement.
_ROLLING_START = timedelta(minutes=2)
_YELLOWS = ("YELLOW", "DOUBLE YELLOW")
_NEUTRAL = {
    "VIRTUAL SAFETY CAR DEPLOYED": TrackStatus.VIRTUAL_SAFETY_CAR,
    "SAFETY CAR DEPLOYED": TrackStatus.SAFETY_CAR,
}


@dataclass(frozen=True, slots=True)
class Course:
    """When a session was started, interrupted, finished and closed, each since its recording began."""

    started: tuple[timedelta, ...]
    interrupted: tuple[timedelta, ...]
    finished: tuple[timedelta, ...]
    closed: tuple[timedelta, ...]

    def running(self) -> list[tuple[timedelta, timedelta]]:
        """From each start until what ended it, in order; a start that nothing ends is left out."""
        ends = sorted((*self.interrupted, *self.finished, *self.closed))
        found: list[tuple[timedelta, timedelta]] = []
        for start in sorted(self.started):
            end = next((end for end in ends if end >= start), None)
            if end is not None and not (found and start <= found[-1][1]):
                found.append((start, end))
        return found

    def is_running(self, at: timedelta) -> bool:
        before = [start for start in self.started if start <= at]
        ends = (*self.interrupted, *self.finished)
        return bool(before) and not any(max(before) <= end < at for end in ends)


def course_of(statuses: Sequence[Line]) -> Course:
    """Raises:
    BadSourceDataError: A time is none.
    """
    times: dict[str, list[timedelta]] = {}
    for line in statuses:
        at = duration(line, "Time")
        if at is not None:
            times.setdefault(text(line, "Status") or "", []).append(at)
    return Course(*(tuple(times.get(name, ())) for name in ("Started", "Aborted", "Finished", "Finalised")))


def check_weather(rows: Sequence[WeatherSample], course: Course) -> None:
    """Raises:
    BadSourceDataError: It does not end when the session does.
    """
    last = rows[-1].at
    if course.closed and not -_MEASURED_AFTER <= max(course.closed) - last <= _MEASURED_LAST:
        raise BadSourceDataError(
            f"the weather ends at {_shown(last)}, the session at {_shown(max(course.closed))}: "
            "it broke off, or is another session's"
        )


def check_flags(
    rows: Sequence[TrackStatusChange], course: Course, messages: Sequence[RaceControlMessage]
) -> None:
    """Args:
    messages: In the order in which they were sent; none where they are not known.

    Raises:
    BadSourceDataError: What was shown is not what interrupted the session, or was announced.
    """
    if course.closed and rows[-1].at - max(course.closed) > _FLAGS_AFTER:
        raise BadSourceDataError(
            f"the flags go on until {_shown(rows[-1].at)}, the session ends at {_shown(max(course.closed))}"
        )
    red = [row.at for row in rows if row.status is TrackStatus.RED]
    for at in course.interrupted:
        if not _near(at, red):
            raise BadSourceDataError(f"the session was interrupted at {_shown(at)} without a red flag")
    for at in red:
        if not _near(at, course.interrupted) and course.is_running(at):
            raise BadSourceDataError(f"a red flag at {_shown(at)} did not interrupt the session")
    begun = _recording_began(course, messages)
    if begun is not None:
        _check_safety_cars(rows, course, [(one.sent_at - begun, one.message) for one in messages])
        _check_yellows(rows, course, [one.sent_at - begun for one in messages if one.flag in _YELLOWS])


def _check_safety_cars(
    rows: Sequence[TrackStatusChange], course: Course, messages: Sequence[tuple[timedelta, str]]
) -> None:
    announced = [(at, status) for at, said in messages if (status := _NEUTRAL.get(said)) is not None]
    shown = [(row.at, row.status) for row in rows if row.status in _NEUTRAL.values()]
    for at, status in announced:
        if not _near(at, (when for when, what in shown if what is status)):
            raise BadSourceDataError(f"a {_spoken(status)} was announced at {_shown(at)} and never shown")
    for at, status in shown:
        is_start = any(abs(at - start) <= _ROLLING_START for start in course.started)
        if is_start or not course.is_running(at):
            continue
        if not _near(at, (when for when, what in announced if what is status)):
            raise BadSourceDataError(f"a {_spoken(status)} was shown at {_shown(at)} that nobody announced")


def _check_yellows(rows: Sequence[TrackStatusChange], course: Course, announced: Sequence[timedelta]) -> None:
    """A corner's yellow may be missed now and then, so that two have to agree on it."""
    if not course.started or not course.closed:
        return
    # Once the session is closed flags are announced, and shown no more.
    begins, ends = min(course.started), max(course.closed)
    announced = [at for at in announced if timedelta(0) <= at <= ends]
    until = [row.at for row in rows[1:]] + [ends]
    not_clear = [
        (row.at, end) for row, end in zip(rows, until, strict=True) if row.status is not TrackStatus.CLEAR
    ]
    shown = [row.at for row in rows if row.status is TrackStatus.YELLOW and begins <= row.at <= ends]
    seen = sum(
        any(a - _YELLOWS_DIFFER <= at <= b + _YELLOWS_DIFFER for a, b in not_clear) for at in announced
    )
    if len(announced) > 1 and seen < len(announced) / 2:
        raise BadSourceDataError(
            f"{len(announced)} yellow flags were announced and {seen} of them shown, "
            f"the first announced at {_shown(announced[0])}"
        )
    if len(shown) > 1 and not any(abs(at - one) <= _YELLOWS_DIFFER for at in shown for one in announced):
        raise BadSourceDataError(
            f"{len(shown)} yellow flags were shown that nobody announced, the first at {_shown(shown[0])}"
        )


def _recording_began(course: Course, messages: Sequence[RaceControlMessage]) -> datetime | None:
    """By the chequered flags, which both know; None where they do not agree on them."""
    flags = [one.sent_at for one in messages if one.message == "CHEQUERED FLAG"]
    if not flags or len(flags) != len(course.finished):
        return None
    begun = [sent - at for sent, at in zip(flags, course.finished, strict=True)]
    return begun[0] if max(begun) - min(begun) <= _FLAGS_DIFFER else None


def _near(at: timedelta, others: Iterable[timedelta]) -> bool:
    return any(abs(at - other) <= _FLAGS_DIFFER for other in others)


def _spoken(status: TrackStatus) -> str:
    return status.name.replace("_", " ").lower()


def _shown(at: timedelta) -> str:
    return str(timedelta(seconds=round(at.total_seconds())))
