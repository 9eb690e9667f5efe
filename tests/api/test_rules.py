"""What counts as what: the rules that the descriptions promise."""

from __future__ import annotations

from typing import Any

import pytest

from f1graph.api.schema import graphql_schema
from tests.api.conftest import Api
from tests.api.seed import THIRD


@pytest.fixture
def lines(sqlite_api: Api) -> dict[str, Any]:
    """The result of a race with a disqualified, a retired and an absent driver, by driver."""
    race = sqlite_api.ask(
        "query ($id: ID!) { race(id: $id) { results { position status points isRetirement isVoid "
        "driver { slug } } } }",
        {"id": THIRD.id},
    )["race"]
    return {line["driver"]["slug"]: line for line in race["results"]}


def description(type_name: str, field: str = "") -> str:
    found: Any = graphql_schema.get_type(type_name)
    return str(found.fields[field].description if field else found.description)


def test_a_disqualified_driver_has_no_position_and_did_not_retire(lines: dict[str, Any]) -> None:
    """P6: a disqualification takes the podium away, and is no retirement."""
    assert lines["gasly"]["position"] is None
    assert not lines["gasly"]["isRetirement"]
    assert not lines["gasly"]["isVoid"]
    assert "disqualified" in description("ForecastEntry")
    assert "disqualif" in description("ClassificationLine", "position")


def test_a_car_that_did_not_finish_retired(lines: dict[str, Any]) -> None:
    """P6: what a retirement is."""
    assert lines["alonso"]["isRetirement"]
    assert "is not classified" in description("Retirement", "total")


def test_who_did_not_start_is_void(lines: dict[str, Any]) -> None:
    """P6: an entry without an outcome is not judged."""
    assert lines["hamilton"]["isVoid"]
    assert not lines["hamilton"]["isRetirement"]
    assert "void" in description("ForecastEntry")


def test_starts_podiums_and_points_follow_the_newest_revision(sqlite_api: Api) -> None:
    """P6: a career counts who was disqualified as a starter without a result."""
    query = '{ driver(id: "%s") { career { starts wins podiums points championships } } }'
    races = 4 + 3  # of 2023 and 2024 so far
    assert sqlite_api.ask(query % "hamilton")["driver"]["career"]["starts"] == races - 1
    assert sqlite_api.ask(query % "gasly")["driver"]["career"]["starts"] == races


def test_careers_agree_with_the_results_they_are_made_of(api: Api) -> None:
    data = api.ask(
        '{ driver(id: "verstappen") { career { starts wins podiums points championships }'
        " seasons { year starts wins isComplete position constructors { slug } }"
        " results(first: 100) { nodes { kind position points status isRetirement } totalCount } } }"
    )["driver"]
    races = [line for line in data["results"]["nodes"] if line["kind"] == "RACE"]
    assert data["career"]["starts"] == len(races)
    assert data["career"]["wins"] == sum(line["position"] == 1 for line in races)
    assert data["career"]["podiums"] == sum((line["position"] or 99) <= 3 for line in races)
    assert data["career"]["points"] == sum(line["points"] or 0 for line in data["results"]["nodes"])
    assert data["results"]["totalCount"] == len(races) + 1  # one sprint
    assert [season["year"] for season in data["seasons"]] == [2024, 2023]
    assert [season["isComplete"] for season in data["seasons"]] == [False, True]
    assert data["seasons"][0]["constructors"] == [{"slug": "team-3"}]


def test_drivers_are_found_by_a_part_of_the_name(api: Api) -> None:
    def found(arguments: str) -> list[str]:
        nodes = api.ask(f"{{ drivers({arguments}) {{ nodes {{ slug }} }} }}")["drivers"]["nodes"]
        return [node["slug"] for node in nodes]

    assert found('search: "VERST"') == ["verstappen"]
    assert found('search: "nor"') == ["norris"]
    assert found('search: "%"') == []
    assert found('search: "Sérgio"') == []
    assert len(found("season: 2024")) == 8
    assert found("season: 1999") == []
    assert api.ask('{ constructors(search: "team", first: 1) { totalCount nodes { lineage } } }') == {
        "constructors": {"totalCount": 4, "nodes": [{"lineage": "team-0"}]}
    }
