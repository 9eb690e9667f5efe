"""The queue: nothing in it can run code, and no refused job goes unnoticed."""

from __future__ import annotations

import os
import pickle
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from arq.constants import job_key_prefix
from arq.worker import Worker, func
from structlog.testing import capture_logs

from f1graph.errors import SettingsError, WorkError
from f1graph.settings import Settings
from f1graph.store.engine import open_store
from f1graph.worker.jobs import WorkerState, daily_refresh, tick
from f1graph.worker.queue import QUEUE_NAME, Queue, from_json, open_queue, to_json
from tests.worker.a_worker import open_parts


@pytest.fixture
async def queue(redis_url: str) -> AsyncIterator[Queue]:
    opened = open_queue(redis_url)
    yield opened
    await opened.aclose(close_connection_pool=True)


def a_worker_for(queue: Queue, ran: list[str]) -> Worker:
    """Does what is queued and ends."""

    async def remember(ctx: dict[Any, Any], word: str) -> str:
        ran.append(word)
        return word

    return Worker(
        functions=[func(remember, name="remember")],
        redis_pool=queue,
        queue_name=QUEUE_NAME,
        burst=True,
        poll_delay=0.01,
        keep_result=0,
        handle_signals=False,
        job_serializer=to_json,
        job_deserializer=from_json,
    )


class CodeInAPickle:
    """Makes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return (os.mkdir, (str(self.path),))


async def test_a_pickled_job_is_refused_and_its_code_does_not_run(queue: Queue, tmp_path: Path) -> None:
    """Q8: who can write to Redis must not be able to run code."""
    trap = tmp_path / "the code ran"
    job: dict[str, Any] = {"t": None, "f": "remember", "a": (CodeInAPickle(trap),), "k": {}, "et": 1}
    await queue.set(f"{job_key_prefix}trap", pickle.dumps(job))
    await queue.zadd(QUEUE_NAME, {"trap": 1})
    ran: list[str] = []
    worker = a_worker_for(queue, ran)
    await queue.enqueue_job("remember", "next")
    await worker.async_run()
    assert not trap.exists()
    assert (ran, worker.jobs_failed, worker.jobs_complete) == (["next"], 1, 1)


def test_the_refusal_of_a_pickle_says_what_it_is() -> None:
    """Q8."""
    with pytest.raises(WorkError, match="pickled jobs are never read"):
        from_json(pickle.dumps({"f": "tick"}))
    with pytest.raises(WorkError, match="JSON object"):
        from_json(b"[1]")


def test_what_json_cannot_hold_is_no_argument() -> None:
    with pytest.raises(WorkError, match="object is no JSON"):
        to_json({"f": "tick", "a": (object(),)})


async def test_a_refused_job_is_logged_with_its_reason_and_counted(queue: Queue) -> None:
    """Q6: the queue itself says nothing."""
    assert await queue.enqueue_job("remember", "first", _job_id="one") is not None
    with capture_logs() as logs:
        assert await queue.enqueue_job("remember", "second", _job_id="one") is None
    assert queue.refused == 1
    (line,) = logs
    assert (line["event"], line["reason"]) == ("job refused", "a job of this id is queued or running")


async def test_a_job_can_be_queued_again_as_soon_as_it_is_done(queue: Queue) -> None:
    """Q6: an id is free again only when its result is gone, so no result is kept."""
    ran: list[str] = []
    for word in ("monday", "tuesday"):
        assert await queue.enqueue_job("remember", word, _job_id="daily") is not None
        await a_worker_for(queue, ran).async_run()
    assert ran == ["monday", "tuesday"]


@pytest.mark.parametrize("job", [tick, daily_refresh])
async def test_every_job_runs_without_a_queue(job: Any, migrated_sqlite: str, tmp_path: Path) -> None:
    """Q9: a job is one call into weekends; no Redis is anywhere near."""
    settings = Settings(data_dir=tmp_path, database_url=migrated_sqlite)
    store = open_store(settings.database_url)
    async with open_parts(store) as parts:
        state = WorkerState(
            store,
            parts.source,
            parts.engine,
            settings.clock(),
            "by hand",
            settings.job_timeout,
            settings.train_timeout,
        )
        assert (await job({"state": state}))["DONE"] >= 1
    await store.close()


@pytest.mark.parametrize("url", ["", "http://127.0.0.1:6379", "nonsense"])
def test_a_url_of_no_redis_is_refused(url: str) -> None:
    with pytest.raises(SettingsError, match="F1GRAPH_REDIS_URL"):
        open_queue(url)
