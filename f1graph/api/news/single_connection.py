"""The graphql-sse protocol with a single connection: several operations share one event stream.

A stream lives in the process that it was reserved in, and so must come all that is asked over it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import timedelta

import orjson

from f1graph.api.answers import EVENT_STREAM
from f1graph.api.news.feed import Feed
from f1graph.api.news.framing import SLOW
from f1graph.api.news.operations import Answer, EndedError

TOKEN_HEADER = "x-graphql-event-stream-token"
# The client opens its stream at once; who does not has only asked for a token.
_OPENED_WITHIN = timedelta(seconds=30)
# Frames that wait for the stream; with more the operations wait.
_WAITING = 16


class SharedStream:
    """One event stream and the operations that go on over it."""

    media_type = f"{EVENT_STREAM}; charset=utf-8"
    begin = beat = b":\n\n"
    # It ends when the client goes, or the service stops: both without a word.
    complete = b""
    slow = b"event: next\ndata: " + SLOW.content + b"\n\n"

    def __init__(self, feed: Feed) -> None:
        self.is_open = False
        self._feed = feed
        self._frames: asyncio.Queue[bytes] = asyncio.Queue(_WAITING)
        self._running: dict[str, asyncio.Task[None]] = {}

    @property
    def operations(self) -> int:
        """How many go on."""
        return len(self._running)

    def is_running(self, operation_id: str) -> bool:
        return operation_id in self._running

    def run(self, operation_id: str, answers: AsyncGenerator[Answer, None]) -> None:
        """Sends the answers of an operation under its id until there are no more."""
        task = asyncio.create_task(self._send(operation_id, answers))
        self._running[operation_id] = task

    def end(self, operation_id: str) -> None:
        """Ends an operation, if it goes on: the client knows."""
        task = self._running.pop(operation_id, None)
        if task is not None:
            task.cancel()

    async def frames(self) -> AsyncGenerator[bytes, None]:
        """What goes out, until the service stops."""
        stopped = asyncio.create_task(self._feed.stopped.wait())
        try:
            while True:
                frame = asyncio.create_task(self._frames.get())
                await asyncio.wait({frame, stopped}, return_when=asyncio.FIRST_COMPLETED)
                if not frame.done():
                    frame.cancel()
                    return
                yield frame.result()
        finally:
            stopped.cancel()
            await self.close()

    async def close(self) -> None:
        """Ends all operations."""
        tasks = list(self._running.values())
        self._running.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _send(self, operation_id: str, answers: AsyncGenerator[Answer, None]) -> None:
        told = orjson.dumps(operation_id)
        async with aclosing(answers):
            try:
                async for answer in answers:
                    await self._frames.put(_next(told, answer.content))
            except EndedError as error:
                await self._frames.put(_next(told, error.content))
        if self._feed.stopped.is_set():
            return
        if self._running.get(operation_id) is asyncio.current_task():
            del self._running[operation_id]
        await self._frames.put(b'event: complete\ndata: {"id":' + told + b"}\n\n")


def _next(told: bytes, content: bytes) -> bytes:
    return b'event: next\ndata: {"id":' + told + b',"payload":' + content + b"}\n\n"
