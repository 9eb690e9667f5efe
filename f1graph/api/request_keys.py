"""What makes two requests the same: by whatever method, in whatever spelling of their JSON."""

from __future__ import annotations

from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl

import orjson

from f1graph.api.answers import JSON, negotiate, prefers_stream

# Parameters of a GET that hold JSON.
_JSON_PARAMETERS = ("variables", "extensions")
# A longer request is read anew each time: what is remembered must stay small.
_LONGEST_REMEMBERED = 4_000

Headers = dict[bytes, bytes]
# What is asked, the media type, the role, and the page's origin: its answer says whether it may read it.
Key = tuple[bytes, str, str, bytes | None]


def is_json(content_type: bytes) -> bool:
    return content_type.partition(b";")[0].strip().lower() == JSON.encode()


class RequestKeys:
    """The keys of requests; those of the last ones are remembered by their bytes."""

    def __init__(self, *, size: int) -> None:
        self._size = size
        self._seen: dict[tuple[Any, ...], Key] = {}

    def key(self, method: str, content: bytes, headers: Headers, role: str) -> Key | None:
        """The key of a request, or None if it cannot be the same as any other.

        Args:
            content: The body; by GET the query of the address.
        """
        accept, origin = headers.get(b"accept", b""), headers.get(b"origin")
        if len(accept) + len(origin or b"") > _LONGEST_REMEMBERED:
            # Of no browser.
            return None
        raw = (content, accept, role, origin, method == "POST")
        seen = self._seen.get(raw)
        if seen is not None:
            return seen
        media_type = _negotiated(accept)
        asked = _read(content) if method == "POST" else _of_address(content)
        if media_type is None or asked is None:
            return None
        key = (asked, media_type, role, origin)
        if len(content) <= _LONGEST_REMEMBERED:
            if len(self._seen) >= self._size:
                self._seen.clear()
            self._seen[raw] = key
        return key


@lru_cache(maxsize=256)
def _negotiated(accept: bytes) -> str | None:
    text = accept.decode("latin-1")
    return None if prefers_stream(text) else negotiate(text)


def _read(content: bytes) -> bytes | None:
    try:
        asked = orjson.loads(content)
    except orjson.JSONDecodeError:
        return None
    return _canonical(asked) if isinstance(asked, dict) else None


def _of_address(query_string: bytes) -> bytes | None:
    asked: dict[str, Any] = {}
    for name, value in parse_qsl(query_string.decode("latin-1"), keep_blank_values=True):
        if not value:
            # In an address, what is empty is the same as what is not given.
            continue
        if name in _JSON_PARAMETERS:
            try:
                asked[name] = orjson.loads(value)
            except orjson.JSONDecodeError:
                return None
        else:
            asked[name] = value
    return _canonical(asked)


def _canonical(asked: dict[str, Any]) -> bytes | None:
    # Nothing is the same as what is not given.
    given = {name: value for name, value in asked.items() if value not in (None, {})}
    try:
        return orjson.dumps(given, option=orjson.OPT_SORT_KEYS)
    except TypeError:
        return None
