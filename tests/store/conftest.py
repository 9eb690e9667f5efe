"""An empty, migrated store on SQLite and on Postgres."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from f1graph.store.engine import Store, open_store
from tests.databases import PostgresTemplates, SqliteTemplates


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest, tmp_path: Path, sqlite_templates: SqliteTemplates) -> str:
    if request.param == "sqlite":
        return sqlite_templates.copy(tmp_path)
    templates: PostgresTemplates = request.getfixturevalue("postgres_templates")
    return templates.copy()


@pytest.fixture
async def store(url: str) -> AsyncIterator[Store]:
    opened = open_store(url)
    yield opened
    await opened.close()
