"""The daily look at F1DB: a release that is known already costs nothing."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from f1graph.settings import Settings
from f1graph.store.engine import Store
from f1graph.weekends.intake import take_in
from f1graph.wiring import source_of
from tests.builders import a_moment
from tests.sources.f1db.release_builder import ReleaseBuilder

NOON = a_moment("2024-07-01 12:00")


async def test_a_release_that_was_imported_is_recognised_without_being_read(
    store: Store, tmp_path: Path
) -> None:
    """S15: a release comes every few weeks, and is looked for every day."""
    release = ReleaseBuilder().write(tmp_path)
    source = await source_of(Settings(f1db=str(release), data_dir=tmp_path), store)
    first = await take_in(store, source, now=NOON)
    assert len(first.classified) == 3

    tomorrow = NOON + timedelta(days=1)
    facts = await source.fetch(now=tomorrow)
    assert (facts.races, facts.version) == ((), first.version)
    assert (await take_in(store, source, now=tomorrow)).already_imported

    ReleaseBuilder().change("f1db-drivers.csv", 2, firstName="Another").write(tmp_path)
    newer = await take_in(store, source, now=tomorrow + timedelta(days=1))
    assert (newer.drivers, newer.already_imported) == (1, False)
