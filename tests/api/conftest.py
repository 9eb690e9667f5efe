"""The API over a seeded database, on SQLite and on Postgres."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from f1graph.api.app import create_app
from f1graph.settings import Settings
from f1graph.store.engine import Store, open_store
from tests.api.seed import NOW, fill_championship
from tests.api.subscribers import Live, living
from tests.databases import PostgresTemplates, SqliteTemplates


@dataclass
class Api:
    """A running application and how to ask it."""

    client: TestClient
    url: str

    def ask(self, query: str, variables: dict[str, Any] | None = None) -> dict[str, Any]:
        """The data of a query that must succeed."""
        answer = self.answer(query, variables)
        assert "errors" not in answer, answer["errors"]
        data: dict[str, Any] = answer["data"]
        return data

    def answer(self, query: str, variables: dict[str, Any] | None = None) -> dict[str, Any]:
        response = self.client.post("/graphql", json={"query": query, "variables": variables})
        answer: dict[str, Any] = response.json()
        return answer

    def error(self, query: str, variables: dict[str, Any] | None = None) -> dict[str, Any]:
        """The one error of a query that must fail."""
        errors: list[dict[str, Any]] = self.answer(query, variables)["errors"]
        assert len(errors) == 1, errors
        return errors[0]


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest, tmp_path: Path, sqlite_templates: SqliteTemplates) -> str:
    """A copy of the seeded championship, on each kind of database."""
    if request.param == "sqlite":
        return sqlite_templates.copy(tmp_path, fill_championship)
    templates: PostgresTemplates = request.getfixturevalue("postgres_templates")
    return templates.copy(fill_championship)


@pytest.fixture
def sqlite_url(tmp_path: Path, sqlite_templates: SqliteTemplates) -> str:
    return sqlite_templates.copy(tmp_path, fill_championship)


@pytest.fixture
def postgres_url(postgres_templates: PostgresTemplates) -> str:
    return postgres_templates.copy(fill_championship)


@pytest.fixture
async def store(url: str) -> AsyncIterator[Store]:
    opened = open_store(url)
    yield opened
    await opened.close()


@pytest.fixture
async def sqlite_store(sqlite_url: str) -> AsyncIterator[Store]:
    opened = open_store(sqlite_url)
    yield opened
    await opened.close()


def start(url: str, *, now: datetime = NOW, **settings: Any) -> TestClient:
    """A client whose `with` block is the application's lifespan."""
    return TestClient(create_app(Settings(database_url=url, **settings), clock=lambda: now))


@pytest.fixture
def api(url: str) -> Iterator[Api]:
    with start(url) as client:
        yield Api(client, url)


@pytest.fixture
def sqlite_api(sqlite_url: str) -> Iterator[Api]:
    """For what does not depend on the database."""
    with start(sqlite_url) as client:
        yield Api(client, sqlite_url)


@pytest.fixture
def live(url: str) -> Iterator[Live]:
    with living(url) as served:
        yield served


@pytest.fixture
def sqlite_live(sqlite_url: str) -> Iterator[Live]:
    """For what does not depend on the database."""
    with living(sqlite_url) as served:
        yield served
