"""Taking in what a source knows: fetched first, with no transaction open, then stored in one."""

from __future__ import annotations

from datetime import datetime

from f1graph.races.facts import Facts
from f1graph.sources.source import Source
from f1graph.store.engine import Store, Write
from f1graph.store.facts import Recorded, record_facts
from f1graph.store.standings import refresh_standings


async def take_in(store: Store, source: Source, *, now: datetime) -> Recorded:
    """Fetches what the source knows and stores what is new of it, all or nothing.

    Raises:
        SourceError: The source gave nothing that can be stored; nothing was.
    """
    facts = await source.fetch(now=now)
    async with store.write() as write:
        return await record(write, facts, now=now)


async def record(write: Write, facts: Facts, *, now: datetime) -> Recorded:
    """Stores what is new in `facts`, and the championship tables that follow from it."""
    recorded = await record_facts(write, facts, now=now)
    if not recorded.already_imported:
        # Official tables can change alone, so every season that has some is looked at again.
        season_of = {race.id: race.season for race in facts.races}
        official = {season_of[table.race_id] for table in facts.official_standings}
        await refresh_standings(write, official.union(recorded.seasons), official=facts.official_standings)
    return recorded
