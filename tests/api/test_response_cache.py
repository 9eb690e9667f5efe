"""Answers that are given again: never after a commit, never to another role, and else always the same."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from datetime import datetime, timedelta
from typing import Any

import httpx
from sqlalchemy import event, text
from starlette.testclient import TestClient

from f1graph.api.app import create_app
from f1graph.clock import Clock
from f1graph.settings import Settings
from f1graph.store.engine import Store, open_store
from f1graph.store.events import EventKind, publish
from f1graph.store.keys import Scope, create_key
from f1graph.store.version import data_version
from tests.api.conftest import Api, start
from tests.api.queries import SUITE
from tests.api.seed import NOW
from tests.benchmarks.measuring import free_port, wait_for

_VERSION = "{ service { dataVersion } }"
_MODERN = "application/graphql-response+json"


async def _commit(store: Store) -> None:
    async with store.write() as write:
        await publish(write, EventKind.IMPORTED, cause="test", now=NOW)


@asynccontextmanager
async def _client(
    store: Store, clock: Clock = lambda: NOW, **settings: Any
) -> AsyncIterator[httpx.AsyncClient]:
    """An application in this process, whose statements can be counted."""
    app = create_app(Settings(memory_records=0, **settings), store=store, clock=clock)
    async with app.router.lifespan_context(app) as state:

        async def with_state(scope: Any, receive: Any, send: Any) -> None:
            await app({**scope, "state": dict(state or {})}, receive, send)

        transport = httpx.ASGITransport(app=with_state)
        async with httpx.AsyncClient(transport=transport, base_url="http://f1graph") as client:
            yield client


@contextmanager
def _statements(store: Store) -> Iterator[list[str]]:
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        seen.append(statement)

    event.listen(store.engine.sync_engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(store.engine.sync_engine, "before_cursor_execute", note)


def _version_by(client: TestClient | httpx.Client) -> int:
    answer = client.post("/graphql", json={"query": _VERSION})
    assert answer.status_code == 200
    return int(answer.json()["data"]["service"]["dataVersion"])


async def test_the_data_version_changes_with_every_commit_and_with_nothing_else(url: str) -> None:
    """Whoever asks after a commit is told another version, whichever connection committed."""
    store, other = open_store(url), open_store(url)
    versions = data_version(store)
    seen = [await versions.current()]
    for committing in (store, other) * 5:
        await _commit(committing)
        seen.append(await versions.current())
    assert None not in seen
    assert len(set(seen)) == len(seen)
    if store.dialect == "sqlite":
        # On Postgres anything that another database writes may move it on.
        async with store.read() as read:
            await read.value(text("SELECT 1"))
        assert await versions.current() == await versions.current() == seen[-1]
    versions.close()
    await store.close()
    await other.close()


@contextmanager
def _process(url: str) -> Iterator[httpx.Client]:
    """An API in a process of its own."""
    port = free_port()
    environment = {"F1GRAPH_DATABASE_URL": url, "F1GRAPH_PORT": str(port), "F1GRAPH_NOW": NOW.isoformat()}
    process = subprocess.Popen([sys.executable, "-m", "f1graph", "api"], env=os.environ | environment)
    try:
        wait_for(f"http://127.0.0.1:{port}/readyz", process)
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
            yield client
    finally:
        process.terminate()
        process.wait(timeout=30)


async def test_two_processes_see_a_commit_at_once(url: str) -> None:
    """A request that begins after a commit has returned is never answered from before it."""
    store = open_store(url)
    with ExitStack() as stack:
        clients = [stack.enter_context(_process(url)) for _ in range(2)]
        before = _version_by(clients[0])
        for number in range(1, 11):
            await _commit(store)
            for client in clients:
                # The second time it comes from the cache.
                assert [_version_by(client), _version_by(client)] == [before + number] * 2
    await store.close()


async def test_the_same_question_costs_no_statement(sqlite_store: Store) -> None:
    """However it is sent: by POST, by GET, or with its JSON in another spelling."""
    asked = "query Q($first: Int!) { races(first: $first) { nodes { name } } }"
    async with _client(sqlite_store) as client:
        first = await client.post("/graphql", json={"query": asked, "variables": {"first": 2}})
        with _statements(sqlite_store) as statements:
            again = [
                await client.post(
                    "/graphql",
                    content=b' {"variables":{"first":2},"query":"%s"}' % asked.encode(),
                    headers={"content-type": "application/json; charset=utf-8"},
                ),
                await client.get("/graphql", params={"query": asked, "variables": '{ "first": 2 }'}),
                await client.post(
                    "/graphql", json={"query": asked, "variables": {"first": 2}, "operationName": None}
                ),
            ]
            assert statements == []
            other = await client.post("/graphql", json={"query": asked, "variables": {"first": 3}})
            assert statements
    assert [one.content for one in again] == [first.content] * 3
    assert len(other.json()["data"]["races"]["nodes"]) == 3


def test_the_media_type_and_the_origin_are_part_of_the_question(sqlite_api: Api) -> None:
    """G2d: an answer that is given again has the media type that was asked for, and the headers of CORS."""
    asked = {"query": _VERSION}
    for _ in range(2):
        modern = sqlite_api.client.post("/graphql", json=asked, headers={"accept": _MODERN})
        plain = sqlite_api.client.post("/graphql", json=asked)
        page = sqlite_api.client.post("/graphql", json=asked, headers={"origin": "https://example.com"})
        assert modern.headers["content-type"].startswith(_MODERN)
        assert plain.headers["content-type"].startswith("application/json")
        assert page.headers["access-control-allow-origin"] == "*"
        assert "access-control-allow-origin" not in plain.headers
        assert plain.headers["x-content-type-options"] == "nosniff"


def test_of_a_header_that_comes_twice_the_first_counts(sqlite_api: Api) -> None:
    """G2d: else somebody could have an answer kept under a question that is not its own."""
    twice = [("accept", _MODERN), ("accept", "application/json")]
    sqlite_api.client.post("/graphql", json={"query": _VERSION}, headers=twice)
    plain = sqlite_api.client.post("/graphql", json={"query": _VERSION})
    assert plain.headers["content-type"].startswith("application/json")


def test_what_is_asked_over_a_stream_is_not_answered_beside_it(sqlite_api: Api) -> None:
    """An answer that is kept is not for who waits for it on an event stream."""
    asked = {"query": _VERSION, "extensions": {"operationId": "1"}}
    assert sqlite_api.client.post("/graphql", json=asked).status_code == 200
    # There is no such stream, and the answer says so.
    headers = {"x-graphql-event-stream-token": "none"}
    assert sqlite_api.client.post("/graphql", json=asked, headers=headers).status_code == 404
    assert sqlite_api.client.post("/graphql?token=none", json=asked).status_code == 404


async def test_long_questions_take_up_room_too(sqlite_store: Store) -> None:
    async with _client(sqlite_store, response_cache_bytes=2_000) as client:
        asked = {"query": _VERSION, "variables": {"nothing": "x" * 3_000}}
        await client.post("/graphql", json=asked)
        with _statements(sqlite_store) as statements:
            await client.post("/graphql", json=asked)
        assert statements


def test_what_is_refused_at_first_is_not_answered_from_memory(sqlite_api: Api) -> None:
    """Variables must be an object; in an address they may be empty."""
    assert sqlite_api.client.post("/graphql", json={"query": _VERSION}).status_code == 200
    assert sqlite_api.client.post("/graphql", json={"query": _VERSION, "variables": ""}).status_code == 400
    asked = {"query": _VERSION, "variables": ""}
    assert sqlite_api.client.get("/graphql", params=asked).status_code == 200


async def test_roles_never_share_an_answer(sqlite_store: Store) -> None:
    async with sqlite_store.write() as write:
        _, secret = await create_key(write, name="phone", scopes=[Scope.LIMITS_RAISED], now=NOW)
    async with _client(sqlite_store) as client:
        public = await client.post("/graphql", json={"query": _VERSION})
        with _statements(sqlite_store) as statements:
            # Its key is looked up, and its answer is its own.
            ours = await client.post(
                "/graphql", json={"query": _VERSION}, headers={"authorization": f"Bearer {secret}"}
            )
            assert [one for one in statements if "FROM events" in one]
        wrong = await client.post(
            "/graphql", json={"query": _VERSION}, headers={"authorization": f"Bearer {secret}x"}
        )
        by_address = await client.get(
            "/graphql", params={"query": _VERSION}, headers={"authorization": f"Bearer {secret}"}
        )
    assert (public.status_code, ours.status_code, wrong.status_code) == (200, 200, 401)
    assert by_address.headers["cache-control"] == "private, no-cache"


def test_an_answer_that_is_given_again_counts_as_one_more_request(sqlite_url: str) -> None:
    with start(sqlite_url, rate_limit=3) as client:
        answers = [client.post("/graphql", json={"query": _VERSION}) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert [one.headers["ratelimit"].split(";")[1] for one in answers[:3]] == ["r=2", "r=1", "r=0"]


async def test_an_error_is_not_kept(sqlite_store: Store) -> None:
    async with _client(sqlite_store) as client:
        for _ in range(2):
            with _statements(sqlite_store) as statements:
                answer = await client.post(
                    "/graphql", json={"query": '{ race(id: "1949-nowhere") { name } }'}
                )
            assert answer.json()["errors"]
            assert statements


async def test_an_answer_is_given_again_for_a_short_time_only(sqlite_store: Store) -> None:
    """It may depend on the clock: two seconds later it is made anew."""
    moment = [NOW]
    async with _client(sqlite_store, lambda: moment[0]) as client:

        async def now() -> datetime:
            answer = await client.post("/graphql", json={"query": "{ service { now } }"})
            return datetime.fromisoformat(answer.json()["data"]["service"]["now"])

        assert await now() == NOW
        moment[0] = NOW + timedelta(seconds=1)
        assert await now() == NOW
        moment[0] = NOW + timedelta(seconds=2)
        assert await now() == moment[0]
        # A clock that was set back does not get answers of its future.
        moment[0] = NOW
        assert await now() == NOW


def test_an_answer_by_address_is_asked_for_again_by_its_tag(api: Api) -> None:
    """ETag and 304: who has the answer already is sent none, until something changes it."""
    asked = {"query": "{ nextRace { name } }"}
    first = api.client.get("/graphql", params=asked)
    tag = first.headers["etag"]
    assert first.headers["cache-control"] == "public, no-cache"
    assert {"accept", "authorization"} <= set(first.headers["vary"].lower().split(", "))
    for known in (tag, f'"other", W/{tag}', "*"):
        again = api.client.get("/graphql", params=asked, headers={"if-none-match": known})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    other = api.client.get("/graphql", params=asked, headers={"if-none-match": '"other"'})
    assert other.json() == first.json()
    # No cache on the way keeps the answer to a POST.
    assert "etag" not in api.client.post("/graphql", json=asked).headers


async def test_a_tag_dies_with_the_data_that_it_was_made_of(url: str) -> None:
    store = open_store(url)
    with start(url) as client:
        tag = client.get("/graphql", params={"query": _VERSION}).headers["etag"]
        same = client.get("/graphql", params={"query": _VERSION}, headers={"if-none-match": tag})
        await _commit(store)
        after = client.get("/graphql", params={"query": _VERSION}, headers={"if-none-match": tag})
    assert (same.status_code, after.status_code) == (304, 200)
    assert after.headers["etag"] != tag
    await store.close()


async def test_no_more_is_kept_than_the_settings_allow(sqlite_store: Store) -> None:
    async with _client(sqlite_store, response_cache_entries=2, response_cache_bytes=1_000) as client:

        async def statements_of(query: str) -> int:
            with _statements(sqlite_store) as statements:
                await client.post("/graphql", json={"query": query})
            return len(statements)

        one, two, three = (f"{{ races(first: {number}) {{ nodes {{ name }} }} }}" for number in (1, 2, 3))
        for query in (one, two, three):
            assert await statements_of(query) > 0
        assert await statements_of(three) == await statements_of(two) == 0
        assert await statements_of(one) > 0
        # Larger than all that may be kept.
        large = (
            "{ races(first: 100) { nodes { name circuit { name country } startsAt endsAt: startsAt id } } }"
        )
        assert await statements_of(large) > 0
        assert await statements_of(large) > 0


async def test_with_the_cache_off_every_answer_is_the_same(store: Store) -> None:
    """Asked twice with it and once without: bodies and headers are equal."""
    unlimited: dict[str, Any] = {"rate_limit": 0, "rate_limit_raised": 0}
    async with (
        _client(store, **unlimited) as on,
        _client(store, response_cache_entries=0, **unlimited) as off,
    ):
        for name, query in SUITE.items():
            answers = [await client.get("/graphql", params={"query": query}) for client in (off, on, on)]
            assert answers[0].json() == answers[1].json() == answers[2].json(), name
            assert answers[0].headers == answers[1].headers == answers[2].headers, name
