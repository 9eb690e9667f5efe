"""Opaque ids and cursors: what a client keeps and gives back, and need not understand."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import orjson

from f1graph.errors import CursorError, RequestError

MOST = 100
# Of lists of what was recorded, which have thousands.
MOST_ROWS = 2_000
_LONGEST_TEXT = 200


def global_id(kind: str, key: str) -> str:
    """An id that is unique in the whole graph, made of what never changes: `Driver` and its slug."""
    return _pack(f"{kind}:{key}".encode())


def split_global_id(text: str) -> tuple[str, str] | None:
    """Kind and key of an id of ours; None for any other text."""
    unpacked = _unpack(text)
    if unpacked is None:
        return None
    try:
        kind, separator, key = unpacked.decode().partition(":")
    except UnicodeDecodeError:
        return None
    is_ours = bool(separator and key) and kind.isalpha() and kind[0].isupper()
    return (kind, key) if is_ours else None


def key_of(kind: str, id_or_slug: str) -> str:
    """The key meant by a global id or by a plain slug.

    Raises:
        RequestError: It is an id of something else, or can be none at all.
    """
    found = split_global_id(short_text("an id", id_or_slug))
    if found is None:
        return id_or_slug
    if found[0] != kind:
        raise RequestError(f"{id_or_slug!r} is the id of a {found[0]}, not of a {kind}")
    return short_text("an id", found[1])


def asked_key(kind: str, id_or_slug: str | None) -> str | None:
    """As `key_of`, for a filter that may be left out."""
    return None if id_or_slug is None else key_of(kind, id_or_slug)


def short_text(name: str, text: str) -> str:
    """`text`, if it may stand in a question to the database.

    Raises:
        RequestError: It is longer than any name, or has a NUL, which Postgres does not take.
    """
    if len(text) > _LONGEST_TEXT:
        raise RequestError(f"{name} may have at most {_LONGEST_TEXT} characters, not {len(text)}")
    if "\0" in text:
        raise RequestError(f"{name} may not have a NUL character")
    return text


def cursor(order: str, *values: Any) -> str:
    """A place in a list: what the last item sorts by. `order` names the list's order."""
    return _pack(orjson.dumps([order, *values]))


def read_cursor(text: str, order: str, kinds: Sequence[type]) -> list[Any]:
    """The values of a cursor; times come back as times.

    Raises:
        CursorError: It is none of ours, or of a list with another order.
    """
    try:
        found, *values = orjson.loads(_unpack(text) or b"")
        if found != order or len(values) != len(kinds):
            raise ValueError
        return [_as(kind, value) for kind, value in zip(kinds, values, strict=True)]
    except (orjson.JSONDecodeError, TypeError, ValueError) as error:
        raise CursorError(
            f"{text!r} is not a cursor of this list: give one of an earlier answer, or none"
        ) from error


def _as(kind: type, value: Any) -> Any:
    if kind is datetime:
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is None:
            raise ValueError
        return moment
    if not isinstance(value, kind) or isinstance(value, bool):
        raise TypeError
    if isinstance(value, int) and not 0 <= value < 2**63:
        raise ValueError
    if isinstance(value, str) and "\0" in value:
        raise ValueError
    return value


def page_size(first: int, *, most: int = MOST) -> int:
    """`first`, if a list may be that long.

    Raises:
        RequestError: It may not.
    """
    if not 1 <= first <= most:
        raise RequestError(f"`first` must be between 1 and {most}, not {first}")
    return first


def _pack(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def _unpack(text: str) -> bytes | None:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
