"""The database: opening it, and transactions that either read or write.

A `Read` cannot change anything; a `Write` is a `Read` that can. Every question in this package takes one
of the two, so a signature says whether it may write. One transaction belongs to one task.
"""

from __future__ import annotations

import asyncio
import re
import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from asyncpg import PostgresError
from sqlalchemy import Connection, Executable, Row, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.exc import TimeoutError as NoFreeConnection
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncTransaction, create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool, NullPool

from f1graph.errors import StoreError

# asyncpg's own errors while connecting, such as a wrong password, reach us as they are.
CONNECTION_ERRORS = (DBAPIError, OSError, PostgresError)

# Turning a thousand rows of a classification into records takes about ten milliseconds.
_PARTITION = 1_000

_WRITES = "f1graph_writes"
# recursive_triggers: without it INSERT OR REPLACE deletes a row past the triggers that refuse it.
_SQLITE_PRAGMAS = {"journal_mode": "wal", "synchronous": 1, "foreign_keys": 1, "recursive_triggers": 1}


class Read:
    """An open transaction that only reads. Consistent: all its answers are of one moment."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    @property
    def dialect(self) -> str:
        """`sqlite` or `postgresql`."""
        return self._connection.dialect.name

    async def rows(self, statement: Executable, parameters: Any = None) -> list[Row[Any]]:
        return list((await self._connection.execute(statement, parameters)).all())

    async def partitions(
        self, statement: Executable, *, size: int = _PARTITION
    ) -> AsyncIterator[Sequence[Row[Any]]]:
        """Many rows, some at a time: between two of them the event loop gets its turn."""
        async with self._connection.stream(statement, execution_options={"yield_per": size}) as result:
            async for rows in result.partitions():
                yield rows

    async def row(self, statement: Executable, parameters: Any = None) -> Row[Any] | None:
        """The first row, or None."""
        return (await self._connection.execute(statement, parameters)).first()

    async def value(self, statement: Executable, parameters: Any = None) -> Any:
        """The first column of the first row, or None."""
        return (await self._connection.execute(statement, parameters)).scalar()


class Write(Read):
    """An open transaction that may write. It commits when its block ends, or nothing of it happened."""

    async def execute(self, statement: Executable, parameters: Any = None) -> int:
        """Runs a statement, once per set of parameters; the number of rows it touched."""
        return (await self._connection.execute(statement, parameters)).rowcount


@dataclass(frozen=True)
class Store:
    """An open database."""

    engine: AsyncEngine

    @property
    def dialect(self) -> str:
        return self.engine.dialect.name

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Read]:
        """A transaction that only reads; the database refuses anything else."""
        async with self.connect() as connection:
            if self.dialect == "postgresql":
                await connection.execution_options(
                    isolation_level="REPEATABLE READ", postgresql_readonly=True
                )
            await self._begin(connection)
            yield Read(connection)

    @asynccontextmanager
    async def write(self) -> AsyncIterator[Write]:
        """A transaction that writes. Keep it short: SQLite has one writer at a time."""
        async with self.connect() as connection:
            await connection.execution_options(**{_WRITES: True})
            transaction = await self._begin(connection)
            yield Write(connection)
            await transaction.commit()

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[AsyncConnection]:
        """A bare connection, for this package only. Its end takes back what was not committed.

        Raises:
            StoreError: The database cannot be opened, or every connection is in use for too long.
        """
        try:
            connection = await self._connection()
        except NoFreeConnection as error:
            raise StoreError(
                "every connection to the database is in use and none came free in time; "
                "F1GRAPH_DATABASE_POOL_SIZE says how many there are"
            ) from error
        except CONNECTION_ERRORS as error:
            raise StoreError(
                f"the database {self.engine.url.render_as_string(hide_password=True)} cannot be opened: "
                f"{error.__cause__ or error}"
            ) from error
        try:
            yield connection
        finally:
            await connection.close()

    async def _connection(self) -> AsyncConnection:
        # In a task of its own: drivers set time-outs on the task that connects, and who asks may have been
        # begun in another one, as resolvers are.
        opening = asyncio.ensure_future(self.engine.connect())
        try:
            return await opening
        except asyncio.CancelledError:
            if opening.done() and not opening.cancelled() and opening.exception() is None:
                await opening.result().close()
            raise

    async def _begin(self, connection: AsyncConnection) -> AsyncTransaction:
        try:
            return await connection.begin()
        except (DBAPIError, sqlite3.Error) as error:
            raise StoreError(f"the database gave no transaction: {error.__cause__ or error}") from error

    async def close(self) -> None:
        await self.engine.dispose()


def store_url(url: str) -> URL:
    """A database URL with the driver we use.

    Raises:
        StoreError: It is no URL, of another database, or an in-memory SQLite, whose tasks would share
            one connection and roll back each other's rows.
    """
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError) as error:  # a ValueError is a port that is no number
        shown = re.sub("//.*@", "//***@", url)
        raise StoreError(f"{shown!r} is not a database URL, such as sqlite:///f1graph.db") from error
    if parsed.drivername in ("postgresql", "postgres", "postgresql+asyncpg"):
        return _for_asyncpg(parsed)
    if parsed.drivername in ("sqlite", "sqlite+aiosqlite"):
        if not parsed.database or ":memory:" in parsed.database or "mode=memory" in str(parsed):
            raise StoreError(f"{url!r} is in memory: give SQLite a file, such as sqlite:///f1graph.db")
        return parsed.set(drivername="sqlite+aiosqlite")
    raise StoreError(f"{parsed.drivername!r} is not supported: use SQLite or Postgres")


def _for_asyncpg(url: URL) -> URL:
    url = url.set(drivername="postgresql+asyncpg")
    # Hosted databases give out URLs with libpq's `sslmode`; asyncpg calls the same thing `ssl`.
    if (mode := url.query.get("sslmode")) is None:
        return url
    return url.difference_update_query(["sslmode"]).update_query_dict({"ssl": mode})


def open_store(
    url: str,
    *,
    pool_size: int = 10,
    timeout: timedelta = timedelta(seconds=5),
    statement_timeout: timedelta | None = None,
    pooled: bool = True,
) -> Store:
    """Opens a database; nothing is created but SQLite's folder, and no connection is made yet.

    Args:
        url: See `store_url`.
        pool_size: Connections at most; there is no overflow, so a leak shows at once.
        timeout: For a lock, for a free connection, and for Postgres to answer a new one.
        statement_timeout: Postgres ends a longer statement.
        pooled: False opens a connection per transaction: for tests of exactly that.

    Raises:
        StoreError: See `store_url`; or SQLite's folder cannot be made.
    """
    parsed = store_url(url)
    options: dict[str, Any] = {"poolclass": NullPool}
    if pooled:
        options = {
            "poolclass": AsyncAdaptedQueuePool,
            "pool_size": pool_size,
            "max_overflow": 0,
            "pool_timeout": timeout.total_seconds(),
            "pool_pre_ping": parsed.drivername.startswith("postgresql"),
        }
    if parsed.drivername.startswith("postgresql"):
        settings = {"lock_timeout": f"{_milliseconds(timeout)}", "timezone": "UTC"}
        if statement_timeout is not None:
            settings["statement_timeout"] = f"{_milliseconds(statement_timeout)}"
        arguments = {"server_settings": settings, "timeout": timeout.total_seconds()}
        return Store(create_async_engine(parsed, connect_args=arguments, **options))
    make_sqlite_folder(parsed)
    engine = create_async_engine(parsed, connect_args={"timeout": timeout.total_seconds()}, **options)
    event.listen(engine.sync_engine, "connect", _prepare_sqlite)
    event.listen(engine.sync_engine, "begin", _begin_sqlite)
    return Store(engine)


def make_sqlite_folder(url: URL) -> None:
    """The folder of a SQLite file, which SQLite itself does not make."""
    folder = Path(str(url.database)).parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"the folder {folder} of the database cannot be made: {error.strerror}") from error


def _milliseconds(duration: timedelta) -> int:
    return duration // timedelta(milliseconds=1)


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    # The driver's own BEGIN comes only before the first write and cannot be IMMEDIATE: ours does both.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma, value in _SQLITE_PRAGMAS.items():
        cursor.execute(f"PRAGMA {pragma} = {value}")
        cursor.execute(f"PRAGMA {pragma}")
        is_set = cursor.fetchone()
        if is_set is None or is_set[0] != value:
            raise StoreError(f"SQLite did not accept {pragma} = {value}, it stays {is_set}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    # A reader that turns writer fails at once if somebody wrote in between, whatever the time-out:
    # so a writer takes its lock at the beginning, and a reader is told to stay one.
    writes = connection.get_execution_options().get(_WRITES, False)
    # What the connection was told last is not told again: each statement is three trips to the driver's
    # thread, and this way one.
    told = connection.info
    if told.get(_WRITES) is not writes:
        _tell_sqlite(connection, f"PRAGMA query_only = {0 if writes else 1}")
        told[_WRITES] = writes
    _tell_sqlite(connection, "BEGIN IMMEDIATE" if writes else "BEGIN")


def _tell_sqlite(connection: Connection, statement: str) -> None:
    driver: Any = connection.connection.dbapi_connection
    driver.run_async(lambda sqlite: sqlite.execute(statement))
