"""Anything with an id can be asked for again by it, alone or many at once."""

from __future__ import annotations

import pytest

from f1graph.api.ids import global_id
from tests.api.conftest import Api
from tests.api.seed import NEXT

_NODES = "query ($ids: [ID!]!) { nodes(ids: $ids) { __typename id } }"


def test_everything_with_an_id_is_found_again_by_it(api: Api) -> None:
    found = api.ask(
        "{ nextRace { id circuit { id } forecast { id } } season(year: 2024) { id } "
        'driver(id: "norris") { id } constructor(id: "team-0") { id } models { nodes { id } } }'
    )
    ids = {
        "Race": found["nextRace"]["id"],
        "Circuit": found["nextRace"]["circuit"]["id"],
        "Forecast": found["nextRace"]["forecast"]["id"],
        "Season": found["season"]["id"],
        "Driver": found["driver"]["id"],
        "Constructor": found["constructor"]["id"],
        "Bundle": found["models"]["nodes"][0]["id"],
    }
    asked = list(ids.values())
    nodes = api.ask(_NODES, {"ids": asked})["nodes"]
    assert nodes == [{"__typename": name, "id": one} for name, one in ids.items()]
    one_by_one = [
        api.ask("query ($id: ID!) { node(id: $id) { __typename id } }", {"id": one}) for one in asked
    ]
    assert [answer["node"] for answer in one_by_one] == nodes


def test_one_unknown_id_takes_nothing_from_the_others(api: Api) -> None:
    """Null stands only in the place of what failed, with an error that names the place."""
    ids = [
        global_id("Driver", "norris"),
        global_id("Driver", "nobody"),
        "nonsense",
        global_id("Race", NEXT.id),
    ]
    answer = api.answer(_NODES, {"ids": ids})
    assert [node and node["__typename"] for node in answer["data"]["nodes"]] == ["Driver", None, None, "Race"]
    assert [(error["path"], error["extensions"]["code"]) for error in answer["errors"]] == [
        (["nodes", 1], "NOT_FOUND"),
        (["nodes", 2], "NOT_FOUND"),
    ]


@pytest.mark.parametrize("kind", ["Bundle", "Forecast", "Season", "Circuit"])
def test_an_id_of_nothing_is_an_error_with_a_code(sqlite_api: Api, kind: str) -> None:
    error = sqlite_api.error("query ($id: ID!) { node(id: $id) { id } }", {"id": global_id(kind, "nothing")})
    assert error["extensions"]["code"] == "NOT_FOUND"


def test_more_than_a_hundred_ids_are_refused(sqlite_api: Api) -> None:
    """G2: every list has a maximum, also one that is given."""
    answer = sqlite_api.answer(_NODES, {"ids": [global_id("Driver", "norris")] * 101})
    assert "data" not in answer
    assert answer["errors"][0]["extensions"]["code"] == "BAD_LIST_SIZE"
