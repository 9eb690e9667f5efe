"""Subscribers of a live server, and what is published to them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import httpx
from starlette.applications import Starlette
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from f1graph.api.app import create_app
from f1graph.api.news.feed import Feed
from f1graph.api.server import Server
from f1graph.races.stages import Stage
from f1graph.settings import Settings
from f1graph.store.engine import open_store
from f1graph.store.events import EventKind, publish
from f1graph.store.forecasts import store_forecast
from f1graph.store.keys import Scope, create_key
from tests.api.seed import NEXT, NOW, a_forecast
from tests.serving import serving_until_stopped

# Long enough for a busy machine; nothing waits as long when all is well.
PATIENCE = 30
UPDATES = "subscription ($after: String) { updates(after: $after) { cursor cause } }"


@dataclass
class Live:
    """A server on loopback."""

    app: Starlette
    server: Server
    address: str
    url: str

    @property
    def feed(self) -> Feed:
        feed: Feed = self.app.state.feed
        return feed

    @property
    def graph(self) -> str:
        return f"{self.address}/graphql"

    async def ask(self, query: str, **variables: Any) -> dict[str, Any]:
        async with httpx.AsyncClient(timeout=PATIENCE) as client:
            answer = await client.post(self.graph, json={"query": query, "variables": variables})
        content: dict[str, Any] = answer.json()
        assert "errors" not in content, content
        data: dict[str, Any] = content["data"]
        return data

    async def newest(self) -> str:
        """The cursor after all that was published."""
        cursor: str = (await self.ask("{ updates { nextCursor } }"))["updates"]["nextCursor"]
        return cursor

    def stop(self) -> None:
        """As a signal does."""
        self.server.should_exit = True

    async def nobody_follows(self) -> None:
        await until(lambda: self.feed.followers == 0)

    async def nobody_is_connected(self) -> None:
        await until(lambda: self.app.state.connections.open == 0)


@contextmanager
def living(url: str, *, now: datetime = NOW, **settings: Any) -> Iterator[Live]:
    """The API of a database, served."""
    given = Settings(database_url=url, **settings)
    app = create_app(given, clock=lambda: now)
    server = Server(app, given)
    with serving_until_stopped(server) as address:
        yield Live(app, server, address, url)


async def until(condition: Callable[[], bool]) -> None:
    """Waits for what happens in another thread."""
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110 - an event of this loop does not cross threads
            await asyncio.sleep(0.01)


async def publish_causes(url: str, *causes: str, now: datetime = NOW) -> None:
    """Publishes a change of the calendar for each cause, each in a transaction of its own."""
    store = open_store(url, pool_size=1)
    try:
        for cause in causes:
            async with store.write() as write:
                await publish(write, EventKind.CALENDAR_CHANGED, cause=cause, race_id=NEXT.id, now=now)
    finally:
        await store.close()


async def a_key(url: str) -> str:
    """An API key as its user is given it."""
    store = open_store(url, pool_size=1)
    try:
        async with store.write() as write:
            _, given = await create_key(write, name="pit wall", scopes=[Scope.REFRESH], now=NOW)
    finally:
        await store.close()
    return given


async def publish_forecast(url: str, race_id: str, stage: Stage, *, minutes_ago: int) -> str:
    """A forecast that is published by another process; its id."""
    made_at = NOW - timedelta(minutes=minutes_ago)
    new = a_forecast(race_id, stage, made_at, favourite="norris")
    store = open_store(url, pool_size=1)
    try:
        async with store.write() as write:
            await store_forecast(write, new, is_served=True, now=made_at)
    finally:
        await store.close()
    return new.id


class Talk:
    """The client's side of a WebSocket."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    async def say(self, message: Any) -> None:
        await self.connection.send(message if isinstance(message, str) else json.dumps(message))

    async def hear(self) -> dict[str, Any]:
        async with asyncio.timeout(PATIENCE):
            message: dict[str, Any] = json.loads(await self.connection.recv())
        return message

    async def begin(self) -> None:
        await self.say({"type": "connection_init"})
        assert await self.hear() == {"type": "connection_ack"}

    async def subscribe(self, query: str, operation_id: str = "1", **variables: Any) -> None:
        payload = {"query": query, "variables": variables}
        await self.say({"id": operation_id, "type": "subscribe", "payload": payload})

    async def data(self) -> dict[str, Any]:
        """The data of the next event."""
        message = await self.hear()
        assert message["type"] == "next", message
        data: dict[str, Any] = message["payload"]["data"]
        return data

    async def closed(self) -> tuple[int | None, str | None]:
        """Code and reason with which the server closes."""
        async with asyncio.timeout(PATIENCE):
            try:
                while True:
                    await self.connection.recv()
            except ConnectionClosed:
                return self.connection.close_code, self.connection.close_reason


@asynccontextmanager
async def talking(
    live: Live, *, protocols: tuple[str, ...] = ("graphql-transport-ws",)
) -> AsyncIterator[Talk]:
    """A WebSocket whose handshake is done, but nothing was said yet."""
    address = live.graph.replace("http", "ws", 1)
    async with connect(
        address,
        subprotocols=[Subprotocol(one) for one in protocols] or None,
        proxy=None,
        max_size=None,
        max_queue=1,
    ) as connection:
        yield Talk(connection)
