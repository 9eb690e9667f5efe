"""Many idle subscribers of two API processes while something is published now and then.

Every subscriber must hear every event, once and in order, and the processes' memory must stay flat.
"""

from __future__ import annotations

import asyncio
import json
import os
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from f1graph.store.engine import open_store
from f1graph.store.events import EventKind, publish
from f1graph.store.migrate import migrate
from tests.api.seed import NEXT, NOW, fill_championship
from tests.benchmarks.measuring import console, free_port, served, show

# Longer by the environment's SOAK_MINUTES; the slow test takes half an hour.
_MINUTES = 2
_A_MINUTE = 50
_PROCESSES = 2
_SUBSCRIPTION = (
    "subscription ($after: String) { updates(after: $after) "
    "{ cursor cause race { name sessions { startsAt } } } }"
)
# After all are there and the first events were told: what is needed once, is there.
_WARM = 0.1


@dataclass
class Soak:
    """What was seen.

    Attributes:
        heard: Of each subscriber the events that it heard, in its order.
        delays: From the commit to each subscriber, in seconds.
        memory: Of each process in MB, when it was warm and at the end.
    """

    heard: list[list[str]]
    delays: list[float] = field(default_factory=list)
    memory: list[tuple[float, float]] = field(default_factory=list)


@contextmanager
def api_process(database_url: str) -> Iterator[tuple[str, psutil.Process]]:
    """An API process and its address."""
    port = free_port()
    settings = {
        "F1GRAPH_DATABASE_URL": database_url,
        "F1GRAPH_PORT": str(port),
        "F1GRAPH_NOW": NOW.isoformat(),
        # All subscribers come from one address.
        "F1GRAPH_RATE_LIMIT": "0",
    }
    with served(("-m", "f1graph", "api"), port=port, path="/readyz", **settings) as process:
        yield f"http://127.0.0.1:{port}", process


async def soak(database_url: str, *, subscribers: int, events: int, pause: float) -> Soak:
    """Publishes so many events with a pause between them, while so many follow over both kinds of streams."""
    causes = [f"event {number}" for number in range(events)]
    published: dict[str, float] = {}
    seen = Soak([[] for _ in range(subscribers)])
    with ExitStack() as processes:
        running = [processes.enter_context(api_process(database_url)) for _ in range(_PROCESSES)]
        after = _newest(running[0][0])
        async with AsyncExitStack() as streams:
            followers = []
            for number in range(subscribers):
                address = running[number % _PROCESSES][0]
                # A quarter of them over event streams.
                kind = _events if number % 4 == 0 else _messages
                told = await kind(streams, address, after)
                followers.append(asyncio.create_task(_follow(told, seen, number, published, events)))
            before: list[float] = []
            async for number in _publishing(database_url, causes, published, pause):
                if number == int(events * _WARM):
                    before = [_megabytes(process) for _, process in running]
            async with asyncio.timeout(60):
                await asyncio.gather(*followers)
            now = [_megabytes(process) for _, process in running]
            seen.memory = list(zip(before, now, strict=True))
    return seen


async def _publishing(
    url: str, causes: list[str], published: dict[str, float], pause: float
) -> AsyncIterator[int]:
    store = open_store(url, pool_size=1)
    for number, cause in enumerate(causes):
        async with store.write() as write:
            await publish(write, EventKind.CALENDAR_CHANGED, cause=cause, race_id=NEXT.id, now=NOW)
        published[cause] = time.monotonic()
        yield number
        await asyncio.sleep(pause)
    await store.close()


async def _follow(
    told: AsyncIterator[dict[str, Any]], seen: Soak, number: int, published: dict[str, float], events: int
) -> None:
    heard = seen.heard[number]
    async for data in told:
        cause = data["updates"]["cause"]
        heard.append(cause)
        if cause in published:
            seen.delays.append(time.monotonic() - published[cause])
        if len(heard) >= events:
            return


async def _messages(streams: AsyncExitStack, address: str, after: str) -> AsyncIterator[dict[str, Any]]:
    websocket = await streams.enter_async_context(
        connect(
            f"{address.replace('http', 'ws', 1)}/graphql",
            subprotocols=[Subprotocol("graphql-transport-ws")],
            proxy=None,
        )
    )
    await websocket.send(json.dumps({"type": "connection_init"}))
    await websocket.recv()
    payload = {"query": _SUBSCRIPTION, "variables": {"after": after}}
    await websocket.send(json.dumps({"id": "1", "type": "subscribe", "payload": payload}))

    async def told() -> AsyncIterator[dict[str, Any]]:
        async for message in websocket:
            yield json.loads(message)["payload"]["data"]

    return told()


async def _events(streams: AsyncExitStack, address: str, after: str) -> AsyncIterator[dict[str, Any]]:
    client = await streams.enter_async_context(httpx.AsyncClient(timeout=None))
    response = await streams.enter_async_context(
        client.stream(
            "POST",
            f"{address}/graphql",
            json={"query": _SUBSCRIPTION, "variables": {"after": after}},
            headers={"accept": "text/event-stream"},
        )
    )

    async def told() -> AsyncIterator[dict[str, Any]]:
        async for line in response.aiter_lines():
            if line.startswith("data: "):
                yield json.loads(line.removeprefix("data: "))["data"]

    return told()


def _newest(address: str) -> str:
    answer = httpx.post(f"{address}/graphql", json={"query": "{ updates { nextCursor } }"})
    cursor: str = answer.json()["data"]["updates"]["nextCursor"]
    return cursor


def _megabytes(process: psutil.Process) -> float:
    return float(process.memory_info().rss) / 1_000_000


def main() -> None:
    minutes = int(os.environ.get("SOAK_MINUTES", _MINUTES))
    with tempfile.TemporaryDirectory(prefix="bench") as folder:
        url = f"sqlite:///{Path(folder) / 'f1graph.db'}"
        asyncio.run(_fill(url))
        console.print(f"200 subscribers of {_PROCESSES} processes for {minutes} minutes ...")
        events = minutes * _A_MINUTE
        seen = asyncio.run(soak(url, subscribers=200, events=events, pause=60 / _A_MINUTE))
    delays = sorted(seen.delays)
    show(
        f"{events} events, {_A_MINUTE} a minute",
        ("", "seen"),
        [
            ("subscribers that heard all, once and in order", str(_whole(seen, events))),
            ("median ms from commit to subscriber", f"{delays[len(delays) // 2] * 1000:.0f}"),
            ("p99 ms", f"{delays[int(len(delays) * 0.99)] * 1000:.0f}"),
            *(
                (f"MB of process {number}, warm and at the end", f"{warm:.1f} → {end:.1f}")
                for number, (warm, end) in enumerate(seen.memory, start=1)
            ),
        ],
    )


def _whole(seen: Soak, events: int) -> int:
    causes = [f"event {number}" for number in range(events)]
    return sum(heard == causes for heard in seen.heard)


async def _fill(url: str) -> None:
    await migrate(url)
    store = open_store(url)
    await fill_championship(store)
    await store.close()


if __name__ == "__main__":
    main()
