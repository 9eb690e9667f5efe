"""How often somebody may ask, what is told of it, and what happens when Redis is lost."""

from __future__ import annotations

import asyncio
import itertools
import logging
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
import redis
from starlette.testclient import TestClient, WebSocketDenialResponse

from f1graph.api.access import Caller
from f1graph.api.app import create_app
from f1graph.api.rate_limits import (
    ANSWERS_WITHIN,
    ASKED_AGAIN_AFTER,
    WRONG_KEYS_PER_MINUTE,
    OwnCounts,
    RateLimits,
    Standing,
)
from f1graph.errors import SettingsError
from f1graph.settings import Settings
from f1graph.store.keys import Scope
from f1graph.worker.embedded import EmbeddedValkey, embedded_valkey
from tests.api.conftest import start
from tests.api.seed import NOW
from tests.api.test_access import AClock, new_key

# Each asks for something else, so that none is given again from memory.
_NUMBERS = itertools.count()
_SOMEBODY = Caller("192.0.2.7")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedValkey]:
    with embedded_valkey(tmp_path_factory.mktemp("valkey")) as valkey:
        yield valkey


@pytest.fixture
def valkey(server: EmbeddedValkey) -> Iterator[EmbeddedValkey]:
    """A real Valkey that has counted nothing."""
    with redis.Redis.from_url(server.url) as client:
        client.flushall()
    yield server
    server.revive()


def ask(client: TestClient, key: str | None = None, **headers: str) -> Any:
    given = headers if key is None else headers | {"authorization": f"Bearer {key}"}
    query = f"{{ nextRace {{ name }} }} # {next(_NUMBERS)}"
    return client.post("/graphql", json={"query": query}, headers=given)


def statuses(client: TestClient, times: int, key: str | None = None, **headers: str) -> list[int]:
    return [ask(client, key, **headers).status_code for _ in range(times)]


def test_every_answer_tells_how_often_may_still_be_asked(sqlite_url: str) -> None:
    with start(sqlite_url, rate_limit=3) as client:
        first, second = ask(client), ask(client)
    assert first.headers["ratelimit-policy"] == '"public";q=3;w=60'
    assert first.headers["ratelimit"] == '"public";r=2;t=60'
    assert second.headers["ratelimit"] == '"public";r=1;t=60'
    assert "retry-after" not in second.headers


def test_who_asks_too_often_is_told_when_to_ask_again(sqlite_url: str) -> None:
    with start(sqlite_url, rate_limit=2) as client:
        assert statuses(client, 3) == [200, 200, 429]
        refused = ask(client)
        modern = ask(client, accept="application/graphql-response+json")
    (error,) = refused.json()["errors"]
    assert error["extensions"]["code"] == "RATE_LIMITED"
    assert "data" not in refused.json()
    assert refused.headers["retry-after"] == "60"
    assert refused.headers["ratelimit"] == '"public";r=0;t=60'
    assert modern.headers["content-type"].startswith("application/graphql-response+json")


@pytest.mark.parametrize("in_redis", [False, True])
async def test_with_each_minute_all_may_be_asked_again(in_redis: bool, valkey: EmbeddedValkey) -> None:
    clock = AClock()
    limits = RateLimits(Settings(rate_limit=2, redis_url=valkey.url if in_redis else ""), clock)
    asked = [await standing(limits) for _ in range(3)]
    assert [one.is_over for one in asked] == [False, False, True]

    clock.shown += timedelta(seconds=59.5)
    late = await standing(limits)
    assert late.is_over
    assert late.headers["retry-after"] == "1"
    clock.shown += timedelta(seconds=0.5)
    assert (await standing(limits)).left == 1
    await limits.close()


def test_pages_and_probes_are_not_counted(sqlite_url: str) -> None:
    with start(sqlite_url, rate_limit=1) as client:
        assert [client.get("/healthz").status_code for _ in range(3)] == [200] * 3
        assert "ratelimit" not in client.get("/readyz").headers
        assert ask(client).status_code == 200


def test_what_is_refused_for_another_reason_counts_too(sqlite_url: str) -> None:
    with start(sqlite_url, rate_limit=2) as client:
        assert (
            client.post("/graphql", content=b"x", headers={"content-type": "text/plain"}).status_code == 415
        )
        assert client.get("/graphql").status_code == 400
        assert ask(client).status_code == 429


def test_an_answer_that_is_kept_ready_counts_like_any_other(sqlite_url: str) -> None:
    """And tells each caller what he himself has left."""
    key = new_key(sqlite_url, Scope.LIMITS_RAISED)
    asked = {"query": "{ nextRace { name } }"}
    with start(sqlite_url, rate_limit=3, rate_limit_raised=9) as client:
        answers = [client.post("/graphql", json=asked) for _ in range(4)]
        other = client.post("/graphql", json=asked, headers={"authorization": f"Bearer {key}"})
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert [answer.headers["ratelimit"] for answer in answers] == [
        f'"public";r={left};t=60' for left in (2, 1, 0, 0)
    ]
    assert other.headers["ratelimit"] == '"raised";r=8;t=60'


def test_a_key_is_counted_by_itself_and_may_have_more(sqlite_url: str) -> None:
    ours, theirs = new_key(sqlite_url), new_key(sqlite_url)
    raised = new_key(sqlite_url, Scope.LIMITS_RAISED)
    with start(sqlite_url, rate_limit=2, rate_limit_raised=4) as client:
        assert statuses(client, 3) == [200, 200, 429]
        assert statuses(client, 3, ours) == [200, 200, 429]
        assert statuses(client, 2, theirs) == [200, 200]
        assert ask(client, ours).headers["ratelimit-policy"] == '"key";q=2;w=60'
        first = ask(client, raised)
        assert first.headers["ratelimit"].startswith('"raised";r=3;')
        assert statuses(client, 4, raised) == [200, 200, 200, 429]


def test_no_limit_where_none_is_set(sqlite_url: str) -> None:
    with start(sqlite_url, rate_limit=0) as client:
        answer = ask(client)
    assert answer.status_code == 200
    assert "ratelimit" not in answer.headers


def test_who_guesses_keys_is_soon_not_even_listened_to(sqlite_url: str) -> None:
    """And holds up nobody else: neither the public nor a right key that was used before."""
    right, wrong = new_key(sqlite_url), "f1g_0123456789ab_" + "x" * 43
    with start(sqlite_url) as client:
        assert ask(client, right).status_code == 200
        assert statuses(client, WRONG_KEYS_PER_MINUTE, wrong) == [401] * WRONG_KEYS_PER_MINUTE
        refused = ask(client, wrong)
        assert refused.status_code == 429
        assert refused.json()["errors"][0]["extensions"]["code"] == "RATE_LIMITED"
        assert refused.headers["ratelimit-policy"] == f'"wrong-keys";q={WRONG_KEYS_PER_MINUTE};w=60'
        # Not looked up: it could be right.
        assert ask(client, new_key(sqlite_url)).status_code == 429
        assert ask(client).status_code == ask(client, right).status_code == 200


def test_a_spoofed_address_is_counted_as_whence_it_came(sqlite_url: str) -> None:
    with start(sqlite_url, rate_limit=2) as client:
        spoofed = [
            ask(client, **{"x-forwarded-for": f"203.0.113.{number}"}).status_code for number in range(3)
        ]
    assert spoofed == [200, 200, 429]


def test_behind_a_trusted_proxy_each_client_is_counted_by_itself(sqlite_url: str) -> None:
    settings = Settings(database_url=sqlite_url, rate_limit=1, trusted_proxies="192.0.2.0/24")
    app = create_app(settings, clock=lambda: NOW)
    with TestClient(app, client=("192.0.2.1", 4711)) as client:
        for address, status in (("203.0.113.1", 200), ("203.0.113.2", 200), ("203.0.113.1", 429)):
            assert ask(client, **{"x-forwarded-for": address}).status_code == status
        # A client that writes hops itself does not become another.
        assert ask(client, **{"x-forwarded-for": "198.51.100.7, 203.0.113.1"}).status_code == 429


def test_a_websocket_counts_as_a_request(sqlite_url: str) -> None:
    with start(sqlite_url, rate_limit=1) as client:
        ask(client)
        with pytest.raises(WebSocketDenialResponse) as refused, client.websocket_connect("/graphql"):
            pass
    assert refused.value.status_code == 429
    assert refused.value.headers["retry-after"]


def test_two_processes_count_together_in_redis(sqlite_url: str, valkey: EmbeddedValkey) -> None:
    with (
        start(sqlite_url, rate_limit=3, redis_url=valkey.url) as one,
        start(sqlite_url, rate_limit=3, redis_url=valkey.url) as other,
    ):
        assert statuses(one, 2) == [200, 200]
        assert ask(other).headers["ratelimit"].startswith('"public";r=0;')
        assert statuses(other, 1) == statuses(one, 1) == [429]


def test_without_redis_each_process_counts_for_itself(sqlite_url: str) -> None:
    with start(sqlite_url, rate_limit=1) as one, start(sqlite_url, rate_limit=1) as other:
        assert statuses(one, 2) == [200, 429]
        assert statuses(other, 2) == [200, 429]


class Ticks:
    """A clock that a test sets."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


async def standing(limits: RateLimits, caller: Caller = _SOMEBODY) -> Standing:
    found = await limits.count(caller)
    assert found is not None
    return found


async def test_a_redis_that_is_killed_is_told_of_once_and_found_again(
    valkey: EmbeddedValkey, caplog: pytest.LogCaptureFixture
) -> None:
    """Requests go on meanwhile, counted in the process, and none waits for it in vain."""
    ticks = Ticks()
    limits = RateLimits(Settings(rate_limit=10, redis_url=valkey.url), AClock(), ticks=ticks)
    assert (await standing(limits)).left == 9
    valkey.stop()

    with caplog.at_level(logging.DEBUG, logger="f1graph.api"):
        lost = [await standing(limits) for _ in range(5)]
        ticks.now += ASKED_AGAIN_AFTER.total_seconds()
        lost.append(await standing(limits))
    assert [one.left for one in lost] == [9, 8, 7, 6, 5, 4]
    (record,) = caplog.records
    assert record.levelname == "WARNING"
    assert record.exc_info is None
    assert "each API process counts its own" in record.getMessage()

    caplog.clear()
    assert valkey.revive()
    assert (await standing(limits)).left == 3
    ticks.now += ASKED_AGAIN_AFTER.total_seconds()
    with caplog.at_level(logging.WARNING, logger="f1graph.api"):
        back = [await standing(limits) for _ in range(2)]
    assert back[1].left == back[0].left - 1
    assert "Redis is back" in caplog.text
    await limits.close()


@contextmanager
def a_redis_that_says_nothing() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0), backlog=64) as silent:
        yield f"redis://127.0.0.1:{silent.getsockname()[1]}"


async def test_a_redis_that_hangs_holds_up_one_request_for_a_quarter_of_a_second() -> None:
    ticks = Ticks()
    loop = asyncio.get_running_loop()
    with a_redis_that_says_nothing() as url:
        limits = RateLimits(Settings(rate_limit=10, redis_url=url), AClock(), ticks=ticks)
        begun = loop.time()
        async with asyncio.timeout(20 * ANSWERS_WITHIN.total_seconds()):
            assert (await standing(limits)).left == 9
        assert loop.time() - begun >= 0.9 * ANSWERS_WITHIN.total_seconds()
        # Known to be lost: a hundred more are over before one could have waited as long again.
        async with asyncio.timeout(20 * ANSWERS_WITHIN.total_seconds()):
            found = await asyncio.gather(*(standing(limits) for _ in range(100)))
        assert len([one for one in found if not one.is_over]) == 9
        await limits.close()


def test_so_many_addresses_that_nobody_counts_them_fill_no_memory() -> None:
    counts = OwnCounts(most=100)
    for number in range(1_000):
        assert counts.hit(f"public/{number}", 1, 1) == 1
        assert len(counts) <= 100
    assert counts.hit("public/999", 1, 1) == 2


async def test_a_network_of_ipv6_is_counted_once() -> None:
    limits = RateLimits(Settings(rate_limit=10), AClock())
    assert (await standing(limits, Caller("2001:db8::1"))).left == 9
    assert (await standing(limits, Caller("2001:db8::2"))).left == 8
    assert (await standing(limits, Caller("2001:db8:1::1"))).left == 9


def test_an_address_of_redis_that_is_none_is_told_at_the_start() -> None:
    with pytest.raises(SettingsError, match="F1GRAPH_REDIS_URL='http://x'"):
        create_app(Settings(redis_url="http://x"))


def test_the_settings_name_a_proxy_that_is_none() -> None:
    with pytest.raises(ValueError, match="nonsense"):
        Settings(trusted_proxies="192.0.2.1, nonsense")


def test_a_lost_redis_is_no_error_of_a_request(sqlite_url: str, valkey: EmbeddedValkey) -> None:
    with start(sqlite_url, redis_url=valkey.url) as client:
        assert ask(client).status_code == 200
        valkey.stop()
        answers = [ask(client) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200] * 3
    assert all(answer.json()["data"]["nextRace"] for answer in answers)
