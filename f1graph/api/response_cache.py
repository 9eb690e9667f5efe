"""Answers that are given again while nothing has changed: the outermost layer of the API.

An answer is given again to whoever asks the same in the same role, as long as no commit came in between and a
short time has not passed: some answers depend on the clock too. Only what the endpoint says may be kept is
kept, which is a query without errors. A plain ASGI class: Starlette's base class breaks context variables.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from f1graph.api.answers import refuse_slow
from f1graph.api.asked import BY_ADDRESS, GRAPH
from f1graph.api.coroutines import Resumed
from f1graph.api.news.single_connection import token_of
from f1graph.api.rate_limits import Standing
from f1graph.api.request_keys import Headers, Key, RequestKeys, is_json
from f1graph.clock import Clock
from f1graph.store.version import DataVersion

# What the endpoint sets in the state of a request whose answer may be given again.
MAY_BE_KEPT = "may_be_kept"
# The data version that a request began with, for the layers within.
VERSION = "data_version_seen"

# They are of one request, not of the answer.
_OF_ONE_REQUEST = (b"ratelimit", b"x-ratelimit", b"retry-after", b"set-cookie", b"date")

Header = tuple[bytes, bytes]


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer, ready to send.

    Attributes:
        headers: For a POST, which no cache on the way keeps.
        by_address: For a GET, with those that tell caches how to ask again.
    """

    headers: list[Header]
    by_address: list[Header]
    body: bytes
    etag: bytes


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer and how long it holds."""

    answer: Answer
    version: str
    since: datetime
    until: datetime


class ResponseCache:
    """Gives answers again.

    Args:
        role_at_once: The role of a request; None where it must not be answered from here.
        count: Counts a request that is answered from here; None where nobody is limited.
        entries, most_bytes: How much is kept; 0 entries keep nothing.
        age: How long an answer is given again at most, by the service's clock.
        request_timeout: How long a request's body may take to come.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        role_at_once: Callable[[Scope], str | None],
        count: Callable[[Scope], Awaitable[Standing | None]] | None,
        clock: Clock,
        entries: int,
        most_bytes: int,
        age: timedelta,
        body_limit: int,
        request_timeout: timedelta,
    ) -> None:
        self._app = app
        self._role_at_once = role_at_once
        self._count = count
        self._clock = clock
        self._entries = entries
        self._most_bytes = most_bytes
        self._age = age
        self._body_limit = body_limit
        self._timeout = request_timeout.total_seconds()
        self._kept: OrderedDict[Key, Kept] = OrderedDict()
        self._bytes = 0
        self._keys = RequestKeys(size=2 * entries)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != GRAPH:
            await self._app(scope, receive, send)
            return
        # Of a header that comes twice the first counts, as in the layers within.
        headers = dict(reversed(scope["headers"]))
        method = scope["method"]
        content: bytes | None = None
        if token_of(HTTPConnection(scope)) is not None:
            # Answered over a stream that is open already.
            pass
        elif method in BY_ADDRESS:
            content = scope["query_string"]
        elif method == "POST" and self._is_short_json(headers):
            try:
                first = await self._first(receive)
            except TimeoutError:
                await refuse_slow(self._timeout)(scope, receive, send)
                return
            receive = _again(first, receive)
            body = first.get("body", b"")
            # A body in several pieces is the endpoint's to read.
            if len(body) == int(headers[b"content-length"]):
                content = body
        role = self._role_at_once(scope)
        key = None
        if content is not None and role is not None:
            key = self._keys.key(method, content, headers, role)
        await self._answer(key, scope, headers, receive, send)

    async def _answer(
        self, key: Key | None, scope: Scope, headers: Headers, receive: Receive, send: Send
    ) -> None:
        versions: DataVersion = scope["state"]["versions"]
        # Read before anything else: an answer that was begun before a commit is not one of after it.
        version = await versions.current()
        now = self._clock()
        if key is not None and (kept := self._kept.get(key)) is not None:
            if kept.version == version and kept.since <= now < kept.until:
                self._kept.move_to_end(key)
                standing = None if self._count is None else await self._count(scope)
                # Who has asked too often is refused within.
                if standing is None or not standing.is_over:
                    of_request = [] if standing is None else _headers(standing)
                    await _send(kept.answer, scope["method"], headers, send, of_request)
                    return
            else:
                self._forget(key)
        scope["state"][VERSION] = version
        watched = _Watched(scope, headers, send)
        await self._app(scope, receive, watched.send)
        if key is not None and version is not None and self._entries and watched.answer is not None:
            self._keep(key, Kept(watched.answer, version, now, now + self._age))

    async def _first(self, receive: Receive) -> Message:
        """The first message of a request.

        Raises:
            TimeoutError: It did not come in time.
        """
        waiting: Any = receive()
        try:
            paused = waiting.send(None)
        except StopIteration as done:
            # It was there, as nearly always: a time-out for nothing would cost as much as all the rest.
            message: Message = done.value
            return message
        async with asyncio.timeout(self._timeout):
            return cast("Message", await Resumed(waiting, paused))

    def _is_short_json(self, headers: Headers) -> bool:
        length = headers.get(b"content-length", b"")
        return (
            length.isdigit()
            and int(length[:18]) <= self._body_limit
            and is_json(headers.get(b"content-type", b""))
        )

    def _keep(self, key: Key, kept: Kept) -> None:
        size = _size(key, kept)
        if size > self._most_bytes:
            return
        self._forget(key)
        self._kept[key] = kept
        self._bytes += size
        while len(self._kept) > self._entries or self._bytes > self._most_bytes:
            self._forget(next(iter(self._kept)))

    def _forget(self, key: Key) -> None:
        kept = self._kept.pop(key, None)
        if kept is not None:
            self._bytes -= _size(key, kept)


def _size(key: Key, kept: Kept) -> int:
    # A question may be longer than its answer.
    return len(key[0]) + len(kept.answer.body)


class _Watched:
    """Passes an answer on. One that may be kept is kept, and tells caches on the way how to ask again."""

    def __init__(self, scope: Scope, headers: Headers, send: Send) -> None:
        self._scope = scope
        self._headers = headers
        self._send = send
        self._start: Message | None = None
        self.answer: Answer | None = None

    async def send(self, message: Message) -> None:
        # A stream is never held back: its first event may be long in coming.
        if message["type"] == "http.response.start" and self._scope["state"].get(MAY_BE_KEPT, False):
            self._start = message
        elif self._start is None:
            await self._send(message)
        else:
            start, self._start = self._start, None
            if message.get("more_body", False):
                raise RuntimeError("an answer that may be kept comes in one piece")
            body = message.get("body", b"")
            etag = b'"' + hashlib.blake2b(body, digest_size=16).hexdigest().encode() + b'"'
            is_public = b"authorization" not in self._headers
            of_answer = [one for one in start["headers"] if not one[0].startswith(_OF_ONE_REQUEST)]
            self.answer = Answer(of_answer, _for_caches(of_answer, etag, is_public=is_public), body, etag)
            of_request = [one for one in start["headers"] if one[0].startswith(_OF_ONE_REQUEST)]
            await _send(self.answer, self._scope["method"], self._headers, self._send, of_request)


def _for_caches(headers: list[Header], etag: bytes, *, is_public: bool) -> list[Header]:
    """Whoever keeps the answer asks each time whether it still holds: a commit may come at any moment."""
    varies = [b"accept", b"authorization"]
    others = []
    for name, value in headers:
        if name == b"vary":
            varies += [part.strip().lower() for part in value.split(b",")]
        else:
            others.append((name, value))
    whose = b"public" if is_public else b"private"
    return [
        *others,
        (b"vary", b", ".join(dict.fromkeys(varies))),
        (b"cache-control", whose + b", no-cache"),
        (b"etag", etag),
    ]


async def _send(
    answer: Answer, method: str, asked: Headers, send: Send, of_request: Iterable[Header] = ()
) -> None:
    status, headers, body = 200, answer.headers, answer.body
    if method in BY_ADDRESS:
        headers = answer.by_address
        if b"if-none-match" in asked and _is_known(asked[b"if-none-match"], answer.etag):
            status, body = 304, b""
            headers = [one for one in headers if one[0] not in (b"content-length", b"content-type")]
    await send({"type": "http.response.start", "status": status, "headers": [*headers, *of_request]})
    await send({"type": "http.response.body", "body": body})


def _headers(standing: Standing) -> list[Header]:
    return [(name.encode(), value.encode()) for name, value in standing.headers.items()]


def _is_known(if_none_match: bytes, etag: bytes) -> bool:
    known = [one.strip().removeprefix(b"W/") for one in if_none_match.split(b",")]
    return b"*" in known or etag in known


def _again(first: Message, receive: Receive) -> Receive:
    """`receive`, with a message that was taken from it put back."""
    messages = [first]

    async def received() -> Message:
        return messages.pop() if messages else await receive()

    return received
