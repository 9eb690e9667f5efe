"""The clients that people use, as they are published: each asks, and each that can subscribes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api.seed import fill_championship
from tests.api.subscribers import Live, living, publish_causes
from tests.clients.node import Node
from tests.databases import SqliteTemplates

_SUBSCRIBERS = (
    "graphql-ws",
    "graphql-sse",
    "graphql-sse, single connection",
    "apollo",
    "urql",
    "urql over graphql-ws",
)


@pytest.fixture
def live(tmp_path: Path, sqlite_templates: SqliteTemplates) -> Iterator[Live]:
    with living(sqlite_templates.copy(tmp_path, fill_championship)) as served:
        yield served


def test_every_client_is_answered(node: Node, live: Live) -> None:
    """G2d: with the Accept that each sends by itself."""
    answers = node.ask("ask.mjs", live.graph)

    race = {"race": {"slug": "2024-gp-4", "name": "Grand Prix of silverstone"}}
    assert set(answers) == {
        "graphql-request",
        "urql",
        "urql by GET",
        "apollo",
        "graphql-ws",
        "graphql-sse",
        "graphql-sse, single connection",
    }
    assert [name for name, answer in answers.items() if answer["race"]["slug"] != race["race"]["slug"]] == []


@pytest.mark.parametrize("client", _SUBSCRIBERS)
async def test_every_client_hears_all_news_from_its_cursor_on(node: Node, live: Live, client: str) -> None:
    """What was published before it came, and what is while it listens."""
    after = await live.newest()
    await publish_causes(live.url, "a", "b")
    hearing = asyncio.create_task(
        asyncio.to_thread(node.run, "subscribe.mjs", client, live.graph, after, "4")
    )
    while not live.feed.followers and not hearing.done():  # noqa: ASYNC110 - in another thread and process
        await asyncio.sleep(0.01)
    await publish_causes(live.url, "c", "d")

    assert json.loads(await hearing) == ["a", "b", "c", "d"]
    await live.nobody_follows()
