"""The championship tables: computed from the newest results, checked against the official ones."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Sequence
from enum import StrEnum

from sqlalchemy import delete, insert

from f1graph.races.facts import Standings, StandingsRow
from f1graph.races.results import ClassificationKind
from f1graph.races.standings import FIRST_COMPUTED_SEASON, Mismatch, check_standings, standings_after
from f1graph.store.engine import Write
from f1graph.store.past import load_classifications, load_races
from f1graph.store.tables.facts import classifications, races, standings, standings_mismatches


class StandingsBasis(StrEnum):
    """Where a table comes from."""

    COMPUTED = "COMPUTED"
    OFFICIAL = "OFFICIAL"  # the rules of the time are not modelled


async def refresh_standings(
    write: Write, seasons: Collection[int], *, official: Iterable[Standings] = ()
) -> list[Mismatch]:
    """Puts the tables of some seasons in the place of those stored.

    Args:
        official: As published; of seasons whose rules are not modelled they are stored, of the others
            compared. Without one for a season, its stored official tables and mismatches stay.

    Returns:
        Where computed and official tables differ, each with its reason; also stored.
    """
    published: dict[str, list[Standings]] = {}
    for table in official:
        published.setdefault(table.race_id, []).append(table)
    mismatches: list[Mismatch] = []
    for season in sorted(set(seasons)):
        mismatches += await _refresh_season(write, season, published)
    return mismatches


async def _refresh_season(write: Write, season: int, published: dict[str, list[Standings]]) -> list[Mismatch]:
    of_season = await load_races(write, races.c.season == season)
    ids = [race.id for race in of_season]
    official = [table for race_id in ids for table in published.get(race_id, ())]
    if season < FIRST_COMPUTED_SEASON:
        if official:
            await _replace(write, ids, official, StandingsBasis.OFFICIAL)
        return []
    results = await load_classifications(
        write,
        races.c.season == season,
        classifications.c.kind.in_([ClassificationKind.RACE, ClassificationKind.SPRINT]),
    )
    # A whole history takes a second of arithmetic, which the event loop must not wait for.
    computed = await asyncio.to_thread(standings_after, of_season, results)
    await _replace(write, ids, computed, StandingsBasis.COMPUTED)
    if not official:
        return []
    mismatches = check_standings(computed, official)
    await write.execute(delete(standings_mismatches).where(standings_mismatches.c.race_id.in_(ids)))
    if mismatches:
        await write.execute(insert(standings_mismatches), [_mismatch_values(one) for one in mismatches])
    return mismatches


async def _replace(
    write: Write, race_ids: Sequence[str], tables: Sequence[Standings], basis: StandingsBasis
) -> None:
    await write.execute(delete(standings).where(standings.c.race_id.in_(race_ids)))
    rows = [
        {
            "race_id": table.race_id,
            "kind": table.kind,
            "order": row.order,
            "position": row.position,
            "competitor_id": row.competitor_id,
            "engine_id": row.engine_id,
            "points": row.points,
            "wins": row.wins,
            "basis": basis,
        }
        for table in tables
        for row in table.rows
    ]
    if rows:
        await write.execute(insert(standings), rows)


def _mismatch_values(mismatch: Mismatch) -> dict[str, str]:
    competitor, engine = mismatch.competitor
    return {
        "race_id": mismatch.race_id,
        "kind": mismatch.kind,
        "competitor": competitor if engine is None else f"{competitor} {engine}",
        "computed": _line(mismatch.computed),
        "official": _line(mismatch.official),
        "reason": mismatch.reason,
    }


def _line(row: StandingsRow | None) -> str:
    if row is None:
        return "not listed"
    place = "no place" if row.position is None else f"{row.position}."
    return f"{place}, {row.points:g} points"
