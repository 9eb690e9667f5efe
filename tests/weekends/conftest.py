"""A migrated database of its own for each test, on SQLite and on Postgres, and who is asked and forecasts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from f1graph.store.engine import Store, open_store
from tests.builders import a_moment, a_season
from tests.sources.fastf1.recorded import unpack_weekend
from tests.weekends.recorded import MovingClock, RecordedEngine, RecordedSource, a_recorded_source


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest) -> str:
    return str(request.getfixturevalue(f"migrated_{request.param}"))


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Store]:
    opened = open_store(database_url)
    yield opened
    await opened.close()


@pytest.fixture
async def other_store(database_url: str) -> AsyncIterator[Store]:
    """The same database as another process sees it."""
    opened = open_store(database_url)
    yield opened
    await opened.close()


@pytest.fixture
def clock() -> MovingClock:
    """The Thursday before the second of three races."""
    return MovingClock(a_moment("2024-03-14 13:00"))


@pytest.fixture
def source() -> RecordedSource:
    return a_recorded_source(a_season(2024, 3))


@pytest.fixture
def engine() -> RecordedEngine:
    return RecordedEngine()


@pytest.fixture
async def sqlite_store(migrated_sqlite: str) -> AsyncIterator[Store]:
    """Where it is not the database that matters."""
    opened = open_store(migrated_sqlite)
    yield opened
    await opened.close()


@pytest.fixture(scope="session")
def unpacked_weekends(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """FastF1's own caches of the recorded weekends, unpacked once; to be copied, not used."""
    return unpack_weekend("", tmp_path_factory.mktemp("weekends"))
