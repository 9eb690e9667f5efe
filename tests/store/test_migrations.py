"""Bringing a database up and down, several at once, and telling whether it fits."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, bindparam, inspect, text, update
from sqlalchemy.exc import DBAPIError

from f1graph.errors import StoreError
from f1graph.store.engine import Store, open_store
from f1graph.store.migrate import current_revision, differences, migrate, newest_revision, require_newest
from f1graph.store.past import load_history
from f1graph.store.publications import published_after
from f1graph.store.tables import metadata
from f1graph.store.tables.facts import races
from f1graph.store.types import UtcDateTime
from tests.api.seed import SECOND, fill_championship
from tests.builders import a_moment
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


async def test_d8_what_was_published_before_is_told_as_what_is_published_now(
    filled_url: str, filled: Store
) -> None:
    """The events of the version before name results, scores and models in their texts only."""
    async with filled.read() as read:
        before = (await published_after(read, 0, limit=100, moment=a_moment("2030-01-01"))).publications
    await migrate(filled_url, to="0007")
    recorded_at = a_moment("2024-01-01")
    old = [
        ("RESULT_REVISED", "f1db 1", SECOND.id),
        ("SCORED", f"result of {SECOND.id}, revision 2", SECOND.id),
        ("MODEL_CHANGED", "rating-1 was trained", None),
        ("MODEL_CHANGED", "rating-1 was put to use", None),
    ]
    async with filled.write() as write:
        for kind, cause, race_id in old:
            await write.execute(
                text(
                    "INSERT INTO events (kind, cause, race_id, happened_at) "
                    "VALUES (:kind, :cause, :race, :at)"
                ).bindparams(bindparam("at", type_=UtcDateTime)),
                {"kind": kind, "cause": cause, "race": race_id, "at": recorded_at},
            )

    assert await migrate(filled_url) == newest_revision()

    async with filled.read() as read:
        found = (await published_after(read, 0, limit=100, moment=a_moment("2030-01-01"))).publications
    assert [(one.kind, one.race_id, one.revision, one.bundle_id) for one in found[-3:]] == [
        ("RESULT_PUBLISHED", SECOND.id, 2, None),
        ("SCORES_PUBLISHED", SECOND.id, 2, None),
        ("MODEL_ACTIVATED", None, None, "rating-1"),
    ]
    forecasts = [one for one in before if one.forecast is not None]
    assert [one for one in found if one.forecast is not None] == forecasts
    assert len(forecasts) == 18
    with pytest.raises(DBAPIError, match="append-only"):
        async with filled.write() as write:
            await write.execute(text("UPDATE events SET cause = 'another'"))


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
