"""An HTTP answer that goes on: how many there may be, when it ends, and what becomes of a slow reader."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from f1graph.api.answers import refuse
from f1graph.api.news.framing import StreamKind

# Proxies close what is silent for a minute, and a dead client is noticed by what it does not take.
HEARTBEAT = timedelta(seconds=12)


class TooManyError(Exception):
    """As many connections are open as may be."""


class Connections:
    """The connections of a process that stay open, WebSockets and streams together."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.open = 0

    @contextmanager
    def one(self) -> Iterator[None]:
        """Counts a connection while it is open.

        Raises:
            TooManyError: There is no room for it.
        """
        if self.open >= self.most:
            raise TooManyError
        self.open += 1
        try:
            yield
        finally:
            self.open -= 1


def too_many() -> Response:
    response = refuse(
        "TOO_MANY_CONNECTIONS", "too many connections are open here: come again in a minute", status=503
    )
    response.headers["retry-after"] = "60"
    return response


@dataclass(frozen=True, slots=True)
class Manner:
    """How streams are sent.

    Attributes:
        patience: Who does not take a message within this is dropped.
    """

    connections: Connections
    patience: timedelta


class StreamedResponse(Response):
    """Sends frames as they come.

    Args:
        on_end: Called when it is over, also where it never began: a generator that was not begun does nothing
            when it is closed.
    """

    def __init__(
        self,
        frames: AsyncGenerator[bytes, None],
        kind: StreamKind,
        manner: Manner,
        *,
        on_end: Callable[[], None] | None = None,
    ) -> None:
        super().__init__()
        self._frames = frames
        self._kind = kind
        self._manner = manner
        self._on_end = on_end
        # Not a length, no copy of it, and no proxy that waits until it is full.
        del self.headers["content-length"]
        self.headers["content-type"] = kind.media_type
        self.headers["cache-control"] = "no-store"
        self.headers["x-accel-buffering"] = "no"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            with self._manner.connections.one():
                await self._until_gone(receive, send)
        except TooManyError:
            await too_many()(scope, receive, send)
        finally:
            try:
                await self._frames.aclose()
            finally:
                if self._on_end is not None:
                    self._on_end()

    async def _until_gone(self, receive: Receive, send: Send) -> None:
        """Sends until the end, or until the client is gone: then nothing goes on for it."""
        pump = asyncio.create_task(self._pump(send))
        gone = asyncio.create_task(_gone(receive))
        try:
            await asyncio.wait({pump, gone}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            pump.cancel()
            gone.cancel()
            ended, _ = await asyncio.gather(pump, gone, return_exceptions=True)
        # An OSError is the client's end of the connection.
        if isinstance(ended, Exception) and not isinstance(ended, OSError):
            raise ended

    async def _pump(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        try:
            await self._send_all(send)
        except TimeoutError:
            # Perhaps it reads on: then it learns why it was left.
            await self._take(send, self._kind.slow, more=False)

    async def _send_all(self, send: Send) -> None:
        waiting: asyncio.Future[bytes] | None = None
        try:
            await self._take(send, self._kind.begin)
            while True:
                waiting = waiting or asyncio.ensure_future(anext(self._frames))
                await asyncio.wait({waiting}, timeout=HEARTBEAT.total_seconds())
                if not waiting.done():
                    await self._take(send, self._kind.beat)
                    continue
                done, waiting = waiting, None
                try:
                    frame = done.result()
                except StopAsyncIteration:
                    break
                await self._take(send, frame)
            await self._take(send, b"", more=False)
        finally:
            if waiting is not None:
                waiting.cancel()
                await asyncio.gather(waiting, return_exceptions=True)

    async def _take(self, send: Send, frame: bytes, *, more: bool = True) -> None:
        async with asyncio.timeout(self._manner.patience.total_seconds()):
            await send({"type": "http.response.body", "body": frame, "more_body": more})


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
