"""What a user reads about races."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from tests.api.conftest import Api, start
from tests.api.seed import CANCELLED, FIRST, NEXT, OLD, REVISED_AT, SECOND, THIRD


def test_the_next_race_is_the_first_that_is_not_over(api: Api) -> None:
    race = api.ask("{ nextRace { slug stage nextUpdateAt startsAt forecast { stage } } }")["nextRace"]
    assert race == {
        "slug": NEXT.id,
        "stage": "AFTER_QUALIFYING",
        # The daily refresh comes before the race is over.
        "nextUpdateAt": "2024-04-14T12:00:00Z",
        "startsAt": "2024-04-14T13:00:00Z",
        "forecast": {"stage": "AFTER_QUALIFYING"},
    }


def test_the_latest_race_is_the_last_whose_result_is_known(api: Api) -> None:
    assert api.ask("{ latestRace { slug } }")["latestRace"]["slug"] == THIRD.id


def test_where_and_when_the_next_and_the_latest_race_are_is_one_question(api: Api) -> None:
    """P8: times in UTC, with the circuit's zone beside them, so that any reader's own can be shown."""
    when = "name startsAt date circuit { name timeZone } sessions { kind startsAt startsAtLocal timeZone }"

    data = api.ask(f"{{ nextRace {{ {when} }} latestRace {{ {when} }} }}")

    for race in (data["nextRace"], data["latestRace"]):
        assert race["startsAt"].endswith("Z")
        zone = ZoneInfo(race["circuit"]["timeZone"])
        last = race["sessions"][-1]
        assert (last["kind"], last["startsAt"], last["timeZone"]) == ("RACE", race["startsAt"], str(zone))
        local = datetime.fromisoformat(last["startsAtLocal"])
        assert local == datetime.fromisoformat(race["startsAt"])
        assert local.utcoffset() == local.astimezone(zone).utcoffset()
    assert data["latestRace"]["startsAt"] < data["nextRace"]["startsAt"]


def test_a_race_is_found_by_id_slug_and_round(api: Api) -> None:
    by_round = api.ask("{ race(season: 2024, round: 2) { id slug } }")["race"]
    query = "query ($id: ID!) { race(id: $id) { id slug } node(id: $id) { id __typename } }"
    by_id = api.ask(query, {"id": by_round["id"]})
    by_slug = api.ask("query ($id: ID!) { race(id: $id) { id slug } }", {"id": SECOND.id})
    assert by_round == by_id["race"] == by_slug["race"]
    assert by_id["node"] == {"id": by_round["id"], "__typename": "Race"}


def test_a_round_that_does_not_exist_is_refused_with_the_seasons_length(api: Api) -> None:
    error = api.error("{ race(season: 2024, round: 31) { slug } }")
    assert error["message"] == "2024 round 31 does not exist; the 2024 season has 7 rounds"
    assert error["extensions"]["code"] == "NOT_FOUND"


def test_nothing_of_a_race_still_to_come_is_known(api: Api) -> None:
    """The database holds every result of the season; the clock stands before three of its races."""
    race = api.ask(
        "query ($id: ID!) { race(id: $id) { results { position } qualifying { position } "
        "driverStandings { basis } revisions { kind } forecast { id } forecastUnavailableReason "
        "forecasts { totalCount } classification(kind: RACE) { invented } } }",
        {"id": "2024-gp-6"},
    )["race"]
    assert race == {
        "results": None,
        "qualifying": None,
        "driverStandings": None,
        "revisions": [],
        "forecast": None,
        "forecastUnavailableReason": "NOT_MADE",
        "forecasts": {"totalCount": 0},
        "classification": None,
    }


def test_a_clock_set_back_shows_what_was_known_then(url: str) -> None:
    then = FIRST.ends_at + timedelta(hours=2)
    with start(url, now=then) as client:
        data = Api(client, url).ask(
            "{ latestRace { slug driverStandings { lines { points } } } nextRace { slug } "
            "latestForecast { race { slug } } modelMetrics { nodes { value } } models { nodes { key } } "
            "forecasts { nodes { race { slug } } } "
            'driver(id: "verstappen") { career { starts } } }'
        )
    assert data["latestRace"]["slug"] == FIRST.id
    assert data["nextRace"]["slug"] == SECOND.id
    assert data["latestForecast"]["race"]["slug"] == FIRST.id
    assert {node["race"]["slug"] for node in data["forecasts"]["nodes"]} == {FIRST.id}
    assert (data["modelMetrics"]["nodes"], data["models"]["nodes"]) == ([], [])
    assert data["driver"]["career"]["starts"] == 5


def test_a_moment_to_come_cannot_be_asked_for(api: Api) -> None:
    error = api.error('{ latestRace { results(asOf: "2030-01-01T00:00:00Z") { position } } }')
    assert error["extensions"]["code"] == "BAD_REQUEST"


def test_a_disqualified_winner_is_the_winner_in_what_was_known_before(api: Api) -> None:
    """S6: a result is a list of revisions, and `asOf` shows what was known then."""
    query = (
        "query ($id: ID!, $then: DateTime) { race(id: $id) {"
        " before: results(asOf: $then) { position driver { slug } }"
        " now: results { position status driver { slug } }"
        " old: driverStandings(asOf: $then) { lines { points driver { slug } } }"
        " table: driverStandings { lines { points driver { slug } } }"
        " classification(kind: RACE) { revision { revision knownAt } }"
        " revisions { kind revision } } }"
    )
    then = (REVISED_AT - timedelta(days=1)).isoformat()
    race = api.ask(query, {"id": SECOND.id, "then": then})["race"]
    assert race["before"][0] == {"position": 1, "driver": {"slug": "alonso"}}
    assert race["now"][0] == {"position": 1, "status": "CLASSIFIED", "driver": {"slug": "bottas"}}
    assert race["now"][-1]["status"] == "DISQUALIFIED"
    assert race["now"][-1]["position"] is None
    assert race["classification"]["revision"]["revision"] == 2
    assert {"kind": "RACE", "revision": 2} in race["revisions"]

    def points(table: str) -> float:
        lines = race[table]["lines"]
        return float(sum(line["points"] for line in lines if line["driver"]["slug"] == "alonso"))

    assert points("old") - points("table") == 25


def test_times_that_nobody_recorded_are_not_shown(api: Api) -> None:
    race = api.ask(
        "query ($id: ID!) { race(id: $id) { date startsAt sessions { kind startsAt startsAtLocal } } }",
        {"id": OLD[0].id},
    )["race"]
    assert race["date"] == OLD[0].date.isoformat()
    assert race["startsAt"] is None
    assert {session["startsAt"] for session in race["sessions"]} == {None}
    assert {session["startsAtLocal"] for session in race["sessions"]} == {None}


def test_a_session_has_its_time_in_utc_and_on_the_circuits_clock(api: Api) -> None:
    """S11: every time is in UTC with the circuit's zone beside it."""
    query = "{ nextRace { sessions { kind startsAt startsAtLocal timeZone } } }"
    last = api.ask(query)["nextRace"]["sessions"][-1]
    assert last == {
        "kind": "RACE",
        "startsAt": "2024-04-14T13:00:00Z",
        "startsAtLocal": "2024-04-14T15:00:00+02:00",
        "timeZone": "Europe/Rome",
    }


def test_a_cancelled_race_stays_in_the_calendar_without_a_forecast(api: Api) -> None:
    """S10: a cancelled race keeps its place, and gets no forecast."""
    race = api.ask(
        "query ($id: ID!) { race(id: $id) { isCancelled stage nextUpdateAt forecast { id } "
        "forecastUnavailableReason } }",
        {"id": CANCELLED.id},
    )["race"]
    assert race == {
        "isCancelled": True,
        "stage": None,
        "nextUpdateAt": None,
        "forecast": None,
        "forecastUnavailableReason": "CANCELLED",
    }


def test_races_are_found_by_circuit_driver_and_date(api: Api) -> None:
    def slugs(arguments: str) -> list[str]:
        nodes = api.ask(f"{{ races({arguments}) {{ nodes {{ slug }} }} }}")["races"]["nodes"]
        return [node["slug"] for node in nodes]

    assert slugs("season: 2024, first: 2") == [FIRST.id, SECOND.id]
    assert slugs("season: 2024, first: 1, order: NEWEST_FIRST") == [CANCELLED.id]
    assert slugs('season: 2024, circuit: "monza"') == [THIRD.id, "2024-gp-6", CANCELLED.id]
    assert slugs('season: 2023, driver: "nobody"') == []
    assert len(slugs('season: 2023, driver: "hamilton"')) == 4
    assert slugs('startsAfter: "2024-03-01T00:00:00Z", startsBefore: "2024-03-10T00:00:00Z"') == [FIRST.id]


def test_a_season_shows_its_races_and_the_table_of_now(api: Api) -> None:
    season = api.ask(
        "{ season(year: 2024) { year races { round } driverStandings { basis after { slug } lines { order } "
        "} "
        "constructorStandings { lines { constructor { name } } } } "
        "seasons { nodes { year } totalCount } }"
    )
    assert [race["round"] for race in season["season"]["races"]] == [1, 2, 3, 4, 5, 6, 7]
    assert season["season"]["driverStandings"]["after"]["slug"] == THIRD.id
    assert season["season"]["driverStandings"]["basis"] == "COMPUTED"
    assert season["seasons"] == {"nodes": [{"year": 2024}, {"year": 2023}], "totalCount": 2}


def test_an_unknown_season_is_refused(api: Api) -> None:
    assert api.error("{ season(year: 1949) { year } }")["extensions"]["code"] == "NOT_FOUND"


def test_only_races_with_a_result_can_be_asked_for_and_only_those_without(api: Api) -> None:
    query = """query ($known: Boolean) {
      races(hasResult: $known, first: 100) { nodes { slug results { position } } }
    }"""
    classified = api.ask(query, {"known": True})["races"]["nodes"]
    others = api.ask(query, {"known": False})["races"]["nodes"]
    every = api.ask(query, {"known": None})["races"]["nodes"]
    assert classified
    assert others
    assert all(race["results"] for race in classified)
    assert not any(race["results"] for race in others)
    assert len(classified) + len(others) == len(every)
