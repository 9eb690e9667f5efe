"""Questions about the calendar: races, seasons and circuits.

The calendar has no revisions: what it shows is its newest version. It is published in the year before, so
races of later seasons than the next one are left out by those who ask with a moment.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, func, or_, select, tuple_

from f1graph.races.calendar import Circuit, Race
from f1graph.races.results import ClassificationKind
from f1graph.store.engine import Read
from f1graph.store.past import circuit_record, load_races
from f1graph.store.search import beyond, has_part, is_spelt
from f1graph.store.tables.facts import circuits, classification_rows, classifications, races

_ENTERED = (ClassificationKind.ENTRY_LIST, ClassificationKind.RACE)


@dataclass(frozen=True, slots=True)
class RaceFilter:
    """Which races are asked for; None asks for all.

    Attributes:
        driver_id, constructor_id: Races that this driver or team was entered for or took part in, as known
            at `known_by`. Both: the driver for the team.
        up_to_season: The last season whose calendar is published.
    """

    known_by: datetime
    up_to_season: int
    season: int | None = None
    circuit_id: str | None = None
    driver_id: str | None = None
    constructor_id: str | None = None
    starts_before: datetime | None = None
    starts_after: datetime | None = None
    has_result: bool | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        found: list[ColumnElement[bool]] = [races.c.season <= self.up_to_season]
        if self.season is not None:
            found.append(races.c.season == self.season)
        if self.circuit_id is not None:
            found.append(races.c.circuit_id == self.circuit_id)
        if self.starts_before is not None:
            found.append(races.c.starts_at < self.starts_before)
        if self.starts_after is not None:
            found.append(races.c.starts_at > self.starts_after)
        if self.has_result is not None:
            is_known = _result_known(self.known_by)
            found.append(is_known if self.has_result else ~is_known)
        competitor = {
            classification_rows.c.driver_id: self.driver_id,
            classification_rows.c.constructor_id: self.constructor_id,
        }
        entered = [column == value for column, value in competitor.items() if value is not None]
        if entered:
            found.append(
                races.c.id.in_(
                    select(classifications.c.race_id)
                    .join(
                        classification_rows, classification_rows.c.classification_id == classifications.c.id
                    )
                    .where(
                        *entered,
                        classifications.c.kind.in_(_ENTERED),
                        classifications.c.known_at <= self.known_by,
                    )
                )
            )
        return found


async def races_by_id(read: Read, ids: Collection[str]) -> dict[str, Race]:
    """Those of `ids` that exist."""
    return {race.id: race for race in await load_races(read, races.c.id.in_(list(ids)))}


async def races_by_round(read: Read, rounds: Collection[tuple[int, int]]) -> dict[tuple[int, int], Race]:
    """Races by (season, round)."""
    found = await load_races(read, tuple_(races.c.season, races.c.round).in_(list(rounds)))
    return {(race.season, race.round): race for race in found}


async def season_lengths(read: Read, seasons: Collection[int]) -> dict[int, int]:
    """How many rounds each of `seasons` has; those without a calendar are left out."""
    found = await read.rows(
        select(races.c.season, func.max(races.c.round).label("rounds"))
        .where(races.c.season.in_(list(seasons)))
        .group_by(races.c.season)
    )
    return {row.season: row.rounds for row in found}


async def races_page(
    read: Read,
    wanted: RaceFilter,
    *,
    limit: int,
    after: tuple[datetime, str] | None = None,
    newest_first: bool = False,
) -> list[Race]:
    """The next races by (start, id), after the one given; two statements however many there are."""
    statement = select(races.c.id).where(*wanted.conditions())
    key = (races.c.starts_at, races.c.id)
    if after is not None:
        statement = statement.where(beyond(key, after, descending=newest_first))
    order = [column.desc() for column in key] if newest_first else list(key)
    page = statement.order_by(*order).limit(limit).subquery()
    found = await load_races(read, races.c.id.in_(select(page.c.id)))
    return list(reversed(found)) if newest_first else found


async def races_of_seasons(read: Read, seasons: Collection[int]) -> dict[int, list[Race]]:
    """All races of some seasons, by round; two statements however many there are."""
    of_season: dict[int, list[Race]] = {}
    for race in await load_races(read, races.c.season.in_(list(seasons))):
        of_season.setdefault(race.season, []).append(race)
    return {
        season: sorted(found, key=lambda race: (race.round, race.starts_at))
        for season, found in of_season.items()
    }


async def races_at_circuits(
    read: Read,
    circuit_ids: Collection[str],
    *,
    up_to_season: int,
    limit: int,
    after: tuple[datetime, str] | None,
    newest_first: bool = True,
) -> dict[str, list[Race]]:
    """Of each circuit the next races; two statements for all of them."""
    key = (races.c.starts_at, races.c.id)
    conditions = [races.c.circuit_id.in_(list(circuit_ids)), races.c.season <= up_to_season]
    if after is not None:
        conditions.append(beyond(key, after, descending=newest_first))
    order = [column.desc() for column in key] if newest_first else list(key)
    place = func.row_number().over(partition_by=races.c.circuit_id, order_by=order)
    numbered = select(races.c.id, place.label("place")).where(*conditions).subquery()
    found = await load_races(read, races.c.id.in_(select(numbered.c.id).where(numbered.c.place <= limit)))
    at_circuit: dict[str, list[Race]] = {}
    for race in reversed(found) if newest_first else found:
        at_circuit.setdefault(race.circuit_id, []).append(race)
    return at_circuit


async def count_races_at_circuits(
    read: Read, circuit_ids: Collection[str], *, up_to_season: int
) -> dict[str, int]:
    found = await read.rows(
        select(races.c.circuit_id, func.count().label("number"))
        .where(races.c.circuit_id.in_(list(circuit_ids)), races.c.season <= up_to_season)
        .group_by(races.c.circuit_id)
    )
    return {row.circuit_id: row.number for row in found}


async def count_races(read: Read, wanted: RaceFilter) -> int:
    return int(await read.value(select(func.count()).select_from(races).where(*wanted.conditions())))


async def race_not_over(read: Read, moment: datetime) -> Race | None:
    """The first race that is still to come or running; cancelled ones are passed over."""
    return await _first(
        read,
        select(races.c.id)
        .where(races.c.ends_at > moment, races.c.is_cancelled.is_(False))
        .order_by(races.c.starts_at, races.c.id),
    )


def _result_known(moment: datetime) -> ColumnElement[bool]:
    return (
        select(classifications.c.id)
        .where(
            classifications.c.race_id == races.c.id,
            classifications.c.kind == ClassificationKind.RACE,
            classifications.c.known_at <= moment,
        )
        .exists()
    )


async def last_race_with_result(read: Read, moment: datetime) -> Race | None:
    """The last race whose classification was known at `moment`."""
    return await _first(
        read,
        select(races.c.id)
        .where(races.c.starts_at <= moment, _result_known(moment))
        .order_by(races.c.starts_at.desc(), races.c.id.desc()),
    )


async def _first(read: Read, ids: Select[Any]) -> Race | None:
    page = ids.limit(1).subquery()
    found = await load_races(read, races.c.id.in_(select(page.c.id)))
    return found[0] if found else None


async def last_races_with_result(read: Read, seasons: Collection[int], moment: datetime) -> dict[int, str]:
    """Of each season the id of the last race whose classification was known at `moment`."""
    found = await read.rows(
        select(races.c.season, races.c.id)
        .join(classifications, classifications.c.race_id == races.c.id)
        .where(
            races.c.season.in_(list(seasons)),
            classifications.c.kind == ClassificationKind.RACE,
            classifications.c.known_at <= moment,
        )
        .order_by(races.c.season, races.c.round)
    )
    return {row.season: row.id for row in found}


async def seasons_page(read: Read, *, up_to_season: int, limit: int, before: int | None = None) -> list[int]:
    """Years that have a calendar, newest first."""
    statement = select(races.c.season).distinct().where(races.c.season <= up_to_season)
    if before is not None:
        statement = statement.where(races.c.season < before)
    return [row.season for row in await read.rows(statement.order_by(races.c.season.desc()).limit(limit))]


async def count_seasons(read: Read, *, up_to_season: int) -> int:
    statement = select(func.count(races.c.season.distinct())).where(races.c.season <= up_to_season)
    return int(await read.value(statement))


async def circuits_by_id(read: Read, ids: Collection[str]) -> Mapping[str, Circuit]:
    """Those of `ids` that exist."""
    found = await read.rows(select(circuits).where(circuits.c.id.in_(list(ids))))
    return {row.id: circuit_record(row) for row in found}


@dataclass(frozen=True, slots=True)
class CircuitFilter:
    """Which circuits are asked for; None asks for all.

    Attributes:
        search: A part of the name, the official name or the place, in any case and without accents.
        country: Its name or its three letters, in any case.
    """

    search: str | None = None
    country: str | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        found = []
        table = circuits.c
        if self.search is not None:
            found.append(has_part((table.name, table.full_name, table.place), table.id, self.search))
        if self.country is not None:
            found.append(
                or_(is_spelt(table.country, self.country), is_spelt(table.country_code, self.country))
            )
        return found


async def circuits_page(
    read: Read, wanted: CircuitFilter, *, limit: int, after: tuple[str, str] | None = None
) -> list[Circuit]:
    """The next circuits by (name, id)."""
    key = (circuits.c.name, circuits.c.id)
    statement = select(circuits).where(*wanted.conditions()).order_by(*key).limit(limit)
    if after is not None:
        statement = statement.where(beyond(key, after, descending=False))
    return [circuit_record(row) for row in await read.rows(statement)]


async def count_circuits(read: Read, wanted: CircuitFilter) -> int:
    statement = select(func.count()).select_from(circuits).where(*wanted.conditions())
    return int(await read.value(statement))
