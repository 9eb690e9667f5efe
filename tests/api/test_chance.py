"""What only the draws can answer: what happens together, and who is ahead of whom."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from f1graph.api.ids import global_id
from f1graph.models.draws import OutcomeDistribution
from f1graph.races.draws import unpack_draws
from f1graph.races.stages import Stage
from f1graph.store.engine import open_store
from f1graph.store.forecasts import store_forecast
from tests.api.conftest import Api
from tests.api.seed import NEXT, NOW, a_forecast
from tests.builders import DRIVERS

_CHANCE = (
    "query ($of: Happening!) { nextRace { forecast { chance(of: $of) "
    "{ probability standardError low high count draws } } } }"
)
_PAIR = (
    "query ($a: ID!, $b: ID!) { nextRace { forecast { headToHead(a: $a, b: $b) { driver { slug } "
    "other { slug } ahead { probability } behind { probability } bothOut { probability count } } } } }"
)


def chance(api: Api, **of: Any) -> dict[str, Any]:
    found: dict[str, Any] = api.ask(_CHANCE, {"of": of})["nextRace"]["forecast"]["chance"]
    return found


def pair(api: Api, a: str, b: str) -> dict[str, Any]:
    found: dict[str, Any] = api.ask(_PAIR, {"a": a, "b": b})["nextRace"]["forecast"]["headToHead"]
    return found


@pytest.fixture
async def drawn(url: str) -> OutcomeDistribution:
    """A newer forecast of the next race, all of whose numbers are read from its draws."""
    template = a_forecast(NEXT.id, Stage.AFTER_QUALIFYING, NOW, favourite="verstappen")
    told = OutcomeDistribution.from_bytes(template.driver_ids, template.draws)
    entries = tuple(
        replace(
            entry,
            win=float(told.win[i]),
            podium=float(told.podium[i]),
            points=float(told.points[i]),
            retirement=float(told.retirement[i]),
        )
        for i, entry in enumerate(template.entries)
    )
    store = open_store(url)
    async with store.write() as write:
        await store_forecast(write, replace(template, entries=entries), is_served=True, now=NOW)
    await store.close()
    return told


def test_a_chance_of_one_thing_is_the_number_of_the_entry(drawn: OutcomeDistribution, api: Api) -> None:
    """T9: all numbers of a forecast are read from the same draws, this one too."""
    entries = api.ask(
        "{ nextRace { forecast { entries { driver { slug } win podium points retirement { total } } } } }"
    )["nextRace"]["forecast"]["entries"]
    for entry in entries:
        slug = [entry["driver"]["slug"]]
        assert chance(api, win=slug)["probability"] == pytest.approx(entry["win"], abs=1e-12)
        assert chance(api, podium=slug)["probability"] == pytest.approx(entry["podium"], abs=1e-12)
        assert chance(api, points=slug)["probability"] == pytest.approx(entry["points"], abs=1e-12)
        assert chance(api, out=slug)["probability"] == pytest.approx(entry["retirement"]["total"], abs=1e-12)


def test_what_happens_together_is_not_the_product_of_its_parts(drawn: OutcomeDistribution, api: Api) -> None:
    """Two drivers cannot both win, and one on the podium takes a place from the other."""
    first, second = "verstappen", "alonso"
    together = chance(api, podium=[first, second])["probability"]
    alone = [chance(api, podium=[one])["probability"] for one in (first, second)]
    assert together == pytest.approx(_together(drawn, first, second))
    assert together < alone[0] * alone[1]
    assert chance(api, win=[first, second])["probability"] == 0


def _together(drawn: OutcomeDistribution, *drivers: str) -> float:
    columns = [drawn.driver_ids.index(driver) for driver in drivers]
    on_podium = (drawn.positions[:, columns] <= 3) & ~drawn.retired[:, columns]
    return float(on_podium.all(axis=1).mean())


def test_a_whole_order_may_be_asked_for(drawn: OutcomeDistribution, api: Api) -> None:
    order = ["verstappen", "alonso", "bottas"]
    columns = [drawn.driver_ids.index(driver) for driver in order]
    expected = np.all(
        [drawn.positions[:, one] < drawn.positions[:, next_one] for one, next_one in pairwise(columns)],
        axis=0,
    ).mean()
    found = chance(api, ahead=order)
    assert found["probability"] == pytest.approx(expected)
    assert found["count"] == round(found["probability"] * found["draws"])
    assert found["draws"] == 1000
    assert found["low"] < found["probability"] < found["high"]
    assert 0 < found["standardError"] < 0.02


def test_drivers_are_named_by_id_slug_or_code(drawn: OutcomeDistribution, api: Api) -> None:
    code = api.ask('{ driver(id: "verstappen") { code } }')["driver"]["code"]
    by_slug = chance(api, win=["verstappen"])
    assert chance(api, win=[global_id("Driver", "verstappen")]) == by_slug
    assert chance(api, win=[code]) == chance(api, win=[code.lower()]) == by_slug


@pytest.mark.parametrize(
    ("of", "told"),
    [
        ({}, "nothing is asked"),
        ({"win": []}, "nothing is asked"),
        ({"ahead": None, "out": None}, "nothing is asked"),
        ({"ahead": ["verstappen"]}, "two drivers or more"),
        ({"win": ["schumacher"]}, "not entered"),
        ({"win": [global_id("Race", NEXT.id)]}, "not of a Driver"),
        ({"points": ["verstappen"] * 41}, "at most 40"),
    ],
)
def test_a_question_without_sense_is_refused_with_a_code(
    sqlite_api: Api, of: dict[str, Any], told: str
) -> None:
    """Only the field is null: what else was asked of the forecast is still answered."""
    answer = sqlite_api.answer(_CHANCE, {"of": of})
    assert answer["data"]["nextRace"]["forecast"] == {"chance": None}
    (error,) = answer["errors"]
    assert error["extensions"]["code"] == "BAD_REQUEST"
    assert told in error["message"]


def test_of_two_drivers_one_is_ahead(drawn: OutcomeDistribution, api: Api) -> None:
    """T9, P6: both ways sum to 1; of two that retire, who ran longer is ahead."""
    found = pair(api, "verstappen", "alonso")
    assert (found["driver"]["slug"], found["other"]["slug"]) == ("verstappen", "alonso")
    assert found["ahead"]["probability"] == pytest.approx(drawn.ahead("verstappen", "alonso"))
    assert found["ahead"]["probability"] + found["behind"]["probability"] == pytest.approx(1)
    assert found["ahead"]["probability"] > 0.5
    assert found["bothOut"]["count"] > 0
    turned = pair(api, "alonso", "verstappen")
    assert turned["ahead"] == found["behind"]


def test_a_driver_is_not_compared_with_himself(sqlite_api: Api) -> None:
    answer = sqlite_api.answer(_PAIR, {"a": "alonso", "b": global_id("Driver", "alonso")})
    assert answer["errors"][0]["extensions"]["code"] == "BAD_REQUEST"
    assert answer["data"]["nextRace"]["forecast"] == {"headToHead": None}


def test_many_questions_of_one_forecast_read_its_draws_once(sqlite_api: Api) -> None:
    fields = " ".join(
        f'of{i}: chance(of: {{win: ["{driver}"]}}) {{ count }}' for i, driver in enumerate(DRIVERS)
    )
    found = sqlite_api.ask(f"{{ nextRace {{ forecast {{ {fields} }} }} }}")["nextRace"]["forecast"]
    assert sum(one["count"] for one in found.values()) == pytest.approx(1000, abs=5)


async def test_a_request_may_not_unpack_a_whole_history(sqlite_api: Api) -> None:
    """G2: draws are large: of twenty forecasts in one request, and no more."""
    store = open_store(sqlite_api.url)
    async with store.write() as write:
        for minutes in range(21):
            made_at = NOW - timedelta(minutes=minutes)
            new = a_forecast(NEXT.id, Stage.AFTER_QUALIFYING, made_at, model="many")
            await store_forecast(write, new, is_served=True, now=made_at)
    await store.close()
    query = '{ forecasts(first: %d) { nodes { headToHead(a: "norris", b: "alonso") { ahead { count } } } } }'
    assert len(sqlite_api.ask(query % 20)["forecasts"]["nodes"]) == 20
    answer = sqlite_api.answer(query % 21)
    assert {error["extensions"]["code"] for error in answer["errors"]} == {"BAD_REQUEST"}
    assert "20 forecasts" in answer["errors"][0]["message"]


def test_the_seed_draws_what_it_says() -> None:
    """Of the tests themselves: a draw is an order."""
    forecast = a_forecast(NEXT.id, Stage.AFTER_QUALIFYING, NOW)
    packed = unpack_draws(len(forecast.entries), forecast.draws)
    assert packed.shape == (len(forecast.entries), 1000)
    OutcomeDistribution.from_bytes(forecast.driver_ids, forecast.draws)
