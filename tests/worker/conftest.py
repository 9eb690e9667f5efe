"""A real Valkey for all tests of the worker, emptied before each, and worker processes that are watched."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import redis

from f1graph.settings import Settings
from f1graph.worker.embedded import embedded_valkey
from tests.builders import a_moment

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="session")
def valkey_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with embedded_valkey(tmp_path_factory.mktemp("valkey")) as valkey:
        yield valkey.url


@pytest.fixture
def redis_url(valkey_url: str) -> str:
    with redis.Redis.from_url(valkey_url) as client:
        client.flushall()
    return valkey_url


@pytest.fixture
def settings(tmp_path: Path, migrated_sqlite: str, redis_url: str) -> Settings:
    """The Thursday before the second of three races."""
    return Settings(
        data_dir=tmp_path,
        database_url=migrated_sqlite,
        redis_url=redis_url,
        now=a_moment("2024-03-14 13:00"),
    )


@dataclass
class WatchedWorker:
    """A worker process whose log is read as it is written."""

    process: subprocess.Popen[str]
    lines: queue.SimpleQueue[dict[str, Any] | None] = field(default_factory=queue.SimpleQueue)
    seen: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.lines.put(json.loads(line) if line.startswith("{") else {"event": line})
        self.lines.put(None)

    def wait_for(self, is_it: Callable[[dict[str, Any]], bool], *, seconds: float = 120) -> dict[str, Any]:
        """The next line of the log that is the wanted one."""
        while True:
            line = self.lines.get(timeout=seconds)
            assert line is not None, f"the worker ended after {self.seen}"
            self.seen.append(line)
            if is_it(line):
                return line

    def ended(self, *, seconds: float) -> int:
        return self.process.wait(timeout=seconds)


@pytest.fixture
def start_worker(settings: Settings) -> Iterator[Callable[..., WatchedWorker]]:
    started: list[WatchedWorker] = []

    def start(*arguments: str, redis_url: str = settings.redis_url) -> WatchedWorker:
        environment = os.environ | {
            "F1GRAPH_DATA_DIR": str(settings.data_dir),
            "F1GRAPH_DATABASE_URL": settings.database_url,
            "F1GRAPH_REDIS_URL": redis_url,
            "F1GRAPH_NOW": "2024-03-14T13:00Z",
            "F1GRAPH_LOG_FORMAT": "json",
        }
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.worker.a_worker", *arguments],
            cwd=ROOT,
            env=environment,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(WatchedWorker(process))
        return started[-1]

    yield start
    for worker in started:
        worker.process.kill()
        worker.process.wait()
        if worker.process.stderr is not None:
            worker.process.stderr.close()
