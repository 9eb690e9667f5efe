"""Subscriptions over WebSockets: the life of one, and every way in which it may end."""

from __future__ import annotations

import asyncio
import json
import logging
from datetime import timedelta
from typing import Any

import httpx
import pytest
from websockets.exceptions import InvalidStatus

from f1graph.api.news.feed import Feed
from f1graph.api.news.streams import Connections, Manner
from f1graph.api.news.websocket import PROTOCOL, ConnectionLimits, WebSocketEndpoint
from f1graph.races.stages import Stage
from tests.api.seed import NEXT, NOW, THIRD
from tests.api.subscribers import (
    UPDATES,
    Live,
    Talk,
    a_key,
    living,
    publish_causes,
    publish_forecast,
    talking,
    until,
)

_FORECASTS = (
    "subscription ($race: ID, $stage: Stage, $after: String) { forecastPublished(race: $race, stage: $stage, "
    "after: $after) { cursor race { slug } forecast { key stage entries { driver { slug } win } } } }"
)


async def test_a_forecast_comes_to_who_subscribed_when_another_process_publishes_it(live: Live) -> None:
    async with talking(live) as talk:
        await talk.begin()
        await talk.subscribe(_FORECASTS)
        await until(lambda: live.feed.followers == 1)
        key = await publish_forecast(live.url, NEXT.id, Stage.AFTER_QUALIFYING, minutes_ago=5)

        told = (await talk.data())["forecastPublished"]

        assert (told["forecast"]["key"], told["race"]["slug"]) == (key, NEXT.id)
        assert told["forecast"]["entries"][0]["driver"]["slug"] == "norris"


async def test_only_the_race_and_stage_that_was_asked_for_is_told(live: Live) -> None:
    after = await live.newest()
    await publish_forecast(live.url, THIRD.id, Stage.AFTER_QUALIFYING, minutes_ago=9)
    await publish_forecast(live.url, NEXT.id, Stage.AFTER_PRACTICE, minutes_ago=8)
    await publish_causes(live.url, "something else")
    wanted = await publish_forecast(live.url, NEXT.id, Stage.AFTER_QUALIFYING, minutes_ago=7)

    async with talking(live) as talk:
        await talk.begin()
        await talk.subscribe(_FORECASTS, race=NEXT.id, stage="AFTER_QUALIFYING", after=after)

        assert (await talk.data())["forecastPublished"]["forecast"]["key"] == wanted


async def test_whoever_comes_again_with_the_last_cursor_misses_nothing_and_hears_nothing_twice(
    live: Live,
) -> None:
    """Over a reconnect to another process, while more is published all the time."""
    cursor = await live.newest()
    heard: list[str] = []
    with living(live.url) as other:
        for turn, served in enumerate((live, other, live)):
            await publish_causes(live.url, f"before {turn}")
            async with talking(served) as talk:
                await talk.begin()
                await talk.subscribe(UPDATES, after=cursor)
                await publish_causes(live.url, f"a{turn}", f"b{turn}")
                for _ in range(2):
                    told = (await talk.data())["updates"]
                    heard.append(told["cause"])
                    cursor = told["cursor"]
    told_once = [name for turn in range(3) for name in (f"before {turn}", f"a{turn}", f"b{turn}")]
    assert heard == told_once[:6]


async def test_two_processes_tell_the_same_in_the_same_order(live: Live) -> None:
    after = await live.newest()
    causes = [str(number) for number in range(12)]
    with living(live.url) as other:
        async with talking(live) as here, talking(other) as there:
            for talk in (here, there):
                await talk.begin()
                await talk.subscribe(UPDATES, after=after)
            await publish_causes(live.url, *causes)

            for talk in (here, there):
                assert [(await talk.data())["updates"]["cause"] for _ in causes] == causes


async def test_several_operations_share_a_connection(sqlite_live: Live) -> None:
    after = await sqlite_live.newest()
    async with talking(sqlite_live) as talk:
        await talk.begin()
        await talk.subscribe(UPDATES, "a", after=after)
        await until(lambda: sqlite_live.feed.followers == 1)
        await talk.subscribe("{ nextRace { slug } }", "b")
        query, completed = await talk.hear(), await talk.hear()
        assert query == {"id": "b", "type": "next", "payload": {"data": {"nextRace": {"slug": NEXT.id}}}}
        assert completed == {"id": "b", "type": "complete"}
        await publish_causes(sqlite_live.url, "news")
        assert (await talk.hear())["id"] == "a"
        await talk.say({"id": "a", "type": "complete"})

        await sqlite_live.nobody_follows()

        # The id is free again, and the connection still lives.
        await talk.subscribe("{ __typename }", "a")
        assert (await talk.hear())["payload"]["data"] == {"__typename": "Query"}


async def test_twenty_subscriptions_that_all_ask_something_else_need_two_connections(url: str) -> None:
    """D2: an event that is executed twenty times at once does not empty the pool."""
    with living(url, database_pool_size=2) as live:
        after = await live.newest()
        async with talking(live) as talk:
            await talk.begin()
            for number in range(20):
                asked = f"race {{ n{number}: name circuit {{ name }} sessions {{ startsAt }} }}"
                query = UPDATES.replace("cause", f"cause {asked}")
                await talk.subscribe(query, str(number), after=after)
            await publish_causes(live.url, "a", "b")
            told = [await talk.hear() for _ in range(40)]
    causes: dict[str, list[str]] = {}
    for one in told:
        causes.setdefault(one["id"], []).append(one["payload"]["data"]["updates"]["cause"])
    assert causes == {str(number): ["a", "b"] for number in range(20)}


async def test_g12_a_closed_connection_frees_everything_at_once(live: Live) -> None:
    """G12: a closed subscription frees its queue and session within 5 s."""
    async with talking(live) as talk:
        await talk.begin()
        for number in range(5):
            await talk.subscribe(UPDATES, str(number))
        await until(lambda: live.feed.followers == 5)

    await live.nobody_follows()
    await live.nobody_is_connected()
    assert live.app.state.feed._reader is None


async def test_a_ping_is_answered_with_its_payload(sqlite_live: Live) -> None:
    async with talking(sqlite_live) as talk:
        await talk.say({"type": "ping"})
        assert await talk.hear() == {"type": "pong"}
        await talk.begin()
        await talk.say({"type": "pong"})
        await talk.say({"type": "ping", "payload": {"lap": 3}})
        assert await talk.hear() == {"type": "pong", "payload": {"lap": 3}}


async def test_g4_who_offers_the_legacy_protocol_only_is_refused(sqlite_live: Live) -> None:
    """G4: graphql-transport-ws and no other; the holes of the legacy protocol are not there."""
    for protocols in (("graphql-ws",), (), ("graphql-ws", "mqtt")):
        with pytest.raises(InvalidStatus) as refused:
            async with talking(sqlite_live, protocols=protocols):
                pass
        answer = refused.value.response
        assert answer.status_code == 400
        assert b"SUBPROTOCOL_NOT_ACCEPTABLE" in (answer.body or b"")
    async with talking(sqlite_live, protocols=("graphql-ws", "graphql-transport-ws")) as talk:
        assert talk.connection.subprotocol == "graphql-transport-ws"
        await talk.begin()


async def test_g5_a_refused_subscription_ends_with_a_code_and_without_a_trace(
    sqlite_live: Live, caplog: pytest.LogCaptureFixture
) -> None:
    """G5: and the connection goes on."""
    refused: list[tuple[str, dict[str, Any], str]] = [
        (UPDATES, {"after": "nothing"}, "BAD_CURSOR"),
        (UPDATES, {"after": "WyJ1cGRhdGVzIiw5OTk5OTld"}, "BAD_CURSOR"),
        (UPDATES, {"after": 3}, "BAD_USER_INPUT"),
        (_FORECASTS, {"race": "2024-nowhere"}, "NOT_FOUND"),
        ("subscription { nothing }", {}, "GRAPHQL_VALIDATION_FAILED"),
        ("subscription { updates { cursor } other: updates { cursor } }", {}, "GRAPHQL_VALIDATION_FAILED"),
        ("subscription {", {}, "GRAPHQL_PARSE_FAILED"),
        ("", {}, "BAD_REQUEST"),
        ("query A { __typename } query B { __typename }", {}, "BAD_OPERATION_NAME"),
    ]
    with caplog.at_level(logging.WARNING):
        async with talking(sqlite_live) as talk:
            await talk.begin()
            for query, variables, code in refused:
                await talk.subscribe(query, **variables)
                answer = await talk.hear()
                assert (answer["id"], answer["type"]) == ("1", "error")
                assert answer["payload"][0]["extensions"]["code"] == code
    await sqlite_live.nobody_follows()
    assert caplog.records == []


_BEGIN = {"type": "connection_init"}
_SUBSCRIBE = {"id": "1", "type": "subscribe", "payload": {"query": "subscription { updates { cursor } }"}}


@pytest.mark.parametrize(
    ("messages", "code"),
    [
        (["no JSON"], 4400),
        (["[]"], 4400),
        ([{"kind": "connection_init"}], 4400),
        ([{"type": "start"}], 4400),
        ([_BEGIN, {"type": "ping", "payload": 3}], 4400),
        ([_BEGIN, {"type": "subscribe", "payload": {"query": "{ __typename }"}}], 4400),
        ([_SUBSCRIBE], 4401),
        ([_BEGIN, _SUBSCRIBE, _SUBSCRIBE], 4409),
        ([_BEGIN, _BEGIN], 4429),
    ],
)
async def test_what_the_protocol_does_not_allow_closes_the_connection_with_its_code(
    sqlite_live: Live, messages: list[Any], code: int, caplog: pytest.LogCaptureFixture
) -> None:
    """G4, G5: by the protocol's codes, and without a trace in the log."""
    with caplog.at_level(logging.WARNING):
        async with talking(sqlite_live) as talk:
            for message in messages:
                await talk.say(message)
            assert (await talk.closed())[0] == code
    await sqlite_live.nobody_follows()
    assert caplog.records == []


async def test_binary_messages_are_not_spoken(sqlite_live: Live) -> None:
    async with talking(sqlite_live) as talk:
        await talk.connection.send(b"{}")
        assert (await talk.closed())[0] == 4400


async def test_who_does_not_begin_is_let_go(sqlite_live: Live) -> None:
    async with talking(sqlite_live) as talk:
        assert await talk.closed() == (4408, "Connection initialisation timeout")


async def test_who_subscribes_to_nothing_is_let_go_though_it_pings(sqlite_url: str) -> None:
    with living(sqlite_url, websocket_idle=timedelta(milliseconds=200)) as live:
        async with talking(live) as talk:
            await talk.begin()
            await talk.say({"type": "ping"})
            code, reason = await talk.closed()
    assert code == 1001
    assert (reason or "").startswith("IDLE_TIMEOUT")


async def test_who_waits_for_news_is_not_idle(sqlite_url: str) -> None:
    with living(sqlite_url, websocket_idle=timedelta(milliseconds=50)) as live:
        async with talking(live) as talk:
            await talk.begin()
            await talk.subscribe(UPDATES)
            for _ in range(10):
                await talk.say({"type": "ping"})
                await talk.hear()
            await until(lambda: live.feed.followers == 1)
            await publish_causes(live.url, "news")
            assert (await talk.data())["updates"]["cause"] == "news"


async def test_a_connection_has_so_many_subscriptions_and_no_more(sqlite_url: str) -> None:
    """G4: unlimited subscriptions per connection were CVE-2026-35523."""
    with living(sqlite_url, subscriptions_per_connection=2) as live:
        async with talking(live) as talk:
            await talk.begin()
            for number in range(3):
                await talk.subscribe(UPDATES, str(number))
            refused = await talk.hear()
            assert (refused["id"], refused["type"]) == ("2", "error")
            assert refused["payload"][0]["extensions"]["code"] == "TOO_MANY_SUBSCRIPTIONS"
            await talk.say({"id": "0", "type": "complete"})
            await talk.subscribe("{ __typename }", "3")
            assert (await talk.hear())["type"] == "next"


async def test_who_asks_for_ever_more_and_does_not_read_is_not_listened_to() -> None:
    """G4: what one operation too many is told waited in memory, as often as a client asked."""
    nothing: Any = None
    limits = ConnectionLimits(message=1_000, subscriptions=0, idle=timedelta(minutes=1))
    manner = Manner(Connections(1), patience=timedelta(milliseconds=20))
    endpoint = WebSocketEndpoint(nothing, nothing, nothing, nothing, nothing, manner, limits)
    said: list[dict[str, Any]] = [{"type": "subscribe", "id": str(number)} for number in range(100)]
    waiting = iter([{"type": "connection_init"}, *said])
    received: list[dict[str, Any]] = []
    sent = 0

    async def receive() -> dict[str, Any]:
        if not sent:
            return {"type": "websocket.connect"}
        received.append(next(waiting))
        return {"type": "websocket.receive", "text": json.dumps(received[-1])}

    async def send(_message: Any) -> None:
        nonlocal sent
        sent += 1
        if sent > 2:
            # What is more than the handshake and its acknowledgement nobody takes.
            await asyncio.Event().wait()

    scope: Any = {
        "type": "websocket",
        "subprotocols": [PROTOCOL],
        "headers": [],
        "state": {"feed": Feed(nothing, lambda: NOW)},
    }
    await endpoint(scope, receive, send)
    assert [message["type"] for message in received] == ["connection_init", "subscribe"]


async def test_every_operation_counts_as_a_request_does(sqlite_url: str) -> None:
    with living(sqlite_url, rate_limit=3) as live:
        async with talking(live) as talk:
            await talk.begin()
            told = []
            # The handshake was the first request.
            for number in range(3):
                await talk.subscribe("{ __typename }", str(number))
                told.append(await talk.hear())
                if told[-1]["type"] == "next":
                    await talk.hear()
    assert [one["type"] for one in told] == ["next", "next", "error"]
    assert told[-1]["payload"][0]["extensions"]["code"] == "RATE_LIMITED"


async def test_a_key_may_come_with_the_first_message_and_a_wrong_one_ends_the_connection(
    sqlite_url: str,
) -> None:
    """G4: CVE-2026-35526 let subscriptions past the check; here nothing is acknowledged before it."""
    key = await a_key(sqlite_url)
    with living(sqlite_url) as live:
        async with talking(live) as talk:
            await talk.say({"type": "connection_init", "payload": {"authorization": f"Bearer {key}"}})
            assert await talk.hear() == {"type": "connection_ack"}
        for wrong in (f"Bearer {key}x", "Basic abc", 3):
            async with talking(live) as talk:
                await talk.say({"type": "connection_init", "payload": {"authorization": wrong}})
                await talk.subscribe("{ __typename }")
                code, reason = await talk.closed()
                assert code == 4403
                assert (reason or "").startswith("UNAUTHENTICATED")


async def test_a_process_has_so_many_connections_and_no_more(sqlite_url: str) -> None:
    with living(sqlite_url, stream_limit=1) as live:
        async with talking(live) as talk:
            await talk.begin()
            with pytest.raises(InvalidStatus) as refused:
                async with talking(live):
                    pass
            assert refused.value.response.status_code == 503
            assert b"TOO_MANY_CONNECTIONS" in (refused.value.response.body or b"")
            # Who only asks is answered.
            assert await live.ask("{ __typename }") == {"__typename": "Query"}
        await live.nobody_is_connected()
        async with talking(live) as talk:
            await talk.begin()


async def test_a_message_that_is_too_large_closes_the_connection(sqlite_url: str) -> None:
    with living(sqlite_url, websocket_message_limit=1_000) as live:
        async with talking(live) as talk:
            await talk.begin()
            await talk.subscribe("# " + "x" * 2_000 + "\n{ __typename }")
            assert (await talk.closed())[0] == 1009


async def test_a_slow_subscriber_is_dropped_with_a_code_and_hurts_nobody(sqlite_url: str) -> None:
    with living(sqlite_url, subscriber_patience=timedelta(seconds=1)) as live:
        after = await live.newest()
        async with talking(live) as slow, talking(live) as quick:
            for talk in (slow, quick):
                await talk.begin()
                await talk.subscribe(UPDATES, after=after)
            # More than all the buffers on the way hold.
            causes = [f"{number} {'x' * 1_000_000}" for number in range(16)]
            publishing = asyncio.create_task(publish_causes(live.url, *causes))
            assert [(await quick.data())["updates"]["cause"] for _ in causes] == causes
            await publishing
            await until(lambda: live.feed.followers == 1)
            assert await slow.closed() == (1013, "SLOW_SUBSCRIBER: go on from the last cursor")
            await publish_causes(live.url, "and on")
            assert (await quick.data())["updates"]["cause"] == "and on"


async def test_when_the_service_stops_everybody_is_told_so_and_it_ends(sqlite_url: str) -> None:
    with living(sqlite_url) as live:
        async with talking(live) as talk:
            await talk.begin()
            await talk.subscribe(UPDATES)
            await until(lambda: live.feed.followers == 1)
            live.stop()
            assert (await talk.closed())[0] == 1012


def test_g9_a_websocket_and_a_post_have_the_same_address(sqlite_live: Live) -> None:
    """G9: a route, so that nothing is redirected; a GET that is no WebSocket is a query."""
    answer = httpx.get(sqlite_live.graph, params={"query": "{ __typename }"}, follow_redirects=False)
    assert (answer.status_code, answer.json()) == (200, {"data": {"__typename": "Query"}})


async def test_g9_the_websocket_is_a_route_too(sqlite_live: Live) -> None:
    """G9: on the very address, without a slash."""
    async with talking(sqlite_live) as talk:
        await talk.begin()
        assert isinstance(talk, Talk)
