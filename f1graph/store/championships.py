"""Questions about championship tables, as they stood at a moment."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, select

from f1graph.races.facts import StandingsKind, StandingsRow
from f1graph.races.results import ClassificationKind
from f1graph.races.standings import FIRST_COMPUTED_SEASON, standings_after
from f1graph.store.engine import Read
from f1graph.store.past import load_races
from f1graph.store.results import classifications_known
from f1graph.store.tables.facts import classifications, races, standings

_COUNTING = (ClassificationKind.RACE, ClassificationKind.SPRINT)
COMPUTED = "COMPUTED"


@dataclass(frozen=True, slots=True)
class ChampionshipTable:
    """A championship table after a race.

    Attributes:
        basis: `COMPUTED` from results, or `OFFICIAL` where the rules of the time are not modelled.
    """

    race_id: str
    kind: StandingsKind
    rows: tuple[StandingsRow, ...]
    basis: str


async def standings_known(
    read: Read, race_ids: Collection[str], moment: datetime
) -> dict[tuple[str, StandingsKind], ChampionshipTable]:
    """Both tables after each of some races, from the results known at `moment`.

    Stored tables are of the newest results. Where one of those was learned later than `moment`, the table is
    computed again from what was known then. A race whose own result was not known has none.
    """
    counting = classifications.alias("counting")
    earlier = races.alias("earlier")
    is_known = (
        select(counting.c.id)
        .where(
            counting.c.race_id == races.c.id,
            counting.c.kind == ClassificationKind.RACE,
            counting.c.known_at <= moment,
        )
        .exists()
    )
    changed_later = (
        select(counting.c.id)
        .join(earlier, earlier.c.id == counting.c.race_id)
        .where(
            and_(earlier.c.season == races.c.season, earlier.c.round <= races.c.round),
            counting.c.kind.in_(_COUNTING),
            counting.c.known_at > moment,
        )
        .exists()
    )
    known = await read.rows(
        select(races.c.id, races.c.season, changed_later.label("changed_later")).where(
            races.c.id.in_(list(race_ids)), is_known
        )
    )
    tables = await _stored(read, [row.id for row in known])
    to_compute = {
        row.id: row.season
        for row in known
        if row.season >= FIRST_COMPUTED_SEASON
        and (row.changed_later or (row.id, StandingsKind.DRIVERS) not in tables)
    }
    if to_compute:
        tables |= await _computed(read, to_compute, moment)
    return tables


async def _stored(
    read: Read, race_ids: Collection[str]
) -> dict[tuple[str, StandingsKind], ChampionshipTable]:
    found = await read.rows(
        select(standings)
        .where(standings.c.race_id.in_(list(race_ids)))
        .order_by(standings.c.race_id, standings.c.kind, standings.c.order)
    )
    lines: dict[tuple[str, StandingsKind], list[StandingsRow]] = {}
    basis: dict[tuple[str, StandingsKind], str] = {}
    for row in found:
        key = (row.race_id, StandingsKind(row.kind))
        basis[key] = row.basis
        lines.setdefault(key, []).append(
            StandingsRow(row.order, row.position, row.competitor_id, row.points, row.engine_id, row.wins)
        )
    return {key: ChampionshipTable(*key, tuple(rows), basis[key]) for key, rows in lines.items()}


async def _computed(
    read: Read, season_of: dict[str, int], moment: datetime
) -> dict[tuple[str, StandingsKind], ChampionshipTable]:
    of_seasons = await load_races(read, races.c.season.in_(sorted(set(season_of.values()))))
    results = await classifications_known(read, [race.id for race in of_seasons], _COUNTING, moment)
    tables: dict[tuple[str, StandingsKind], ChampionshipTable] = {}
    for season in set(season_of.values()):
        of_season = [race for race in of_seasons if race.season == season]
        for table in standings_after(of_season, results.values()):
            if table.race_id in season_of:
                tables[table.race_id, table.kind] = ChampionshipTable(
                    table.race_id, table.kind, table.rows, COMPUTED
                )
    return tables
