"""Bringing a database up and down, several at once, and telling whether it fits."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, inspect, text, update

from f1graph.errors import StoreError
from f1graph.store.engine import Store, open_store
from f1graph.store.migrate import current_revision, differences, migrate, newest_revision, require_newest
from f1graph.store.past import load_history
from f1graph.store.tables import metadata
from f1graph.store.tables.facts import races
from tests.api.seed import fill_championship
from tests.databases import PostgresTemplates, SqliteTemplates


@pytest.fixture
def filled_url(request: pytest.FixtureRequest, url: str, tmp_path: Path) -> str:
    """A database with facts, forecasts, scores and work in it, on each kind of database."""
    if url.startswith("sqlite"):
        sqlite: SqliteTemplates = request.getfixturevalue("sqlite_templates")
        return sqlite.copy(tmp_path, fill_championship)
    postgres: PostgresTemplates = request.getfixturevalue("postgres_templates")
    return postgres.copy(fill_championship)


@pytest.fixture
async def filled(filled_url: str) -> AsyncIterator[Store]:
    opened = open_store(filled_url)
    yield opened
    await opened.close()


async def set_revision(store: Store, revision: str) -> None:
    async with store.write() as write:
        await write.execute(text("UPDATE alembic_version SET version_num = :new"), {"new": revision})


async def test_d8_a_filled_database_goes_down_and_up_again(filled_url: str, filled: Store) -> None:
    assert await migrate(filled_url, to="base") == ""
    async with filled.connect() as connection:
        left = await connection.run_sync(lambda sync: inspect(sync).get_table_names())
    assert left == ["alembic_version"]

    assert await migrate(filled_url) == newest_revision()
    await require_newest(filled)
    assert await differences(filled) == []
    # And it can be used: the triggers and the tables are those of the first time.
    await fill_championship(filled)


async def test_d8_migrating_what_is_there_changes_no_fact(filled_url: str, filled: Store) -> None:
    async with filled.read() as read:
        before = await load_history(read)

    assert await migrate(filled_url) == newest_revision()

    async with filled.read() as read:
        assert await load_history(read) == before
    assert before.races


async def test_d8_tables_and_migrations_are_in_step(store: Store) -> None:
    assert await differences(store) == []


async def test_d8_a_table_that_differs_is_noticed(store: Store) -> None:
    async with store.write() as write:
        await write.execute(text("ALTER TABLE races ADD COLUMN weather VARCHAR"))

    (found,) = await differences(store)
    assert "weather" in found


def _names(connection: Connection) -> list[tuple[str, object]]:
    inspector = inspect(connection)
    return [
        (table, constraint["name"])
        for table in metadata.tables
        for constraint in (
            inspector.get_pk_constraint(table),
            *inspector.get_foreign_keys(table),
            *inspector.get_unique_constraints(table),
            *inspector.get_check_constraints(table),
            *inspector.get_indexes(table),
        )
    ]


async def test_d8_every_constraint_has_the_name_of_the_convention(store: Store) -> None:
    """SQLite cannot drop what has no name."""
    async with store.connect() as connection:
        found = await connection.run_sync(_names)

    assert len(found) > 50
    assert [
        (table, name)
        for table, name in found
        if not str(name).startswith(tuple(f"{kind}_{table}" for kind in ("pk", "fk", "uq", "ck", "ix")))
    ] == []


async def test_d9_two_that_migrate_at_once_both_end_well(url: str, store: Store) -> None:
    await migrate(url, to="base")

    async with asyncio.timeout(30):
        found = await asyncio.gather(*(migrate(url) for _ in range(3)))

    assert found == [newest_revision()] * 3
    assert await differences(store) == []


async def test_d9_a_database_that_was_never_migrated_is_refused_with_what_to_run(url: str) -> None:
    await migrate(url, to="base")
    store = open_store(url)
    with pytest.raises(StoreError, match=r"at revision none, .* needs .*run `f1graph db upgrade`"):
        await require_newest(store)
    await store.close()


async def test_d9_a_database_of_a_newer_version_is_refused_and_left_alone(url: str, store: Store) -> None:
    await set_revision(store, "9999")

    with pytest.raises(StoreError, match="revision 9999"):
        await require_newest(store)
    with pytest.raises(StoreError, match="9999, which this version of f1graph does not know"):
        await migrate(url)

    assert await current_revision(store) == "9999"


async def test_an_unknown_revision_is_refused_by_its_name(url: str, store: Store) -> None:
    with pytest.raises(StoreError, match="nonsense"):
        await migrate(url, to="nonsense")

    await require_newest(store)


async def test_the_calendar_may_change_after_a_migration(filled: Store) -> None:
    """Only what must stay is append-only: races are postponed."""
    async with filled.write() as write:
        assert await write.execute(update(races).values(is_cancelled=True)) > 0


def test_alembic_needs_nothing_but_pyproject(tmp_path: Path) -> None:
    """D8: no alembic.ini, and the database is that of the settings."""
    environment = {**os.environ, "F1GRAPH_DATABASE_URL": f"sqlite:///{tmp_path}/f1graph.db"}
    root = Path(__file__).parents[2]
    run = [
        subprocess.run(
            [sys.executable, "-m", "alembic", *words],
            cwd=root,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        for words in (["upgrade", "head"], ["check"])
    ]

    assert [done.returncode for done in run] == [0, 0], [done.stderr for done in run]
    assert "No new upgrade operations" in run[1].stdout + run[1].stderr
