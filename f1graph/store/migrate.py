"""Bringing a database to the schema of this version, and telling whether it is there."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, event, text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

import f1graph
from f1graph.errors import StoreError
from f1graph.store.engine import CONNECTION_ERRORS, Store, make_sqlite_folder, store_url
from f1graph.store.tables import metadata

# Any fixed number: whoever holds this lock migrates, the others wait and then find nothing to do.
_POSTGRES_LOCK = 0xF1_6A_F4


def migrations_folder() -> Path:
    """Beside the package in a checkout, inside it in an installed wheel."""
    package = Path(f1graph.__file__).parent
    inside = package / "migrations"
    return inside if inside.is_dir() else package.parent / "migrations"


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(migrations_folder()))
    config.attributes["connection"] = connection
    return config


def newest_revision() -> str:
    return ScriptDirectory.from_config(_config()).get_current_head() or ""


def migrating_engine(url: str) -> AsyncEngine:
    """An engine for migrations alone.

    SQLite copies a table to change it, which foreign keys must not notice: so they are off here, and
    the whole migration is one immediate transaction.
    """
    parsed = store_url(url)
    if not parsed.drivername.startswith("sqlite"):
        return create_async_engine(parsed, poolclass=NullPool)
    make_sqlite_folder(parsed)
    engine = create_async_engine(parsed, poolclass=NullPool, connect_args={"timeout": 60})

    @event.listens_for(engine.sync_engine, "connect")
    def _(connection: object, _record: object) -> None:
        connection.isolation_level = None  # type: ignore[attr-defined]  # sqlite3's, behind aiosqlite

    @event.listens_for(engine.sync_engine, "begin")
    def _(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


async def migrate(url: str, *, to: str = "head") -> str:
    """Brings the database to a revision; a second one at the same time waits for the first.

    Returns:
        The revision the database is at now; empty for `base`.

    Raises:
        StoreError: The database cannot be used, or there is no such revision.
    """
    engine = migrating_engine(url)
    try:
        async with engine.begin() as connection:
            if engine.dialect.name == "postgresql":
                await connection.execute(text(f"SELECT pg_advisory_xact_lock({_POSTGRES_LOCK})"))
            await connection.run_sync(_move, to)
            return await connection.run_sync(_current)
    except (*CONNECTION_ERRORS, CommandError) as error:
        raise StoreError(
            f"the database {engine.url.render_as_string(hide_password=True)} cannot be migrated: {error}"
        ) from error
    finally:
        await engine.dispose()


def _move(connection: Connection, to: str) -> None:
    config = _config(connection)
    current = _current(connection)
    scripts = ScriptDirectory.from_config(config)
    if current and current not in {script.revision for script in scripts.walk_revisions()}:
        raise StoreError(
            f"the database is at revision {current}, which this version of f1graph does not know: "
            "it was made by a newer one"
        )
    goes_down = to == "base" or (
        current and to not in ("head", current) and _is_older(scripts, to, than=current)
    )
    if goes_down:
        command.downgrade(config, to)
    else:
        command.upgrade(config, to)


def _is_older(scripts: ScriptDirectory, revision: str, *, than: str) -> bool:
    return revision in {script.revision for script in scripts.iterate_revisions(than, "base")}


def _current(connection: Connection) -> str:
    return MigrationContext.configure(connection).get_current_revision() or ""


async def current_revision(store: Store) -> str:
    """The revision the database is at; empty if it was never migrated."""
    async with store.connect() as connection:
        return await connection.run_sync(_current)


async def require_newest(store: Store) -> None:
    """Checks that the database fits this version.

    Raises:
        StoreError: It does not; the text says what to run.
    """
    current, newest = await current_revision(store), newest_revision()
    if current != newest:
        raise StoreError(
            f"the database is at revision {current or 'none'}, this version needs {newest}: "
            "run `f1graph db upgrade`"
        )


async def differences(store: Store) -> list[str]:
    """What the tables of the code and of the database differ in; empty when migrations are in step."""
    async with store.connect() as connection:
        found = await connection.run_sync(
            lambda sync: compare_metadata(
                MigrationContext.configure(sync, opts={"compare_type": True}), metadata
            )
        )
    return [str(difference) for difference in found]
