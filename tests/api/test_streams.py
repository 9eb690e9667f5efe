"""Subscriptions over HTTP that goes on: server-sent events, multipart, and who is meant by which Accept."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from f1graph.api.answers import negotiate_stream, prefers_stream
from tests.api.seed import NEXT
from tests.api.subscribers import PATIENCE, UPDATES, Live, living, publish_causes, until

_SSE = "text/event-stream"
_APOLLO = 'multipart/mixed;boundary="graphql";subscriptionSpec=1.0,application/json'
_URQL = (
    "application/graphql-response+json, application/graphql+json, application/json, text/event-stream, "
    "multipart/mixed"
)


class Reading:
    """An answer that goes on."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self._lines = response.aiter_lines()
        self._chunks = response.aiter_text()
        self._text = ""

    async def event(self) -> dict[str, str]:
        """The next server-sent event; empty at the end of the stream."""
        found: dict[str, str] = {}
        async with asyncio.timeout(PATIENCE):
            async for line in self._lines:
                if not line and found:
                    return found
                name, _, value = line.partition(":")
                if name:
                    found[name] = value.removeprefix(" ")
        return found

    async def told(self) -> dict[str, Any]:
        """The update of the next event."""
        event = await self.event()
        assert event["event"] == "next", event
        data = json.loads(event["data"])["data"]["updates"]
        assert data["cursor"] == event["id"]
        return dict(data)

    async def part(self) -> dict[str, Any] | None:
        """The content of the next part of a multipart answer; None at its end.

        A part is read when the next boundary has come, as Apollo does it.
        """
        async with asyncio.timeout(PATIENCE):
            while (parts := self._text.split("\r\n--graphql", 2))[:1] != [""] or len(parts) < 3:
                if self._text == "\r\n--graphql--\r\n":
                    return None
                self._text += await anext(self._chunks)
        _, part, rest = parts
        self._text = f"\r\n--graphql{rest}"
        head, _, content = part.partition("\r\n\r\n")
        assert head.strip() == "content-type: application/json"
        found: dict[str, Any] = json.loads(content)
        return found


@asynccontextmanager
async def reading(
    live: Live,
    query: str,
    *,
    accept: str = _SSE,
    method: str = "POST",
    last: str | None = None,
    **variables: Any,
) -> AsyncIterator[Reading]:
    asked: dict[str, Any] = {"query": query, "variables": variables}
    if method == "GET":
        given: dict[str, Any] = {"params": asked | {"variables": json.dumps(variables)}}
    else:
        given = {"json": asked}
    headers = {"accept": accept} | ({} if last is None else {"last-event-id": last})
    async with (
        httpx.AsyncClient(timeout=PATIENCE) as client,
        client.stream(method, live.graph, headers=headers, **given) as response,
    ):
        yield Reading(response)


@pytest.mark.parametrize("method", ["POST", "GET"])
async def test_news_come_as_events_each_with_its_cursor(live: Live, method: str) -> None:
    """A browser's EventSource can only GET."""
    after = await live.newest()
    async with reading(live, UPDATES, method=method, after=after) as stream:
        assert stream.response.status_code == 200
        assert stream.response.headers["content-type"].startswith(_SSE)
        assert stream.response.headers["cache-control"] == "no-store"
        await publish_causes(live.url, "a", "b")
        assert [(await stream.told())["cause"] for _ in "ab"] == ["a", "b"]


async def test_a_browser_that_comes_again_goes_on_from_the_last_event_it_saw(live: Live) -> None:
    """By Last-Event-ID, though its address still says the cursor of the first time."""
    after = await live.newest()
    last, heard = None, []
    for cause in ("a", "b", "c"):
        await publish_causes(live.url, cause)
        async with reading(live, UPDATES, method="GET", last=last, after=after) as stream:
            heard.append((await stream.told())["cause"])
        last = (
            await live.ask(
                "query ($a: String) { updates(after: $a, first: 1) { nextCursor } }", a=last or after
            )
        )["updates"]["nextCursor"]
    assert heard == ["a", "b", "c"]


async def test_a_query_over_an_event_stream_is_answered_and_completed(sqlite_live: Live) -> None:
    async with reading(sqlite_live, "{ nextRace { slug } }") as stream:
        event = await stream.event()
        assert json.loads(event["data"]) == {"data": {"nextRace": {"slug": NEXT.id}}}
        assert await stream.event() == {"event": "complete", "data": ""}
        assert await stream.event() == {}


async def test_news_come_as_parts_to_apollo(live: Live) -> None:
    after = await live.newest()
    async with reading(live, UPDATES, accept=_APOLLO, after=after) as stream:
        kind = stream.response.headers["content-type"]
        assert kind.startswith("multipart/mixed")
        assert 'boundary="graphql"' in kind
        await publish_causes(live.url, "a", "b")
        for cause in ("a", "b"):
            part = await stream.part()
            assert part is not None
            assert part["payload"]["data"]["updates"]["cause"] == cause


@pytest.mark.parametrize(
    ("query", "variables", "code"),
    [
        (UPDATES, {"after": "nothing"}, "BAD_CURSOR"),
        ("subscription { nothing }", {}, "GRAPHQL_VALIDATION_FAILED"),
    ],
)
async def test_g5_a_refused_subscription_ends_with_a_code_and_without_a_trace(
    sqlite_live: Live, query: str, variables: dict[str, Any], code: str, caplog: pytest.LogCaptureFixture
) -> None:
    """G5: over the stream where nothing else is read, and as a part to Apollo."""
    with caplog.at_level(logging.WARNING):
        async with reading(sqlite_live, query, **variables) as stream:
            event = await stream.event()
            assert json.loads(event["data"])["errors"][0]["extensions"]["code"] == code
            assert (await stream.event())["event"] == "complete"
        async with reading(sqlite_live, UPDATES, accept=_APOLLO, after="nothing") as stream:
            part = await stream.part()
            assert part is not None
            assert part["payload"]["errors"][0]["extensions"]["code"] == "BAD_CURSOR"
            assert await stream.part() is None
    assert caplog.records == []


async def test_g12_a_reader_that_goes_frees_everything_at_once(live: Live) -> None:
    """G12: nothing is sent meanwhile, so that only the end of the connection tells."""
    for accept in (_SSE, _APOLLO):
        async with reading(live, UPDATES, accept=accept):
            await until(lambda: live.feed.followers == 1)
        await live.nobody_follows()
        await live.nobody_is_connected()


async def test_a_process_has_so_many_streams_and_no_more(sqlite_url: str) -> None:
    with living(sqlite_url, stream_limit=1) as live:
        async with reading(live, UPDATES) as first:
            assert first.response.status_code == 200
            async with reading(live, UPDATES) as second:
                assert second.response.status_code == 503
                assert json.loads(await second.response.aread())["errors"][0]["extensions"]["code"] == (
                    "TOO_MANY_CONNECTIONS"
                )


async def test_when_the_service_stops_streams_break_off_so_that_they_are_taken_up_again(
    sqlite_url: str,
) -> None:
    """A stream that is completed is over for a client; Apollo's must be told."""
    with living(sqlite_url) as live:
        async with (
            reading(live, UPDATES) as events,
            reading(live, UPDATES, accept=_APOLLO) as parts,
        ):
            await until(lambda: live.feed.followers == 2)
            live.stop()
            assert await events.event() == {}
            told = await parts.part()
            assert told is not None
            assert (told["payload"], told["errors"][0]["extensions"]["code"]) == (None, "SERVICE_RESTART")


@asynccontextmanager
async def shared(live: Live) -> AsyncIterator[tuple[httpx.AsyncClient, Reading]]:
    """A stream for several operations, by graphql-sse's protocol with a single connection."""
    async with httpx.AsyncClient(base_url=live.address, timeout=PATIENCE) as client:
        reserved = await client.put("/graphql")
        assert reserved.status_code == 201
        client.headers["x-graphql-event-stream-token"] = reserved.text
        async with client.stream("GET", "/graphql", headers={"accept": _SSE}) as response:
            assert response.status_code == 200
            yield client, Reading(response)


async def _start(
    client: httpx.AsyncClient, operation_id: Any, query: str, **variables: Any
) -> httpx.Response:
    asked = {"query": query, "variables": variables, "extensions": {"operationId": operation_id}}
    return await client.post("/graphql", json=asked)


async def test_several_operations_share_one_event_stream(live: Live) -> None:
    after = await live.newest()
    async with shared(live) as (client, stream):
        assert (await _start(client, "news", UPDATES, after=after)).status_code == 202
        assert (await _start(client, "query", "{ nextRace { slug } }")).status_code == 202
        query = await stream.event()
        assert json.loads(query["data"]) == {
            "id": "query",
            "payload": {"data": {"nextRace": {"slug": NEXT.id}}},
        }
        assert await stream.event() == {"event": "complete", "data": '{"id":"query"}'}
        await publish_causes(live.url, "a")
        news = json.loads((await stream.event())["data"])
        assert (news["id"], news["payload"]["data"]["updates"]["cause"]) == ("news", "a")

        ended = await client.delete("/graphql", params={"operationId": "news"})

        assert ended.status_code == 200
        await live.nobody_follows()


async def test_g12_a_shared_stream_that_is_closed_ends_all_its_operations(live: Live) -> None:
    """G12: nothing goes on for a client that is gone, and its token is worth nothing."""
    async with shared(live) as (client, _):
        for operation_id in ("a", "b"):
            await _start(client, operation_id, UPDATES)
        await until(lambda: live.feed.followers == 2)
        token = client.headers["x-graphql-event-stream-token"]
    await live.nobody_follows()
    await live.nobody_is_connected()
    async with httpx.AsyncClient() as client:
        again = await client.get(live.graph, params={"token": token}, headers={"accept": _SSE})
    assert again.status_code == 404


async def test_a_shared_stream_that_found_no_room_leaves_none_taken(sqlite_url: str) -> None:
    """G12: its token is worth nothing any more, and another may be reserved."""
    with living(sqlite_url, stream_limit=1) as live:
        async with shared(live), httpx.AsyncClient(base_url=live.address, timeout=PATIENCE) as client:
            assert (await client.put("/graphql")).status_code == 503
        await live.nobody_is_connected()
        async with httpx.AsyncClient(base_url=live.address, timeout=PATIENCE) as client:
            token = (await client.put("/graphql")).text
            opened = f"/graphql?token={token}"
            async with client.stream(
                "POST", "/graphql", json={"query": UPDATES}, headers={"accept": _SSE}
            ) as other:
                assert other.status_code == 200
                assert (await client.get(opened, headers={"accept": _SSE})).status_code == 503
                assert (await client.get(opened, headers={"accept": _SSE})).status_code == 404
                assert (await client.put("/graphql")).status_code == 201


async def test_what_may_not_run_over_a_shared_stream_is_refused_at_once(sqlite_url: str) -> None:
    """G5: with a code, and not over the stream."""
    with living(sqlite_url, subscriptions_per_connection=2) as live:
        async with shared(live) as (client, _):

            async def refused(operation_id: Any, query: str = UPDATES, **variables: Any) -> tuple[int, str]:
                answer = await _start(client, operation_id, query, **variables)
                return answer.status_code, answer.json()["errors"][0]["extensions"]["code"]

            assert await refused("1", after="nothing") == (400, "BAD_CURSOR")
            assert await refused(None) == (400, "BAD_REQUEST")
            assert (await refused("1", "subscription { nothing }"))[1] == "GRAPHQL_VALIDATION_FAILED"
            for operation_id in ("1", "2"):
                assert (await _start(client, operation_id, UPDATES)).status_code == 202
            assert await refused("2") == (409, "OPERATION_EXISTS")
            assert await refused("3") == (429, "TOO_MANY_SUBSCRIPTIONS")
            second = await client.get("/graphql", headers={"accept": _SSE})
            assert second.status_code == 409
            assert (await client.delete("/graphql")).status_code == 400
            client.headers["x-graphql-event-stream-token"] = "guessed"
            assert await refused("4") == (404, "NOT_FOUND")
            assert (await client.delete("/graphql", params={"operationId": "1"})).status_code == 404


@pytest.mark.parametrize(
    ("accept", "stream", "preferred"),
    [
        (None, None, False),
        ("*/*", None, False),
        (_SSE, _SSE, True),
        (_URQL, _SSE, False),
        ("text/event-stream, application/json;q=0.9", _SSE, True),
        ("text/event-stream;q=0.5, application/json", _SSE, False),
        ("text/event-stream;q=0, application/json", None, False),
        ("text/event-stream, */*", _SSE, False),
        (_APOLLO, "multipart/mixed", False),
        ("multipart/mixed;deferSpec=20220824,application/json", None, False),
        ("multipart/mixed;q=0.9, text/event-stream;q=0.1", "multipart/mixed", True),
    ],
)
def test_a_stream_is_for_who_likes_it_best(accept: str | None, stream: str | None, preferred: bool) -> None:
    """G2d: by quality value; urql names every media type it can read at all."""
    assert (negotiate_stream(accept), prefers_stream(accept)) == (stream, preferred)


async def test_g2d_a_query_is_not_turned_into_a_stream_because_one_could_be_read(sqlite_live: Live) -> None:
    """G2d: urql's default Accept contains text/event-stream."""
    for accept in (_URQL, _APOLLO, "text/event-stream, application/json"):
        async with reading(sqlite_live, "{ __typename }", accept=accept) as answer:
            assert json.loads(await answer.response.aread()) == {"data": {"__typename": "Query"}}
    async with reading(sqlite_live, UPDATES, accept=_URQL) as stream:
        assert stream.response.headers["content-type"].startswith(_SSE)


async def test_a_subscription_without_a_stream_to_answer_in_is_refused(sqlite_live: Live) -> None:
    async with reading(sqlite_live, UPDATES, accept="application/json") as answer:
        assert answer.response.status_code == 406
        error = json.loads(await answer.response.aread())["errors"][0]
        assert error["extensions"]["code"] == "NOT_ACCEPTABLE"
        assert "text/event-stream" in error["message"]
