"""Questions about drivers and constructors, and what they have achieved."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, Table, and_, case, distinct, func, or_, select

from f1graph.races.entries import Constructor, Driver
from f1graph.races.facts import StandingsKind
from f1graph.races.results import STARTED, ClassificationKind
from f1graph.store.calendar import last_races_with_result
from f1graph.store.championships import standings_known
from f1graph.store.engine import Read
from f1graph.store.past import constructor_record, driver_record
from f1graph.store.results import newest_known
from f1graph.store.search import beyond, has_part, is_spelt, plain
from f1graph.store.tables.facts import classification_rows, classifications, constructors, drivers, races

_TAKES_PART = (
    ClassificationKind.ENTRY_LIST,
    ClassificationKind.QUALIFYING,
    ClassificationKind.SPRINT,
    ClassificationKind.RACE,
)

# Making records of all nine hundred drivers in one go would hold the event loop for ten milliseconds.
_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class PeopleFilter:
    """Which drivers or constructors are asked for; None asks for all.

    Attributes:
        search: A part of the name, in any case and without accents.
        season: Those on a list of a race of that season, as known at `known_by`.
        country: A driver's nationality, or where a team is licensed, in any case.
        constructor_id: Drivers on such a list for this team.
    """

    known_by: datetime
    search: str | None = None
    season: int | None = None
    country: str | None = None
    constructor_id: str | None = None


@dataclass(frozen=True, slots=True)
class SeasonTally:
    """What a driver did in a season, computed from the results known.

    Attributes:
        starts: Races in which the driver took the start.
        poles: Races started from the first place of the grid.
        points: Scored in races and sprints, also those that a rule of the time did not count.
        position, counted_points: In the championship after the last race known; None where there is none.
        is_complete: The result of the season's last race is known.
    """

    driver_id: str
    season: int
    starts: int
    wins: int
    podiums: int
    poles: int
    points: float
    constructor_ids: tuple[str, ...]
    position: int | None
    counted_points: float | None
    is_complete: bool


def _conditions(table: Table, column: str, wanted: PeopleFilter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if wanted.search is not None:
        is_it = has_part((table.c.name,), table.c.id, wanted.search)
        if "code" in table.c:
            is_it = or_(is_it, func.lower(table.c.code) == plain(wanted.search))
        found.append(is_it)
    if wanted.country is not None:
        found.append(is_spelt(table.c["nationality" if table is drivers else "country"], wanted.country))
    if wanted.season is not None or wanted.constructor_id is not None:
        found.append(table.c.id.in_(_taking_part(column, wanted)))
    return found


def _taking_part(column: str, wanted: PeopleFilter) -> Select[Any]:
    statement = (
        select(classification_rows.c[column])
        .join(classifications, classifications.c.id == classification_rows.c.classification_id)
        .where(
            classifications.c.kind.in_(_TAKES_PART),
            classifications.c.known_at <= wanted.known_by,
        )
    )
    if wanted.season is not None:
        statement = statement.join(races, races.c.id == classifications.c.race_id).where(
            races.c.season == wanted.season
        )
    if wanted.constructor_id is not None:
        statement = statement.where(classification_rows.c.constructor_id == wanted.constructor_id)
    return statement


def _page(
    table: Table, name: str, conditions: list[ColumnElement[bool]], after: tuple[str, str] | None, limit: int
) -> Any:
    key = (table.c[name], table.c.id)
    statement = select(table).where(*conditions).order_by(*key).limit(limit)
    if after is not None:
        statement = statement.where(beyond(key, after, descending=False))
    return statement


async def everybody(read: Read) -> tuple[list[Driver], list[Constructor]]:
    """All drivers and constructors there ever were: a source's names are looked up among them."""
    of_drivers = read.partitions(select(drivers).order_by(drivers.c.id), size=_AT_ONCE)
    of_constructors = read.partitions(select(constructors).order_by(constructors.c.id), size=_AT_ONCE)
    return (
        [driver_record(row) async for rows in of_drivers for row in rows],
        [constructor_record(row) async for rows in of_constructors for row in rows],
    )


async def drivers_by_id(read: Read, ids: Collection[str]) -> dict[str, Driver]:
    """Those of `ids` that exist."""
    found = await read.rows(select(drivers).where(drivers.c.id.in_(list(ids))))
    return {row.id: driver_record(row) for row in found}


async def drivers_page(
    read: Read, wanted: PeopleFilter, *, limit: int, after: tuple[str, str] | None = None
) -> list[Driver]:
    """The next drivers by (last name, id)."""
    conditions = _conditions(drivers, "driver_id", wanted)
    return [
        driver_record(row) for row in await read.rows(_page(drivers, "last_name", conditions, after, limit))
    ]


async def count_drivers(read: Read, wanted: PeopleFilter) -> int:
    conditions = _conditions(drivers, "driver_id", wanted)
    return int(await read.value(select(func.count()).select_from(drivers).where(*conditions)))


async def constructors_by_id(read: Read, ids: Collection[str]) -> dict[str, Constructor]:
    """Those of `ids` that exist."""
    found = await read.rows(select(constructors).where(constructors.c.id.in_(list(ids))))
    return {row.id: constructor_record(row) for row in found}


async def constructors_page(
    read: Read, wanted: PeopleFilter, *, limit: int, after: tuple[str, str] | None = None
) -> list[Constructor]:
    """The next constructors by (name, id)."""
    conditions = _conditions(constructors, "constructor_id", wanted)
    return [
        constructor_record(row)
        for row in await read.rows(_page(constructors, "name", conditions, after, limit))
    ]


async def count_constructors(read: Read, wanted: PeopleFilter) -> int:
    conditions = _conditions(constructors, "constructor_id", wanted)
    return int(await read.value(select(func.count()).select_from(constructors).where(*conditions)))


async def driver_seasons(
    read: Read, driver_ids: Collection[str], moment: datetime
) -> dict[str, list[SeasonTally]]:
    """Every season of some drivers, oldest first, as known at `moment`."""
    heads, rows = classifications.c, classification_rows.c
    is_race = heads.kind == ClassificationKind.RACE

    def races_where(condition: ColumnElement[bool]) -> ColumnElement[int]:
        return func.count(distinct(case((and_(is_race, condition), heads.race_id))))

    known = (
        classification_rows.join(classifications, heads.id == rows.classification_id).join(
            races, races.c.id == heads.race_id
        ),
        and_(
            rows.driver_id.in_(list(driver_ids)),
            heads.kind.in_((ClassificationKind.RACE, ClassificationKind.SPRINT)),
            newest_known(moment),
        ),
    )
    tallies = await read.rows(
        select(
            rows.driver_id,
            races.c.season,
            races_where(rows.status.in_(STARTED)).label("starts"),
            races_where(rows.position == 1).label("wins"),
            races_where(rows.position <= 3).label("podiums"),
            races_where(rows.grid_position == 1).label("poles"),
            func.coalesce(func.sum(rows.points), 0.0).label("points"),
        )
        .select_from(known[0])
        .where(known[1])
        .group_by(rows.driver_id, races.c.season)
        .order_by(rows.driver_id, races.c.season)
    )
    teams: dict[tuple[str, int], list[str]] = {}
    for row in await read.rows(
        select(rows.driver_id, races.c.season, rows.constructor_id, func.min(races.c.round))
        .select_from(known[0])
        .where(known[1])
        .group_by(rows.driver_id, races.c.season, rows.constructor_id)
        .order_by(func.min(races.c.round), rows.constructor_id)
    ):
        teams.setdefault((row.driver_id, row.season), []).append(row.constructor_id)

    seasons = {row.season for row in tallies}
    last_known = await last_races_with_result(read, seasons, moment)
    last_of_season = await _last_races(read, seasons)
    tables = await standings_known(read, last_known.values(), moment)
    found: dict[str, list[SeasonTally]] = {}
    for row in tallies:
        race_id = last_known.get(row.season, "")
        table = tables.get((race_id, StandingsKind.DRIVERS))
        place = None
        if table is not None:
            place = next((line for line in table.rows if line.competitor_id == row.driver_id), None)
        found.setdefault(row.driver_id, []).append(
            SeasonTally(
                driver_id=row.driver_id,
                season=row.season,
                starts=row.starts,
                wins=row.wins,
                podiums=row.podiums,
                poles=row.poles,
                points=row.points,
                constructor_ids=tuple(teams.get((row.driver_id, row.season), ())),
                position=None if place is None else place.position,
                counted_points=None if place is None else place.points,
                is_complete=last_of_season.get(row.season) == race_id,
            )
        )
    return found


async def _last_races(read: Read, seasons: Collection[int]) -> dict[int, str]:
    found = await read.rows(
        select(races.c.season, races.c.id)
        .where(races.c.season.in_(list(seasons)), races.c.is_cancelled.is_(False))
        .order_by(races.c.season, races.c.round)
    )
    return {row.season: row.id for row in found}
