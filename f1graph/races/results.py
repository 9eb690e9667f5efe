"""Classifications: what a session's published order said, and how it was revised."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cached_property
from typing import Any

from f1graph.races.calendar import SessionKind
from f1graph.races.entries import Entry
from f1graph.races.times import require_utc


class ClassificationKind(StrEnum):
    """A published list: one per session, and those that are not a session's own order."""

    ENTRY_LIST = "ENTRY_LIST"
    PRE_QUALIFYING = "PRE_QUALIFYING"
    PRACTICE_1 = "PRACTICE_1"
    PRACTICE_2 = "PRACTICE_2"
    PRACTICE_3 = "PRACTICE_3"
    PRACTICE_4 = "PRACTICE_4"
    QUALIFYING_1 = "QUALIFYING_1"
    QUALIFYING_2 = "QUALIFYING_2"
    QUALIFYING = "QUALIFYING"
    SPRINT_QUALIFYING = "SPRINT_QUALIFYING"
    SPRINT_GRID = "SPRINT_GRID"
    SPRINT = "SPRINT"
    GRID = "GRID"
    WARM_UP = "WARM_UP"
    RACE = "RACE"
    FASTEST_LAPS = "FASTEST_LAPS"
    PIT_STOPS = "PIT_STOPS"

    @property
    def session(self) -> SessionKind:
        """The session in or for which it is published: the grid is the race's, the entry list too."""
        return _SESSION_OF.get(self) or SessionKind(self.value)


_SESSION_OF = {
    ClassificationKind.ENTRY_LIST: SessionKind.RACE,
    ClassificationKind.GRID: SessionKind.RACE,
    ClassificationKind.SPRINT_GRID: SessionKind.SPRINT,
    ClassificationKind.FASTEST_LAPS: SessionKind.RACE,
    ClassificationKind.PIT_STOPS: SessionKind.RACE,
}

PRACTICE_KINDS = (
    ClassificationKind.PRACTICE_1,
    ClassificationKind.PRACTICE_2,
    ClassificationKind.PRACTICE_3,
    ClassificationKind.PRACTICE_4,
)


class Status(StrEnum):
    """How an entry ended in a session."""

    CLASSIFIED = "CLASSIFIED"
    DID_NOT_FINISH = "DID_NOT_FINISH"
    NOT_CLASSIFIED = "NOT_CLASSIFIED"
    DISQUALIFIED = "DISQUALIFIED"
    DID_NOT_START = "DID_NOT_START"
    DID_NOT_QUALIFY = "DID_NOT_QUALIFY"
    DID_NOT_PRE_QUALIFY = "DID_NOT_PRE_QUALIFY"
    DID_NOT_PRACTISE = "DID_NOT_PRACTISE"
    EXCLUDED = "EXCLUDED"
    PIT_LANE = "PIT_LANE"


# Who took the start. The others have no outcome, and a forecast of them is void.
STARTED = frozenset({Status.CLASSIFIED, Status.DID_NOT_FINISH, Status.NOT_CLASSIFIED, Status.DISQUALIFIED})
# Who counts as retired in a forecast: a disqualified car reached the end.
RETIRED = frozenset({Status.DID_NOT_FINISH, Status.NOT_CLASSIFIED})


@dataclass(frozen=True, slots=True)
class ClassificationRow:
    """One line of a classification. What a kind does not have is None.

    Attributes:
        order: 1, 2, 3 … as published, never empty, unclassified entries included.
        position: The official position; None where there is none.
        shared_car: A further driver of a car that was shared (until 1964).
        laps: Laps completed.
        time: Total time of a race, best lap of any other session, time lost in the pit lane of a stop.
        gap: To the first of the list.
        gap_laps: Whole laps behind the first.
        q1, q2, q3: Best laps of the three parts of a knock-out qualifying.
        points: Scored in this session.
        grid_position: Place on the grid this entry started from; None for a pit-lane start.
        grid_penalty: Places lost, or `SFB` (to the back), or as published.
        reason_retired: As published; None for a finisher and where unknown.
        lap, stop: Of a fastest lap or pit stop: in which lap, the how manieth stop.
    """

    order: int
    driver_id: str
    constructor_id: str
    status: Status = Status.CLASSIFIED
    position: int | None = None
    engine_id: str | None = None
    car_number: str | None = None
    shared_car: bool = False
    laps: int | None = None
    time: timedelta | None = None
    time_penalty: timedelta | None = None
    gap: timedelta | None = None
    gap_laps: int | None = None
    q1: timedelta | None = None
    q2: timedelta | None = None
    q3: timedelta | None = None
    points: float | None = None
    qualifying_position: int | None = None
    grid_position: int | None = None
    grid_penalty: str | None = None
    reason_retired: str | None = None
    pit_stops: int | None = None
    fastest_lap: bool = False
    lap: int | None = None
    stop: int | None = None

    @property
    def started(self) -> bool:
        return self.status in STARTED

    @property
    def retired(self) -> bool:
        return self.status in RETIRED


_ROW_FIELDS = tuple(field.name for field in fields(ClassificationRow))


class KnownAtBasis(StrEnum):
    """Where a `known_at` comes from."""

    RECORDED = "RECORDED"  # we saw it at that moment
    SESSION_END = "SESSION_END"  # nobody recorded it: the end of its session, whose time is known
    NOMINAL = "NOMINAL"  # not even the session's time is known: the usual order of a weekend


@dataclass(frozen=True)
class Classification:
    """One revision of one list of one race.

    Attributes:
        known_at: When we learned it. A forecast with an earlier cutoff cannot see it.
        revision: 1 for the first; later ones correct it.
        source: `f1db`, `fastf1`, `invented`.
        source_version: The release or run it came from.
    """

    race_id: str
    kind: ClassificationKind
    rows: tuple[ClassificationRow, ...]
    known_at: datetime
    known_at_basis: KnownAtBasis
    source: str
    source_version: str
    revision: int = 1
    invented: bool = False

    def __post_init__(self) -> None:
        require_utc(self.known_at, f"known_at of {self.race_id} {self.kind}")

    @cached_property
    def content_hash(self) -> str:
        """What the rows say, as SHA-256: equal content, equal hash, whatever the source."""
        return content_hash(self.rows)

    def of_driver(self, driver_id: str) -> ClassificationRow | None:
        """The driver's line; of several (pit stops, two cars in one race) the first."""
        return next((row for row in self.rows if row.driver_id == driver_id), None)

    def entries(self) -> tuple[Entry, ...]:
        """Everybody on the list, once each, as entries."""
        seen: dict[str, Entry] = {}
        for row in self.rows:
            seen.setdefault(
                row.driver_id,
                Entry(self.race_id, row.driver_id, row.constructor_id, row.engine_id, row.car_number),
            )
        return tuple(seen.values())

    def starters(self) -> tuple[ClassificationRow, ...]:
        """Of a race: who took the start, once each, in the published order."""
        seen: dict[str, ClassificationRow] = {}
        for row in sorted(self.rows, key=lambda row: row.order):
            if row.started:
                seen.setdefault(row.driver_id, row)
        return tuple(seen.values())


def content_hash(rows: tuple[ClassificationRow, ...]) -> str:
    table = [[_plain(getattr(row, name)) for name in _ROW_FIELDS] for row in rows]
    return hashlib.sha256(json.dumps(table, separators=(",", ":")).encode()).hexdigest()


def _plain(value: Any) -> Any:
    if isinstance(value, timedelta):
        return value // timedelta(milliseconds=1)
    return value
