"""The filters and orders that people ask for, and what was known at an earlier moment."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from f1graph.api.ids import global_id
from tests.api.conftest import Api
from tests.api.seed import NEXT, NOW, REVISED_AT, SECOND, THIRD


def slugs(api: Api, field: str, arguments: str) -> list[str]:
    """The slugs of a list, which must be as long as its count says."""
    found = api.ask(f"{{ {field}({arguments}, first: 100) {{ nodes {{ slug }} totalCount }} }}")[field]
    assert len(found["nodes"]) == found["totalCount"]
    return [node["slug"] for node in found["nodes"]]


def test_races_of_a_team_are_those_it_was_entered_for(api: Api) -> None:
    all_of_it = slugs(api, "races", 'season: 2023, constructor: "team-0"')
    assert all_of_it == [f"2023-gp-{number}" for number in range(1, 5)]
    assert (
        slugs(api, "races", f'season: 2023, constructor: "{global_id("Constructor", "team-0")}"') == all_of_it
    )
    assert slugs(api, "races", 'season: 2023, constructor: "team-0", driver: "alonso"') == all_of_it
    # A driver of another team.
    assert slugs(api, "races", 'season: 2023, constructor: "team-0", driver: "verstappen"') == []
    assert slugs(api, "races", 'constructor: "nobody"') == []


def test_races_by_season_circuit_and_date_come_from_either_end(api: Api) -> None:
    assert slugs(api, "races", 'circuit: "monza", order: NEWEST_FIRST, hasResult: true') == [
        "2024-gp-3",
        "2023-gp-3",
    ]
    between = f'startsAfter: "{SECOND.starts_at.isoformat()}", startsBefore: "{NEXT.starts_at.isoformat()}"'
    assert slugs(api, "races", f"season: 2024, {between}") == ["2024-gp-3"]


def test_drivers_are_found_by_nationality_and_by_team(api: Api) -> None:
    countries = api.ask("{ drivers { nodes { slug nationality } } }")["drivers"]["nodes"]
    country = countries[0]["nationality"]
    of_country = [driver["slug"] for driver in countries if driver["nationality"] == country]
    assert slugs(api, "drivers", f'nationality: "{country.upper()}"') == of_country
    assert slugs(api, "drivers", 'nationality: "Atlantis"') == []
    assert slugs(api, "drivers", 'constructor: "team-0", season: 2024') == ["alonso", "bottas"]
    assert slugs(api, "drivers", 'constructor: "team-0", season: 1999') == []


def test_constructors_are_found_by_country(api: Api) -> None:
    teams = api.ask("{ constructors { nodes { slug country } } }")["constructors"]["nodes"]
    country = teams[0]["country"]
    of_country = [team["slug"] for team in teams if team["country"] == country]
    assert slugs(api, "constructors", f'country: "{country.lower()}"') == of_country
    assert slugs(api, "constructors", f'country: "{country}", search: "nothing"') == []


def test_circuits_are_found_by_name_and_country(api: Api) -> None:
    circuits = {
        one["slug"]: one
        for one in api.ask("{ circuits { nodes { slug name country countryCode } } }")["circuits"]["nodes"]
    }
    monza = circuits["monza"]
    assert slugs(api, "circuits", 'search: "MONZ"') == ["monza"]
    in_country = [slug for slug, one in circuits.items() if one["country"] == monza["country"]]
    assert slugs(api, "circuits", f'country: "{monza["country"].upper()}"') == in_country
    assert slugs(api, "circuits", f'country: "{monza["countryCode"].lower()}"') == in_country
    assert slugs(api, "circuits", 'country: "Atlantis"') == []


_RESULTS = (
    '{ %s(id: "%s") { results(first: 100, %s) { totalCount nodes '
    "{ kind position race { slug season } driver { slug } constructor { slug } } } } }"
)


def results(api: Api, of: tuple[str, str], arguments: str) -> list[dict[str, Any]]:
    found = api.ask(_RESULTS % (*of, arguments))[of[0]]["results"]
    assert len(found["nodes"]) == found["totalCount"]
    nodes: list[dict[str, Any]] = found["nodes"]
    return nodes


def test_results_of_a_driver_by_season_circuit_kind_team_and_place(api: Api) -> None:
    norris = ("driver", "norris")
    whole = results(api, norris, "season: 2024")
    assert {line["race"]["season"] for line in whole} == {2024}
    assert results(api, norris, "season: 2024, kind: SPRINT") == [
        line for line in whole if line["kind"] == "SPRINT"
    ]
    podiums = results(api, norris, "season: 2024, upToPosition: 3")
    assert podiums == [line for line in whole if (line["position"] or 99) <= 3] != []
    assert [line["race"]["slug"] for line in results(api, norris, 'circuit: "monza"')] == [
        "2024-gp-3",
        "2023-gp-3",
    ]
    assert results(api, norris, f'constructor: "{whole[0]["constructor"]["slug"]}", season: 2024') == whole
    assert results(api, norris, 'constructor: "nobody"') == []


def test_results_of_a_team_by_driver(api: Api) -> None:
    team = ("constructor", "team-0")
    alonso = results(api, team, 'driver: "alonso"')
    both = results(api, team, "season: null")
    assert alonso == [line for line in both if line["driver"]["slug"] == "alonso"] != []
    assert {line["driver"]["slug"] for line in both} == {"alonso", "bottas"}


def test_results_can_be_read_from_the_first_race_on(api: Api) -> None:
    """G7: the order turned round gives the same lines, page by page too."""
    query = (
        'query ($after: String) { driver(id: "norris") { '
        "results(order: OLDEST_FIRST, first: 3, after: $after) {"
        " nodes { race { slug } kind } pageInfo { hasNextPage endCursor } } } }"
    )
    seen, after = [], None
    while True:
        page = api.ask(query, {"after": after})["driver"]["results"]
        seen += [(node["race"]["slug"], node["kind"]) for node in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    newest_first = results(api, ("driver", "norris"), "order: NEWEST_FIRST")
    assert sorted(seen) == sorted((line["race"]["slug"], line["kind"]) for line in newest_first)
    assert seen[0] == ("2023-gp-1", "RACE")
    assert seen[-1] == ("2024-gp-3", "RACE")
    assert seen.index(("2024-gp-2", "RACE")) + 1 == seen.index(("2024-gp-2", "SPRINT"))


@pytest.mark.parametrize("place", [0, -1])
def test_there_is_no_place_before_the_first(sqlite_api: Api, place: int) -> None:
    error = sqlite_api.error(_RESULTS % ("driver", "norris", f"upToPosition: {place}"))
    assert error["extensions"]["code"] == "BAD_REQUEST"


def test_the_cursor_of_one_order_is_refused_in_the_other(sqlite_api: Api) -> None:
    query = '{ driver(id: "norris") { results(first: 1, %s) { pageInfo { endCursor } } } }'
    page = sqlite_api.ask(query % "order: OLDEST_FIRST")["driver"]["results"]
    error = sqlite_api.error(query % f'after: "{page["pageInfo"]["endCursor"]}"')
    assert error["extensions"]["code"] == "BAD_CURSOR"


def test_races_of_a_circuit_come_from_either_end(api: Api) -> None:
    query = '{ circuit(id: "monza") { races(order: %s) { nodes { slug } } } }'
    newest = api.ask(query % "NEWEST_FIRST")["circuit"]["races"]["nodes"]
    assert api.ask(query % "OLDEST_FIRST")["circuit"]["races"]["nodes"] == newest[::-1] != newest


def test_a_page_says_whether_anything_is_before_it(sqlite_api: Api) -> None:
    query = (
        "query ($after: String) { races(first: 1, after: $after) { edges { cursor } "
        "pageInfo { hasPreviousPage hasNextPage startCursor endCursor } } }"
    )
    first = sqlite_api.ask(query)["races"]
    assert not first["pageInfo"]["hasPreviousPage"]
    cursor = first["edges"][0]["cursor"]
    assert first["pageInfo"]["startCursor"] == first["pageInfo"]["endCursor"] == cursor
    assert sqlite_api.ask(query, {"after": cursor})["races"]["pageInfo"]["hasPreviousPage"]


def test_what_a_driver_had_done_is_told_as_it_was_known_then(api: Api) -> None:
    """The winner of the second race was disqualified two weeks later."""
    before = (REVISED_AT - timedelta(days=1)).isoformat()
    query = (
        'query ($then: DateTime) { driver(id: "%s") { career(asOf: $then) { wins } '
        "seasons(asOf: $then) { year wins } results(asOf: $then, season: 2024, kind: RACE) { nodes "
        '{ position race { slug } } } } race(id: "2024-gp-2") { revisions(asOf: $then) { kind revision } } '
        "season(year: 2024) { driverStandings(asOf: $then) { after { slug } } } }"
    )
    race = api.ask('{ race(id: "2024-gp-2") { results { position status driver { slug } } } }')["race"]
    loser = next(line["driver"]["slug"] for line in race["results"] if line["status"] == "DISQUALIFIED")
    then, now = api.ask(query % loser, {"then": before}), api.ask(query % loser)

    assert then["driver"]["career"]["wins"] == now["driver"]["career"]["wins"] + 1
    assert then["driver"]["seasons"][0]["wins"] == now["driver"]["seasons"][0]["wins"] + 1
    second = {line["race"]["slug"]: line["position"] for line in then["driver"]["results"]["nodes"]}
    assert second["2024-gp-2"] == 1
    again = {line["race"]["slug"]: line["position"] for line in now["driver"]["results"]["nodes"]}
    assert again["2024-gp-2"] is None
    assert {"kind": "RACE", "revision": 2} not in then["race"]["revisions"]
    assert {"kind": "RACE", "revision": 2} in now["race"]["revisions"]
    assert then["season"]["driverStandings"]["after"] == {"slug": "2024-gp-2"}
    assert now["season"]["driverStandings"]["after"] == {"slug": THIRD.id}


def test_scores_are_told_as_they_were_known_then(api: Api) -> None:
    query = (
        'query ($then: DateTime) { forecasts(race: "2024-gp-2", first: 1) { nodes '
        "{ scores(asOf: $then) { value revision } } } }"
    )
    then = (SECOND.ends_at + timedelta(hours=2)).isoformat()
    assert api.ask(query, {"then": then})["forecasts"]["nodes"][0]["scores"][0]["revision"] == 1
    assert api.ask(query)["forecasts"]["nodes"][0]["scores"][0]["revision"] == 2
    before = (SECOND.starts_at - timedelta(hours=1)).isoformat()
    assert api.ask(query, {"then": before})["forecasts"]["nodes"][0]["scores"] == []


@pytest.mark.parametrize(
    "query",
    [
        "{ latestForecast(asOf: $then) { id } }",
        '{ driver(id: "norris") { career(asOf: $then) { wins } } }',
        '{ driver(id: "norris") { results(asOf: $then) { totalCount } } }',
        '{ constructor(id: "team-0") { results(asOf: $then) { totalCount } } }',
        "{ season(year: 2024) { driverStandings(asOf: $then) { basis } } }",
        '{ race(id: "2024-gp-2") { revisions(asOf: $then) { kind } } }',
    ],
)
def test_a_moment_to_come_is_refused(sqlite_api: Api, query: str) -> None:
    ahead = (NOW + timedelta(seconds=1)).isoformat()
    error = sqlite_api.error("query ($then: DateTime) " + query, {"then": ahead})
    assert error["extensions"]["code"] == "BAD_REQUEST"


@pytest.mark.parametrize(
    "asked", ['driver(id: "a\\u0000b") { name }', 'races(circuit: "\\u0000") { totalCount }',
              'drivers(search: "\\u0000") { totalCount }', 'modelMetrics(model: "\\u0000") { totalCount }',
              'refreshes(kind: "\\u0000") { totalCount }', 'node(id: "RHJpdmVyOgA") { id }'],
)  # fmt: skip
def test_text_that_no_database_takes_is_refused(api: Api, asked: str) -> None:
    """G6: a NUL character is the caller's mistake, not ours."""
    assert api.error(f"{{ {asked} }}")["extensions"]["code"] == "BAD_REQUEST"
