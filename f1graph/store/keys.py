"""API keys: made, checked, revoked. Of a key's secret only a hash is kept."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Collection
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import Row, insert, select, update

from f1graph.errors import RequestError, UnknownError
from f1graph.store.engine import Read, Write
from f1graph.store.tables.access import api_keys

# What secret scanners know our keys by.
_MARK = "f1g"
_ID_BYTES = 6
# As good as any key of a cipher: nobody guesses it.
_SECRET_BYTES = 32
_KEY = re.compile(rf"{_MARK}_([0-9a-f]{{{2 * _ID_BYTES}}})_([A-Za-z0-9_-]{{43}})")
_LONGEST_NAME = 80
# When a key was used last is kept to the hour: a read must not become a write.
USE_IS_NOTED_EVERY = timedelta(hours=1)


class Scope(StrEnum):
    """What a key is for, beside reading, which needs none."""

    REFRESH = "refresh"
    MODELS_WRITE = "models:write"
    LIMITS_RAISED = "limits:raised"


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as it is stored.

    Attributes:
        id: Public; the key's second part.
        secret_hash: SHA-256 of the secret, in hexadecimal digits.
        last_used_at: To the hour. None if it never was used.
    """

    id: str
    name: str
    secret_hash: str = field(repr=False)
    scopes: frozenset[Scope]
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    last_used_at: datetime | None = None

    def is_secret(self, secret: str) -> bool:
        """Whether a secret is this key's. Takes the same time wherever they differ."""
        return hmac.compare_digest(_hash(secret), self.secret_hash)

    def is_valid(self, now: datetime) -> bool:
        """Whether it is neither revoked nor expired."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


def split_key(text: str) -> tuple[str, str] | None:
    """Id and secret of a key as it is given to a user; None if it cannot be one."""
    found = _KEY.fullmatch(text)
    return None if found is None else (found[1], found[2])


def _hash(secret: str) -> str:
    # Not a slow hash, such as passwords need: those are guessed from lists, and each guess must be dear.
    # Of 256 random bits there is no list, and every request with a key would pay for it.
    return hashlib.sha256(secret.encode()).hexdigest()


async def create_key(
    write: Write,
    *,
    name: str,
    scopes: Collection[Scope],
    now: datetime,
    expires_at: datetime | None = None,
) -> tuple[ApiKey, str]:
    """Makes a key.

    Returns:
        It as it is stored, and the text that its user is given: nobody can be told it again.

    Raises:
        RequestError: It has no name or no scope, or would have expired already.
    """
    name = name.strip()
    if not name or len(name) > _LONGEST_NAME:
        raise RequestError(f"{name!r} is no name for a key: give one of at most {_LONGEST_NAME} characters")
    if not scopes:
        raise RequestError(f"a key needs a scope: {', '.join(Scope)}; reading needs no key")
    if expires_at is not None and expires_at <= now:
        raise RequestError(f"{expires_at:%Y-%m-%dT%H:%MZ} is over: it is {now:%Y-%m-%dT%H:%MZ}")
    secret = secrets.token_urlsafe(_SECRET_BYTES)
    key = ApiKey(secrets.token_hex(_ID_BYTES), name, _hash(secret), frozenset(scopes), now, expires_at)
    await write.execute(insert(api_keys), asdict(key) | {"scopes": sorted(key.scopes)})
    return key, f"{_MARK}_{key.id}_{secret}"


async def find_key(read: Read, key_id: str) -> ApiKey | None:
    """A key by its id, whether it is valid or not."""
    row = await read.row(select(api_keys).where(api_keys.c.id == key_id))
    return None if row is None else _record(row)


async def load_keys(read: Read) -> list[ApiKey]:
    """All keys, the newest first."""
    found = await read.rows(select(api_keys).order_by(api_keys.c.created_at.desc(), api_keys.c.id))
    return [_record(row) for row in found]


async def revoke_key(write: Write, key_id: str, *, now: datetime) -> ApiKey:
    """Ends a key for good. One that was revoked before keeps its moment.

    Raises:
        UnknownError: There is no such key.
    """
    await write.execute(
        update(api_keys)
        .where(api_keys.c.id == key_id, api_keys.c.revoked_at.is_(None))
        .values(revoked_at=now)
    )
    key = await find_key(write, key_id)
    if key is None:
        raise UnknownError(f"there is no key {key_id!r}: `f1graph keys list` shows those there are")
    return key


async def note_use(write: Write, key_id: str, *, now: datetime) -> None:
    """Keeps when a key was used last."""
    await write.execute(update(api_keys).where(api_keys.c.id == key_id).values(last_used_at=now))


def _record(row: Row[Any]) -> ApiKey:
    return ApiKey(**{**row._mapping, "scopes": frozenset(Scope(name) for name in row.scopes)})
