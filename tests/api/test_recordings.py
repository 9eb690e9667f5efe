"""What a user reads about laps, stints, weather, race control and the track's status."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from f1graph.races.laps import SessionPart
from f1graph.store.engine import Store, open_store
from f1graph.store.recordings import record_recordings
from tests.api.conftest import Api
from tests.api.seed import FIRST, LAPS_REVISED_AT, NEXT, NOW, SECOND, THIRD
from tests.api.test_statements import _app, _ask, counted
from tests.builders import DRIVERS, a_recording, some_laps

_PAGES = (
    "query ($id: ID!, $after: String) { race(id: $id) { session(kind: RACE) {"
    " laps(first: 7, after: $after) { totalCount nodes { number time driver { slug } }"
    " pageInfo { hasNextPage endCursor } } } } }"
)
_MANY = json.dumps(["norris"] * 41)


def session(api: Api, fields: str, race_id: str = THIRD.id, kind: str = "RACE") -> Any:
    return api.ask(f'{{ race(id: "{race_id}") {{ session(kind: {kind}) {{ {fields} }} }} }}')["race"][
        "session"
    ]


def error(api: Api, fields: str) -> str:
    found = api.error(f'{{ race(id: "{THIRD.id}") {{ session(kind: RACE) {{ {fields} }} }} }}')
    return str(found["message"])


def test_the_laps_of_a_driver_are_read_by_range(api: Api) -> None:
    laps = session(
        api,
        'laps(driver: "norris", fromLap: 2, toLap: 3) { totalCount nodes { number time at position stint'
        " compound compoundName tyreLife isFreshTyre trackStatus isAccurate isDeleted driver { slug } } }",
    )["laps"]
    assert laps["totalCount"] == 2
    assert [lap["number"] for lap in laps["nodes"]] == [2, 3]
    assert laps["nodes"][1] == {
        "number": 3,
        "time": 80.0,
        "at": 3540.0,
        "position": None,
        "stint": 1,
        "compound": "MEDIUM",
        "compoundName": "C3",
        "tyreLife": 3,
        "isFreshTyre": True,
        "trackStatus": ["CLEAR"],
        "isAccurate": True,
        "isDeleted": True,
        "driver": {"slug": "norris"},
    }


def test_laps_as_of_sunday_are_those_that_were_known_then(api: Api) -> None:
    """Corrected two days later: both answers stay available."""
    fields = 'laps(driver: "norris", fromLap: 3, toLap: 3, asOf: "%s") { nodes { isDeleted } }'
    before, then = LAPS_REVISED_AT - timedelta(seconds=1), LAPS_REVISED_AT
    assert session(api, fields % before.isoformat())["laps"]["nodes"] == [{"isDeleted": None}]
    assert session(api, fields % then.isoformat())["laps"]["nodes"] == [{"isDeleted": True}]
    early = (THIRD.ends_at - timedelta(seconds=1)).isoformat()
    assert session(api, fields % early)["laps"] is None
    assert "has not come yet" in error(api, fields % "2100-01-01T00:00:00Z")


def test_laps_of_a_race_still_to_come_are_not_shown(api: Api) -> None:
    everything = (
        "laps { totalCount } stints { number } weather { totalCount } raceControl { totalCount }"
        " trackStatus { at } recordings { part }"
    )
    assert session(api, everything, NEXT.id) == {
        "laps": None,
        "stints": None,
        "weather": None,
        "raceControl": None,
        "trackStatus": None,
        "recordings": [],
    }


def test_a_weekend_without_a_sprint_has_no_such_session(sqlite_api: Api) -> None:
    assert session(sqlite_api, "kind", FIRST.id, "SPRINT") is None
    assert session(sqlite_api, "kind", SECOND.id, "SPRINT") == {"kind": "SPRINT"}


def test_stints_are_derived_from_the_laps_of_each_driver(api: Api) -> None:
    stints = session(
        api,
        'stints(drivers: ["russell", "alonso"]) { driver { slug } number compound fromLap toLap laps'
        " tyreLifeAtStart isFreshTyre }",
    )["stints"]
    assert [stint["driver"]["slug"] for stint in stints] == ["alonso", "russell"]
    assert stints[0] == {
        "driver": {"slug": "alonso"},
        "number": 1,
        "compound": "MEDIUM",
        "fromLap": 1,
        "toLap": 5,
        "laps": 5,
        "tyreLifeAtStart": 0,
        "isFreshTyre": True,
    }
    assert len(session(api, "stints { number }")["stints"]) == len(DRIVERS)


def test_weather_messages_and_flags_are_read_in_order(api: Api) -> None:
    fields = (
        "weather(first: 2, after: %s) { totalCount nodes { at airTemperature isRaining windDirection }"
        " pageInfo { hasNextPage endCursor } }"
        " raceControl(first: 2) { totalCount nodes { order message lap flag } edges { cursor } }"
        " trackStatus { at status }"
    )
    found = session(api, fields % "null")
    assert found["weather"]["totalCount"] == found["raceControl"]["totalCount"] == 5
    assert found["weather"]["nodes"][1] == {
        "at": 60.0,
        "airTemperature": 21.0,
        "isRaining": False,
        "windDirection": 90,
    }
    assert [one["message"] for one in found["raceControl"]["nodes"]] == ["MESSAGE 1", "MESSAGE 2"]
    assert [one["status"] for one in found["trackStatus"]][2:4] == ["SAFETY_CAR", "RED"]
    second = session(api, fields % f'"{found["weather"]["pageInfo"]["endCursor"]}"')
    assert [one["at"] for one in second["weather"]["nodes"]] == [120.0, 180.0]


def test_what_is_missing_is_part_of_the_answer(api: Api) -> None:
    """S6: a partial recording is shown, and says so."""
    fields = "recordings { part revision isComplete missing source size }"
    assert session(api, fields, SECOND.id)["recordings"] == [
        {
            "part": "LAPS",
            "revision": 1,
            "isComplete": False,
            "missing": "laps of 3 of 8 drivers",
            "source": "made-up",
            "size": 15,
        }
    ]
    revised = session(api, "recordings { part revision isComplete knownAt }")["recordings"]
    assert [(one["part"], one["revision"]) for one in revised] == [
        ("LAPS", 1),
        ("LAPS", 2),
        ("RACE_CONTROL", 1),
        ("TRACK_STATUS", 1),
        ("WEATHER", 1),
    ]
    assert all(one["isComplete"] for one in revised)


async def test_paging_while_a_revision_comes_in_stays_with_the_revision(api: Api) -> None:
    """G7: a race is read to its end as it was at the first page; the next reader gets the correction."""
    page = api.ask(_PAGES, {"id": FIRST.id})["race"]["session"]["laps"]
    corrected = a_recording(FIRST, some_laps(DRIVERS[2:], seconds=99), known_at=NOW - timedelta(minutes=1))
    store = open_store(api.url)
    async with store.write() as write:
        stored = await record_recordings(write, [replace(corrected, revision=2)], now=NOW)
    await store.close()
    assert stored == ((FIRST.id, "RACE", SessionPart.LAPS),)
    seen = page["nodes"]
    while page["pageInfo"]["hasNextPage"]:
        page = api.ask(_PAGES, {"id": FIRST.id, "after": page["pageInfo"]["endCursor"]})
        page = page["race"]["session"]["laps"]
        seen.extend(page["nodes"])
    assert [(lap["driver"]["slug"], lap["number"], lap["time"]) for lap in seen] == [
        (lap.driver_id, lap.number, 80.0) for lap in some_laps()
    ]
    fresh = api.ask(_PAGES, {"id": FIRST.id})["race"]["session"]["laps"]
    assert (fresh["totalCount"], fresh["nodes"][0]["time"]) == (30, 99.0)


def test_a_request_reads_two_thousand_rows_at_most(sqlite_api: Api) -> None:
    """G2: a season has 26,000 laps, and nobody gets them in one go."""
    assert error(sqlite_api, "laps(first: 2001) { totalCount }") == (
        "`first` must be between 1 and 2000, not 2001"
    )
    assert session(sqlite_api, "laps(first: 2000) { totalCount }")["laps"]["totalCount"] == 40
    assert "one request may ask for 2000" in error(
        sqlite_api, "laps(first: 1900) { totalCount } weather(first: 101) { totalCount }"
    )
    answer = sqlite_api.answer("{ races(first: 7) { nodes { sessions { stints { number } } } } }")
    assert "one request may ask for 2000" in answer["errors"][0]["message"]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ('laps(driver: "nobody") { totalCount }', "there is no driver 'nobody'"),
        ("laps(fromLap: 0) { totalCount }", "`fromLap` must be between 1 and 1000, not 0"),
        ("laps(toLap: 1001) { totalCount }", "`toLap` must be between 1 and 1000, not 1001"),
        ('laps(after: "x") { totalCount }', "'x' is not a cursor of this list"),
        (f"laps(drivers: {_MANY}) {{ totalCount }}", "at most 40 drivers, not 41"),
    ],
)
def test_a_wrong_question_about_laps_is_answered_with_the_value(
    sqlite_api: Api, fields: str, words: str
) -> None:
    assert words in error(sqlite_api, fields)


def test_a_cursor_of_another_session_is_refused(sqlite_api: Api) -> None:
    page = sqlite_api.ask(_PAGES, {"id": FIRST.id})["race"]["session"]["laps"]
    found = sqlite_api.error(_PAGES, {"id": THIRD.id, "after": page["pageInfo"]["endCursor"]})
    assert "is not a cursor of this list" in found["message"]


async def test_the_laps_of_three_races_cost_as_many_statements_as_of_one(store: Store) -> None:
    """G1: one statement per level, however many races and sessions."""
    query = (
        "query ($first: Int!) { races(season: 2024, first: $first) { nodes { sessions {"
        ' laps(driver: "norris", first: 5) { totalCount nodes { number driver { name } } }'
        " recordings { revision } } } } }"
    )
    numbers = []
    for first in (1, 3):
        with counted(store) as statements:
            data = await _ask(_app(store), query, first=first)
        numbers.append(len(statements))
    laps = [one["laps"] for node in data["races"]["nodes"] for one in node["sessions"] if one["laps"]]
    assert [found["totalCount"] for found in laps] == [5, 0, 5]
    # Races, their sessions, the driver, recordings, laps, and how many there are.
    assert numbers == [6, 6]
