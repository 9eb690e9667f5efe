"""GraphQL over HTTP: media types, methods, and requests that are refused before any work is done."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text
from starlette.requests import HTTPConnection, Request
from starlette.testclient import TestClient
from starlette.types import Message

from f1graph.api.access import PUBLIC
from f1graph.api.answers import negotiate
from f1graph.api.app import create_app
from f1graph.api.asked import Reader
from f1graph.api.context import Context
from f1graph.api.documents import Documents
from f1graph.api.endpoint import GraphQLEndpoint
from f1graph.api.limits import Limits
from f1graph.api.memory import Known
from f1graph.api.news.operations import Operations
from f1graph.api.news.single_connection import SharedStreams
from f1graph.api.news.streams import Connections, Manner
from f1graph.api.schema import graphql_schema
from f1graph.settings import Settings
from f1graph.store.engine import Store, open_store
from tests.api.conftest import Api, start
from tests.api.seed import NOW

_QUERY = "{ nextRace { name } }"
_MODERN = "application/graphql-response+json"


_SCOPE = {
    "type": "http",
    "method": "POST",
    "headers": [(b"content-type", b"application/json")],
    "query_string": b"",
    "state": {"caller": PUBLIC},
}


def an_endpoint(store: Store, *, body_limit: int, patience: timedelta) -> GraphQLEndpoint:
    """What answers, without an application around it."""

    def context(_connection: HTTPConnection, known: Known | None = None) -> Context:
        return Context(store, NOW, known=known)

    async def nothing(_request: Request) -> Known | None:
        return None

    operations = Operations(context=context, timeout=patience.total_seconds())
    manner = Manner(Connections(1), patience)
    return GraphQLEndpoint(
        documents=Documents(graphql_schema, Limits()),
        operations=operations,
        shared=SharedStreams(operations, manner, most_operations=1),
        manner=manner,
        reader=Reader(body_limit=body_limit, depth_limit=20),
        request_timeout=patience,
        context=context,
        known=nothing,
    )


def _code(response: Any) -> str:
    return str(response.json()["errors"][0]["extensions"]["code"])


@pytest.fixture
def client(sqlite_api: Api) -> TestClient:
    return sqlite_api.client


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        (None, "application/json"),
        ("*/*", "application/json"),
        ("application/json", "application/json"),
        (_MODERN, _MODERN),
        (f"{_MODERN}, application/json", _MODERN),
        (f"{_MODERN};q=0.5, application/json", "application/json"),
        (f"{_MODERN}, application/json, text/event-stream, multipart/mixed", _MODERN),
        ("text/html, */*;q=0.1", "application/json"),
        ("text/html", None),
        (f"{_MODERN};q=0", None),
    ],
)
def test_the_media_type_is_negotiated(accept: str | None, expected: str | None) -> None:
    """G2d: by quality value, and never an event stream for who only accepts one among others."""
    assert negotiate(accept) == expected


def test_the_answer_has_the_media_type_that_was_asked_for(client: TestClient) -> None:
    """G2d: application/graphql-response+json is spoken."""
    modern = client.post("/graphql", json={"query": _QUERY}, headers={"accept": _MODERN})
    assert modern.headers["content-type"].startswith(_MODERN)
    broken = client.post("/graphql", json={"query": "{ nothing }"}, headers={"accept": _MODERN})
    assert (broken.status_code, _code(broken)) == (400, "GRAPHQL_VALIDATION_FAILED")
    plain = client.post("/graphql", json={"query": "{ nothing }"})
    assert (plain.status_code, _code(plain)) == (200, "GRAPHQL_VALIDATION_FAILED")
    html = client.post("/graphql", json={"query": _QUERY}, headers={"accept": "text/html"})
    assert (html.status_code, _code(html)) == (406, "NOT_ACCEPTABLE")


def test_head_answers_as_get_does_without_the_body(client: TestClient) -> None:
    asked = {"query": "{ nextRace { name } }"}

    head, get = client.head("/graphql", params=asked), client.get("/graphql", params=asked)

    assert head.status_code == get.status_code == 200
    assert head.headers["content-length"] == get.headers["content-length"]
    assert head.content == b""


def test_a_query_may_be_sent_by_get(client: TestClient) -> None:
    answer = client.get(
        "/graphql",
        params={
            "query": "query Q($first: Int!) { races(first: $first) { nodes { slug } } }",
            "variables": '{"first": 1}',
            "operationName": "Q",
        },
    )
    assert answer.json()["data"]["races"]["nodes"] == [{"slug": "2023-gp-1"}]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"null", 400, "BAD_REQUEST"),
        (b"[]", 400, "BAD_REQUEST"),
        (b"{", 400, "BAD_JSON"),
        (b"\xff\xfe", 400, "BAD_JSON"),
        (b"", 400, "BAD_REQUEST"),
        (b"{}", 400, "BAD_REQUEST"),
        (b'{"query": 1}', 400, "BAD_REQUEST"),
        (b'{"query": "{ nextRace { name } }", "variables": []}', 400, "BAD_REQUEST"),
        (b'{"query": "{ nextRace { name } }", "operationName": 1}', 400, "BAD_REQUEST"),
        (b'{"query": "{ nextRace { name } }", "operationName": "Other"}', 200, "BAD_OPERATION_NAME"),
        (b'{"query": "query A { __typename } query B { __typename }"}', 200, "BAD_OPERATION_NAME"),
        (b"[" * 50_000, 400, "BAD_JSON"),
        (
            b'{"query": "{ __typename }", "variables": {"a": %s}}' % (b"[" * 500 + b"]" * 500),
            400,
            "VARIABLES_TOO_DEEP",
        ),
        (b'{"query": "' + b" " * 100_000 + b'"}', 413, "BODY_TOO_LARGE"),
    ],
)
def test_a_request_that_cannot_be_read_is_refused_with_a_code(
    client: TestClient, body: bytes, status: int, code: str
) -> None:
    """G2c: null, undecodable, very deep and too large bodies get a coded 4xx; only what is a request, but
    names no operation, has 200 in plain JSON, as GraphQL over HTTP has it."""
    answer = client.post("/graphql", content=body, headers={"content-type": "application/json"})
    assert (answer.status_code, _code(answer)) == (status, code)


def test_a_large_body_without_a_declared_length_is_refused(client: TestClient) -> None:
    """G2c: the limit holds for what comes, not for what is announced."""

    def chunks() -> Iterator[bytes]:
        for _ in range(20):
            yield b" " * 10_000

    answer = client.post("/graphql", content=chunks(), headers={"content-type": "application/json"})
    assert (answer.status_code, _code(answer)) == (413, "BODY_TOO_LARGE")


def test_another_content_type_is_refused(client: TestClient) -> None:
    """G2c: a form of another site cannot send a query without asking first."""
    answer = client.post("/graphql", content=b"{}", headers={"content-type": "text/plain"})
    assert (answer.status_code, _code(answer)) == (415, "UNSUPPORTED_MEDIA_TYPE")


async def test_a_request_whose_body_never_ends_is_given_up(sqlite_url: str) -> None:
    """G2c: the time limit is a setting, and holds from the first byte on."""
    store = open_store(sqlite_url)
    endpoint = an_endpoint(store, body_limit=1_000, patience=timedelta(milliseconds=50))

    async def receive() -> Message:
        return await asyncio.Future()

    answer = await endpoint.answer(Request(_SCOPE, receive))
    await store.close()
    assert answer.status_code == 408
    assert b"TIMEOUT" in bytes(answer.body)


@pytest.mark.postgres
async def test_a_query_that_waits_too_long_is_given_up_and_frees_its_connection(
    postgres_url: str,
) -> None:
    """G2c, G12: the database's lock is somebody else's, the answer comes all the same."""
    holder = open_store(postgres_url)
    with start(postgres_url, request_timeout=timedelta(seconds=3), database_pool_size=1) as client:
        async with holder.write() as write:
            await write.execute(text("LOCK TABLE races IN ACCESS EXCLUSIVE MODE"))
            answer = await asyncio.to_thread(client.post, "/graphql", json={"query": _QUERY})
        again = await asyncio.to_thread(client.post, "/graphql", json={"query": _QUERY})
    await holder.close()
    assert (answer.status_code, _code(answer)) == (408, "TIMEOUT")
    assert again.json()["data"]["nextRace"] is not None


def test_a_delete_is_refused(client: TestClient) -> None:
    assert client.delete("/graphql").status_code == 405


def test_a_page_of_another_origin_may_ask_in_a_browser(sqlite_api: Api) -> None:
    asked = {
        "origin": "https://fans.example",
        "access-control-request-method": "POST",
        "access-control-request-headers": "content-type",
    }
    before = sqlite_api.client.options("/graphql", headers=asked)
    answer = sqlite_api.client.post(
        "/graphql", json={"query": "{ __typename }"}, headers={"origin": "https://fans.example"}
    )
    assert before.status_code == 200
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in answer.headers


def test_only_named_origins_may_ask_where_the_setting_names_some(sqlite_url: str) -> None:
    settings = Settings(database_url=sqlite_url, cors_origins="https://fans.example, https://f1.example")
    with TestClient(create_app(settings)) as client:
        mine = client.get("/healthz", headers={"origin": "https://f1.example"})
        other = client.get("/healthz", headers={"origin": "https://other.example"})
    assert mine.headers["access-control-allow-origin"] == "https://f1.example"
    assert "access-control-allow-origin" not in other.headers
