"""Subscriptions over WebSockets, by the protocol `graphql-transport-ws` and no other."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import orjson
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect

from f1graph.api.access import Access
from f1graph.api.answers import log_unexpected, refuse
from f1graph.api.asked import Reader, RefusedError
from f1graph.api.denial import deny
from f1graph.api.documents import Documents, Operation
from f1graph.api.limits import DocumentError
from f1graph.api.news.operations import EndedError, Operations, refusal, refused_document
from f1graph.api.news.streams import Manner, TooManyError, too_many
from f1graph.api.rate_limits import RateLimits
from f1graph.errors import UnauthenticatedError

PROTOCOL = "graphql-transport-ws"
# A close reason has 123 bytes at most.
_LONGEST_REASON = 120


class ClosedError(Exception):
    """The connection ends.

    Args:
        code: Of the protocol; None where the client is gone already.
    """

    def __init__(self, code: int | None = None, reason: str = "") -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """Of one connection.

    Attributes:
        message: Bytes of one message of the client.
        subscriptions: Operations at the same time.
        idle: Without an operation the connection is closed after this.
        hello: The client must begin within this.
    """

    message: int
    subscriptions: int
    idle: timedelta
    hello: timedelta = timedelta(seconds=3)


@dataclass(frozen=True, slots=True)
class WebSocketEndpoint:
    """Answers WebSockets on `/graphql`."""

    access: Access
    rate_limits: RateLimits
    reader: Reader
    documents: Documents
    operations: Operations
    manner: Manner
    limits: ConnectionLimits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One connection, from the handshake to its end."""
        if PROTOCOL not in scope["subprotocols"]:
            text = f"only the subprotocol {PROTOCOL} is spoken here"
            await deny(refuse("SUBPROTOCOL_NOT_ACCEPTABLE", text, status=400), scope, receive, send)
            return
        try:
            with self.manner.connections.one():
                websocket = WebSocket(scope, receive, send)
                await websocket.accept(PROTOCOL)
                await Talk(websocket, self).until_closed()
        except TooManyError:
            await deny(too_many(), scope, receive, send)


class Talk:
    """One connection."""

    def __init__(self, websocket: WebSocket, endpoint: WebSocketEndpoint) -> None:
        self._websocket = websocket
        self._endpoint = endpoint
        self._limits = endpoint.limits
        self._patience = endpoint.manner.patience.total_seconds()
        self._is_acknowledged = False
        self._running: dict[str, asyncio.Task[None]] = {}
        self._tasks = asyncio.TaskGroup()
        self._quiet_since = asyncio.get_running_loop().time()
        self._sending = asyncio.Lock()

    async def until_closed(self) -> None:
        """Speaks until either side ends it; then nothing goes on for this client."""
        end = ClosedError()
        try:
            async with self._tasks:
                self._tasks.create_task(self._until_stopped())
                await self._receive_all()
        except* ClosedError as group:
            end = next(error for error in _leaves(group) if isinstance(error, ClosedError))
        except* (WebSocketDisconnect, OSError):
            pass
        except* Exception as group:
            end = ClosedError(4500, f"INTERNAL_ERROR {log_unexpected(group)}")
        if end.code is not None:
            await self._close(end.code, end.reason)

    async def _until_stopped(self) -> None:
        await self._websocket.state.feed.stopped.wait()
        raise ClosedError(1012, "SERVICE_RESTART: go on from the last cursor")

    async def _receive_all(self) -> None:
        while True:
            try:
                async with asyncio.timeout_at(self._deadline()):
                    received = await self._websocket.receive()
            except TimeoutError:
                if not self._is_acknowledged:
                    raise ClosedError(4408, "Connection initialisation timeout") from None
                if not self._running:
                    raise ClosedError(1001, "IDLE_TIMEOUT: nothing was subscribed to") from None
                continue
            if received["type"] == "websocket.disconnect":
                raise ClosedError
            await self._answer(self._message(received.get("text")))

    def _deadline(self) -> float:
        """When a client that says nothing is looked at again. A ping subscribes to nothing."""
        if not self._is_acknowledged:
            return self._quiet_since + self._limits.hello.total_seconds()
        since = asyncio.get_running_loop().time() if self._running else self._quiet_since
        return since + self._limits.idle.total_seconds()

    def _message(self, text: str | None) -> dict[str, Any]:
        if text is None:
            raise ClosedError(4400, "Invalid message: send text")
        if len(text) > self._limits.message or len(text.encode()) > self._limits.message:
            raise ClosedError(1009, f"MESSAGE_TOO_LARGE: it may have {self._limits.message} bytes")
        try:
            message = orjson.loads(text)
        except orjson.JSONDecodeError:
            raise ClosedError(4400, "Invalid message: it is not JSON") from None
        if not isinstance(message, dict) or not isinstance(message.get("type"), str):
            raise ClosedError(4400, "Invalid message: it has no type")
        return message

    async def _answer(self, message: dict[str, Any]) -> None:
        match message["type"]:
            case "connection_init":
                await self._begin(_payload(message) or {})
            case "ping":
                payload = _payload(message)
                await self._send({"type": "pong"} | ({} if payload is None else {"payload": payload}))
            case "pong":
                _payload(message)
            case "subscribe":
                await self._subscribe(_id(message), message.get("payload"))
            case "complete":
                running = self._running.pop(_id(message), None)
                if running is not None:
                    running.cancel()
                    self._quiet_since = asyncio.get_running_loop().time()
            case other:
                raise ClosedError(4400, f"Invalid message: type {other!r}")

    async def _begin(self, payload: dict[str, Any]) -> None:
        """A browser sends no header with a WebSocket: its key comes with the first message."""
        if self._is_acknowledged:
            raise ClosedError(4429, "Too many initialisation requests")
        authorization = payload.get("authorization", payload.get("Authorization"))
        if authorization is not None:
            await self._identify(str(authorization))
        self._is_acknowledged = True
        await self._send({"type": "connection_ack"})

    async def _identify(self, authorization: str) -> None:
        state = self._websocket.state
        access, rate_limits = self._endpoint.access, self._endpoint.rate_limits
        address = state.caller.address
        if await rate_limits.tries_too_many_keys(address) is not None:
            raise ClosedError(4403, "RATE_LIMITED: too many wrong keys came from this address")
        try:
            state.caller = await access.caller_with(authorization, address, state.store)
        except UnauthenticatedError as error:
            await rate_limits.count_wrong_key(address)
            raise ClosedError(4403, f"{error.code}: {error}") from error

    async def _subscribe(self, operation_id: str, payload: Any) -> None:
        if not self._is_acknowledged:
            raise ClosedError(4401, "Unauthorized")
        if operation_id in self._running:
            raise ClosedError(4409, f"Subscriber for {operation_id} already exists")
        if len(self._running) >= self._limits.subscriptions:
            text = f"a connection may have {self._limits.subscriptions} operations at a time"
            # Nothing more is read until it is told: who asks and does not read must not fill the memory.
            await self._fail(operation_id, refusal("TOO_MANY_SUBSCRIPTIONS", text))
            return
        self._running[operation_id] = self._tasks.create_task(self._run(operation_id, payload))

    async def _run(self, operation_id: str, payload: Any) -> None:
        try:
            await self._count()
            answers = await self._endpoint.operations.start(self._read(payload), self._websocket)
            async with aclosing(answers):
                async for answer in answers:
                    await self._send_text(
                        b'{"id":'
                        + orjson.dumps(operation_id)
                        + b',"type":"next","payload":'
                        + answer.content
                        + b"}"
                    )
        except EndedError as error:
            await self._fail(operation_id, error)
            return
        if not self._websocket.state.feed.stopped.is_set():
            self._forget(operation_id)
            await self._send({"id": operation_id, "type": "complete"})

    async def _count(self) -> None:
        """Each operation counts as a request does."""
        standing = await self._endpoint.rate_limits.count(self._websocket.state.caller)
        if standing is not None and standing.is_over:
            raise refusal("RATE_LIMITED", standing.refusal)

    def _read(self, payload: Any) -> Operation:
        try:
            return self._endpoint.documents.operation(self._endpoint.reader.asked(payload))
        except RefusedError as error:
            raise refusal(error.reason, str(error)) from error
        except DocumentError as error:
            raise refused_document(error) from error

    async def _fail(self, operation_id: str, error: EndedError) -> None:
        self._forget(operation_id)
        await self._send({"id": operation_id, "type": "error", "payload": error.errors})

    def _forget(self, operation_id: str) -> None:
        # The id may be used again as soon as the client hears of the end; it may have been already.
        if self._running.get(operation_id) is asyncio.current_task():
            del self._running[operation_id]
            self._quiet_since = asyncio.get_running_loop().time()

    async def _send(self, message: dict[str, Any]) -> None:
        await self._send_text(orjson.dumps(message))

    async def _send_text(self, content: bytes) -> None:
        try:
            async with asyncio.timeout(self._patience), self._sending:
                await self._websocket.send_text(content.decode())
        except TimeoutError:
            raise ClosedError(1013, "SLOW_SUBSCRIBER: go on from the last cursor") from None

    async def _close(self, code: int, reason: str) -> None:
        try:
            # Who does not read does not take this either, and is left without a word.
            async with asyncio.timeout(self._patience):
                await self._websocket.close(code, reason.encode()[:_LONGEST_REASON].decode(errors="ignore"))
        except (TimeoutError, OSError, RuntimeError, WebSocketDisconnect):
            pass


def _payload(message: dict[str, Any]) -> dict[str, Any] | None:
    payload = message.get("payload")
    if payload is not None and not isinstance(payload, dict):
        raise ClosedError(4400, "Invalid message: payload is no object")
    return payload


def _id(message: dict[str, Any]) -> str:
    found = message.get("id")
    if not isinstance(found, str) or not found:
        raise ClosedError(4400, "Invalid message: it has no id")
    return found


def _leaves(group: BaseExceptionGroup[Any]) -> list[BaseException]:
    found: list[BaseException] = []
    for error in group.exceptions:
        found.extend(_leaves(error) if isinstance(error, BaseExceptionGroup) else [error])
    return found
