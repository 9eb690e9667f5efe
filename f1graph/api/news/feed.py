"""What is published, read once per process and handed to everybody who follows.

The database is the truth: whoever is behind what is kept here reads on from there. Nothing is queued for a
follower: each has its place only, so that a slow one costs nothing.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager
from datetime import timedelta

from sqlalchemy.exc import SQLAlchemyError

from f1graph.clock import Clock
from f1graph.errors import StoreError
from f1graph.store.engine import Store
from f1graph.store.publications import News, Publication, newest_published, published_after
from f1graph.store.wakeups import wakeups

_AT_ONCE = 100
# Read again only by who falls further behind.
_KEPT = 500
_SOONEST, _LATEST = timedelta(milliseconds=200), timedelta(seconds=5)

_log = logging.getLogger("f1graph.api")


class Feed:
    """The news of one process. It reads while somebody follows."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._followers = 0
        self._reader: asyncio.Task[None] | None = None
        self._ending: set[asyncio.Task[None]] = set()
        self._changed = asyncio.Event()
        self._kept: deque[Publication] = deque()
        # Everything that was published after `_floor` up to `_place` is kept; None before the first look.
        self._floor: int | None = None
        self._place = 0
        self.stopped = asyncio.Event()

    @property
    def followers(self) -> int:
        """How many follow now."""
        return self._followers

    async def newest(self) -> int:
        """The place from which only what is published from now on follows."""
        async with self._store.read() as read:
            return await newest_published(read, self._clock())

    async def follow(self, place: int) -> AsyncGenerator[Publication, None]:
        """Everything that is published after `place`, in order, once; ends only when the service stops."""
        with self._following():
            while not self.stopped.is_set():
                news = await self._next(place)
                for publication in news.publications:
                    yield publication
                place = news.last

    def stop(self) -> None:
        """Ends the streams of all who follow."""
        self.stopped.set()
        self._tell()

    async def close(self) -> None:
        """Ends the reader."""
        self.stop()
        self._end_reader()
        await asyncio.gather(*self._ending, return_exceptions=True)

    @contextmanager
    def _following(self) -> Iterator[None]:
        self._followers += 1
        if self._reader is None:
            self._floor = None
            self._reader = asyncio.create_task(self._read_on())
        try:
            yield
        finally:
            self._followers -= 1
            if not self._followers:
                self._end_reader()
                self._kept.clear()

    def _end_reader(self) -> None:
        if self._reader is not None:
            self._reader.cancel()
            self._ending.add(self._reader)
            self._reader.add_done_callback(self._ending.discard)
            self._reader = None

    async def _next(self, place: int) -> News:
        """What comes after a place; nothing if the service stops, or if what came is not for users."""
        while not self.stopped.is_set():
            changed = self._changed
            if self._floor is None:
                await changed.wait()
            elif place < self._floor:
                return await self._from_the_database(place, self._floor)
            elif place < self._place:
                kept = tuple(one for one in self._kept if one.sequence > place)
                return News(kept, self._place)
            else:
                await changed.wait()
        return News((), place)

    async def _from_the_database(self, place: int, floor: int) -> News:
        async with self._store.read() as read:
            news = await published_after(read, place, limit=_AT_ONCE, moment=self._clock())
        # What is looked for is there up to the floor at least: the reader has seen it.
        return news if news.is_full else News(news.publications, max(news.last, floor))

    async def _read_on(self) -> None:
        """Reads what is published while somebody follows, also over a loss of the database."""
        pause = _SOONEST
        while True:
            try:
                async with wakeups(self._store) as woken:
                    while True:
                        await self._catch_up()
                        pause = _SOONEST
                        await woken.wait()
            except (StoreError, SQLAlchemyError, OSError) as error:
                _log.warning("what is published cannot be read, trying again in %s: %s", pause, error)
            await asyncio.sleep(pause.total_seconds())
            pause = min(pause * 2, _LATEST)

    async def _catch_up(self) -> None:
        while True:
            async with self._store.read() as read:
                moment = self._clock()
                if self._floor is None:
                    self._floor = self._place = await newest_published(read, moment)
                    self._tell()
                news = await published_after(read, self._place, limit=_AT_ONCE, moment=moment)
            if news.last > self._place:
                self._keep(news)
                self._tell()
            if not news.is_full:
                return

    def _keep(self, news: News) -> None:
        self._kept.extend(news.publications)
        self._place = news.last
        while len(self._kept) > _KEPT:
            self._floor = self._kept.popleft().sequence

    def _tell(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()
