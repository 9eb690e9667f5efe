"""What the graph tells of the service's own work: the ledger, its problems, and how the sources are."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from starlette.testclient import TestClient

from f1graph.api.app import create_app
from f1graph.settings import Settings
from f1graph.store.budget import Reservation, reserve, settle
from f1graph.store.engine import open_store
from f1graph.store.ledger import claim, fail, finish, note_progress
from tests.builders import a_moment

NOW = a_moment("2024-03-14 12:00")
BLOCKED = {"part": "LAPS", "code": "BLOCKED", "reason": "it answered 403", "host": "live_timing"}


@pytest.fixture
async def url(migrated_sqlite: str) -> str:
    """One fetch that lacked a part, one that failed, and five calls made."""
    store = open_store(migrated_sqlite)
    async with store.write() as write:
        for minutes, (key, race) in enumerate(
            [("FETCH/2024-miami/RACE/+30min", "2024-miami"), ("FETCH/daily/2024-03-14", None)]
        ):
            at = NOW - timedelta(minutes=10 - minutes)
            await claim(
                write, key, kind="FETCH", worker="w", now=at, lease=timedelta(minutes=1), race_id=race
            )
            if race:
                detail: dict[str, Any] = {"source": "fastf1", "calls": {"ergast": 5}, "problems": [BLOCKED]}
                await finish(write, key, worker="w", now=at, detail=detail)
            else:
                error = "SOURCE_UNAVAILABLE: no network"
                await fail(write, key, worker="w", now=at, error=error, pause=timedelta(minutes=5))
        taken = await reserve(
            write, {"ergast": 9}, per_hour={"ergast": 150}, now=NOW, lasts=timedelta(minutes=3)
        )
        assert isinstance(taken, Reservation)
        await settle(write, taken, {"ergast": 5}, now=NOW)
    await store.close()
    return migrated_sqlite


def ask(url: str, query: str) -> Any:
    with TestClient(create_app(Settings(database_url=url), clock=lambda: NOW)) as client:
        assert client.get("/readyz").status_code == 200
        answer = client.post("/graphql", json={"query": query}).json()
    assert "errors" not in answer, answer
    return answer["data"]


def test_each_refresh_names_the_parts_it_lacked(url: str) -> None:
    found = ask(
        url,
        '{ refreshes(kind: "FETCH") { totalCount nodes { key status reason againAt calls '
        "problems { part code reason host } } } }",
    )["refreshes"]
    failed, partial = found["nodes"]
    assert found["totalCount"] == 2
    assert (failed["status"], failed["reason"]) == ("FAILED", "SOURCE_UNAVAILABLE: no network")
    assert failed["againAt"] == "2024-03-14T11:56:00Z"
    assert (partial["calls"], partial["problems"]) == (5, [BLOCKED])


async def test_a_training_tells_how_far_it_is_and_what_came_of_it(migrated_sqlite: str) -> None:
    store = open_store(migrated_sqlite)
    lease = timedelta(minutes=1)
    async with store.write() as write:
        for minutes, stage in enumerate(("BEFORE_WEEKEND", "AFTER_PRACTICE", "AFTER_QUALIFYING")):
            key, at = f"TRAIN/ultra/{stage}/2024-miami", NOW - timedelta(minutes=minutes)
            await claim(write, key, kind="TRAIN", worker="w", now=at, lease=lease, race_id="2024-miami")
        step = {"estimator": "tft", "number": 7, "expected": 60, "seconds": 2.5}
        await note_progress(write, "TRAIN/ultra/AFTER_PRACTICE/2024-miami", worker="w", detail=step)
        done = {"bundle": "ultra-1", "is_in_use": True, "why": "none was in use"}
        key = "TRAIN/ultra/AFTER_QUALIFYING/2024-miami"
        await finish(write, key, worker="w", now=NOW, detail=done)
    await store.close()
    query = '{ refreshes(kind: "TRAIN") { nodes { training { fits expectedFits bundle isInUse why } } } }'

    found = [node["training"] for node in ask(migrated_sqlite, query)["refreshes"]["nodes"]]

    nothing = {"fits": None, "expectedFits": None, "bundle": None, "isInUse": None, "why": None}
    assert found == [
        None,
        nothing | {"fits": 7, "expectedFits": 60},
        nothing | {"bundle": "ultra-1", "isInUse": True, "why": "none was in use"},
    ]


def test_refreshes_are_paged_and_asked_for_by_race(url: str) -> None:
    first = ask(url, "{ refreshes(first: 1) { nodes { key } pageInfo { hasNextPage endCursor } } }")[
        "refreshes"
    ]
    after = first["pageInfo"]["endCursor"]
    rest = ask(url, f'{{ refreshes(first: 1, after: "{after}") {{ nodes {{ key }} }} }}')["refreshes"]
    of_race = ask(url, '{ refreshes(race: "2024-miami") { nodes { key } } }')["refreshes"]
    assert first["pageInfo"]["hasNextPage"]
    assert rest == of_race


def test_a_blocked_source_shows_and_the_service_stays_ready(url: str) -> None:
    """S1: the timing host blocks cloud addresses."""
    sources = ask(
        url,
        "{ service { sources { name lastSuccess lastProblem { code reason at } "
        "budget { host used reserved perHour left } } } }",
    )["service"]["sources"]
    f1db, fastf1, *_ = sources
    assert f1db["lastProblem"]["code"] == "SOURCE_UNAVAILABLE"
    assert f1db["budget"] == []
    assert fastf1["lastProblem"] == {
        "code": "BLOCKED",
        "reason": "it answered 403",
        "at": "2024-03-14T11:50:00Z",
    }
    assert fastf1["lastSuccess"] == "2024-03-14T11:50:00Z"
    ergast = {"host": "ergast", "used": 5, "reserved": 0, "perHour": 150, "left": 145}
    assert ergast in fastf1["budget"]
