"""Answers that are given again while nothing has changed: the outermost layer of the API.

An answer is given again to whoever asks the same in the same role, as long as no commit came in between and a
short time has not passed: some answers depend on the clock too. Only what the endpoint says may be kept is
kept, which is a query without errors. A plain ASGI class: Starlette's base class breaks context variables.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl

import orjson
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from f1graph.api.answers import JSON, negotiate, refuse
from f1graph.clock import Clock
from f1graph.store.version import DataVersion

GRAPH = "/graphql"
# What the endpoint sets in the state of a request whose answer may be given again.
MAY_BE_KEPT = "may_be_kept"
# The data version that a request began with, for the layers within.
VERSION = "data_version_seen"

_BY_ADDRESS = ("GET", "HEAD")
# They are of one request, not of the answer.
_OF_ONE_REQUEST = (b"ratelimit", b"x-ratelimit", b"retry-after", b"set-cookie", b"date", b"content-length")
# Parameters of a GET that hold JSON.
_JSON_PARAMETERS = ("variables", "extensions")

Header = tuple[bytes, bytes]


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer, ready to send, and how long it holds."""

    version: str
    since: datetime
    until: datetime
    headers: list[Header]
    body: bytes
    etag: bytes


class ResponseCache:
    """Gives answers again.

    Args:
        role_at_once: The role of a request; None where it must not be answered from here.
        entries, most_bytes: How much is kept; 0 entries keep nothing.
        age: How long an answer is given again at most, by the service's clock.
        request_timeout: How long a request's body may take to come.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        role_at_once: Callable[[Scope], str | None],
        clock: Clock,
        entries: int,
        most_bytes: int,
        age: timedelta,
        body_limit: int,
        request_timeout: timedelta,
    ) -> None:
        self._app = app
        self._role_at_once = role_at_once
        self._clock = clock
        self._entries = entries
        self._most_bytes = most_bytes
        self._age = age
        self._body_limit = body_limit
        self._timeout = request_timeout.total_seconds()
        self._kept: OrderedDict[Any, Kept] = OrderedDict()
        self._bytes = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != GRAPH:
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        method = scope["method"]
        role = self._role_at_once(scope)
        key = None
        if method in _BY_ADDRESS:
            key = _key(_of_address(scope["query_string"]), headers, role)
        elif method == "POST" and self._is_short_json(headers):
            try:
                async with asyncio.timeout(self._timeout):
                    first = await receive()
            except TimeoutError:
                text = f"the request took longer than {self._timeout:g} seconds"
                await refuse("TIMEOUT", text, status=408)(scope, receive, send)
                return
            receive = _again(first, receive)
            if first["type"] == "http.request" and not first.get("more_body", False):
                key = _key(first.get("body", b""), headers, role)
        await self._answer(key, scope, headers, receive, send)

    async def _answer(
        self, key: Any, scope: Scope, headers: dict[bytes, bytes], receive: Receive, send: Send
    ) -> None:
        versions: DataVersion = scope["state"]["versions"]
        # Read before anything else: an answer that was begun before a commit is not one of after it.
        version = await versions.current()
        now = self._clock()
        kept = self._kept.get(key) if key is not None else None
        if kept is not None:
            if kept.version == version and kept.since <= now < kept.until:
                self._kept.move_to_end(key)
                await _send(kept, scope["method"], headers, send)
                return
            self._forget(key)
        scope["state"][VERSION] = version
        keeping = _Keeping(scope, headers, send)
        await self._app(scope, receive, keeping.send)
        if key is not None and version is not None and self._entries and keeping.answer is not None:
            self._keep(key, keeping.answer, version, now)

    def _is_short_json(self, headers: dict[bytes, bytes]) -> bool:
        length = headers.get(b"content-length", b"")
        return (
            length.isdigit()
            and int(length[:18]) <= self._body_limit
            and headers.get(b"content-type", b"").partition(b";")[0].strip().lower() == JSON.encode()
        )

    def _keep(self, key: Any, answer: _Answer, version: str, now: datetime) -> None:
        if len(answer.body) > self._most_bytes:
            return
        self._forget(key)
        self._kept[key] = Kept(
            version=version,
            since=now,
            until=now + self._age,
            headers=answer.headers,
            body=answer.body,
            etag=answer.etag,
        )
        self._bytes += len(answer.body)
        while len(self._kept) > self._entries or self._bytes > self._most_bytes:
            self._forget(next(iter(self._kept)))

    def _forget(self, key: Any) -> None:
        kept = self._kept.pop(key, None)
        if kept is not None:
            self._bytes -= len(kept.body)


@dataclass(frozen=True, slots=True)
class _Answer:
    headers: list[Header]
    body: bytes
    etag: bytes


class _Keeping:
    """Passes an answer on; one that may be kept is kept, and gets the headers of caches."""

    def __init__(self, scope: Scope, headers: dict[bytes, bytes], send: Send) -> None:
        self._scope = scope
        self._headers = headers
        self._send = send
        self._start: Message | None = None
        self.answer: _Answer | None = None

    async def send(self, message: Message) -> None:
        # A stream is never held back: its first event may be long in coming.
        if message["type"] == "http.response.start" and self._scope["state"].get(MAY_BE_KEPT, False):
            self._start = message
        elif self._start is None:
            await self._send(message)
        else:
            start, self._start = self._start, None
            await self._finish(start, message)

    async def _finish(self, start: Message, message: Message) -> None:
        if message.get("more_body", False):
            raise RuntimeError("an answer that may be kept comes in one piece")
        body = message.get("body", b"")
        etag = b'"' + hashlib.blake2b(body, digest_size=16).hexdigest().encode() + b'"'
        headers = _with_cache_headers(start["headers"], etag, is_public=b"authorization" not in self._headers)
        self.answer = _Answer(
            [header for header in headers if not header[0].startswith(_OF_ONE_REQUEST)]
            + [(b"content-length", str(len(body)).encode())],
            body,
            etag,
        )
        await _send_answer(start["status"], headers, body, etag, self._scope["method"], self._headers, self._send)


def _with_cache_headers(headers: Iterable[Header], etag: bytes, *, is_public: bool) -> list[Header]:
    """Whoever keeps the answer asks each time whether it still holds: a commit may come at any moment."""
    varies, others = [b"accept", b"authorization"], []
    for name, value in headers:
        if name == b"vary":
            varies += [part.strip().lower() for part in value.split(b",")]
        else:
            others.append((name, value))
    others.append((b"vary", b", ".join(dict.fromkeys(varies))))
    others.append((b"cache-control", b"public, no-cache" if is_public else b"private, no-cache"))
    others.append((b"etag", etag))
    return others


async def _send(kept: Kept, method: str, asked: dict[bytes, bytes], send: Send) -> None:
    await _send_answer(200, kept.headers, kept.body, kept.etag, method, asked, send)


async def _send_answer(
    status: int,
    headers: list[Header],
    body: bytes,
    etag: bytes,
    method: str,
    asked: dict[bytes, bytes],
    send: Send,
) -> None:
    if method in _BY_ADDRESS and b"if-none-match" in asked and _is_known(asked[b"if-none-match"], etag):
        status, body = 304, b""
        headers = [header for header in headers if header[0] not in (b"content-length", b"content-type")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _is_known(if_none_match: bytes, etag: bytes) -> bool:
    known = [one.strip().removeprefix(b"W/") for one in if_none_match.split(b",")]
    return b"*" in known or etag in known


def _again(first: Message, receive: Receive) -> Receive:
    """`receive`, with a message that was taken from it put back."""
    messages = [first]

    async def received() -> Message:
        return messages.pop() if messages else await receive()

    return received


def _key(content: bytes | dict[str, Any] | None, headers: dict[bytes, bytes], role: str | None) -> Any:
    """Equal for requests that get the same answer, by whatever method; None where nothing may be kept."""
    if role is None or content is None:
        return None
    media_type = _negotiated(headers.get(b"accept", b""))
    if media_type is None:
        return None
    try:
        asked = orjson.loads(content) if isinstance(content, bytes) else content
        if not isinstance(asked, dict):
            return None
        given = {name: value for name, value in asked.items() if value not in (None, "", {})}
        canonical = orjson.dumps(given, option=orjson.OPT_SORT_KEYS)
    except (orjson.JSONDecodeError, TypeError):
        return None
    # An answer to a page of another origin says whether that page may read it.
    return canonical, media_type, role, headers.get(b"origin")


@lru_cache(maxsize=256)
def _negotiated(accept: bytes) -> str | None:
    return negotiate(accept.decode("latin-1"))


def _of_address(query_string: bytes) -> dict[str, Any] | None:
    """What the address of a GET asks; None where its JSON is broken."""
    asked: dict[str, Any] = {}
    for name, value in parse_qsl(query_string.decode("latin-1"), keep_blank_values=True):
        if name in _JSON_PARAMETERS and value:
            try:
                asked[name] = orjson.loads(value)
            except orjson.JSONDecodeError:
                return None
        else:
            asked[name] = value
    return asked
