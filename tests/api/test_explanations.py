"""Why a forecast says what it says, and what moved since the one before, as a user reads it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from f1graph.races.forecast import Forecast
from f1graph.races.stages import Stage
from f1graph.store.engine import open_store
from f1graph.store.forecasts import store_forecast
from tests.api.conftest import Api
from tests.api.seed import NEXT, NOW, OLD, a_forecast
from tests.builders import DRIVERS

_EXPLAINED = """
{ latestForecast { entries {
  driver { slug } win podium retirement { total } positionProbabilities
  explanation { of base value rest contributions { group value } }
} } }
"""
_MOVED = """
{ latestForecast { id stage cause previous { id } movement {
  cause isNewModel since { id stage }
  entries { driver { slug } win podium retirement meanPosition
    causes { of value field newModel rest contributions { group value } } }
} } }
"""


def entries_of(api: Api, query: str, *path: str) -> list[dict[str, Any]]:
    found: Any = api.ask(query)
    for name in path:
        found = found[name]
    return list(found)


def test_every_number_is_its_base_its_contributions_and_the_rest(api: Api) -> None:
    entries = entries_of(api, _EXPLAINED, "latestForecast", "entries")

    assert len(entries) == len(DRIVERS)
    for entry in entries:
        mean = sum(k * chance for k, chance in enumerate(entry["positionProbabilities"], start=1))
        told = {
            "WIN": entry["win"],
            "PODIUM": entry["podium"],
            "RETIREMENT": entry["retirement"]["total"],
            "MEAN_POSITION": mean,
        }
        assert [one["of"] for one in entry["explanation"]] == list(told)
        for one in entry["explanation"]:
            assert [part["group"] for part in one["contributions"]] == ["GRID", "CAR_FORM"]
            whole = one["base"] + sum(part["value"] for part in one["contributions"]) + one["rest"]
            assert whole == pytest.approx(one["value"]) == pytest.approx(told[one["of"]])


def test_who_asks_for_one_number_gets_that_alone(api: Api) -> None:
    query = "{ latestForecast { entries { explanation(of: MEAN_POSITION) { of base } } } }"

    for entry in entries_of(api, query, "latestForecast", "entries"):
        assert entry["explanation"] == [{"of": "MEAN_POSITION", "base": 4.5}]


def test_what_the_transformer_looks_at_is_told_with_the_races(api: Api) -> None:
    query = (
        "{ latestForecast { entries { attention { race { slug } weight } "
        "variableWeights(first: 2) { variable weight } } } }"
    )
    entry = entries_of(api, query, "latestForecast", "entries")[0]

    assert entry == {
        "attention": [
            {"race": {"slug": OLD[0].id}, "weight": 0.25},
            {"race": {"slug": OLD[-1].id}, "weight": 0.75},
        ],
        "variableWeights": [
            {"variable": "strength", "weight": 0.5},
            {"variable": "driver_form", "weight": 0.3},
        ],
    }
    for first in (0, 101):
        error = api.error(
            f"{{ latestForecast {{ entries {{ variableWeights(first: {first}) {{ weight }} }} }} }}"
        )
        assert error["extensions"]["code"] == "BAD_LIST_SIZE"


def test_a_change_is_told_apart_by_cause_and_nothing_is_left_over(api: Api) -> None:
    latest = api.ask(_MOVED)["latestForecast"]
    moved = latest["movement"]

    assert moved["since"] == {"id": latest["previous"]["id"], "stage": "AFTER_PRACTICE"}
    assert moved["cause"] == latest["cause"] == "qualifying is over"
    assert not moved["isNewModel"]
    assert len(moved["entries"]) == len(DRIVERS)
    for entry in moved["entries"]:
        changes = {
            "WIN": "win",
            "PODIUM": "podium",
            "RETIREMENT": "retirement",
            "MEAN_POSITION": "meanPosition",
        }
        assert [one["of"] for one in entry["causes"]] == list(changes)
        for one in entry["causes"]:
            # What was not known before qualifying counted for nothing then.
            assert [part["group"] for part in one["contributions"]] == ["GRID", "CAR_FORM"]
            parts = sum(part["value"] for part in one["contributions"])
            assert one["newModel"] == 0
            assert one["field"] + parts + one["rest"] == pytest.approx(one["value"], abs=1e-12)
            assert one["value"] == pytest.approx(entry[changes[one["of"]]], abs=1e-12)


async def test_who_was_not_favourite_before_moves_forward_by_grid_and_form(api: Api) -> None:
    await publish(api, follow(favourite="norris"))

    moved = api.ask(_MOVED)["latestForecast"]["movement"]["entries"]

    norris = next(entry for entry in moved if entry["driver"]["slug"] == "norris")
    assert norris["win"] > 0.1
    assert norris["meanPosition"] < -0.5
    # The order is that of the new forecast.
    assert moved[0] is norris
    position = next(one for one in norris["causes"] if one["of"] == "MEAN_POSITION")
    by_group = {part["group"]: part["value"] for part in position["contributions"]}
    assert by_group["GRID"] == pytest.approx(3 * by_group["CAR_FORM"])


async def test_a_new_model_takes_all_of_the_change_upon_itself(api: Api) -> None:
    """Nobody has asked it what it thinks of the old inputs."""
    await publish(api, replace(follow(favourite="norris"), model_version="1.0+2024.6"))

    moved = api.ask(_MOVED)["latestForecast"]["movement"]

    assert moved["isNewModel"]
    for entry in moved["entries"]:
        for one in entry["causes"]:
            assert one["newModel"] == one["value"]
            assert (one["field"], one["rest"], one["contributions"]) == (0, 0, [])
    assert any(abs(entry["win"]) > 0.1 for entry in moved["entries"])


async def test_a_driver_who_steps_in_has_nothing_to_move_from(api: Api) -> None:
    drivers = (*(driver for driver in DRIVERS if driver != "bottas"),)
    without = follow(drivers=drivers)
    await publish(api, without)
    again = a_forecast(NEXT.id, Stage.AFTER_QUALIFYING, NOW - timedelta(minutes=30), previous_id=without.id)
    await publish(api, again)

    moved = api.ask(_MOVED)["latestForecast"]["movement"]["entries"]

    assert {entry["driver"]["slug"] for entry in moved} == set(drivers)


async def test_an_unexplained_forecast_still_tells_what_moved(api: Api) -> None:
    """One that was made before explanations were kept."""
    await publish(api, replace(follow(favourite="norris"), explanation=None))

    latest = api.ask(
        "{ latestForecast { entries { explanation { of } attention { weight } variableWeights { weight } } "
        "movement { entries { win causes { of } } } } }"
    )["latestForecast"]

    assert all(
        entry == {"explanation": [], "attention": [], "variableWeights": []} for entry in latest["entries"]
    )
    assert all(entry["causes"] == [] for entry in latest["movement"]["entries"])
    assert any(abs(entry["win"]) > 0.1 for entry in latest["movement"]["entries"])


def test_the_first_forecast_of_a_race_has_not_moved(api: Api) -> None:
    query = "query ($id: ID!) { race(id: $id) { forecast(stage: BEFORE_WEEKEND) { movement { cause } } } }"

    assert api.ask(query, {"id": NEXT.id})["race"]["forecast"] == {"movement": None}


def follow(*, favourite: str | None = None, drivers: tuple[str, ...] = DRIVERS) -> Forecast:
    """A later forecast of the next race that follows the one after qualifying."""
    before = a_forecast(NEXT.id, Stage.AFTER_QUALIFYING, NOW - timedelta(hours=12))
    return a_forecast(
        NEXT.id,
        Stage.AFTER_QUALIFYING,
        NOW - timedelta(hours=1),
        favourite=favourite,
        drivers=drivers,
        previous_id=before.id,
    )


async def publish(api: Api, new: Forecast) -> None:
    store = open_store(api.url)
    async with store.write() as write:
        await store_forecast(write, new, is_served=True, now=new.made_at)
    await store.close()


def test_what_moved_since_any_earlier_forecast_may_be_asked_for(api: Api) -> None:
    query = (
        "query ($since: ID) { latestForecast { key race { slug } movement(since: $since) { since { key } "
        "entries { driver { slug } win } } entries { driver { slug } win } } }"
    )
    whole = api.ask("{ nextRace { forecasts { nodes { id key stage entries { driver { slug } win } } } } }")
    after, _, first = whole["nextRace"]["forecasts"]["nodes"]
    for since in (first["id"], first["key"]):
        moved = api.ask(query, {"since": since})["latestForecast"]["movement"]
        assert moved["since"] == {"key": first["key"]}
        before = {entry["driver"]["slug"]: entry["win"] for entry in first["entries"]}
        now = {entry["driver"]["slug"]: entry["win"] for entry in after["entries"]}
        for entry in moved["entries"]:
            slug = entry["driver"]["slug"]
            assert entry["win"] == pytest.approx(now[slug] - before[slug])


def test_nothing_moves_since_what_came_later_or_was_of_another_race(api: Api) -> None:
    found = api.ask('{ latestForecast { key } forecasts(race: "2024-gp-1") { nodes { key } } }')
    query = "query ($id: ID!, $since: ID) { forecast(id: $id) { movement(since: $since) { cause } } }"
    latest, other = found["latestForecast"]["key"], found["forecasts"]["nodes"][0]["key"]
    for since in (latest, other, "nothing"):
        error = api.error(query, {"id": latest, "since": since})
        assert error["extensions"]["code"] == "BAD_REQUEST"
