"""What a caller reads when something is wrong, and what only the log says."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from sqlalchemy import text

from f1graph.store.engine import open_store
from tests.api.conftest import Api, start


async def _break(url: str) -> None:
    store = open_store(url)
    async with store.write() as write:
        await write.execute(text("DROP TABLE standings"))
    await store.close()


async def test_an_unexpected_error_is_told_by_an_id_that_is_in_the_log(
    api: Api, caplog: pytest.LogCaptureFixture
) -> None:
    """G6: no path, no SQL, no trace reaches the caller; all of it reaches the log with the same id."""
    await _break(api.url)
    with caplog.at_level(logging.ERROR, logger="f1graph.api"):
        answer = api.answer("{ latestRace { slug driverStandings { basis } } }")
    (error,) = answer["errors"]
    assert error["message"] == "Something went wrong"
    assert error["extensions"]["code"] == "INTERNAL_ERROR"
    assert "standings" not in error["message"]
    assert set(error["extensions"]) == {"code", "id"}
    assert answer["data"]["latestRace"]["slug"] == "2024-gp-3"
    (record,) = caplog.records
    assert error["extensions"]["id"] in record.getMessage()
    assert record.exc_info is not None
    assert "standings" in str(record.exc_info[1])


def test_our_own_errors_are_told_with_their_code(sqlite_api: Api) -> None:
    """G6: what we raise on purpose is meant for people."""
    error = sqlite_api.error('{ driver(id: "max-verstappenn") { name } }')
    assert error["message"] == "there is no driver 'max-verstappenn'; a slug looks like max-verstappen"
    assert error["extensions"]["code"] == "NOT_FOUND"
    assert error["path"] == ["driver"]


def test_one_unknown_id_leaves_the_rest_of_the_answer_and_each_is_told(sqlite_api: Api) -> None:
    answer = sqlite_api.answer(
        '{ race(id: "nope") { name } driver(id: "nobody") { name } service { version } }'
    )
    assert answer["data"]["race"] is answer["data"]["driver"] is None
    assert answer["data"]["service"]["version"]
    assert sorted(error["path"] for error in answer["errors"]) == [["driver"], ["race"]]


def test_a_wrong_field_is_told_to_an_honest_caller(sqlite_api: Api) -> None:
    """G6: GraphQL's own errors are not masked."""
    error = sqlite_api.error("{ nextRace { nam } }")
    assert "Cannot query field 'nam'" in error["message"]
    assert error["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"
    assert sqlite_api.error("{ nextRace {")["extensions"]["code"] == "GRAPHQL_PARSE_FAILED"


@pytest.mark.parametrize(
    ("moment", "problem"),
    [("2024-12-08T13:00:00", "has no zone"), ("yesterday", "is not a time"), (1, "is not a time")],
)
def test_a_time_without_a_zone_is_refused(sqlite_api: Api, moment: object, problem: str) -> None:
    """S11: a naive time is an error, never a guess."""
    query = "query ($at: DateTime) { races(startsAfter: $at) { nodes { slug } } }"
    error = sqlite_api.error(query, {"at": moment})
    assert problem in error["message"]
    assert error["extensions"]["code"] == "BAD_USER_INPUT"


def test_a_time_of_another_zone_is_understood(sqlite_api: Api) -> None:
    query = "query ($at: DateTime) { races(season: 2024, startsBefore: $at) { nodes { slug } } }"
    nodes = sqlite_api.ask(query, {"at": "2024-03-03T14:00:00.001+01:00"})["races"]["nodes"]
    assert [node["slug"] for node in nodes] == ["2024-gp-1"]


def test_an_id_of_something_else_is_refused(sqlite_api: Api) -> None:
    race = sqlite_api.ask("{ nextRace { id } }")["nextRace"]["id"]
    error = sqlite_api.error("query ($id: ID!) { driver(id: $id) { name } }", {"id": race})
    assert error["message"].endswith("is the id of a Race, not of a Driver")
    assert sqlite_api.error('{ node(id: "x") { id } }')["extensions"]["code"] == "NOT_FOUND"


def test_a_lost_database_is_no_trace_for_the_caller(caplog: pytest.LogCaptureFixture) -> None:
    """G6: the address of the database stays ours."""
    with (
        caplog.at_level(logging.ERROR, logger="f1graph.api"),
        start("postgresql://somebody:secret@127.0.0.1:1/none") as client,
    ):
        answer = client.post("/graphql", json={"query": "{ nextRace { name } }"}).json()
    (error,) = answer["errors"]
    assert error["message"] == "The database does not answer"
    assert error["extensions"]["code"] == "STORE_ERROR"
    assert error["extensions"]["id"] in caplog.text
    assert "127.0.0.1" not in str(answer)


def test_a_database_without_tables_is_no_trace_for_the_caller(tmp_path: Path) -> None:
    """G6: neither is its path."""
    with start(f"sqlite:///{tmp_path / 'f1graph.db'}") as client:
        answer = client.post("/graphql", json={"query": "{ nextRace { name } }"}).json()
    assert str(tmp_path) not in str(answer)
    assert answer["errors"][0]["message"] == "Something went wrong"
