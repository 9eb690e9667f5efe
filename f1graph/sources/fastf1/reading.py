"""Makes facts of the child's answer: a part that fails its checks gives none, the others go on."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from f1graph.errors import BadSourceDataError
from f1graph.races.calendar import PRACTICES, Race, SessionKind
from f1graph.races.facts import Facts
from f1graph.races.laps import (
    RaceControlMessage,
    Recording,
    RecordingRow,
    SessionPart,
    TrackStatusChange,
    WeatherSample,
)
from f1graph.races.results import Classification, ClassificationKind, ClassificationRow, KnownAtBasis
from f1graph.sources.fastf1.agreement import Page, disagreements, not_listed
from f1graph.sources.fastf1.answers import Failure, Host, Part, Problem, ProblemCode, SessionAnswer
from f1graph.sources.fastf1.classifications import (
    People,
    classification_rows,
    grid_kind,
    grid_rows,
    with_best_laps,
)
from f1graph.sources.fastf1.course import check_flags, check_weather, course_of
from f1graph.sources.fastf1.failures import first_failure, problem_of
from f1graph.sources.fastf1.process import Answer
from f1graph.sources.fastf1.recordings import (
    fastest_car,
    lap_rows,
    laps_driven,
    message_rows,
    missing_laps,
    stops_early,
    track_status_rows,
    weather_rows,
)
from f1graph.sources.fastf1.sessions import scheduled_race, why_another_race, why_another_session
from f1graph.sources.fastf1.values import Line, lines, moment
from f1graph.sources.identity import Known, UnknownIdentityError

SOURCE = "fastf1"
_RACES = (SessionKind.RACE, SessionKind.SPRINT)
_WITH_ERGAST = (*_RACES, SessionKind.QUALIFYING)
# Which pages of which host a part is made of; the first that failed is the reason.
_ERGAST_PAGES = ("/results.json", "/qualifying.json", "/sprint.json")
_LAP_PAGES = ("TimingData.", "TimingAppData.", "SessionStatus.", "TrackStatus.", "LapCount.", "DriverList.")
# What an order by best laps is made of.
_ORDER_OF_LAPS = (Page.DRIVERS, Page.TYRES)
_PAGES: dict[Part, tuple[str, ...]] = {
    Part.LAPS: _LAP_PAGES,
    Part.WEATHER: ("WeatherData.",),
    Part.RACE_CONTROL: ("RaceControlMessages.",),
    Part.TRACK_STATUS: ("TrackStatus.",),
}


def no_facts(answer: Answer) -> Facts:
    return _facts(answer, (), ())


def read_session(
    answer: Answer, race: Race, session: SessionKind, *, known: Known, now: datetime
) -> SessionAnswer:
    """The facts of one session. Pure: what the child said, and who is known, decide."""
    reading = _Reading(answer, race, session, known, now)
    if reading.is_the_session_asked():
        reading.read_all()
    return SessionAnswer(
        facts=_facts(answer, tuple(reading.classifications), tuple(reading.recordings)),
        problems=tuple(reading.problems),
        calls=answer.calls,
        raw_hashes=answer.raw_hashes,
        failures=answer.failures,
        peak_memory=answer.peak_memory,
    )


@dataclass
class _Reading:
    answer: Answer
    race: Race
    session: SessionKind
    known: Known
    now: datetime
    classifications: list[Classification] = field(default_factory=list)
    recordings: list[Recording] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    _doubts: dict[Page, str] = field(default_factory=dict)

    def is_the_session_asked(self) -> bool:
        body = self.answer.body
        try:
            event = scheduled_race(body["event"])
            wrong = why_another_race(event, self.race)
            if wrong is None and event.session(self.session) is None:
                wrong = f"the schedule has no {self.session.value.lower()} in {event.name}"
            wrong = wrong or why_another_session(body.get("info") or {}, event, self.session)
        except BadSourceDataError as error:
            self._note(Part.SESSION, ProblemCode.CONTRADICTION, str(error))
            return False
        if wrong is not None:
            self._note(Part.SESSION, ProblemCode.WRONG_RACE, wrong)
        return wrong is None

    def read_all(self) -> None:
        for page in ("SessionInfo.", "DriverList."):
            if failure := self._failed((page,)):
                self.problems.append(problem_of(Part.SESSION, failure))
        self._people = People(self._lines("results"), self.race.season, self.known)
        # Before the flags, which are held against them, and the laps, which carry the flags.
        self._read(Part.RACE_CONTROL, "race_control_messages", self._messages)
        self._read(Part.TRACK_STATUS, "track_status", self._track_status)
        self._doubts = self._disagreements()
        rows = self._read_classification()
        self._read_laps(rows)
        self._read(Part.WEATHER, "weather_data", self._weather)

    def _disagreements(self) -> dict[Page, str]:
        """Why laps, and what is made of them, are not to be believed."""
        found = disagreements(
            self._lines,
            self.session,
            race_laps=self.answer.body.get("total_laps"),
            messages=self._messages_kept(),
        )
        for one in self.problems:
            if one.part is Part.TRACK_STATUS and one.code is ProblemCode.CONTRADICTION:
                found[Page.FLAGS] = one.reason
        return found

    def _doubt(self, pages: Collection[Page]) -> str | None:
        return "; ".join(reason for page, reason in self._doubts.items() if page in pages) or None

    def _messages_kept(self) -> list[RaceControlMessage]:
        return [row for one in self.recordings for row in one.rows if isinstance(row, RaceControlMessage)]

    def _weather(self, found: Sequence[Line]) -> tuple[WeatherSample, ...]:
        rows = weather_rows(found)
        check_weather(rows, course_of(self._lines("session_status")))
        return rows

    def _messages(self, found: Sequence[Line]) -> tuple[RaceControlMessage, ...]:
        starts_at = self.answer.body.get("starts_at")
        start = None if starts_at is None else moment(starts_at, "the session's start")
        return message_rows(found, starts_at=start)

    def _track_status(self, found: Sequence[Line]) -> tuple[TrackStatusChange, ...]:
        rows = track_status_rows(found)
        check_flags(rows, course_of(self._lines("session_status")), self._messages_kept())
        return rows

    def _read_classification(self) -> tuple[ClassificationRow, ...]:
        part = Part.CLASSIFICATION
        if why := self._no_classification():
            self.problems.append(why)
            if self.session in _RACES:
                self.problems.append(Problem(Part.GRID, why.code, why.reason, why.host))
            return ()
        laps = self.answer.body["frames"].get("laps")
        rows = self._checked(
            part,
            lambda: classification_rows(
                self.session,
                self._results(),
                self._people,
                race=self.race,
                laps_of={} if laps is None else laps_driven(laps),
                fastest_car=None if self._doubt(_ORDER_OF_LAPS) else fastest_car(self._laps()),
            ),
        )
        if rows is None:
            if self.session in _RACES:
                last = self.problems[-1]
                self.problems.append(Problem(Part.GRID, last.code, last.reason))
            return ()
        self._classify(ClassificationKind(self.session.value), rows)
        if self.session in _RACES and (grid := self._checked(Part.GRID, lambda: grid_rows(rows))):
            self._classify(grid_kind(self.session), grid)
        return rows

    def _results(self) -> list[Line]:
        results = self._lines("results")
        if self.session in PRACTICES and all(line.get("Position") is None for line in results):
            return with_best_laps(results, self._laps())
        return results

    def _laps(self) -> list[Line]:
        """Without race control's messages nobody knows which times were taken away."""
        laps = self._lines("laps")
        if self._messages_kept():
            return laps
        return [{**lap, "Deleted": None, "DeletedReason": None} for lap in laps]

    def _no_classification(self) -> Problem | None:
        """Why the published order is not there; FastF1 fills the gap with one of its own from the laps."""
        part, results = Part.CLASSIFICATION, self._lines("results")
        if self.session in _WITH_ERGAST:
            if failure := self._failed(_ERGAST_PAGES, Host.ERGAST):
                return problem_of(part, failure)
            if not any(line.get("DriverId") for line in results):
                return Problem(
                    part, ProblemCode.EMPTY, "Ergast has no result of this session yet", Host.ERGAST
                )
            # FastF1 takes place and grid away from whom the archive's list does not have.
            unlisted = not_listed(self._lines("driver_list"), results)
            return Problem(part, ProblemCode.CONTRADICTION, unlisted) if unlisted else None
        if not self._lines("laps"):
            if failure := self._failed(_LAP_PAGES):
                return problem_of(part, failure)
            return Problem(part, ProblemCode.EMPTY, "no laps to make an order of")
        if early := self._stops_early():
            return Problem(part, ProblemCode.INCOMPLETE, f"{early}: too few laps to make an order of")
        of_pages = _ORDER_OF_LAPS if self.session in PRACTICES else tuple(Page)
        if doubt := self._doubt(of_pages):
            return Problem(part, ProblemCode.CONTRADICTION, doubt)
        if not self._messages_kept():
            failure = self._failed(_PAGES[Part.RACE_CONTROL])
            why = "which times were taken away is not known without race control's messages"
            if self.session is SessionKind.SPRINT_QUALIFYING:
                code = failure.code if failure else ProblemCode.EMPTY
                return Problem(part, code, why, failure.host if failure else None)
            self._note(part, ProblemCode.INCOMPLETE, f"{why}; the order has them all")
        return None

    def _read_laps(self, classified: Sequence[ClassificationRow]) -> None:
        found = self._laps()
        if not found:
            self._missing(Part.LAPS)
            return
        if early := self._stops_early():
            self._note(Part.LAPS, ProblemCode.INCOMPLETE, f"{early}: too few to keep")
            return
        if doubt := self._doubt(tuple(Page)):
            self._note(Part.LAPS, ProblemCode.CONTRADICTION, doubt)
            return
        race_laps = self.answer.body.get("total_laps") or self.race.scheduled_laps
        if self.session is SessionKind.SPRINT:
            race_laps = self.answer.body.get("total_laps")
        at_most = race_laps if self.session in _RACES else None
        rows = self._checked(Part.LAPS, lambda: lap_rows(found, self._people, race_laps=at_most))
        if rows is None:
            return
        try:
            lacking = missing_laps(self.session, rows, classified=classified, race_laps=race_laps)
        except BadSourceDataError as error:
            self._note(Part.LAPS, ProblemCode.INCOMPLETE, f"{error}: too few to keep")
            return
        if lacking is not None:
            self._note(Part.LAPS, ProblemCode.INCOMPLETE, f"missing: {lacking}")
        self._record(SessionPart.LAPS, rows, lacking)
        if failure := self._failed(("LapCount.",)):
            # Nothing is missing, but nobody has said how many there should be.
            self.problems.append(problem_of(Part.LAPS, failure))

    def _stops_early(self) -> str | None:
        if self.session in _RACES:
            return None
        return stops_early(self._lines("laps"), self._lines("session_status"))

    def _read(
        self, part: Part, frame: str, read: Callable[[Sequence[Line]], tuple[RecordingRow, ...]]
    ) -> None:
        found = self._lines(frame)
        if not found:
            self._missing(part)
            return
        rows = self._checked(part, lambda: read(found))
        if rows is not None:
            self._record(SessionPart(part.value), rows, None)

    def _checked(self, part: Part, read: Callable[[], tuple[Any, ...]]) -> tuple[Any, ...] | None:
        try:
            return read()
        except UnknownIdentityError as error:
            self._note(part, ProblemCode.UNKNOWN_ID, str(error))
        except BadSourceDataError as error:
            self._note(part, ProblemCode.CONTRADICTION, str(error))
        return None

    def _missing(self, part: Part) -> None:
        failure = self._failed(_PAGES[part])
        if failure is not None:
            self.problems.append(problem_of(part, failure))
            return
        said = "; ".join(line for line in self.answer.log if "Failed" in line) or "FastF1 gave no lines"
        self._note(part, ProblemCode.EMPTY, said)

    def _failed(self, pages: tuple[str, ...], host: Host | None = None) -> Failure | None:
        """The call that failed on archive and mirror both; what the mirror gave is no failure."""
        failures = [failure for failure in self.answer.failures if host in (None, failure.host)]
        return first_failure(failures, pages, unless_given=self.answer.body.get("good", {}))

    def _lines(self, frame: str) -> list[Line]:
        return list(lines(self.answer.body["frames"].get(frame) or {}))

    def _note(self, part: Part, code: ProblemCode, reason: str) -> None:
        self.problems.append(Problem(part, code, reason))

    def _classify(self, kind: ClassificationKind, rows: tuple[ClassificationRow, ...]) -> None:
        self.classifications.append(
            Classification(
                race_id=self.race.id,
                kind=kind,
                rows=rows,
                known_at=self.now,
                known_at_basis=KnownAtBasis.RECORDED,
                source=SOURCE,
                source_version=self.answer.version,
            )
        )

    def _record(self, part: SessionPart, rows: tuple[Any, ...], missing: str | None) -> None:
        self.recordings.append(
            Recording(
                race_id=self.race.id,
                session=self.session,
                part=part,
                rows=rows,
                known_at=self.now,
                known_at_basis=KnownAtBasis.RECORDED,
                source=SOURCE,
                source_version=self.answer.version,
                missing=missing,
            )
        )


def _facts(
    answer: Answer, classifications: tuple[Classification, ...], recordings: tuple[Recording, ...]
) -> Facts:
    content = [list_.content_hash for list_ in classifications]
    content += [recording.content_hash for recording in recordings]
    return Facts(
        source=SOURCE,
        version=answer.version,
        content_hash=hashlib.sha256("".join(content).encode()).hexdigest(),
        circuits=(),
        drivers=(),
        constructors=(),
        races=(),
        classifications=classifications,
        recordings=recordings,
    )
