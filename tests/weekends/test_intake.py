"""Taking facts in: all or nothing, with the championship tables that follow from them."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Row, select

from f1graph.errors import SourceUnavailableError
from f1graph.races.facts import Facts, Standings, StandingsKind, StandingsRow
from f1graph.races.results import ClassificationKind
from f1graph.races.standings import FIRST_COMPUTED_SEASON
from f1graph.store.engine import Store
from f1graph.store.tables.facts import circuits, races, standings, standings_mismatches
from f1graph.weekends.intake import take_in
from tests.builders import a_moment, a_result, a_season
from tests.weekends.recorded import RecordedSource, a_recorded_source

FIRST, SECOND, _THIRD = a_season(2024, 3)
AFTER_TWO = a_moment("2024-03-18 12:00")


class SourceWithTables(RecordedSource):
    """Publishes championship tables too."""

    tables: tuple[Standings, ...] = ()

    async def fetch(self, *, now: datetime) -> Facts:
        return replace(await super().fetch(now=now), official_standings=self.tables)


async def rows_of(store: Store, statement: Any) -> list[Row[Any]]:
    async with store.read() as read:
        return await read.rows(statement)


async def drivers_table(store: Store, race_id: str) -> list[tuple[int | None, str, float, str]]:
    found = await rows_of(
        store,
        select(standings)
        .where(standings.c.race_id == race_id, standings.c.kind == StandingsKind.DRIVERS)
        .order_by(standings.c.order),
    )
    return [(row.position, row.competitor_id, row.points, row.basis) for row in found]


async def test_each_race_with_a_result_has_its_championship_table(
    store: Store, source: RecordedSource
) -> None:
    source.facts = [a_result(FIRST, ["norris", "russell"]), a_result(SECOND, ["russell", "norris"])]
    await take_in(store, source, now=AFTER_TWO)
    assert await drivers_table(store, FIRST.id) == [
        (1, "norris", 25, "COMPUTED"),
        (2, "russell", 18, "COMPUTED"),
    ]
    assert [points for _, _, points, _ in await drivers_table(store, SECOND.id)] == [43, 43]


async def test_a_disqualification_changes_the_tables_of_its_race_and_all_later_ones(
    store: Store, source: RecordedSource
) -> None:
    """S6: results change after publication."""
    source.facts = [a_result(FIRST, ["norris", "russell"]), a_result(SECOND, ["norris", "russell"])]
    await take_in(store, source, now=AFTER_TWO)
    later = AFTER_TWO + timedelta(days=10)
    source.facts.append(a_result(FIRST, ["russell"], disqualified=["norris"], known_at=AFTER_TWO, revision=2))
    recorded = await take_in(store, source, now=later)
    assert recorded.new_revisions == ((FIRST.id, ClassificationKind.RACE),)
    assert [(who, points) for _, who, points, _ in await drivers_table(store, SECOND.id)] == [
        ("russell", 43),
        ("norris", 25),
    ]


async def test_a_line_that_differs_from_the_official_table_is_kept_with_its_reason(store: Store) -> None:
    made_up = a_recorded_source([FIRST, SECOND])
    source = SourceWithTables(made_up.races, [a_result(FIRST, ["norris", "russell"])])
    rows = (StandingsRow(1, 1, "norris", 25), StandingsRow(2, 2, "russell", 17))
    source.tables = (Standings(FIRST.id, StandingsKind.DRIVERS, rows),)
    await take_in(store, source, now=AFTER_TWO)
    (mismatch,) = await rows_of(store, select(standings_mismatches))
    assert (mismatch.competitor, mismatch.computed, mismatch.official) == (
        "russell",
        "2., 18 points",
        "2., 17 points",
    )
    assert "no known reason" in mismatch.reason


async def test_a_season_of_dropped_scores_has_the_official_tables(store: Store) -> None:
    old = a_season(FIRST_COMPUTED_SEASON - 1, 1)
    source = SourceWithTables(old, [a_result(old[0], ["norris", "russell"])])
    rows = (StandingsRow(1, 1, "norris", 9), StandingsRow(2, 2, "russell", 6))
    source.tables = (Standings(old[0].id, StandingsKind.DRIVERS, rows),)
    await take_in(store, source, now=AFTER_TWO)
    assert await drivers_table(store, old[0].id) == [
        (1, "norris", 9, "OFFICIAL"),
        (2, "russell", 6, "OFFICIAL"),
    ]


async def test_the_same_facts_taken_in_again_add_nothing(store: Store, source: RecordedSource) -> None:
    first = await take_in(store, source, now=AFTER_TWO)
    again = await take_in(store, source, now=AFTER_TWO)
    assert (first.changed, again.changed, again.already_imported) == (True, False, True)


async def test_a_source_that_does_not_answer_changes_nothing(store: Store, source: RecordedSource) -> None:
    source.fails = 1
    with pytest.raises(SourceUnavailableError):
        await take_in(store, source, now=AFTER_TWO)
    assert await rows_of(store, select(circuits)) == []
    assert await rows_of(store, select(races)) == []


async def test_nothing_is_locked_while_the_source_is_asked(store: Store, other_store: Store) -> None:
    """D4: no network call happens inside a write transaction."""

    class AsksWhileOthersWrite(RecordedSource):
        async def fetch(self, *, now: datetime) -> Facts:
            async with other_store.write() as write:
                await write.execute(circuits.delete())
            return await super().fetch(now=now)

    source = AsksWhileOthersWrite((FIRST,), [])
    assert (await take_in(store, source, now=AFTER_TWO)).races > 0
