"""Persisted documents: sent by hash or name, remembered or registered, or nothing else."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from f1graph.api.documents import Documents
from f1graph.api.limits import Limits
from f1graph.api.schema import graphql_schema
from f1graph.errors import SettingsError
from f1graph.settings import Settings
from tests.api.conftest import Api, start

RACE = "query NextRace { nextRace { name } }"
MODERN = {"accept": "application/graphql-response+json"}
NOT_FOUND = "PERSISTED_QUERY_NOT_FOUND"


def hashed(document: str) -> str:
    return hashlib.sha256(document.encode()).hexdigest()


def by_hash(document: str, **content: Any) -> dict[str, Any]:
    return {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": hashed(document)}}, **content}


def code(answer: dict[str, Any]) -> str:
    return str(answer["errors"][0]["extensions"]["code"])


def ask(client: TestClient, content: dict[str, Any]) -> dict[str, Any]:
    answer: dict[str, Any] = client.post("/graphql", json=content).json()
    return answer


def manifest(folder: Path, *documents: str) -> Path:
    """As graphql-codegen's client preset writes it."""
    path = folder / "persisted-documents.json"
    path.write_text(json.dumps({hashed(document): document for document in documents}), encoding="utf-8")
    return path


def test_a_document_is_sent_once_and_then_by_its_hash(sqlite_api: Api) -> None:
    """The protocol of automatic persisted queries, as Apollo has it."""
    unknown = ask(sqlite_api.client, by_hash(RACE))
    sent = ask(sqlite_api.client, by_hash(RACE, query=RACE))
    known = ask(sqlite_api.client, by_hash(RACE))
    by_address = sqlite_api.client.get(
        "/graphql", params={"extensions": json.dumps(by_hash(RACE)["extensions"])}
    ).json()

    assert (unknown["errors"][0]["message"], code(unknown)) == ("PersistedQueryNotFound", NOT_FOUND)
    assert sent == known == by_address == {"data": {"nextRace": {"name": sent["data"]["nextRace"]["name"]}}}


def test_a_hash_that_is_unknown_has_the_status_of_a_document_that_is_wrong(sqlite_api: Api) -> None:
    plain = sqlite_api.client.post("/graphql", json=by_hash(RACE))
    modern = sqlite_api.client.post("/graphql", json=by_hash(RACE), headers=MODERN)

    assert (plain.status_code, modern.status_code) == (200, 400)


def test_a_document_of_another_hash_is_refused_and_not_remembered(sqlite_api: Api) -> None:
    """Nobody can put another document in the place of one that others ask for by its hash."""
    other = "{ latestRace { name } }"
    answer = sqlite_api.client.post("/graphql", json=by_hash(RACE, query=other))

    assert (answer.status_code, code(answer.json())) == (400, "PERSISTED_QUERY_HASH_MISMATCH")
    assert code(ask(sqlite_api.client, by_hash(RACE))) == NOT_FOUND


def test_a_document_that_is_wrong_is_not_remembered(sqlite_api: Api) -> None:
    assert (
        code(ask(sqlite_api.client, by_hash("{ nothing }", query="{ nothing }")))
        == "GRAPHQL_VALIDATION_FAILED"
    )
    assert code(ask(sqlite_api.client, by_hash("{ nothing }"))) == NOT_FOUND


def test_no_more_documents_are_remembered_than_the_setting_says(sqlite_url: str) -> None:
    documents = [f"query Q{number} {{ nextRace {{ name }} }}" for number in range(3)]
    long = RACE + "#" * 20_000
    with start(sqlite_url, automatic_documents=2) as client:
        for document in [*documents, long]:
            assert "data" in ask(client, by_hash(document, query=document))
        answers = [ask(client, by_hash(document)) for document in [*documents, long]]

    assert ["data" in answer for answer in answers] == [False, True, True, False]


def test_without_automatic_documents_a_client_is_told_to_send_the_text(sqlite_url: str) -> None:
    with start(sqlite_url, automatic_documents=0) as client:
        answer = ask(client, by_hash(RACE))
        with_text = ask(client, by_hash(RACE, query=RACE))

    assert code(answer) == code(with_text) == "PERSISTED_QUERY_NOT_SUPPORTED"
    assert answer["errors"][0]["message"] == "PersistedQueryNotSupported"


@pytest.mark.parametrize(
    "content",
    [
        {"extensions": {"persistedQuery": 1}},
        {"extensions": {"persistedQuery": {"version": 2, "sha256Hash": hashed(RACE)}}},
        {"extensions": {"persistedQuery": {"version": 1}}},
        {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": "abc"}}},
        {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": [hashed(RACE)]}}},
        {"documentId": 1},
        {"documentId": ""},
        {"documentId": "a/../b"},
        {"documentId": "a" * 1_000},
        by_hash(RACE, documentId="races"),
    ],
)
def test_what_names_no_document_is_refused(sqlite_api: Api, content: dict[str, Any]) -> None:
    """G2c: a request that is none has 400 in every media type."""
    answer = sqlite_api.client.post("/graphql", json=content)

    assert (answer.status_code, code(answer.json())) == (400, "BAD_REQUEST")


def test_a_registered_document_runs_by_its_id(sqlite_url: str, tmp_path: Path) -> None:
    """By `documentId`, as GraphQL over HTTP has it, and as the clients of code generators send it."""
    registered = manifest(tmp_path, RACE, "query Race($id: ID!) { race(id: $id) { name } }")
    ids = [f"sha256:{hashed(RACE)}", hashed(RACE)]
    with start(sqlite_url, persisted_documents=registered) as client:
        posted = [ask(client, {"documentId": one}) for one in ids]
        by_address = client.get("/graphql", params={"documentId": ids[0], "operationName": "NextRace"}).json()
        automatic = ask(client, by_hash(RACE))
        other = ask(client, {"documentId": f"sha256:{hashed('other')}"})
        text = ask(client, {"query": RACE})

    assert posted == [text, text]
    assert by_address == automatic == text
    assert "data" in text
    assert code(other) == NOT_FOUND


def test_documents_may_be_registered_as_a_folder_and_by_name(sqlite_url: str, tmp_path: Path) -> None:
    (tmp_path / "next-race.graphql").write_text(RACE, encoding="utf-8")
    (tmp_path / "notes.txt").write_text("{", encoding="utf-8")
    with start(sqlite_url, persisted_documents=tmp_path) as client:
        by_name = ask(client, {"documentId": "next-race"})
        by_its_hash = ask(client, {"documentId": f"sha256:{hashed(RACE)}"})

    assert by_name == by_its_hash
    assert by_name["data"]["nextRace"]["name"]


def test_where_only_registered_documents_run_nothing_else_does(sqlite_url: str, tmp_path: Path) -> None:
    other = "{ latestRace { name } }"
    settings: dict[str, Any] = {
        "persisted_documents": manifest(tmp_path, RACE),
        "only_persisted_documents": True,
    }
    with start(sqlite_url, **settings) as client:
        allowed = [
            ask(client, one)
            for one in (
                {"documentId": hashed(RACE)},
                by_hash(RACE),
                {"query": RACE},
                by_hash(RACE, query=RACE),
            )
        ]
        refused = [
            client.post("/graphql", json=one)
            for one in (
                {"query": other},
                by_hash(other, query=other),
                by_hash(other),
                {"query": "{ __typename }"},
                {"documentId": "other"},
            )
        ]

    assert all("data" in answer for answer in allowed)
    assert {(one.status_code, code(one.json())) for one in refused} == {(403, "DOCUMENT_NOT_REGISTERED")}


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("{", "cannot be read"),
        ("[]", "names no document"),
        ("{}", "names no document"),
        ('{"a": 1}', "has no text of a document at 'a'"),
        ('{"' + "0" * 64 + '": "{ nextRace { name } }"}', "the hash of that document is"),
        ('{"a": "{ nothing }"}', "'a' may not run, GRAPHQL_VALIDATION_FAILED"),
        ('{"a": "{"}', "'a' may not run, GRAPHQL_PARSE_FAILED"),
        ('{"a": "{ races(first: 1000) { totalCount } }"}', "'a' may not run, BAD_LIST_SIZE"),
    ],
)
def test_a_manifest_that_cannot_be_used_stops_the_start(tmp_path: Path, content: str, problem: str) -> None:
    """Each document is checked against the schema and the limits before anybody asks for it."""
    path = tmp_path / "manifest.json"
    path.write_text(content, encoding="utf-8")

    with pytest.raises(SettingsError, match="F1GRAPH_PERSISTED_DOCUMENTS.*" + problem):
        start("sqlite:///unused.db", persisted_documents=path)


def test_without_a_manifest_nothing_could_be_the_only_thing_that_runs(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="F1GRAPH_ONLY_PERSISTED_DOCUMENTS needs"):
        start("sqlite:///unused.db", only_persisted_documents=True)
    with pytest.raises(SettingsError, match="cannot be read"):
        start("sqlite:///unused.db", persisted_documents=tmp_path / "missing.json")


def test_the_documents_that_are_remembered_take_no_more_memory_than_they_may() -> None:
    """G2: somebody who sends ever new documents fills nothing."""
    documents = Documents(graphql_schema, Limits(), size=40_000)
    first = documents.read("query First { nextRace { name } }")
    assert documents.read("query First { nextRace { name } }") is first

    for number in range(20):
        documents.read(f"query Q{number} {{ nextRace {{ name }} }}")

    assert documents.read("query First { nextRace { name } }") is not first
    assert Settings().automatic_documents * 20_000 <= 20_000_000
