"""Who asks: from which address, and with which API key.

A key is looked up in the database and then believed for a few seconds, so that a request with one costs no
statement. As long may a revoked key go on.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.exc import SQLAlchemyError
from starlette.datastructures import Headers
from starlette.types import Scope as Connection

from f1graph.api.addresses import Networks, client_address, networks
from f1graph.clock import Clock
from f1graph.errors import ForbiddenError, StoreError, UnauthenticatedError
from f1graph.settings import Settings, listed
from f1graph.store.engine import Store
from f1graph.store.keys import USE_IS_NOTED_EVERY, ApiKey, Scope, find_key, note_use, split_key

# So long a key is believed without being looked up again.
KEY_IS_BELIEVED_FOR = timedelta(seconds=5)
PUBLIC_ROLE = "public"
_MOST_REMEMBERED = 1_000
_SCHEME = "bearer"
_log = logging.getLogger("f1graph.api")


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks.

    Attributes:
        address: Of the client, beyond the proxies that are trusted.
        key: A valid one; None for the public.
    """

    address: str
    key: ApiKey | None = None

    @property
    def role(self) -> str:
        """What an answer may depend on beside the question: callers of one role may share answers."""
        return PUBLIC_ROLE if self.key is None else "+".join(sorted(self.key.scopes))

    def may(self, scope: Scope) -> bool:
        return self.key is not None and scope in self.key.scopes

    def require(self, scope: Scope) -> ApiKey:
        """The caller's key.

        Raises:
            UnauthenticatedError: There is none.
            ForbiddenError: It does not have the scope.
        """
        if self.key is None:
            raise UnauthenticatedError(
                f"this needs an API key with the scope {scope}: send `Authorization: Bearer f1g_…`"
            )
        if scope not in self.key.scopes:
            raise ForbiddenError(f"the key {self.key.id} ({self.key.name}) lacks the scope {scope}")
        return self.key


PUBLIC = Caller(address="")


class Access:
    """Tells who asks, and which pages of other origins may."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._clock = clock
        self._proxies: Networks = networks(settings.trusted_proxies)
        self._origins = frozenset(origin.lower() for origin in listed(settings.cors_origins))
        self._remembered: OrderedDict[str, tuple[ApiKey | None, datetime]] = OrderedDict()
        self._noting: set[asyncio.Task[None]] = set()

    def role_at_once(self, connection: Connection) -> str | None:
        """The role of a request, without waiting; None where its key must be looked up, or is refused.

        Whoever gets None lets the request through: the gate within looks the key up or refuses it.
        """
        authorization = _authorization(connection)
        if authorization is None:
            return PUBLIC_ROLE
        given = _key_in(authorization)
        if given is None:
            return None
        found = self._remembered_key(given[0])
        if found is None or found[0] is None:
            return None
        key = found[0]
        return Caller("", key).role if self._is_right(key, given[1]) else None

    def address(self, connection: Connection) -> str:
        """Whence a connection comes, beyond the proxies that are trusted."""
        return client_address(connection, self._proxies)

    async def caller(self, connection: Connection, store: Store) -> Caller:
        """Who opened a connection, by its `Authorization` header.

        Raises:
            UnauthenticatedError: The header holds no valid key: whoever sends one is never public instead.
            StoreError: The key could not be looked up.
        """
        address = self.address(connection)
        authorization = _authorization(connection)
        if authorization is None:
            return Caller(address)
        return await self.caller_with(authorization, address, store)

    async def caller_with(self, authorization: str, address: str, store: Store) -> Caller:
        """Who sends a text such as `Bearer f1g_…`: in a header, or in the first message of a WebSocket, since
        browsers send no header there.

        Raises:
            UnauthenticatedError, StoreError: As in `caller`.
        """
        given = _key_in(authorization)
        if given is None:
            raise UnauthenticatedError("`Authorization` must be `Bearer ` and an API key, which begins f1g_")
        key_id, secret = given
        found = self._remembered_key(key_id)
        key = found[0] if found is not None else await self._look_up(key_id, store)
        if key is None or not self._is_right(key, secret):
            # The same word for all of these: nobody is told which keys there are.
            raise UnauthenticatedError("the API key is wrong, has expired or was revoked")
        if found is None:
            self._note_use(key, store)
        return Caller(address, key)

    def may_connect(self, connection: Connection) -> bool:
        """Whether a WebSocket may be opened from the page that wants to: CORS does not ask for these.

        Whoever is no browser sends no origin, and may.
        """
        headers = Headers(scope=connection)
        origin = headers.get("origin", "").lower()
        if not origin or "*" in self._origins or origin in self._origins:
            return True
        _, _, own = origin.partition("://")
        return own != "" and own == headers.get("host", "").lower()

    async def close(self) -> None:
        """Waits for what is still to be noted."""
        await asyncio.gather(*self._noting)

    def _is_right(self, key: ApiKey, secret: str) -> bool:
        return key.is_secret(secret) and key.is_valid(self._clock())

    def _remembered_key(self, key_id: str) -> tuple[ApiKey | None] | None:
        """The key that was found a moment ago, or that there was none; None if it was not looked up."""
        found = self._remembered.get(key_id)
        if found is None or not timedelta(0) <= self._clock() - found[1] < KEY_IS_BELIEVED_FOR:
            return None
        return (found[0],)

    async def _look_up(self, key_id: str, store: Store) -> ApiKey | None:
        now = self._clock()
        try:
            async with store.read() as read:
                key = await find_key(read, key_id)
        except SQLAlchemyError as error:
            raise StoreError(f"the key {key_id} could not be looked up: {error}") from error
        self._remembered[key_id] = (key, now)
        self._remembered.move_to_end(key_id)
        if len(self._remembered) > _MOST_REMEMBERED:
            self._remembered.popitem(last=False)
        return key

    def _note_use(self, key: ApiKey, store: Store) -> None:
        """Keeps that a key is used, to the hour, while its request goes on."""
        now = self._clock()
        if key.last_used_at is not None and now < key.last_used_at + USE_IS_NOTED_EVERY:
            return
        task = asyncio.create_task(_note_use(key.id, store, now))
        self._noting.add(task)
        task.add_done_callback(self._noting.discard)


async def _note_use(key_id: str, store: Store, now: datetime) -> None:
    try:
        async with store.write() as write:
            await note_use(write, key_id, now=now)
    except (StoreError, SQLAlchemyError) as error:
        _log.warning("it was not noted that the key %s is used: %s", key_id, error)


def _authorization(connection: Connection) -> str | None:
    for name, value in connection["headers"]:
        if name == b"authorization":
            text: str = value.decode("latin-1")
            return text
    return None


def _key_in(authorization: str) -> tuple[str, str] | None:
    scheme, _, key = authorization.partition(" ")
    return split_key(key.strip()) if scheme.lower() == _SCHEME else None
