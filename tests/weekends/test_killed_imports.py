"""An import of laps that is killed goes on where it was: a file is stored whole or not at all."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from f1graph.store.engine import Store, Write, open_store
from f1graph.store.facts import record_facts
from f1graph.store.tables.recordings import laps, recordings
from f1graph.weekends.lap_files import take_in_laps
from tests.builders import a_history, an_entry_list
from tests.databases import SqliteTemplates
from tests.sources.laps.lap_file import CODES, RACE, SPRINT, laps_of_everybody, write_laps
from tests.store.records import facts_of
from tests.weekends.test_run import KilledError

NOW = SPRINT.ends_at + timedelta(days=1)
ROOT = Path(__file__).parent.parent.parent


@dataclass(frozen=True)
class StoreOfAKilledImport(Store):
    """Ends the process in its n-th transaction that writes, before or after it commits."""

    at: int
    has_committed: bool
    begun: list[None] = field(default_factory=list)

    @asynccontextmanager
    async def write(self) -> AsyncIterator[Write]:
        self.begun.append(None)
        is_last = len(self.begun) == self.at
        async with super().write() as write:
            yield write
            if is_last and not self.has_committed:
                raise KilledError
        if is_last:
            raise KilledError


async def fill(store: Store) -> None:
    """Who is entered in two races."""
    drivers = sorted(CODES)
    lists = [an_entry_list(race, drivers) for race in (RACE, SPRINT)]
    known = facts_of(a_history([RACE, SPRINT], lists, drivers=drivers))
    known = replace(known, drivers=tuple(replace(one, code=CODES[one.id][0]) for one in known.drivers))
    async with store.write() as write:
        await record_facts(write, known, now=RACE.starts_at)


def three_files(folder: Path) -> Path:
    """Two races, one of them once more and corrected, and a sprint."""
    folder.mkdir()
    two = [*laps_of_everybody(2), *laps_of_everybody(2, RoundNumber=2)]
    write_laps(folder, two, name="race_laps_a.parquet")
    write_laps(folder, laps_of_everybody(2, Position=2), name="race_laps_b.parquet")
    write_laps(folder, laps_of_everybody(1, RoundNumber=2), name="sprint_laps_c.parquet")
    return folder


# How many sessions are new in each file, and how many rows they are.
SESSIONS, ROWS = (2, 1, 1), (2 + 12, 1 + 6, 1 + 3)


async def rows_of(store: Store) -> list[Any]:
    """All that was stored, but when: a corrected file is known from the moment at which it is read."""
    heads = [column for column in recordings.columns if column.name not in ("known_at", "recorded_at")]
    async with store.read() as read:
        found = [
            *await read.rows(select(*heads).order_by(recordings.c.id)),
            *await read.rows(select(laps).order_by(*laps.primary_key.columns)),
        ]
    return [tuple(row) for row in found]


async def rows_at(url: str) -> list[Any]:
    store = open_store(url)
    try:
        return await rows_of(store)
    finally:
        await store.close()


@pytest.fixture
def url(tmp_path: Path, sqlite_templates: SqliteTemplates) -> str:
    return sqlite_templates.copy(tmp_path, fill)


@pytest.fixture
async def store(url: str) -> AsyncIterator[Store]:
    opened = open_store(url)
    yield opened
    await opened.close()


@pytest.fixture
def another_url(tmp_path: Path, sqlite_templates: SqliteTemplates) -> str:
    (tmp_path / "another").mkdir()
    return sqlite_templates.copy(tmp_path / "another", fill)


@pytest.fixture
async def whole(another_url: str, tmp_path: Path) -> list[Any]:
    """What an import that nobody kills stores."""
    other = open_store(another_url)
    await take_in_laps(other, three_files(tmp_path / "of the whole"), now=NOW)
    rows = await rows_of(other)
    await other.close()
    return rows


@pytest.mark.parametrize("has_committed", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("at", [1, 2, 3])
async def test_an_import_killed_at_any_file_ends_in_the_same_rows(
    at: int, has_committed: bool, store: Store, whole: list[Any], tmp_path: Path
) -> None:
    """Q2, S2: what was stored is not stored again, and no file is stored by half."""
    files = three_files(tmp_path / "laps")
    with pytest.raises(KilledError):
        await take_in_laps(StoreOfAKilledImport(store.engine, at, has_committed), files, now=NOW)
    stored = at if has_committed else at - 1
    assert len(await rows_of(store)) == sum(ROWS[:stored])

    again = await take_in_laps(store, files, now=NOW)

    assert [one.new for one in again] == [0] * stored + list(SESSIONS[stored:])
    assert await rows_of(store) == whole


KILLS_ITSELF = """
import asyncio, os, signal, sys
from datetime import datetime
from pathlib import Path
from f1graph.store.engine import open_store
from f1graph.weekends.lap_files import take_in_laps

def on_file(file, done, of):
    if done == 2:
        os.kill(os.getpid(), signal.SIGKILL)

url, files, now = sys.argv[1:]
asyncio.run(take_in_laps(open_store(url), Path(files), now=datetime.fromisoformat(now), on_file=on_file))
"""


def test_a_process_killed_half_way_is_taken_up_by_the_command_line(
    url: str, another_url: str, tmp_path: Path
) -> None:
    """Q2: SIGKILL after two of three files; `f1graph import laps` stores the third."""
    files = three_files(tmp_path / "laps")
    killed = subprocess.run(
        [sys.executable, "-c", KILLS_ITSELF, url, str(files), NOW.isoformat()], cwd=ROOT, check=False
    )
    assert killed.returncode == -signal.SIGKILL

    for database in (url, another_url):
        environment = {name: value for name, value in os.environ.items() if not name.startswith("F1GRAPH_")}
        environment |= {"F1GRAPH_DATA_DIR": str(tmp_path), "F1GRAPH_DATABASE_URL": database}
        done = subprocess.run(
            [sys.executable, "-m", "f1graph", "--now", NOW.isoformat(), "import", "laps", str(files)],
            cwd=ROOT,
            env=environment,
            check=False,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr

    rows, whole = (asyncio.run(rows_at(database)) for database in (url, another_url))
    assert rows == whole
    assert len(rows) == sum(ROWS)
