"""Writes through the graph: by whom, with what effect, and what the audit keeps of each."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from starlette.testclient import TestClient

from f1graph.api.app import create_app
from f1graph.races.stages import Stage
from f1graph.settings import Settings
from f1graph.store.audit import AuditRow, load_audit
from f1graph.store.bundles import BundleRow, BundleStatus, store_bundle
from f1graph.store.engine import Store, open_store
from f1graph.store.keys import Scope
from f1graph.weekends.run import run_due
from f1graph.weekends.work import WorkKind
from tests.api.seed import MANIFEST, NEXT, NOW, SEASON, THIRD
from tests.api.test_access import AClock, id_of, new_key
from tests.weekends.recorded import RecordedSessions, a_recorded_source, fetches_of

_REFRESH = """mutation ($race: ID, $session: SessionKind) {
  refresh(race: $race, session: $session) {
    asked { key race { slug } session askedAt isNew refresh { key status reason } }
  }
}"""
_ACTIVATE = (
    "mutation ($bundle: String!) { activateModel(bundle: $bundle) { key status isPinned activatedAt } }"
)
_ROLL_BACK = (
    "mutation ($model: String!, $stage: Stage!) "
    "{ rollbackModel(model: $model, stage: $stage) { key status isPinned } }"
)


@dataclass
class Writer:
    """A caller with or without a key."""

    client: TestClient
    url: str
    clock: AClock
    key: str | None = None

    def with_key(self, *scopes: Scope) -> Writer:
        return Writer(self.client, self.url, self.clock, new_key(self.url, *scopes))

    def answer(self, query: str, **variables: Any) -> Any:
        headers = {} if self.key is None else {"authorization": f"Bearer {self.key}"}
        asked = {"query": query, "variables": variables}
        return self.client.post("/graphql", json=asked, headers=headers).json()

    def data(self, query: str, **variables: Any) -> Any:
        answer = self.answer(query, **variables)
        assert "errors" not in answer, answer
        (found,) = answer["data"].values()
        return found

    def code(self, query: str, **variables: Any) -> str:
        """The code of the one error of a write of which nothing came."""
        answer = self.answer(query, **variables)
        (error,) = answer["errors"]
        assert list(answer["data"].values()) == [None]
        return str(error["extensions"]["code"])

    def audit(self) -> list[AuditRow]:
        """What was written through the API, the newest first."""

        async def load(store: Store) -> list[AuditRow]:
            async with store.read() as read:
                return await load_audit(read, limit=100)

        return [row for row in asyncio.run(_in(self.url, load)) if not row.action.startswith("keys ")]


async def _in(url: str, work: Any) -> Any:
    store = open_store(url)
    try:
        return await work(store)
    finally:
        await store.close()


@pytest.fixture
def public(url: str, tmp_path: Path) -> Iterator[Writer]:
    """Who has no key. D2: two connections are enough for every write and its row."""
    clock = AClock()
    settings = Settings(database_url=url, data_dir=tmp_path / "data", database_pool_size=2)
    with TestClient(create_app(settings, clock=clock), client=("192.0.2.7", 4711)) as client:
        yield Writer(client, url, clock)


@pytest.fixture
def writer(public: Writer) -> Writer:
    return public.with_key(Scope.REFRESH, Scope.MODELS_WRITE)


@pytest.mark.parametrize(
    ("query", "variables", "other"),
    [
        (_REFRESH, {}, Scope.MODELS_WRITE),
        (_ACTIVATE, {"bundle": "rating-1"}, Scope.REFRESH),
        (_ROLL_BACK, {"model": "rating", "stage": "AFTER_QUALIFYING"}, Scope.LIMITS_RAISED),
    ],
)
def test_nobody_writes_without_a_key_of_the_scope(
    public: Writer, query: str, variables: dict[str, str], other: Scope, caplog: pytest.LogCaptureFixture
) -> None:
    """G5, G6: it is refused with a code, and leaves no trace in the log."""
    stranger = public.with_key(other)
    with caplog.at_level(logging.DEBUG, logger="f1graph"):
        assert public.code(query, **variables) == "UNAUTHENTICATED"
        assert stranger.code(query, **variables) == "FORBIDDEN"
    assert [record for record in caplog.records if record.name.startswith("f1graph")] == []
    # Whoever has a key is named; strangers would fill the audit.
    assert [(row.key_id, row.outcome) for row in public.audit()] == [(id_of(stranger.key or ""), "FORBIDDEN")]


def test_a_write_is_never_done_by_get(writer: Writer) -> None:
    """A link or a picture on a foreign page writes nothing."""
    answer = writer.client.get(
        "/graphql",
        params={"query": "mutation { refresh { asked { key } } }"},
        headers={"authorization": f"Bearer {writer.key}"},
    )
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, POST"
    assert writer.audit() == []


def test_what_was_written_stands_in_the_audit_with_who_when_and_whence(writer: Writer) -> None:
    writer.data(_REFRESH, race=THIRD.id, session="RACE")
    writer.clock.shown += timedelta(minutes=1)
    assert writer.code(_ACTIVATE, bundle="x" * 300) == "NOT_FOUND"

    key_id = id_of(writer.key or "")
    assert writer.audit() == [
        AuditRow(
            NOW + timedelta(minutes=1),
            "activateModel",
            {"bundle": "x" * 200},
            "NOT_FOUND",
            key_id,
            "ours",
            "192.0.2.7",
        ),
        AuditRow(NOW, "refresh", {"race": THIRD.id, "session": "RACE"}, "DONE", key_id, "ours", "192.0.2.7"),
    ]


def test_what_fails_for_a_reason_of_ours_is_masked_and_stands_in_the_audit(writer: Writer) -> None:
    """G6: nothing of SQL reaches the caller."""

    async def break_it(store: Store) -> None:
        async with store.write() as write:
            await write.execute(text("DROP TABLE refresh_requests"))

    asyncio.run(_in(writer.url, break_it))
    answer = writer.answer(_REFRESH)

    (error,) = answer["errors"]
    assert error["message"] == "Something went wrong"
    assert error["extensions"]["code"] == "INTERNAL_ERROR"
    assert [row.outcome for row in writer.audit()] == ["INTERNAL_ERROR"]


def test_each_write_of_a_request_is_done_in_turn_and_has_its_row(writer: Writer) -> None:
    answer = writer.answer(
        "mutation { a: refresh { asked { key isNew } } b: refresh { asked { key isNew } } "
        'c: activateModel(bundle: "nope") { key } }'
    )
    (a,), (b,) = (answer["data"][name]["asked"] for name in "ab")
    assert (a["isNew"], b["isNew"]) == (True, False)
    assert a["key"] == b["key"]
    assert answer["data"]["c"] is None
    assert [row.outcome for row in writer.audit()] == ["NOT_FOUND", "DONE", "DONE"]


def test_a_refresh_of_one_session_is_asked_for_once(writer: Writer) -> None:
    (first,) = writer.data(_REFRESH, race=THIRD.id, session="RACE")["asked"]
    assert first["key"].startswith(f"FETCH/{THIRD.id}/RACE/asked-")
    assert (first["race"], first["session"]) == ({"slug": THIRD.id}, "RACE")
    assert (first["isNew"], first["refresh"]) == (True, None)

    other = writer.with_key(Scope.REFRESH)
    writer.clock.shown += timedelta(hours=1)
    (second,) = other.data(_REFRESH, race=THIRD.id, session="RACE")["asked"]
    assert second == first | {"isNew": False}


def test_of_a_race_all_sessions_that_are_over_are_asked_for(writer: Writer) -> None:
    over = [one.kind.value for one in NEXT.sessions if one.ends_at <= NOW]
    asked = writer.data(_REFRESH, race=NEXT.id)["asked"]
    assert [one["session"] for one in asked] == over
    assert over
    assert "RACE" not in over


@pytest.mark.parametrize(
    ("variables", "code"),
    [
        ({"race": "2024-nowhere"}, "NOT_FOUND"),
        ({"race": NEXT.id, "session": "RACE"}, "BAD_REQUEST"),
        ({"race": SEASON[-1].id}, "BAD_REQUEST"),
        ({"race": THIRD.id, "session": "SPRINT"}, "NOT_FOUND"),
        ({"session": "RACE"}, "BAD_REQUEST"),
    ],
)
def test_what_cannot_be_fetched_is_not_asked_for(
    writer: Writer, variables: dict[str, str], code: str
) -> None:
    assert writer.code(_REFRESH, **variables) == code


def test_where_nobody_is_asked_for_one_session_everything_is_asked_for(sqlite_url: str) -> None:
    settings = Settings(database_url=sqlite_url, fastf1=False)
    with TestClient(create_app(settings, clock=lambda: NOW)) as client:
        writer = Writer(client, sqlite_url, AClock(), new_key(sqlite_url))
        (asked,) = writer.data(_REFRESH, race=THIRD.id)["asked"]
    assert (asked["race"], asked["session"]) == (None, None)
    assert asked["key"].startswith("FETCH/everything/asked-")


def test_a_worker_does_what_was_asked_for_and_the_graph_tells_of_it(writer: Writer) -> None:
    (asked,) = writer.data(_REFRESH, race=THIRD.id, session="RACE")["asked"]
    source = a_recorded_source(SEASON)
    sessions = RecordedSessions(source)

    async def work(store: Store) -> None:
        await run_due(
            store,
            source,
            None,
            clock=lambda: NOW,
            worker_name="worker",
            only={WorkKind.FETCH},
            sessions=fetches_of(sessions),
        )

    asyncio.run(_in(writer.url, work))
    assert (THIRD.id, "RACE", NOW, False) in sessions.asked

    found = writer.data(
        "query ($race: ID) { refreshes(race: $race, kind: "
        '"FETCH", first: 100) { nodes { key status race { slug } } } }',
        race=THIRD.id,
    )["nodes"]
    assert {"key": asked["key"], "status": "DONE", "race": {"slug": THIRD.id}} in found
    # It was answered: who asks again, asks anew.
    (again,) = writer.data(_REFRESH, race=THIRD.id, session="RACE")["asked"]
    assert again["isNew"]


A_BUNDLE = BundleRow(
    id="rating-2",
    model="rating",
    version="rating-1.0+2024.3",
    stage=Stage.AFTER_QUALIFYING,
    cutoff=NOW,
    trained_at=NOW,
    checksum="2" * 64,
    path="rating-2",
    status=BundleStatus.CANDIDATE,
    manifest=MANIFEST,
    invented=False,
)


def test_a_model_is_put_to_use_and_taken_back(writer: Writer, tmp_path: Path) -> None:
    async def train(store: Store) -> None:
        async with store.write() as write:
            await store_bundle(write, A_BUNDLE)

    asyncio.run(_in(writer.url, train))
    (tmp_path / "data" / "bundles" / "rating-2").mkdir(parents=True)

    # By the beginning of its checksum, as on the command line.
    active = writer.data(_ACTIVATE, bundle="222")
    assert active == {
        "key": "rating-2",
        "status": "ACTIVE",
        "isPinned": True,
        "activatedAt": f"{NOW:%Y-%m-%dT%H:%M:%SZ}",
    }
    statuses = '{ models(model: "rating") { nodes { key status } } }'
    assert {one["key"]: one["status"] for one in writer.data(statuses)["nodes"]} == {
        "rating-1": "RETIRED",
        "rating-2": "ACTIVE",
    }

    back = writer.data(_ROLL_BACK, model="rating", stage="AFTER_QUALIFYING")
    assert back == {"key": "rating-1", "status": "ACTIVE", "isPinned": True}


def test_a_model_whose_folder_is_gone_is_not_put_to_use(writer: Writer) -> None:
    assert writer.code(_ACTIVATE, bundle="rating-1") == "BAD_BUNDLE"
    assert [row.outcome for row in writer.audit()] == ["BAD_BUNDLE"]


def test_without_a_model_before_there_is_nothing_to_go_back_to(writer: Writer) -> None:
    assert writer.code(_ROLL_BACK, model="ultra", stage="AFTER_QUALIFYING") == "NOT_FOUND"


def test_a_write_that_fails_leaves_nothing_but_its_row(writer: Writer) -> None:
    """One of two sessions cannot be asked for: neither is."""
    before = writer.data("{ service { dataVersion } }")
    assert writer.code(_REFRESH, race=NEXT.id, session="RACE") == "BAD_REQUEST"

    async def count(store: Store) -> int:
        async with store.read() as read:
            return int(await read.value(text("SELECT count(*) FROM refresh_requests")))

    assert asyncio.run(_in(writer.url, count)) == 0
    assert writer.data("{ service { dataVersion } }") == before
