"""Opening a database, and what a transaction may and may not do."""

from __future__ import annotations

import asyncio
import socket
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import Executable, func, insert, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError, StatementError

from f1graph.errors import StoreError
from f1graph.store.engine import Store, Write, open_store, store_url
from f1graph.store.migrate import migrate
from f1graph.store.tables.facts import sessions
from f1graph.store.tables.work import events
from tests.store.records import ping

NOON = datetime(2024, 12, 8, 12, 0, 0, 123456, tzinfo=UTC)


async def note(write: Write, cause: str, at: datetime = NOON) -> None:
    await write.execute(insert(events), {"kind": "IMPORTED", "cause": cause, "happened_at": at})


async def noted(store: Store) -> list[str]:
    async with store.read() as read:
        return [row.cause for row in await read.rows(select(events.c.cause).order_by(events.c.sequence))]


async def test_d4_sqlite_is_set_for_many_readers_beside_one_writer(migrated_sqlite: str) -> None:
    store = open_store(migrated_sqlite, timeout=timedelta(seconds=7))
    async with store.read() as read:
        found = {
            name: await read.value(text(f"PRAGMA {name}"))
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    await store.close()

    assert found == {"journal_mode": "wal", "synchronous": 1, "foreign_keys": 1, "busy_timeout": 7000}


async def test_d4_four_readers_and_three_writers_at_once_meet_no_lock(url: str, store: Store) -> None:
    """Each has a store of its own, as processes do: a locked database would be an error at once."""
    others = [open_store(url) for _ in range(6)]
    stores = [store, *others]

    async def write_twenty(own: Store) -> None:
        for number in range(20):
            async with own.write() as write:
                before = await write.value(select(func.count()).select_from(events))
                await note(write, f"after {before}, number {number}")

    async def read_forty(own: Store) -> None:
        for _ in range(40):
            async with own.read() as read:
                count = await read.value(select(func.count()).select_from(events))
                await asyncio.sleep(0)
                assert await read.value(select(func.count()).select_from(events)) == count

    async with asyncio.timeout(30):
        await asyncio.gather(*map(write_twenty, stores[:3]), *map(read_forty, stores[3:]))

    assert len(await noted(store)) == 60
    for other in others:
        await other.close()


async def test_a_reader_sees_one_moment_while_others_write(store: Store) -> None:
    async with store.write() as write:
        await note(write, "before")
    async with store.read() as read:
        first = await read.value(select(func.count()).select_from(events))
        async with store.write() as write:
            await note(write, "meanwhile")
        second = await read.value(select(func.count()).select_from(events))

    assert (first, second) == (1, 1)
    assert await noted(store) == ["before", "meanwhile"]


async def test_who_waits_too_long_for_another_writer_is_told_so(migrated_sqlite: str) -> None:
    store = open_store(migrated_sqlite, timeout=timedelta(milliseconds=50))
    async with store.write():
        with pytest.raises(StoreError, match=r"no transaction: .*locked"):
            async with store.write():
                pass
    await store.close()


@pytest.mark.parametrize(
    "url",
    [
        "sqlite://",
        "sqlite:///:memory:",
        "sqlite+aiosqlite:///:memory:",
        "sqlite:///file::memory:?uri=true",
        "sqlite:///file:races?mode=memory&cache=shared&uri=true",
    ],
)
def test_d5_a_database_in_memory_is_refused(url: str) -> None:
    with pytest.raises(StoreError, match="in memory: give SQLite a file"):
        store_url(url)


@pytest.mark.parametrize("url", ["mysql://host/f1", "postgresql+psycopg://host/f1"])
def test_another_database_is_refused_by_its_name(url: str) -> None:
    with pytest.raises(StoreError, match=r"'(mysql|postgresql\+psycopg)' is not supported"):
        store_url(url)


@pytest.mark.parametrize("url", ["f1graph.db", "postgresql://ann:secret@host:port/f1"])
def test_what_is_no_url_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(StoreError, match="is not a database URL") as refused:
        store_url(url)

    assert "secret" not in str(refused.value)


async def test_d5_one_task_that_fails_takes_nothing_of_another_with_it(store: Store) -> None:
    """On SQLite in memory both tasks had one connection, and one's rollback lost the other's rows."""
    is_written = asyncio.Event()
    has_failed = asyncio.Event()

    async def fails() -> None:
        async with store.write() as write:
            await note(write, "lost")
            raise ValueError("the source contradicts itself")

    async def succeeds() -> None:
        await is_written.wait()
        async with store.write() as write:
            await note(write, "kept")
            has_failed.set()

    task = asyncio.create_task(succeeds())
    with pytest.raises(ValueError, match="contradicts"):
        await fails()
    is_written.set()
    await has_failed.wait()
    await task

    assert await noted(store) == ["kept"]


async def test_d5_a_reader_never_sees_what_may_still_be_taken_back(store: Store) -> None:
    async with store.write() as write:
        await note(write, "not yet")
        meanwhile = await noted(store)

    assert meanwhile == []
    assert await noted(store) == ["not yet"]


async def test_d6_every_time_comes_back_aware_and_in_utc(store: Store) -> None:
    in_abu_dhabi = NOON.astimezone(timezone(timedelta(hours=4)))
    async with store.write() as write:
        await note(write, "lights out", in_abu_dhabi)
    async with store.read() as read:
        found = await read.value(select(events.c.happened_at))

    assert found == NOON
    assert found.utcoffset() == timedelta(0)


async def test_d6_a_time_without_a_zone_is_refused(store: Store) -> None:
    with pytest.raises(StatementError, match="2024-12-08T12:00:00 has no zone"):
        async with store.write() as write:
            await note(write, "lights out", datetime(2024, 12, 8, 12))  # noqa: DTZ001 - the point

    assert await noted(store) == []


async def test_d7_a_session_of_no_race_is_refused(store: Store) -> None:
    """SQLite accepts orphans unless it is told not to."""
    orphan = {"race_id": "1950-nowhere", "kind": "RACE", "starts_at": NOON, "ends_at": NOON}
    with pytest.raises(IntegrityError):
        async with store.write() as write:
            await write.execute(insert(sessions), orphan | {"is_nominal": False})


@pytest.mark.parametrize(
    "statement",
    [
        insert(events).values(kind="IMPORTED", cause="sneaked in", happened_at=NOON),
        events.delete(),
        text("CREATE TABLE more (id INTEGER)"),
    ],
    ids=["insert", "delete", "create"],
)
async def test_whoever_reads_cannot_write(store: Store, statement: Executable) -> None:
    with pytest.raises(DBAPIError, match=r"readonly|read-only"):
        async with store.read() as read:
            await read.rows(statement)

    # The connection goes back to the pool, and whoever gets it next may write.
    async with store.write() as write:
        await note(write, "allowed")
    assert await noted(store) == ["allowed"]


async def test_one_connection_reads_and_writes_in_turn(url: str) -> None:
    """What was set for a reader must not stick to the pooled connection."""
    store = open_store(url, pool_size=1)
    for number in range(3):
        async with store.write() as write:
            await note(write, str(number))
        assert len(await noted(store)) == number + 1
    await store.close()


async def test_who_waits_too_long_for_a_connection_is_told_so(url: str) -> None:
    # Time enough to open a connection on a busy machine.
    store = open_store(url, pool_size=1, timeout=timedelta(seconds=1))
    async with store.read():
        with pytest.raises(StoreError, match=r"every connection .* in use.*POOL_SIZE"):
            async with store.read():
                pass
    async with store.read() as read:
        await ping(read)
    await store.close()


async def test_many_rows_come_in_parts_and_in_order(store: Store) -> None:
    async with store.write() as write:
        for number in range(25):
            await note(write, str(number))
    async with store.read() as read:
        statement = select(events.c.cause).order_by(events.c.sequence)
        parts = [[row.cause for row in rows] async for rows in read.partitions(statement, size=10)]

    assert [len(part) for part in parts] == [10, 10, 5]
    assert [cause for part in parts for cause in part] == [str(number) for number in range(25)]


@pytest.mark.postgres
async def test_the_url_of_a_hosted_postgres_is_understood(migrated_postgres: str) -> None:
    """It has libpq's `sslmode`, which asyncpg does not know under that name."""
    mark = "&" if "?" in migrated_postgres else "?"
    store = open_store(f"{migrated_postgres}{mark}sslmode=prefer")
    async with store.read() as read:
        await ping(read)
    await store.close()


def an_unused_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


async def test_a_postgres_that_is_not_there_is_named_without_its_password() -> None:
    url = f"postgresql://ann:secret@127.0.0.1:{an_unused_port()}/f1"
    store = open_store(url)
    with pytest.raises(StoreError, match=r"ann:\*\*\*@127.0.0.1.*cannot be opened: .*[Cc]onne") as refused:
        async with store.read():
            pass
    with pytest.raises(StoreError, match="cannot be migrated"):
        await migrate(url)

    assert "secret" not in str(refused.value)


async def test_a_postgres_that_never_answers_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        store = open_store(
            f"postgresql://ann@127.0.0.1:{silent.getsockname()[1]}/f1", timeout=timedelta(milliseconds=100)
        )
        with pytest.raises(StoreError, match="cannot be opened"):
            async with store.read():
                pass


@pytest.mark.postgres
async def test_an_unknown_postgres_database_is_named(migrated_postgres: str) -> None:
    parsed = store_url(migrated_postgres).set(database="no_such_database")
    store = open_store(parsed.render_as_string(hide_password=False))
    with pytest.raises(StoreError, match='"no_such_database" does not exist'):
        async with store.read():
            pass


async def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file where the folder should be")
    url = f"sqlite:///{tmp_path}/data/f1graph.db"

    with pytest.raises(StoreError, match=r"the folder .*/data of the database cannot be made"):
        open_store(url)
    with pytest.raises(StoreError, match=r"the folder .*/data of the database cannot be made"):
        await migrate(url)


async def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    (tmp_path / "f1graph.db").write_text("not a database, but long enough to look at " * 50)
    store = open_store(f"sqlite:///{tmp_path}/f1graph.db")

    with pytest.raises(StoreError, match=r"f1graph.db cannot be opened: file is not a database"):
        async with store.read():
            pass
