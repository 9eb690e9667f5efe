"""Hints that something may have been published, so that a reader need not ask all the time.

They are hints only: one that is lost costs a few seconds, since a reader asks now and then anyway.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol

import aiosqlite
import asyncpg

from f1graph.errors import StoreError
from f1graph.store.engine import CONNECTION_ERRORS, Store
from f1graph.store.events import POSTGRES_CHANNEL

# Asked for without a hint: one may be lost, and what is dated a moment ahead becomes due without one.
AT_LATEST = timedelta(seconds=5)
_SQLITE_EVERY = timedelta(milliseconds=200)
_CONNECT_WITHIN = timedelta(seconds=5)


class Wakeups(Protocol):
    """Waits on one connection of its own, for a whole process."""

    async def wait(self) -> None:
        """Returns when something may have been published, and after `AT_LATEST` in any case.

        Raises:
            StoreError: The connection is lost.
        """


def wakeups(store: Store) -> AbstractAsyncContextManager[Wakeups]:
    """Opens them.

    Raises:
        StoreError: The database cannot be reached.
    """
    return _of_postgres(store) if store.dialect == "postgresql" else _of_sqlite(store)


class _SqliteWakeups:
    """Looks whether another connection has committed: a number in shared memory, without a lock."""

    def __init__(self, connection: aiosqlite.Connection, version: int) -> None:
        self._connection = connection
        self._version = version

    async def wait(self) -> None:
        try:
            for _ in range(AT_LATEST // _SQLITE_EVERY):
                await asyncio.sleep(_SQLITE_EVERY.total_seconds())
                version = await _data_version(self._connection)
                if version != self._version:
                    self._version = version
                    return
        except aiosqlite.Error as error:
            raise StoreError(f"the database file cannot be read: {error}") from error


@asynccontextmanager
async def _of_sqlite(store: Store) -> AsyncIterator[_SqliteWakeups]:
    path = Path(str(store.engine.url.database))
    try:
        connection = await aiosqlite.connect(path, isolation_level=None)
    except aiosqlite.Error as error:
        raise StoreError(f"the database {path} cannot be opened: {error}") from error
    try:
        yield _SqliteWakeups(connection, await _data_version(connection))
    finally:
        await connection.close()


async def _data_version(connection: aiosqlite.Connection) -> int:
    async with connection.execute("PRAGMA data_version") as cursor:
        row = await cursor.fetchone()
    assert row is not None
    return int(row[0])


class _PostgresWakeups:
    """Is told by each commit that publishes."""

    def __init__(self) -> None:
        self.rings = asyncio.Event()
        self.is_lost = False

    def ring(self, *_: object) -> None:
        self.rings.set()

    def lose(self, *_: object) -> None:
        self.is_lost = True
        self.rings.set()

    async def wait(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(AT_LATEST.total_seconds()):
                await self.rings.wait()
        self.rings.clear()
        if self.is_lost:
            raise StoreError("the connection that listens for what is published was lost")


@asynccontextmanager
async def _of_postgres(store: Store) -> AsyncIterator[_PostgresWakeups]:
    # Not one of the pool's: it is kept for as long as somebody follows.
    _, arguments = store.engine.dialect.create_connect_args(store.engine.url)
    found = _PostgresWakeups()
    try:
        connection: Any = await asyncpg.connect(**arguments, timeout=_CONNECT_WITHIN.total_seconds())
    except (*CONNECTION_ERRORS, asyncpg.InterfaceError) as error:
        raise StoreError(f"the database cannot be listened to: {error}") from error
    try:
        connection.add_termination_listener(found.lose)
        await connection.add_listener(POSTGRES_CHANNEL, found.ring)
        yield found
    except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise StoreError(f"the database cannot be listened to: {error}") from error
    finally:
        # At once: there is nothing to say goodbye for.
        connection.terminate()
