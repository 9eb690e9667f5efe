"""The version of the data: two equal ones promise that nothing was committed in between, by anybody.

It is strict: who asks after a commit has returned is told another version than who asked before it. A version
means nothing beyond that, and nothing to another process.
"""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path
from typing import Any, Protocol

from asyncpg import InterfaceError, PostgresError
from sqlalchemy.exc import SQLAlchemyError

from f1graph.errors import StoreError
from f1graph.store.engine import Store


class DataVersion(Protocol):
    """Tells the version of a store's data."""

    async def current(self) -> str | None:
        """The version now; None where it cannot be told, so that nothing may be remembered."""

    def close(self) -> None:
        """Ends what is held open."""


def data_version(store: Store) -> DataVersion:
    """The data version of an open store."""
    if store.dialect == "sqlite":
        return SqliteVersion(Path(str(store.engine.url.database)))
    return PostgresVersion(store)


class SqliteVersion:
    """By `PRAGMA data_version` on a connection of its own, which SQLite changes with every other's commit.

    It takes some microseconds: it reads the shared memory of the write-ahead log, and no page. So it is asked
    without the thread that other statements go to.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = None

    async def current(self) -> str | None:
        try:
            if self._connection is None:
                self._connection = self._open()
            return str(self._connection.execute("PRAGMA data_version").fetchone()[0])
        except sqlite3.Error:
            # Locked for a moment, or not there yet: what is remembered is then not used.
            return None

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _open(self) -> sqlite3.Connection:
        # No time-out: the event loop waits for it. Its calls come one after the other, from whatever thread
        # the loop runs in.
        return sqlite3.connect(
            f"{self._path.absolute().as_uri()}?mode=ro",
            uri=True,
            timeout=0,
            isolation_level=None,
            check_same_thread=False,
        )


class PostgresVersion:
    """By the snapshot that a statement gets: which transactions it sees.

    Two equal snapshots see the same rows. They differ more often than our data does, since any transaction of
    the server that writes moves them on, in other databases too.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._asked: asyncio.Task[str | None] | None = None
        self._next: asyncio.Task[str | None] | None = None

    async def current(self) -> str | None:
        # Who comes while a statement is under way shares the next one: the answer to that one may be older
        # than a commit that he knows of.
        if self._next is None:
            self._next = asyncio.create_task(self._after(self._asked))
        # One who gives up must not take the answer from the others.
        return await asyncio.shield(self._next)

    def close(self) -> None:
        for task in (self._asked, self._next):
            if task is not None:
                task.cancel()

    async def _after(self, asked: asyncio.Task[str | None] | None) -> str | None:
        if asked is not None:
            await asyncio.wait([asked])
        self._asked, self._next = self._next, None
        try:
            async with self._store.connect() as connection:
                # The driver's own connection: no transaction, so that the snapshot is of this moment.
                driver: Any = (await connection.get_raw_connection()).driver_connection
                return str(await driver.fetchval("SELECT pg_current_snapshot()::text"))
        except (StoreError, SQLAlchemyError, PostgresError, InterfaceError, OSError):
            return None
