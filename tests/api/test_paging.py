"""Lists in pages."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from f1graph.store.engine import open_store
from f1graph.store.facts import record_facts
from tests.api.conftest import Api, start
from tests.api.seed import NOW, SEASON, facts_of
from tests.builders import DRIVERS, a_history, a_race, a_result, team_of

_RESULTS = (
    'query ($after: String) { driver(id: "norris") { results(first: 2, after: $after) {'
    " edges { cursor node { kind race { slug } } } pageInfo { hasNextPage endCursor } totalCount } } }"
)


async def test_paging_while_races_are_added_skips_and_repeats_nothing(api: Api) -> None:
    """G7: cursors are keyset cursors, so what comes in before the place read changes nothing."""
    query = (
        "query ($after: String) { races(season: 2024, first: 2, after: $after) {"
        " nodes { slug } pageInfo { hasNextPage endCursor } } }"
    )
    first = api.ask(query)["races"]
    new = a_race(2024, 1, grand_prix_id="added", on=SEASON[0].date + timedelta(days=1))
    store = open_store(api.url)
    async with store.write() as write:
        await record_facts(write, facts_of(a_history([replace(new, round=9)], []), version="2"), now=NOW)
    await store.close()
    seen = [node["slug"] for node in first["nodes"]]
    page = first
    while page["pageInfo"]["hasNextPage"]:
        page = api.ask(query, {"after": page["pageInfo"]["endCursor"]})["races"]
        seen.extend(node["slug"] for node in page["nodes"])
    assert seen == [f"2024-gp-{number}" for number in range(1, 8)]


def test_all_results_of_a_driver_can_be_paged_through(api: Api) -> None:
    """G7: one list of races and sprints, newest first, each once."""
    seen: list[tuple[str, str]] = []
    after = None
    while True:
        page = api.ask(_RESULTS, {"after": after})["driver"]["results"]
        seen.extend((edge["node"]["race"]["slug"], edge["node"]["kind"]) for edge in page["edges"])
        assert page["totalCount"] == 8
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert len(seen) == len(set(seen)) == 8
    assert seen[0] == ("2024-gp-3", "RACE")
    assert seen[1:3] == [("2024-gp-2", "RACE"), ("2024-gp-2", "SPRINT")]
    assert seen[-1] == ("2023-gp-1", "RACE")


@pytest.mark.parametrize("field", ["drivers", "constructors", "circuits", "seasons", "races", "forecasts"])
def test_every_list_gives_each_item_once(api: Api, field: str) -> None:
    """G7: page by page is the same as all at once."""
    query = f"query ($first: Int!, $after: String) {{ {field}(first: $first, after: $after) {{" + (
        " nodes { id } pageInfo { hasNextPage endCursor } totalCount } }"
    )
    whole = api.ask(query, {"first": 100})[field]
    seen: list[str] = []
    after = None
    for _ in whole["nodes"]:
        page = api.ask(query, {"first": 1, "after": after})[field]
        seen.extend(node["id"] for node in page["nodes"])
        after = page["pageInfo"]["endCursor"]
    assert not page["pageInfo"]["hasNextPage"]
    assert seen == [node["id"] for node in whole["nodes"]]
    assert len(seen) == whole["totalCount"] > 1


def test_the_races_of_a_circuit_come_newest_first(api: Api) -> None:
    query = (
        'query ($after: String) { circuit(id: "monza") { races(first: 2, after: $after) {'
        " nodes { slug } pageInfo { endCursor } totalCount } } }"
    )
    page = api.ask(query)["circuit"]["races"]
    assert [node["slug"] for node in page["nodes"]] == ["2024-gp-7", "2024-gp-6"]
    assert page["totalCount"] == 4
    rest = api.ask(query, {"after": page["pageInfo"]["endCursor"]})["circuit"]["races"]
    assert [node["slug"] for node in rest["nodes"]] == ["2024-gp-3", "2023-gp-3"]


@pytest.mark.parametrize("first", [0, -1, 101])
def test_a_list_is_never_longer_than_a_hundred(sqlite_api: Api, first: int) -> None:
    """G2: every list has a maximum `first`."""
    error = sqlite_api.error(f"{{ races(first: {first}) {{ nodes {{ slug }} }} }}")
    assert error["message"] == f"`first` must be between 1 and 100, not {first}"
    assert error["extensions"]["code"] == "BAD_LIST_SIZE"


@pytest.mark.parametrize("order", ["NEWEST_FIRST", "OLDEST_FIRST"])
async def test_a_correction_between_two_pages_repeats_and_skips_nobody(url: str, order: str) -> None:
    """G7: a disqualification moves lines within a race; the pages after the first know nothing of it yet."""
    query = (
        "query ($team: ID!, $order: RaceOrder!, $after: String) { constructor(id: $team) { "
        "results(first: 1, order: $order, after: $after, season: 2024, kind: RACE) { "
        "totalCount nodes { race { slug } driver { slug } } pageInfo { hasNextPage endCursor } } } }"
    )
    asked = {"team": team_of(DRIVERS[0]), "order": order}

    def pages(api: Api, after: str | None) -> Iterator[dict[str, Any]]:
        more = True
        while more:
            page = api.ask(query, {**asked, "after": after})["constructor"]["results"]
            yield page
            after, more = page["pageInfo"]["endCursor"], page["pageInfo"]["hasNextPage"]

    with start(url) as client:
        before = list(pages(Api(client, url), None))
    lines = [(node["race"]["slug"], node["driver"]["slug"]) for page in before for node in page["nodes"]]
    assert len(set(lines)) == len(lines) == before[0]["totalCount"] == 6
    race = next(race for race in SEASON if race.id == lines[0][0])
    later = NOW + timedelta(minutes=1)
    last_now = sorted(DRIVERS, key=lambda driver: driver == lines[0][1])
    turned = a_result(race, last_now, known_at=later, revision=9)
    store = open_store(url)
    async with store.write() as write:
        await record_facts(write, facts_of(a_history((race,), facts=[turned]), version="2"), now=later)
    await store.close()

    with start(url, now=later) as client:
        assert list(pages(Api(client, url), before[0]["pageInfo"]["endCursor"])) == before[1:]
        again = next(pages(Api(client, url), None))["nodes"][0]
    assert (again["race"]["slug"], again["driver"]["slug"]) != lines[0]
