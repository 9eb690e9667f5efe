"""Who may ask and who may not: API keys, addresses behind proxies, pages of other origins."""

from __future__ import annotations

import asyncio
import json
import logging
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
from starlette.testclient import TestClient, WebSocketDenialResponse

from f1graph.api.access import KEY_IS_BELIEVED_FOR, PUBLIC_ROLE, Access
from f1graph.api.addresses import client_address, counted_as, networks
from f1graph.api.app import create_app
from f1graph.settings import Settings
from f1graph.store.engine import Store, open_store
from f1graph.store.keys import Scope, create_key, find_key, revoke_key, split_key
from tests.api.conftest import Api, start
from tests.api.seed import NOW

_QUERY = {"query": "{ nextRace { name } }"}


@dataclass
class AClock:
    """Shows the time that a test sets."""

    shown: datetime = NOW

    def __call__(self) -> datetime:
        return self.shown


@pytest.fixture
def clock() -> AClock:
    return AClock()


@pytest.fixture
def client(url: str, clock: AClock) -> Iterator[TestClient]:
    with TestClient(create_app(Settings(database_url=url), clock=clock)) as client:
        yield client


async def in_store(url: str, work: Callable[[Any], Any]) -> Any:
    store = open_store(url)
    try:
        async with store.write() as write:
            return await work(write)
    finally:
        await store.close()


def new_key(url: str, *scopes: Scope, expires_at: datetime | None = None) -> str:
    """A key as its user is given it."""
    _, given = asyncio.run(
        in_store(
            url,
            lambda write: create_key(
                write, name="ours", scopes=scopes or [Scope.REFRESH], now=NOW, expires_at=expires_at
            ),
        )
    )
    return str(given)


def id_of(given: str) -> str:
    split = split_key(given)
    assert split is not None
    return split[0]


def ask(client: TestClient, authorization: str | None = None) -> Any:
    headers = {} if authorization is None else {"authorization": authorization}
    return client.post("/graphql", json=_QUERY, headers=headers)


def test_everybody_may_read_and_a_key_may_too(client: TestClient, url: str) -> None:
    assert ask(client).json()["data"]["nextRace"]
    assert ask(client, f"Bearer {new_key(url)}").json() == ask(client).json()
    assert ask(client, f"bearer  {new_key(url)}").status_code == 200


@pytest.mark.parametrize(
    "authorization",
    ["", "Bearer", "Bearer nonsense", "Basic dXNlcjpwYXNz", "Bearer f1g_0123456789ab_" + "x" * 43],
)
def test_a_wrong_key_is_refused_and_never_taken_for_none(client: TestClient, authorization: str) -> None:
    answer = ask(client, authorization)

    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")
    (error,) = answer.json()["errors"]
    assert error["extensions"]["code"] == "UNAUTHENTICATED"
    assert "data" not in answer.json()


def test_the_id_of_a_key_is_worth_nothing_without_its_secret(client: TestClient, url: str) -> None:
    given, other = new_key(url), new_key(url)

    answer = ask(client, f"Bearer {given[:-43]}{other[-43:]}")
    assert answer.status_code == 401
    # The same word as for a key that is not there.
    unknown = ask(client, "Bearer f1g_0123456789ab_" + "x" * 43)
    assert answer.json() == unknown.json()


def test_a_key_is_refused_from_the_moment_it_expires(client: TestClient, url: str, clock: AClock) -> None:
    given = f"Bearer {new_key(url, expires_at=NOW + timedelta(days=1))}"
    assert ask(client, given).status_code == 200

    clock.shown = NOW + timedelta(days=1)
    assert ask(client, given).status_code == 401


def test_a_revoked_key_is_refused_after_a_few_seconds(client: TestClient, url: str, clock: AClock) -> None:
    given = new_key(url)
    assert ask(client, f"Bearer {given}").status_code == 200
    asyncio.run(in_store(url, lambda write: revoke_key(write, id_of(given), now=NOW)))

    clock.shown = NOW + KEY_IS_BELIEVED_FOR
    assert ask(client, f"Bearer {given}").status_code == 401


def test_a_new_key_works_within_seconds_even_if_it_was_tried_before(url: str, clock: AClock) -> None:
    """That a key is not there is believed no longer than that it is."""
    with TestClient(create_app(Settings(database_url=url), clock=clock)) as client:
        assert ask(client, "Bearer f1g_0123456789ab_" + "x" * 43).status_code == 401
        clock.shown = NOW + KEY_IS_BELIEVED_FOR
        assert ask(client, f"Bearer {new_key(url)}").status_code == 200


def test_when_a_key_was_used_is_kept_to_the_hour(client: TestClient, url: str, clock: AClock) -> None:
    given = new_key(url)

    async def last_used(write: Any) -> datetime | None:
        key = await find_key(write, id_of(given))
        assert key is not None
        return key.last_used_at

    def used_at(moment: datetime) -> datetime | None:
        clock.shown = moment
        with TestClient(create_app(Settings(database_url=url), clock=clock)) as again:
            assert ask(again, f"Bearer {given}").status_code == 200
        found: datetime | None = asyncio.run(in_store(url, last_used))
        return found

    assert used_at(NOW) == NOW
    assert used_at(NOW + timedelta(minutes=59)) == NOW
    assert used_at(NOW + timedelta(hours=1)) == NOW + timedelta(hours=1)


def test_d4_a_key_is_read_while_another_writes_and_its_use_is_noted_afterwards(sqlite_url: str) -> None:
    """D4: SQLite has one writer at a time, and a read must not wait for it."""
    given = new_key(sqlite_url)
    with start(sqlite_url, database_timeout=timedelta(seconds=60)) as client:
        writer = sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None)
        writer.execute("BEGIN IMMEDIATE")
        assert ask(client, f"Bearer {given}").status_code == 200
        used = "SELECT last_used_at FROM api_keys WHERE id = ?"
        assert writer.execute(used, [id_of(given)]).fetchone() == (None,)
        writer.execute("ROLLBACK")
    assert writer.execute(used, [id_of(given)]).fetchone() != (None,)
    writer.close()


def test_the_pages_and_probes_ask_for_no_key(client: TestClient) -> None:
    for path in ("/healthz", "/readyz", "/", "/graphiql"):
        assert client.get(path, headers={"authorization": "Bearer nonsense"}).status_code in (200, 404)


def test_a_wrong_key_leaves_no_trace_in_the_log(
    client: TestClient, url: str, caplog: pytest.LogCaptureFixture
) -> None:
    """G5, G6: who asks wrongly is told so; the log is for what is wrong with us."""
    with caplog.at_level(logging.DEBUG, logger="f1graph"):
        for authorization in ("Bearer nonsense", f"Bearer {new_key(url)}x"):
            assert ask(client, authorization).status_code == 401
    assert [record for record in caplog.records if record.name.startswith("f1graph")] == []


async def test_without_its_database_a_key_is_neither_right_nor_wrong(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """G6: the caller learns nothing of the database; the log has it with the same id."""
    with (
        caplog.at_level(logging.ERROR, logger="f1graph.api"),
        start("postgresql://somebody:secret@127.0.0.1:1/none") as client,
    ):
        answer = ask(client, "Bearer f1g_0123456789ab_" + "x" * 43)
    assert answer.status_code == 503
    (error,) = answer.json()["errors"]
    assert error["message"] == "The database does not answer"
    assert error["extensions"]["code"] == "STORE_ERROR"
    assert "127.0.0.1" not in answer.text
    (record,) = caplog.records
    assert error["extensions"]["id"] in record.getMessage()


def connection(
    authorization: str | None = None, *, address: str = "192.0.2.7", **headers: str
) -> dict[str, Any]:
    given = {} if authorization is None else {"authorization": authorization}
    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in (given | headers).items()]
    return {"type": "http", "client": (address, 4711), "headers": raw}


async def test_the_role_of_a_request_is_known_at_once_after_the_first(store: Store, clock: AClock) -> None:
    """So that a cache may stand before the gate, and never shows a key's answers to others."""
    access = Access(Settings(), clock)
    async with store.write() as write:
        _, given = await create_key(write, name="ours", scopes=[Scope.REFRESH, Scope.LIMITS_RAISED], now=NOW)
    right, wrong = connection(f"Bearer {given}"), connection(f"Bearer {given[:-1]}-")
    assert access.role_at_once(connection()) == PUBLIC_ROLE
    assert access.role_at_once(right) is None

    caller = await access.caller(right, store)
    assert access.role_at_once(right) == caller.role == "limits:raised+refresh"
    assert access.role_at_once(wrong) is None
    assert access.role_at_once(connection("Basic x")) is None

    clock.shown += KEY_IS_BELIEVED_FOR
    assert access.role_at_once(right) is None
    await access.close()


async def test_a_key_that_is_known_costs_no_statement(store: Store, clock: AClock) -> None:
    access = Access(Settings(), clock)
    async with store.write() as write:
        key, given = await create_key(write, name="ours", scopes=[Scope.REFRESH], now=NOW)
    await access.caller(connection(f"Bearer {given}"), store)
    await access.close()
    closed = open_store("postgresql://nobody@127.0.0.1:1/none")

    again = await access.caller(connection(f"Bearer {given}"), closed)
    assert again.key is not None
    assert again.key.id == key.id
    await closed.close()


def test_an_address_that_a_client_writes_itself_is_not_believed() -> None:
    spoofed = connection(x_forwarded_for="203.0.113.9")
    assert client_address(spoofed, networks("")) == "192.0.2.7"
    assert client_address(spoofed, networks("198.51.100.0/24")) == "192.0.2.7"


@pytest.mark.parametrize(
    ("told", "address"),
    [
        ("203.0.113.9", "203.0.113.9"),
        # What stands before the last hop that is no proxy was written by the client.
        ("10.9.9.9, 203.0.113.9", "203.0.113.9"),
        ("203.0.113.9, 192.0.2.8", "203.0.113.9"),
        ("1.1.1.1, 203.0.113.9, 192.0.2.8", "203.0.113.9"),
        ("nonsense", "192.0.2.7"),
        ("nonsense, 192.0.2.8", "192.0.2.8"),
        ("", "192.0.2.7"),
        ("2001:DB8::1", "2001:db8::1"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
    ],
)
def test_behind_a_trusted_proxy_the_last_address_before_it_is_the_clients(told: str, address: str) -> None:
    found = client_address(connection(x_forwarded_for=told), networks("192.0.2.0/24, 2001:db8:ffff::/48"))
    assert found == address


def test_a_household_with_many_addresses_is_counted_once() -> None:
    assert counted_as("2001:db8::1") == counted_as("2001:db8::ffff:1") != counted_as("2001:db8:0:1::1")
    assert counted_as("192.0.2.7") == "192.0.2.7"
    assert counted_as("local") == "local"


@pytest.mark.parametrize(
    ("origins", "origin", "may"),
    [
        ("*", "https://fans.example", True),
        ("https://fans.example", "https://fans.example", True),
        ("https://fans.example", "https://FANS.example", True),
        ("https://fans.example", "http://fans.example", False),
        ("https://fans.example", "https://evil.example", False),
        ("https://fans.example", "https://fans.example.evil.example", False),
        ("https://fans.example", "null", False),
        ("https://fans.example", None, True),
        ("https://fans.example", "https://f1.example:8000", True),
        ("", "https://fans.example", False),
        ("", "https://f1.example:8000", True),
    ],
)
def test_a_websocket_is_opened_only_by_pages_that_may_ask(
    origins: str, origin: str | None, may: bool, clock: AClock
) -> None:
    """G4: CORS does not hold for WebSockets."""
    headers = {"host": "f1.example:8000"} | ({} if origin is None else {"origin": origin})
    access = Access(Settings(cors_origins=origins), clock)
    assert access.may_connect(connection(**headers)) is may


def test_a_websocket_of_a_foreign_page_or_with_a_wrong_key_is_refused_before_it_opens(
    sqlite_url: str,
) -> None:
    """G4: by an answer of HTTP, before any protocol is spoken."""
    with start(sqlite_url, cors_origins="https://fans.example") as client:
        for headers, status in (
            ({"origin": "https://evil.example"}, 403),
            ({"authorization": "Bearer nonsense"}, 401),
        ):
            with (
                pytest.raises(WebSocketDenialResponse) as refused,
                client.websocket_connect("/graphql", ["graphql-transport-ws"], headers=headers),
            ):
                pass
            assert refused.value.status_code == status


def test_a_page_may_send_a_key_and_read_how_much_it_may_still_ask(sqlite_api: Api) -> None:
    before = sqlite_api.client.options(
        "/graphql",
        headers={
            "origin": "https://fans.example",
            "access-control-request-method": "POST",
            "access-control-request-headers": "authorization, content-type, if-none-match",
        },
    )
    assert before.status_code == 200
    answer = sqlite_api.client.post(
        "/graphql",
        json=_QUERY,
        headers={"origin": "https://fans.example", "authorization": "Bearer nonsense"},
    )
    # Why it was refused, too.
    assert answer.status_code == 401
    assert answer.headers["access-control-allow-origin"] == "*"
    exposed = answer.headers["access-control-expose-headers"].lower()
    assert {"etag", "ratelimit", "ratelimit-policy", "retry-after"} <= set(exposed.split(", "))
    assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.parametrize(
    ("content", "media_type"),
    [
        (json.dumps({"query": "mutation { __typename }"}), "text/plain"),
        ("query=mutation+%7B+__typename+%7D", "application/x-www-form-urlencoded"),
        (json.dumps({"query": "mutation { __typename }"}), ""),
    ],
)
def test_a_form_of_a_foreign_page_writes_nothing(sqlite_api: Api, content: str, media_type: str) -> None:
    """What a page may send without asking first is refused: no form is JSON."""
    headers = {"content-type": media_type} if media_type else {}
    answer = sqlite_api.client.post("/graphql", content=content, headers=headers)
    assert answer.status_code == 415
    assert answer.json()["errors"][0]["extensions"]["code"] == "UNSUPPORTED_MEDIA_TYPE"


def test_browsers_are_told_to_come_by_https_only_where_it_is_set(sqlite_url: str) -> None:
    with start(sqlite_url) as client:
        assert "strict-transport-security" not in client.get("/healthz").headers
    with start(sqlite_url, hsts=timedelta(days=365)) as client:
        assert client.get("/healthz").headers["strict-transport-security"] == "max-age=31536000"


def test_every_answer_has_the_security_headers(sqlite_api: Api) -> None:
    for answer in (
        sqlite_api.client.get("/"),
        sqlite_api.client.post("/graphql", json=_QUERY),
        sqlite_api.client.post("/graphql", json=_QUERY, headers={"authorization": "x"}),
        sqlite_api.client.get("/nothing"),
    ):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert "set-cookie" not in answer.headers
