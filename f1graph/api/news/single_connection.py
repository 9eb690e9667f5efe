"""The graphql-sse protocol with a single connection: several operations share one event stream.

A stream lives in the process that it was reserved in, and so must come all that is asked over it.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import timedelta

import orjson
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse, Response

from f1graph.api.answers import EVENT_STREAM, JSON, respond
from f1graph.api.asked import RefusedError
from f1graph.api.documents import Operation
from f1graph.api.news.feed import Feed
from f1graph.api.news.framing import SLOW
from f1graph.api.news.operations import Answer, EndedError, Operations
from f1graph.api.news.streams import Manner, StreamedResponse, too_many

TOKEN_HEADER = "x-graphql-event-stream-token"
# The client opens its stream at once; who does not has only asked for a token.
_OPENED_WITHIN = timedelta(seconds=30)
# Frames that wait for the stream; with more the operations wait.
_WAITING = 16


class SharedStream:
    """One event stream and the operations that go on over it."""

    media_type = f"{EVENT_STREAM}; charset=utf-8"
    begin = beat = b":\n\n"
    slow = b"event: next\ndata: " + SLOW.content + b"\n\n"

    def __init__(self, feed: Feed) -> None:
        self.is_open = False
        self._feed = feed
        self._frames: asyncio.Queue[bytes] = asyncio.Queue(_WAITING)
        self._running: dict[str, asyncio.Task[None]] = {}
        # Nobody else remembers a task while it ends.
        self._ending: set[asyncio.Task[None]] = set()

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
            self._ending.add(task)
            task.add_done_callback(self._ending.discard)

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

    def end_all(self) -> None:
        """Ends all operations."""
        for operation_id in list(self._running):
            self.end(operation_id)

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


class SharedStreams:
    """The event streams of a process that were reserved, by their tokens."""

    def __init__(self, operations: Operations, manner: Manner, *, most_operations: int) -> None:
        self._operations = operations
        self._manner = manner
        self._most_operations = most_operations
        self._streams: dict[str, SharedStream] = {}

    def reserve(self, feed: Feed) -> Response:
        """A token, with which one stream may be opened."""
        if len(self._streams) >= self._manner.connections.most:
            return too_many()
        token = secrets.token_urlsafe(24)
        self._streams[token] = SharedStream(feed)
        asyncio.get_running_loop().call_later(_OPENED_WITHIN.total_seconds(), self._expire, token)
        return PlainTextResponse(token, status_code=201, headers={"cache-control": "no-store"})

    def open(self, token: str) -> Response:
        """The stream of a token.

        Raises:
            RefusedError: There is none, or it is open already.
        """
        stream = self._stream(token)
        if stream.is_open:
            raise RefusedError("STREAM_OPEN", "the stream of this token is open already", 409)
        stream.is_open = True
        return StreamedResponse(
            stream.frames(), stream, self._manner, on_end=lambda: self._forget(token, stream)
        )

    async def run(
        self, token: str, operation_id: object, operation: Operation, connection: HTTPConnection
    ) -> Response:
        """Runs an operation, whose answers go out over the stream.

        Raises:
            RefusedError: It may not run.
        """
        stream = self._stream(token)
        if not isinstance(operation_id, str) or not operation_id:
            raise RefusedError("BAD_REQUEST", "`extensions.operationId` must be text")
        if stream.is_running(operation_id):
            raise RefusedError("OPERATION_EXISTS", f"the operation {operation_id!r} goes on already", 409)
        if stream.operations >= self._most_operations:
            text = f"a stream may have {self._most_operations} operations at a time"
            raise RefusedError("TOO_MANY_SUBSCRIPTIONS", text, 429)
        try:
            answers = await self._operations.start(operation, connection)
        except EndedError as error:
            return respond({"errors": error.errors}, media_type=JSON, status=400)
        stream.run(operation_id, answers)
        return Response(status_code=202)

    def end(self, token: str, operation_id: str | None) -> Response:
        """Ends an operation.

        Raises:
            RefusedError: There is no such stream, or it is not said which operation.
        """
        stream = self._stream(token)
        if not operation_id:
            raise RefusedError("BAD_REQUEST", "`operationId` must say which operation ends")
        stream.end(operation_id)
        return Response(status_code=200)

    def _stream(self, token: str) -> SharedStream:
        stream = self._streams.get(token)
        if stream is None:
            raise RefusedError("NOT_FOUND", "no stream was reserved here with this token", 404)
        return stream

    def _forget(self, token: str, stream: SharedStream) -> None:
        self._streams.pop(token, None)
        stream.end_all()

    def _expire(self, token: str) -> None:
        stream = self._streams.get(token)
        if stream is not None and not stream.is_open:
            self._forget(token, stream)


def token_of(connection: HTTPConnection) -> str | None:
    """The token of the stream that a request is about; a browser's EventSource has no headers for it."""
    return connection.headers.get(TOKEN_HEADER) or connection.query_params.get("token")
