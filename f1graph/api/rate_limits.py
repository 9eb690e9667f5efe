"""How often somebody may ask: counted in Redis for all API processes, without one by each for itself.

By minutes of the clock, so that one trip to Redis is enough: when the minute ends need not be asked.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from math import ceil

from limits.aio.storage import RedisStorage
from redis.asyncio import ConnectionPool
from redis.exceptions import RedisError

from f1graph.api.access import Caller
from f1graph.api.addresses import counted_as
from f1graph.clock import Clock
from f1graph.errors import SettingsError
from f1graph.settings import Settings
from f1graph.store.keys import Scope

# Who tries more keys than that guesses. Far fewer than could ever be guessed, so that it costs us nothing.
WRONG_KEYS_PER_MINUTE = 30
# A Redis that does not answer holds nobody up for longer, and is asked again after a while only.
ANSWERS_WITHIN = timedelta(milliseconds=250)
ASKED_AGAIN_AFTER = timedelta(seconds=5)
# Callers counted in this process. With more it begins anew: whoever has so many addresses is not held up by
# what one of them may ask.
_MOST_COUNTED = 50_000
_MINUTE_SECONDS = 60
_log = logging.getLogger("f1graph.api")


@dataclass(frozen=True, slots=True)
class Standing:
    """How a caller stands with a limit, this request included.

    Attributes:
        policy: The limit's name.
        per_minute: How often may be asked.
        left: How often it still may be.
        is_over: This request is one too many.
        resets_in: Until the minute is over, and all may be asked again.
    """

    policy: str
    per_minute: int
    left: int
    is_over: bool
    resets_in: timedelta

    @property
    def headers(self) -> dict[str, str]:
        """The fields of draft-ietf-httpapi-ratelimit-headers-11."""
        seconds = self.resets_in // timedelta(seconds=1)
        fields = {
            "ratelimit-policy": f'"{self.policy}";q={self.per_minute};w={_MINUTE_SECONDS}',
            "ratelimit": f'"{self.policy}";r={self.left};t={seconds}',
        }
        return fields | ({"retry-after": str(seconds)} if self.is_over else {})

    @property
    def refusal(self) -> str:
        """What is told to who has asked too often."""
        return (
            f"{self.per_minute} requests a minute ({self.policy}) are all there may be: ask again in "
            f"{self.resets_in.seconds} seconds"
        )


class OwnCounts:
    """Counts of one minute in this process.

    Not the storage of limits: it looks through all its keys at each request, which with the addresses of
    5,000 callers takes as long as to answer.
    """

    def __init__(self, *, most: int = _MOST_COUNTED) -> None:
        self._most = most
        self._minute = 0
        self._counts: Counter[str] = Counter()

    def hit(self, whose: str, minute: int, amount: int) -> int:
        """How often was asked in a minute, together with `amount` now."""
        is_full = len(self._counts) >= self._most and whose not in self._counts
        if minute != self._minute or is_full:
            self._minute = minute
            self._counts.clear()
        if amount:
            self._counts[whose] += amount
        return self._counts[whose]

    def __len__(self) -> int:
        return len(self._counts)


class RateLimits:
    """Counts requests by key, and those without one by address.

    Raises:
        SettingsError: The URL of Redis is none.
    """

    def __init__(
        self, settings: Settings, clock: Clock, *, ticks: Callable[[], float] = time.monotonic
    ) -> None:
        self._clock = clock
        self._public = settings.rate_limit
        self._raised = settings.rate_limit_raised
        self._ticks = ticks
        self._pool = _pool(settings.redis_url) if settings.redis_url else None
        # The client of the queue, which is there anyway: limits would bring one of its own.
        self._shared = (
            RedisStorage(
                "async+redis://",
                implementation="redispy",
                key_prefix="f1graph:asked",
                connection_pool=self._pool,  # type: ignore[arg-type]  # it is handed on
            )
            if self._pool is not None
            else None
        )
        self._own = OwnCounts()
        self._lost_until: float | None = None

    @property
    def are_set(self) -> bool:
        """Whether anybody is limited."""
        return bool(self._public or self._raised)

    async def count(self, caller: Caller) -> Standing | None:
        """Counts a request; None where nothing is limited."""
        if caller.key is None:
            return await self._count("public", self._public, counted_as(caller.address))
        if caller.may(Scope.LIMITS_RAISED):
            return await self._count("raised", self._raised, caller.key.id)
        return await self._count("key", self._public, caller.key.id)

    async def count_wrong_key(self, address: str) -> Standing:
        """Counts a key that was refused."""
        found = await self._count("wrong-keys", WRONG_KEYS_PER_MINUTE, counted_as(address))
        assert found is not None
        return found

    async def tries_too_many_keys(self, address: str) -> Standing | None:
        """How an address stands that has sent so many wrong keys that the next is not even looked up."""
        found = await self._count("wrong-keys", WRONG_KEYS_PER_MINUTE, counted_as(address), amount=0)
        return found if found is not None and found.left == 0 else None

    async def close(self) -> None:
        if self._pool is not None:
            await self._pool.aclose()

    async def _count(self, policy: str, per_minute: int, whose: str, *, amount: int = 1) -> Standing | None:
        if not per_minute:
            return None
        minute, into_it = divmod(self._clock().timestamp(), _MINUTE_SECONDS)
        asked = await self._hit(f"{policy}/{whose}", int(minute), amount)
        return Standing(
            policy=policy,
            per_minute=per_minute,
            left=max(per_minute - asked, 0),
            is_over=asked > per_minute,
            resets_in=timedelta(seconds=ceil(_MINUTE_SECONDS - into_it)),
        )

    async def _hit(self, whose: str, minute: int, amount: int) -> int:
        """How often was asked in the minute."""
        was_lost = self._lost_until is not None
        if self._shared is not None and self._may_be_asked():
            try:
                # For all of it: connecting, too, is several questions.
                async with asyncio.timeout(ANSWERS_WITHIN.total_seconds()):
                    found = await _hit(self._shared, f"{whose}/{minute}", amount)
            except (RedisError, OSError, TimeoutError) as error:
                self._lose(error)
            else:
                if was_lost:
                    self._find_again()
                return found
        return self._own.hit(whose, minute, amount)

    def _may_be_asked(self) -> bool:
        if self._lost_until is None:
            return True
        if self._ticks() < self._lost_until:
            return False
        # This request finds out whether it is back; the others go on meanwhile.
        self._lost_until = self._ticks() + ASKED_AGAIN_AFTER.total_seconds()
        return True

    def _lose(self, error: Exception) -> None:
        if self._lost_until is None:
            _log.warning(
                "Redis is lost (%s): each API process counts its own requests until it is back",
                str(error) or type(error).__name__,
            )
        self._lost_until = self._ticks() + ASKED_AGAIN_AFTER.total_seconds()

    def _find_again(self) -> None:
        _log.warning("Redis is back: requests are counted there again")
        self._lost_until = None


async def _hit(storage: RedisStorage, key: str, amount: int) -> int:
    return await storage.incr(key, _MINUTE_SECONDS, amount) if amount else await storage.get(key)


def _pool(redis_url: str) -> ConnectionPool:
    try:
        return ConnectionPool.from_url(redis_url)
    except ValueError as error:
        raise SettingsError(f"F1GRAPH_REDIS_URL={redis_url!r}: {error}") from error
