"""Many subscribers of several processes, for a while."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import httpx
import pytest

from tests.api.subscribers import UPDATES
from tests.benchmarks.subscriptions import Soak, api_process, soak


def _assert_nothing_lost_or_doubled(seen: Soak, events: int) -> None:
    causes = [f"event {number}" for number in range(events)]
    assert [number for number, heard in enumerate(seen.heard) if heard != causes] == []


async def test_forty_subscribers_of_two_processes_hear_every_event_once_and_in_order(url: str) -> None:
    seen = await soak(url, subscribers=40, events=10, pause=0)

    _assert_nothing_lost_or_doubled(seen, 10)


async def test_a_process_ends_at_once_on_a_signal_though_somebody_follows(sqlite_url: str) -> None:
    """uvicorn alone would wait for ever: an event stream has no end of its own."""
    with api_process(sqlite_url) as (address, process):
        async with AsyncExitStack() as streams:
            for _ in range(3):
                await streams.enter_async_context(following(address))
            process.terminate()

            # Ten seconds are what it gives to who still reads an answer.
            ended = await asyncio.to_thread(process.wait, 9)

    assert ended == -signal.SIGTERM


@asynccontextmanager
async def following(address: str) -> AsyncIterator[httpx.Response]:
    """An event stream that has begun."""
    headers = {"accept": "text/event-stream"}
    async with (
        httpx.AsyncClient(timeout=None) as client,
        client.stream("GET", f"{address}/graphql", params={"query": UPDATES}, headers=headers) as response,
    ):
        assert response.status_code == 200
        yield response


@pytest.mark.slow
async def test_two_hundred_subscribers_hear_every_event_for_half_an_hour_in_flat_memory(url: str) -> None:
    """G12: nothing piles up: 50 events a minute, for 30 minutes."""
    seen = await soak(url, subscribers=200, events=1_500, pause=1.2)

    _assert_nothing_lost_or_doubled(seen, 1_500)
    for warm, end in seen.memory:
        assert end < warm * 1.05 + 5
