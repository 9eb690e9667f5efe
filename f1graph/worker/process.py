"""The worker process: opens what jobs need, serves the queue, and tells by its exit code why it ended."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from datetime import timedelta
from typing import Any

import structlog
from arq.cron import CronJob
from arq.worker import Worker, func
from redis.exceptions import RedisError

from f1graph.errors import WorkError
from f1graph.settings import Settings
from f1graph.store.engine import Store, open_store
from f1graph.store.migrate import require_newest
from f1graph.worker.jobs import Parts, WorkerState, walk
from f1graph.worker.queue import (
    QUEUE_NAME,
    WALK,
    WALKS_QUEUE_NAME,
    Queue,
    default_worker_name,
    from_json,
    health_key,
    open_queue,
    to_json,
)
from f1graph.worker.schedule import TIME_ZONE, cron_table, in_words, walks_table

log = structlog.get_logger(__name__)

# arq's own is an hour. A frozen worker's sign of life is gone one second after the next one was due.
HEALTH_INTERVAL = timedelta(seconds=30)
# How long a check waits for a sign of life that is late only because the machine is busy.
_CHECK_PATIENCE = timedelta(seconds=5)
# A worker that was asked to end waits for its job a little longer than any job may take.
_LONGER_THAN_A_JOB = timedelta(minutes=1)
# A thread that trains a model cannot be stopped; the process does not wait for it any longer than this.
_LEAVES_WITHIN = timedelta(seconds=20)
_FREES_CLAIMS_WITHIN = timedelta(seconds=10)


# Opens whom to ask for facts and who forecasts, once the store is open.
OpenParts = Callable[[Store], AbstractAsyncContextManager[Parts]]


def run_worker(
    settings: Settings,
    open_parts: OpenParts,
    *,
    name: str | None = None,
    health_interval: timedelta = HEALTH_INTERVAL,
) -> int:
    """Runs a worker until it is asked to end by SIGTERM or SIGINT, or loses Redis. Owns the process.

    The first signal lets the running unit of work finish; a second one stops it too.

    Args:
        name: What `check_worker` is asked for; by default the machine's name.

    Returns:
        The exit code: 0 after a signal, 1 after losing Redis, so that a container is started again.

    Raises:
        SettingsError: A setting cannot be used.
        StoreError: The database cannot be used.
    """
    try:
        asyncio.run(
            serve(settings, open_parts, name=name, health_interval=health_interval, on_end=_leave_soon)
        )
    except WorkError as error:
        log.error("worker ends", error=str(error))
        return 1
    return 0


def _leave_soon(code: int) -> None:
    """Ends the process in a while, even if closing it waits for a thread that cannot be stopped."""
    timer = threading.Timer(_LEAVES_WITHIN.total_seconds(), os._exit, [code])
    timer.daemon = True
    timer.start()


async def serve(
    settings: Settings,
    open_parts: OpenParts,
    *,
    name: str | None = None,
    health_interval: timedelta = HEALTH_INTERVAL,
    on_end: Callable[[int], None] | None = None,
) -> None:
    """The worker's life, from opening the store to closing it.

    Args:
        on_end: Called with the exit code when the worker takes no more jobs and begins to close.

    Raises:
        WorkError: Redis did not answer any more.
    """
    name = name or default_worker_name()
    table = cron_table(settings.tick, train_timeout=settings.train_timeout)
    walks = walks_table(settings.tick, walk_timeout=settings.train_timeout)
    queue = open_queue(settings.redis_url)
    async with _opened_state(settings, open_parts, name) as state:
        workers = (
            build_worker(state, queue, table, settings, name=name, health_interval=health_interval),
            build_walker(state, queue, walks, settings, name=name, health_interval=health_interval),
        )
        schedule = in_words([*table, *walks])
        log.info("worker starts", worker=state.name, threads=settings.threads, schedule=schedule)
        code = 1
        try:
            await _until_asked_to_end(workers, state)
            code = 0
        except (RedisError, OSError) as error:
            raise WorkError(f"Redis is lost: {error}") from error
        finally:
            if on_end is not None:
                on_end(code)
            await _close(workers, queue, is_lost=bool(code))
    log.info("worker ended", worker=state.name, **state.ran)


@asynccontextmanager
async def _opened_state(settings: Settings, open_parts: OpenParts, name: str) -> AsyncIterator[WorkerState]:
    store = open_store(
        settings.store_url, pool_size=settings.database_pool_size, timeout=settings.database_timeout
    )
    try:
        await require_newest(store)
        async with open_parts(store) as parts:
            yield WorkerState(
                store=store,
                source=parts.source,
                engine=parts.engine,
                sessions=parts.sessions,
                trainer=parts.trainer,
                walker=parts.walker,
                weather=parts.weather,
                clock=settings.clock(),
                name=f"{name}:{os.getpid()}",
                job_timeout=settings.job_timeout,
                train_timeout=settings.train_timeout,
            )
    finally:
        await store.close()


def build_worker(
    state: WorkerState,
    queue: Queue,
    table: list[CronJob],
    settings: Settings,
    *,
    name: str,
    health_interval: timedelta = HEALTH_INTERVAL,
) -> Worker:
    """arq's worker with our ways. Signals are handled by us."""
    return Worker(
        redis_pool=queue,
        queue_name=QUEUE_NAME,
        # One that trains, and one that does the rest.
        max_jobs=2,
        job_timeout=settings.job_timeout,
        job_completion_wait=(settings.job_timeout + _LONGER_THAN_A_JOB) // timedelta(seconds=1),
        health_check_key=health_key(name),
        **_our_ways(state, table, health_interval),
    )


def build_walker(
    state: WorkerState,
    queue: Queue,
    table: list[CronJob],
    settings: Settings,
    *,
    name: str,
    health_interval: timedelta = HEALTH_INTERVAL,
) -> Worker:
    """The part of a worker that walks legs of back-tests, one at a time: it leaves the bells that it cannot
    follow to other workers."""
    return Worker(
        # Not the one of the table: a bell by the clock keeps its name for a minute after it was followed.
        functions=[func(walk, name=WALK, keep_result=0, max_tries=1)],
        redis_pool=queue,
        queue_name=WALKS_QUEUE_NAME,
        max_jobs=1,
        job_timeout=settings.train_timeout,
        # Nobody waits for a leg: another worker walks it.
        job_completion_wait=_FREES_CLAIMS_WITHIN // timedelta(seconds=1),
        health_check_key=f"{health_key(name)}:walks",
        **_our_ways(state, table, health_interval),
    )


def _our_ways(state: WorkerState, table: list[CronJob], health_interval: timedelta) -> dict[str, Any]:
    """What both have in common."""
    return {
        "ctx": {"state": state},
        "cron_jobs": table,
        "handle_signals": False,
        "keep_result": 0,
        "health_check_interval": health_interval,
        "job_serializer": to_json,
        "job_deserializer": from_json,
        "timezone": TIME_ZONE,
    }


async def _until_asked_to_end(workers: Sequence[Worker], state: WorkerState) -> None:
    """Lets them run until a signal has ended all of them.

    Raises:
        RedisError, OSError: One of them has lost Redis.
    """
    loop = asyncio.get_running_loop()

    def end(number: signal.Signals) -> None:
        was_asked, state.is_stopping = state.is_stopping, True
        # Nobody waits for a training or a walk: what they have finished is kept.
        for job in (state.training, state.walking):
            if job is not None and not was_asked:
                job.cancel()
        for worker in workers:
            if was_asked:
                worker.handle_sig(number)
            else:
                worker.handle_sig_wait_for_completion(number)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end, number)
    runs = [asyncio.create_task(worker.async_run()) for worker in workers]
    try:
        # One that a signal ended counts as cancelled, not as failed.
        done, _ = await asyncio.wait(runs, return_when=asyncio.FIRST_EXCEPTION)
        for run in done:
            if not run.cancelled():
                run.result()
    finally:
        for run in runs:
            run.cancel()
        await asyncio.gather(*runs, return_exceptions=True)
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)


async def _close(workers: Sequence[Worker], queue: Queue, *, is_lost: bool) -> None:
    """Ends the jobs that still run; they free their claims. A Redis that is lost is not told goodbye."""
    ending: list[asyncio.Task[Any]] = []
    for worker in workers:
        for job in worker.job_tasks.values():
            # One that a second signal has cancelled is writing down that it was stopped.
            if not job.cancelling():
                job.cancel()
        # The queue is told of their end by arq's own tasks, which need a Redis for it.
        ending += (worker.job_tasks if is_lost else worker.tasks).values()
    if ending:
        await asyncio.wait(ending, timeout=_FREES_CLAIMS_WITHIN.total_seconds())
    tasks = [task for worker in workers for task in worker.tasks.values()]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    if not is_lost:
        with suppress(RedisError, OSError):
            await queue.delete(*(worker.health_check_key for worker in workers))
    with suppress(RedisError, OSError):
        await queue.aclose(close_connection_pool=True)


async def check_worker(
    settings: Settings, *, name: str | None = None, patience: timedelta = _CHECK_PATIENCE
) -> str:
    """The last sign of life of a worker of this machine, in arq's words.

    Raises:
        WorkError: There is none: the worker is frozen or gone, or Redis is.
    """
    name = name or default_worker_name()
    queue = open_queue(settings.redis_url)
    try:
        async with asyncio.timeout(patience.total_seconds()):
            while True:
                sign = await queue.get(health_key(name))
                if sign is not None:
                    return str(sign.decode())
                await asyncio.sleep(0.25)
    except TimeoutError as error:
        raise WorkError(f"the worker {name} gives no sign of life") from error
    except (RedisError, OSError) as error:
        raise WorkError(f"Redis does not answer: {error}") from error
    finally:
        with suppress(RedisError, OSError):
            await queue.aclose(close_connection_pool=True)
