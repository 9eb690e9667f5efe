"""Questions about classifications: what was known of a session at a moment, and how it was revised."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, func, or_, select

from f1graph.races.results import (
    Classification,
    ClassificationKind,
    ClassificationRow,
    KnownAtBasis,
    Status,
)
from f1graph.store.engine import Read
from f1graph.store.facts import ROW_FIELDS
from f1graph.store.tables.facts import classification_rows, classifications, races

_STATUS_AT = ROW_FIELDS.index("status")
_ROW_COLUMNS = tuple(classification_rows.c[name] for name in ROW_FIELDS)
_HEAD_COLUMNS = (
    classifications.c.id,
    classifications.c.race_id,
    classifications.c.kind,
    classifications.c.revision,
    classifications.c.known_at,
    classifications.c.known_at_basis,
    classifications.c.source,
    classifications.c.source_version,
    classifications.c.invented,
)
_LINES = classification_rows.join(
    classifications, classifications.c.id == classification_rows.c.classification_id
).join(races, races.c.id == classifications.c.race_id)


@dataclass(frozen=True, slots=True)
class Revision:
    """That a classification was published or corrected, without its lines."""

    race_id: str
    kind: ClassificationKind
    revision: int
    known_at: datetime
    known_at_basis: KnownAtBasis
    source: str
    source_version: str


@dataclass(frozen=True, slots=True)
class RaceLine:
    """One line of a race's or sprint's classification, seen from the driver or the team."""

    race_id: str
    kind: ClassificationKind
    starts_at: datetime
    row: ClassificationRow


def newest_known(moment: datetime) -> ColumnElement[bool]:
    """That a classification is the newest revision known at `moment`."""
    other = classifications.alias("other")
    newest = (
        select(func.max(other.c.revision))
        .where(
            other.c.race_id == classifications.c.race_id,
            other.c.kind == classifications.c.kind,
            other.c.known_at <= moment,
        )
        .correlate(classifications)
        .scalar_subquery()
    )
    return classifications.c.revision == newest


async def classifications_known(
    read: Read, race_ids: Collection[str], kinds: Collection[ClassificationKind], moment: datetime
) -> dict[tuple[str, ClassificationKind], Classification]:
    """The newest revisions known at `moment`, with their lines; one statement."""
    found = await read.rows(
        select(*_HEAD_COLUMNS, *_ROW_COLUMNS)
        .outerjoin(classification_rows, classification_rows.c.classification_id == classifications.c.id)
        .where(
            classifications.c.race_id.in_(list(race_ids)),
            classifications.c.kind.in_(list(kinds)),
            newest_known(moment),
        )
        .order_by(classifications.c.id, classification_rows.c.order)
    )
    heads: dict[int, Row[Any]] = {}
    lines: dict[int, list[ClassificationRow]] = {}
    for row in found:
        heads.setdefault(row[0], row)
        if row[len(_HEAD_COLUMNS)] is not None:
            lines.setdefault(row[0], []).append(_line(row[len(_HEAD_COLUMNS) :]))
    return {
        (head.race_id, ClassificationKind(head.kind)): Classification(
            race_id=head.race_id,
            kind=ClassificationKind(head.kind),
            rows=tuple(lines.get(number, ())),
            known_at=head.known_at,
            known_at_basis=KnownAtBasis(head.known_at_basis),
            source=head.source,
            source_version=head.source_version,
            revision=head.revision,
            invented=head.invented,
        )
        for number, head in heads.items()
    }


def _line(stored: Any) -> ClassificationRow:
    values = list(stored)
    values[_STATUS_AT] = Status(values[_STATUS_AT])
    return ClassificationRow(*values)


async def revisions_known(
    read: Read, race_ids: Collection[str], moment: datetime
) -> dict[str, list[Revision]]:
    """Everything that was published about some races by `moment`, in the order in which it became known."""
    table = classifications.c
    found = await read.rows(
        select(*_HEAD_COLUMNS)
        .where(table.race_id.in_(list(race_ids)), table.known_at <= moment)
        .order_by(table.race_id, table.known_at, table.kind, table.revision)
    )
    of_race: dict[str, list[Revision]] = {}
    for row in found:
        of_race.setdefault(row.race_id, []).append(
            Revision(
                row.race_id,
                ClassificationKind(row.kind),
                row.revision,
                row.known_at,
                KnownAtBasis(row.known_at_basis),
                row.source,
                row.source_version,
            )
        )
    return of_race


@dataclass(frozen=True, slots=True)
class LineFilter:
    """Which lines of drivers or constructors are asked for, as known at a moment; None asks for all.

    Attributes:
        by: `driver_id` or `constructor_id`: whose lines these are.
        driver_id, constructor_id: Only lines of this driver or team too.
        up_to_position: Only those classified in this place or a better one.
    """

    by: str
    known_by: datetime
    kinds: tuple[ClassificationKind, ...]
    season: int | None = None
    circuit_id: str | None = None
    driver_id: str | None = None
    constructor_id: str | None = None
    up_to_position: int | None = None

    def conditions(self, competitor_ids: Collection[str]) -> list[ColumnElement[bool]]:
        heads, rows = classifications.c, classification_rows.c
        found = [
            rows[self.by].in_(list(competitor_ids)),
            heads.kind.in_(self.kinds),
            newest_known(self.known_by),
        ]
        asked = {
            races.c.season: self.season,
            races.c.circuit_id: self.circuit_id,
            rows.driver_id: self.driver_id,
            rows.constructor_id: self.constructor_id,
        }
        found += [column == value for column, value in asked.items() if value is not None]
        if self.up_to_position is not None:
            found.append(rows.position <= self.up_to_position)
        return found


@dataclass(frozen=True, slots=True)
class LinesAsked:
    """A page of lines.

    Attributes:
        after: The last line seen: start and id of its race, kind, and order in it.
    """

    wanted: LineFilter
    limit: int
    after: tuple[datetime, str, str, int] | None = None
    newest_first: bool = True


async def lines_page(
    read: Read, competitor_ids: Collection[str], asked: LinesAsked
) -> dict[str, list[RaceLine]]:
    """Of each competitor the next lines, by race; one statement for all of them."""
    heads, rows = classifications.c, classification_rows.c
    competitor = rows[asked.wanted.by]
    conditions = asked.wanted.conditions(competitor_ids)
    if asked.after is not None:
        conditions.append(_after_line(asked.after, newest_first=asked.newest_first))
    by_race = (races.c.starts_at, races.c.id)
    of_races = [column.desc() for column in by_race] if asked.newest_first else list(by_race)
    order = (*of_races, heads.kind, rows.order)
    numbered = (
        select(
            competitor.label("competitor"),
            heads.race_id,
            heads.kind,
            races.c.starts_at,
            func.row_number().over(partition_by=competitor, order_by=order).label("place"),
            *_ROW_COLUMNS,
        )
        .select_from(_LINES)
        .where(*conditions)
        .subquery()
    )
    found = await read.rows(
        select(numbered)
        .where(numbered.c.place <= asked.limit)
        .order_by(numbered.c.competitor, numbered.c.place)
    )
    of_competitor: dict[str, list[RaceLine]] = {}
    for row in found:
        values: list[Any] = list(row._mapping.values())
        line = RaceLine(values[1], ClassificationKind(values[2]), values[3], _line(values[5:]))
        of_competitor.setdefault(values[0], []).append(line)
    return of_competitor


def _after_line(after: tuple[datetime, str, str, int], *, newest_first: bool) -> ColumnElement[bool]:
    starts_at, race_id, kind, order = after
    at, same_race = races.c.starts_at == starts_at, races.c.id == race_id
    same_kind = classifications.c.kind == kind
    later = races.c.starts_at < starts_at if newest_first else races.c.starts_at > starts_at
    next_race = races.c.id < race_id if newest_first else races.c.id > race_id
    return or_(
        later,
        and_(at, next_race),
        and_(at, same_race, classifications.c.kind > kind),
        and_(at, same_race, same_kind, classification_rows.c.order > order),
    )


async def count_lines(read: Read, competitor_ids: Collection[str], wanted: LineFilter) -> dict[str, int]:
    """How many lines each competitor has."""
    competitor = classification_rows.c[wanted.by]
    found = await read.rows(
        select(competitor.label("competitor"), func.count().label("number"))
        .select_from(_LINES)
        .where(*wanted.conditions(competitor_ids))
        .group_by(competitor)
    )
    return {row.competitor: row.number for row in found}
