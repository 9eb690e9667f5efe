"""The queue in Redis or Valkey: JSON only, with time-outs, and never silent about a refused job."""

from __future__ import annotations

import socket
from collections.abc import Collection
from contextlib import suppress
from typing import Any

import orjson
import structlog
from arq.connections import ArqRedis
from arq.constants import job_key_prefix, result_key_prefix
from arq.jobs import Job
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError

from f1graph.errors import SettingsError, WorkError

log = structlog.get_logger(__name__)

QUEUE_NAME = "f1graph:queue"
# Of their own, so that a worker takes one only when it walks nothing.
WALKS_QUEUE_NAME = "f1graph:walks"
WALK = "walk"

# Without time-outs a Redis that hangs is never noticed. All retries together end well within a minute.
_ANSWERS_WITHIN_SECONDS = 3
_RETRIES = 3


def to_json(job: dict[str, Any]) -> bytes:
    """A job or its result for Redis.

    Raises:
        WorkError: An argument is something that JSON cannot hold.
    """
    try:
        return orjson.dumps(job, default=_error_as_text)
    except orjson.JSONEncodeError as error:
        raise WorkError(f"a job can only be given JSON, such as ids: {error.__cause__ or error}") from error


def _error_as_text(value: Any) -> str:
    if isinstance(value, BaseException):  # the result of a failed job
        return repr(value)
    raise TypeError(f"{type(value).__name__} is no JSON")


def from_json(payload: bytes) -> dict[str, Any]:
    """What `to_json` wrote.

    Raises:
        WorkError: It is something else, such as a pickle: unpickling would run code of whoever wrote it.
    """
    try:
        job = orjson.loads(payload)
    except orjson.JSONDecodeError as error:
        raise WorkError(
            f"a job of {len(payload)} bytes that begins with {payload[:8]!r} is refused: it is not JSON "
            "(pickled jobs are never read)"
        ) from error
    if not isinstance(job, dict):
        raise WorkError(f"a job must be a JSON object, not {type(job).__name__}")
    return job


class Queue(ArqRedis):
    """arq's connection.

    Attributes:
        refused: How many jobs were not taken.
    """

    refused: int = 0

    async def enqueue_job(self, function: str, *args: Any, **options: Any) -> Job | None:
        """See arq. A refused job is logged with its reason and counted, where arq says nothing."""
        job = await super().enqueue_job(function, *args, **options)
        if job is None:
            self.refused += 1
            job_id = options.get("_job_id")
            reason = await self._why_refused(job_id)
            log.info("job refused", job=function, job_id=job_id, reason=reason, refused=self.refused)
        return job

    async def _why_refused(self, job_id: str | None) -> str:
        if await self.exists(f"{job_key_prefix}{job_id}"):
            return "a job of this id is queued or running"
        if await self.exists(f"{result_key_prefix}{job_id}"):
            return "the result of a job of this id is still kept"
        return "a job of this id was queued by another process at the same moment"


def open_queue(redis_url: str) -> Queue:
    """A connection pool to Redis or Valkey; nothing is sent yet.

    Raises:
        SettingsError: It is no URL of a Redis.
    """
    if not redis_url:
        raise SettingsError("F1GRAPH_REDIS_URL is empty: give a Redis, or use `f1graph up`, which starts one")
    try:
        queue: Queue = Queue.from_url(
            redis_url,
            socket_timeout=_ANSWERS_WITHIN_SECONDS,
            socket_connect_timeout=_ANSWERS_WITHIN_SECONDS,
            retry=Retry(ExponentialBackoff(cap=3, base=0.5), _RETRIES),
            retry_on_error=[RedisConnectionError, RedisTimeoutError],
        )
    except ValueError as error:
        raise SettingsError(f"F1GRAPH_REDIS_URL={redis_url!r}: {error}") from error
    queue.job_serializer = to_json
    queue.job_deserializer = from_json
    queue.default_queue_name = QUEUE_NAME
    return queue


async def ring_for_walks(redis_url: str, legs: Collection[str]) -> None:
    """One bell for each leg of a back-test that is to be walked. Whoever hears it walks all that are left;
    the other bells are for the other workers.

    Args:
        legs: Names of them; who has rung for one before rings for it again only under another name.

    Raises:
        SettingsError: It is no URL of a Redis.
        WorkError: Redis does not answer.
    """
    queue = open_queue(redis_url)
    try:
        for leg in legs:
            await queue.enqueue_job(WALK, _job_id=f"{WALK}:{leg}", _queue_name=WALKS_QUEUE_NAME)
    except (RedisError, OSError) as error:
        raise WorkError(f"Redis does not answer: {error}") from error
    finally:
        with suppress(RedisError, OSError):
            await queue.aclose(close_connection_pool=True)


def health_key(worker_name: str) -> str:
    """One per worker: with one for all, a living worker would hide a frozen one."""
    return f"f1graph:health:{worker_name}"


def default_worker_name() -> str:
    """The machine's or container's name, so that a check inside it finds its worker."""
    return socket.gethostname()
