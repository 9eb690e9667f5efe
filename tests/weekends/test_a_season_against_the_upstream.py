"""Weekends of 2024 lived through from Thursday to thirty days later, against the recorded upstream."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from f1graph.races.results import ClassificationKind
from f1graph.store.engine import Store
from f1graph.store.ledger import WorkStatus
from f1graph.store.recordings import recordings_known
from f1graph.store.results import revisions_known
from f1graph.weekends.intake import take_in
from tests.upstream import replayed_upstream
from tests.weekends.lived import a_weekend, cached_weekend, published, stages_of

pytestmark = pytest.mark.real_data


@pytest.mark.parametrize(
    ("race_id", "weekend"),
    [
        pytest.param("2024-miami", "Miami_Grand_Prix", id="sprint"),
        pytest.param("2024-abu-dhabi", "Abu_Dhabi_Grand_Prix", id="conventional", marks=pytest.mark.slow),
    ],
)
async def test_a_weekend_is_lived_and_ends_with_the_facts_of_the_release(
    race_id: str, weekend: str, unpacked_weekends: Path, tmp_path: Path, sqlite_store: Store
) -> None:
    """S6, S7, S8, Q3: every stage is forecast once, every session fetched at its times, nothing twice."""
    cache = cached_weekend(unpacked_weekends, weekend, tmp_path / "cache")
    with replayed_upstream() as upstream:
        async with a_weekend(race_id, sqlite_store, upstream, cache=cache) as lived:
            race = lived.race
            await take_in(lived.store, lived.source, now=lived.clock.now)
            await lived.live_until_monday()
            # FastF1's word alone: F1DB has not spoken yet.
            assert set(await lived.known()) == set(lived.kinds())
            assert await lived.wrong() == []
            await lived.live_to_the_end()

        rows = await lived.fetched()
        assert {row.status for row in rows} == {WorkStatus.DONE}
        assert {row.attempts for row in rows} == {1}
        for session in race.sessions:
            keys = {row.key.rsplit("/", 1)[1] for row in rows if f"/{session.kind}/" in row.key}
            assert keys >= {"+30min", "+120min", "+720min", "+4320min", "+43200min"}
        stages = [stage for stage, _ in await lived.served()]
        assert stages == stages_of(race)
        at_the_end = {kind: one.rows for kind, one in (await lived.known()).items()}
        assert at_the_end == {kind: published(race)[kind].rows for kind in lived.kinds()}
        async with lived.store.read() as read:
            at_once = await revisions_known(read, [race.id], race.ends_at + timedelta(hours=3))
            recorded = await recordings_known(read, [race.id], lived.clock.now)
        # asOf: hours after the race FastF1's word was all there was.
        assert {one.source for one in at_once[race.id] if one.kind is ClassificationKind.RACE} == {"fastf1"}
        assert all(heads and heads[-1].missing is None for heads in recorded.values())
