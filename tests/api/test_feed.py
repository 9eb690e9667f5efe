"""What is published, read once per process: nothing is lost, nothing comes twice, and many cost as one."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from datetime import datetime, timedelta

import pytest
from sqlalchemy import text
from starlette.requests import HTTPConnection
from starlette.types import Message

from f1graph.api.asked import Asked
from f1graph.api.context import Context
from f1graph.api.documents import Documents, Operation
from f1graph.api.limits import Limits
from f1graph.api.news.feed import Feed
from f1graph.api.news.framing import EventStream
from f1graph.api.news.operations import Answer, Operations
from f1graph.api.news.streams import Connections, Manner, StreamedResponse
from f1graph.api.schema import graphql_schema
from f1graph.api.updates import update_cursor
from f1graph.store.engine import Store, open_store
from f1graph.store.events import EventKind, publish
from tests.api.seed import NEXT, NOW
from tests.api.subscribers import PATIENCE, publish_causes, until
from tests.api.test_statements import counted

_SUBSCRIPTION = "subscription { updates { cause race { circuit { name } } } }"


@pytest.fixture
async def feed(store: Store) -> AsyncIterator[Feed]:
    found = Feed(store, lambda: NOW)
    yield found
    await found.close()


async def _causes(feed: Feed, place: int, number: int) -> list[str]:
    """The causes of the next publications after a place."""
    found: list[str] = []
    async with asyncio.timeout(PATIENCE), aclosing(feed.follow(place)) as followed:
        async for publication in followed:
            found.append(publication.cause)
            if len(found) == number:
                break
    return found


async def _publish_at_once(url: str, *causes: str) -> None:
    store = open_store(url, pool_size=1)
    async with store.write() as write:
        for cause in causes:
            await publish(write, EventKind.CALENDAR_CHANGED, cause=cause, race_id=NEXT.id, now=NOW)
    await store.close()


async def test_whoever_is_far_behind_catches_up_and_goes_on_with_what_is_new(url: str, feed: Feed) -> None:
    """More than is kept in memory, and new ones while it reads."""
    before = await feed.newest()
    old, new = [f"old {n}" for n in range(620)], [f"new {n}" for n in range(40)]
    await _publish_at_once(url, *old)

    reading = [asyncio.create_task(_causes(feed, before, 660)) for _ in range(3)]
    for start in range(0, 40, 10):
        await publish_causes(url, *new[start : start + 10])

    for one in reading:
        assert await one == old + new


async def test_what_leaves_memory_is_read_from_the_database(url: str, feed: Feed) -> None:
    """One that is slow loses nothing while a quick one is ahead."""
    place = await feed.newest()
    causes = [str(n) for n in range(1_100)]
    async with aclosing(feed.follow(place)) as slow:
        first = asyncio.ensure_future(anext(slow))
        quick = asyncio.create_task(_causes(feed, place, 1_100))
        await _publish_at_once(url, *causes)
        async with asyncio.timeout(PATIENCE):
            found = [(await first).cause]
            assert await quick == causes
            found += [(await anext(slow)).cause for _ in range(1_099)]
    assert found == causes


async def test_what_another_clock_dates_a_moment_ahead_is_told_when_it_is_due(url: str, store: Store) -> None:
    """It is not jumped over by who begins now, nor by what is published after it."""
    clock = [NOW]

    def now() -> datetime:
        return clock[0]

    feed = Feed(store, now)
    await publish_causes(url, "ahead", now=NOW + timedelta(seconds=20))
    await publish_causes(url, "after it")
    reading = asyncio.create_task(_causes(feed, await feed.newest(), 2))
    await until(lambda: feed.followers == 1)
    clock[0] = NOW + timedelta(seconds=20)

    assert await reading == ["ahead", "after it"]
    await feed.close()


async def test_the_reader_lives_as_long_as_somebody_follows(url: str, feed: Feed) -> None:
    """G12: what nobody reads is not read, and the next one begins where it wants to."""
    place = await feed.newest()
    for turn in range(3):
        reading = asyncio.create_task(_causes(feed, place, turn + 1))
        await until(lambda: feed.followers == 1)
        await publish_causes(url, str(turn))
        assert await reading == [str(n) for n in range(turn + 1)]
        assert feed.followers == 0
        assert feed._reader is None


@pytest.mark.postgres
async def test_news_come_after_the_listening_connection_was_lost(
    postgres_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    store = open_store(postgres_url)
    feed = Feed(store, lambda: NOW)
    reading = asyncio.create_task(_causes(feed, await feed.newest(), 2))
    await publish_causes(postgres_url, "before")
    listening = "SELECT pid FROM pg_stat_activity WHERE query LIKE 'LISTEN%' AND datname = current_database()"

    async def is_killed() -> bool:
        async with store.write() as write:
            killed = await write.rows(text(f"SELECT pg_terminate_backend(pid) FROM ({listening}) AS found"))
        return bool(killed)

    async with asyncio.timeout(PATIENCE):
        while not await is_killed():  # noqa: ASYNC110 - nothing tells when it listens
            await asyncio.sleep(0.01)
    with caplog.at_level(logging.WARNING):
        await publish_causes(postgres_url, "after")
        assert await reading == ["before", "after"]
    await feed.close()
    await store.close()


def _connection(store: Store, feed: Feed) -> HTTPConnection:
    return HTTPConnection({"type": "http", "headers": [], "state": {"store": store, "feed": feed}})


def _operation(document: str) -> Operation:
    return Documents(graphql_schema, Limits()).operation(Asked(document, {}, None, {}))


@pytest.mark.parametrize("subscribers", [1, 40])
async def test_forty_subscribers_of_one_document_ask_the_database_no_more_than_one(
    url: str, store: Store, feed: Feed, subscribers: int
) -> None:
    """An event is read once and executed once for all who asked the same."""
    operations = Operations(context=lambda _: Context(store, NOW), timeout=PATIENCE)
    heard: list[Answer] = []

    async def listen() -> None:
        answers = await operations.start(_operation(_SUBSCRIPTION), _connection(store, feed))
        async with aclosing(answers):
            heard.append(await anext(answers))

    listening = [asyncio.create_task(listen()) for _ in range(subscribers)]
    await until(lambda: feed.followers == subscribers)
    with counted(store) as statements:
        await publish_causes(url, "news")
        await asyncio.gather(*listening)
    assert len({answer.content for answer in heard}) == 1
    assert b'"cause":"news"' in heard[0].content
    # The event, its race with the sessions, its circuit; and the reader's first look if that was not over.
    assert len(statements) <= 8


async def test_a_failed_answer_to_an_event_is_not_given_to_who_comes_back_for_it(
    store: Store, feed: Feed, url: str
) -> None:
    """Nothing is lost over a reconnect, also where the first word was that it cannot be told now."""
    later = NOW + timedelta(hours=1)
    asked = f'results(asOf: "{later:%Y-%m-%dT%H:%M:%SZ}") {{ position }}'
    operation = _operation(f"subscription {{ updates {{ race {{ {asked} }} }} }}")
    place = await feed.newest()
    await publish_causes(url, "news")
    heard: list[bytes] = []
    clock = [NOW]
    operations = Operations(context=lambda _: Context(store, clock[0]), timeout=PATIENCE)
    for clock[0] in (NOW, later):
        answers = await operations.start(
            operation, _connection(store, feed), last_event_id=update_cursor(place)
        )
        async with asyncio.timeout(PATIENCE), aclosing(answers):
            heard.append((await anext(answers)).content)

    assert b"has not come yet" in heard[0]
    assert b"errors" not in heard[1]


async def test_a_reader_that_is_too_slow_is_dropped_with_a_code() -> None:
    """It hears so when it reads on; nobody waits for it longer."""
    sent: list[bytes] = []
    reads_on = asyncio.Event()

    async def send(message: Message) -> None:
        frame = bytes(message.get("body", b""))
        if frame == b"event: next\ndata: 2\n\n":
            await reads_on.wait()
        sent.append(frame)

    async def receive() -> Message:
        return await asyncio.Future()

    async def frames() -> AsyncGenerator[bytes, None]:
        for number in (b"1", b"2", b"3"):
            yield EventStream().answer(Answer(number))

    generator = frames()
    manner = Manner(Connections(1), timedelta(milliseconds=50))
    await StreamedResponse(generator, EventStream(), manner)({"type": "http"}, receive, send)

    assert b"event: next\ndata: 1\n\n" in sent
    assert b"SLOW_SUBSCRIBER" in sent[-1]
    assert sent[-1].endswith(b"event: complete\ndata:\n\n")
    assert manner.connections.open == 0
