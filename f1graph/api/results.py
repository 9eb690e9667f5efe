"""Classifications: one type of line for every kind, and the revisions they come in."""

# Strawberry's decorator is typed as Any without its plugin for mypy.
# mypy: disallow-untyped-decorators=False

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import strawberry
from strawberry import field

import f1graph.races.results as records
from f1graph.api.context import Info
from f1graph.api.node import LASTING, present
from f1graph.races.results import ClassificationKind, KnownAtBasis, Status
from f1graph.store.results import Revision as StoredRevision

if TYPE_CHECKING:
    from f1graph.api.people import Constructor, Driver

LazyDriver = Annotated["Driver", strawberry.lazy("f1graph.api.people")]
LazyConstructor = Annotated["Constructor", strawberry.lazy("f1graph.api.people")]


@strawberry.type(
    description="One line of a classification. What a kind of list does not have, and what nobody recorded, "
    "is null."
)
class ClassificationLine:
    order: int = field(description="1, 2, 3 … as published; unclassified entries too have one.")
    position: int | None = field(
        description="The official position. Null for who has none: retired, disqualified, did not start. The "
        "podium are positions 1 to 3 after all disqualifications that are known."
    )
    status: Status = field(description="How the entry ended.")
    is_retirement: bool = field(
        description="Whether this counts as a retirement in forecasts and scores: took the start, and did "
        "not "
        "finish or was not classified. A disqualified car is none, it reached the end."
    )
    is_void: bool = field(
        description="Whether the entry did not take the start: it has no outcome, and no forecast of it is "
        "judged."
    )
    car_number: str | None = field(description="The number on the car, as text. Null where unknown.")
    is_shared_car: bool = field(description="A further driver of a car that was shared (until 1964).")
    laps: int | None = field(description="Laps completed.")
    time: timedelta | None = field(
        description="Seconds. Of a race: the total time. Of any other session: the best lap. Of a pit stop: "
        "the "
        "time in the pit lane."
    )
    time_penalty: timedelta | None = field(description="Seconds added by the stewards.")
    gap: timedelta | None = field(description="Seconds behind the first of the list.")
    gap_laps: int | None = field(description="Whole laps behind the first of the list.")
    q1: timedelta | None = field(description="Best lap of the first part of qualifying, in seconds.")
    q2: timedelta | None = field(description="Best lap of the second part of qualifying, in seconds.")
    q3: timedelta | None = field(description="Best lap of the third part of qualifying, in seconds.")
    points: float | None = field(description="Championship points scored in this session.")
    qualifying_position: int | None = field(description="Place in qualifying, before penalties.")
    grid: int | None = field(
        description="Place on the grid, 1 is pole position. Null for a start from the pit lane, or none."
    )
    grid_penalty: str | None = field(
        description="Places lost on the grid, or `SFB` (start from the back), or as published."
    )
    reason_retired: str | None = field(
        description="Why the car stopped, as published. Null for a finisher and where nobody says."
    )
    pit_stops: int | None = field(description="Number of pit stops in the race.")
    is_fastest_lap: bool = field(description="Whether this entry set the fastest lap of the race.")
    lap: int | None = field(description="Of a fastest lap or pit stop: in which lap, the first is 1.")
    stop: int | None = field(description="Of a pit stop: the driver's first is 1.")
    driver_id: strawberry.Private[str]
    constructor_id: strawberry.Private[str]

    @field(description="Who drove.", metadata=LASTING)
    async def driver(self, info: Info) -> LazyDriver:
        from f1graph.api.people import Driver

        record = present(await info.context.loaders.driver.load(self.driver_id))
        return info.context.shown(Driver.of, record)

    @field(description="For which team.", metadata=LASTING)
    async def constructor(self, info: Info) -> LazyConstructor:
        from f1graph.api.people import Constructor

        record = present(await info.context.loaders.constructor.load(self.constructor_id))
        return info.context.shown(Constructor.of, record)


def line_values(row: records.ClassificationRow) -> dict[str, Any]:
    """The fields of a `ClassificationLine`."""
    return {
        "order": row.order,
        "position": row.position,
        "status": row.status,
        "is_retirement": row.retired,
        "is_void": not row.started and row.status is not Status.PIT_LANE,
        "car_number": row.car_number,
        "is_shared_car": row.shared_car,
        "laps": row.laps,
        "time": row.time,
        "time_penalty": row.time_penalty,
        "gap": row.gap,
        "gap_laps": row.gap_laps,
        "q1": row.q1,
        "q2": row.q2,
        "q3": row.q3,
        "points": row.points,
        "qualifying_position": row.qualifying_position,
        "grid": row.grid_position,
        "grid_penalty": row.grid_penalty,
        "reason_retired": row.reason_retired,
        "pit_stops": row.pit_stops,
        "is_fastest_lap": row.fastest_lap,
        "lap": row.lap,
        "stop": row.stop,
        "driver_id": row.driver_id,
        "constructor_id": row.constructor_id,
    }


@strawberry.type(
    description="That a list of a weekend was published, or corrected later: results change, sometimes weeks "
    "after the race."
)
class Revision:
    kind: ClassificationKind = field(description="Which list.")
    revision: int = field(description="1 is the first; each later one corrects the one before.")
    known_at: datetime = field(description="When we learned it. `asOf` before this moment does not see it.")
    known_at_basis: KnownAtBasis = field(description="How far `knownAt` can be trusted.")
    source: str = field(description="Where it comes from: `f1db`, `fastf1` or `invented`.")
    source_version: str = field(description="The source's release or run.")


def revision(stored: StoredRevision | records.Classification) -> Revision:
    return Revision(
        kind=stored.kind,
        revision=stored.revision,
        known_at=stored.known_at,
        known_at_basis=stored.known_at_basis,
        source=stored.source,
        source_version=stored.source_version,
    )


@strawberry.type(description="One revision of one published list of a race weekend, with its lines.")
class Classification:
    revision: Revision = field(description="Which revision this is, since when it is known, and from whom.")
    invented: bool = field(description="True for a list of the invented championship.")
    lines: list[ClassificationLine] = field(
        description="In the published order; as many as there were cars, or pit stops."
    )

    @classmethod
    def of(cls, record: records.Classification) -> Classification:
        return cls(revision=revision(record), invented=record.invented, lines=lines_of(record))


def lines_of(record: records.Classification) -> list[ClassificationLine]:
    return [ClassificationLine(**line_values(row)) for row in record.rows]
