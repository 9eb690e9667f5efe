"""Two models beside each other: paired by race, with count and interval."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from f1graph.races.forecast import Score
from f1graph.races.measures import Measure
from f1graph.races.stages import Stage
from f1graph.store.engine import open_store
from f1graph.store.forecasts import store_forecast
from f1graph.store.scores import store_scores
from tests.api.conftest import Api
from tests.api.seed import FIRST, SECOND, THIRD, a_forecast, cutoff_of

_QUERY = (
    "query ($models: [String!]!, $seasons: [Int!]) { compareModels(models: $models, stage: AFTER_QUALIFYING, "
    "seasons: $seasons, measure: WINNER_LOG_LOSS) { model stage title direction invented races "
    "differences { other races value otherValue difference low high } } }"
)


def compared(api: Api, *models: str, seasons: list[int] | None = None) -> dict[str, Any]:
    found: dict[str, Any] = api.ask(_QUERY, {"models": models, "seasons": seasons})["compareModels"]
    return found


@pytest.fixture
async def newcomer(api: Api) -> Api:
    """A model that forecast the first and the third race, the first twice; of the second only early."""
    store = open_store(api.url)
    last, early = Stage.AFTER_QUALIFYING, Stage.BEFORE_WEEKEND
    told = ((FIRST, last, 9.0, 2), (FIRST, last, 1.0, 1), (THIRD, last, 2.0, 1), (SECOND, early, 7.0, 1))
    async with store.write() as write:
        for race, stage, value, hours_before in told:
            made_at = cutoff_of(race.id, stage) - timedelta(hours=hours_before)
            new = a_forecast(race.id, stage, made_at, model="newcomer")
            await store_forecast(write, new, is_served=False, now=made_at)
            judged = [
                Score(new.id, 1, Measure.WINNER_LOG_LOSS, value),
                Score(new.id, 1, Measure.PODIUM_BRIER, 100.0),
            ]
            await store_scores(write, race.id, judged, now=race.ends_at + timedelta(hours=1))
    await store.close()
    return api


async def test_models_are_compared_on_the_races_that_both_forecast(newcomer: Api) -> None:
    """P2, P4: each race counts once, by its last forecast; paired, with count and interval."""
    found = compared(newcomer, "newcomer", "rating", "grid", "nobody")
    assert (found["model"], found["stage"], found["races"]) == ("newcomer", "AFTER_QUALIFYING", 2)
    assert (found["title"], found["direction"]) == ("Winner log loss", "LOWER_IS_BETTER")
    rating, grid, nobody = found["differences"]
    # 1.0 and 2.0 against 1.2 twice; the first forecast of the first race, 9.0, was followed by another.
    assert (rating["races"], rating["value"], rating["otherValue"]) == (2, 1.5, pytest.approx(1.2))
    assert rating["difference"] == pytest.approx(0.3)
    assert rating["low"] == pytest.approx(-0.2)
    assert rating["high"] == pytest.approx(0.8)
    assert grid["difference"] == pytest.approx(0.0)
    assert nobody == {
        "other": "nobody", "races": 0, "value": None, "otherValue": None, "difference": None, "low": None,
        "high": None,
    }  # fmt: skip


async def test_the_other_way_round_the_difference_turns_its_sign(newcomer: Api) -> None:
    [one] = compared(newcomer, "newcomer", "rating")["differences"]
    [other] = compared(newcomer, "rating", "newcomer")["differences"]
    assert other["difference"] == pytest.approx(-one["difference"])
    assert (other["low"], other["high"]) == (pytest.approx(-one["high"]), pytest.approx(-one["low"]))


def test_a_revised_result_is_the_one_that_counts_and_the_future_does_not(api: Api) -> None:
    """P1: three races are over; the second was judged anew after its winner was disqualified."""
    found = compared(api, "rating", "grid")
    assert found["races"] == 3
    assert found["differences"][0]["value"] == pytest.approx((1.2 + 2.2 + 1.2) / 3)


def test_only_some_seasons_may_be_asked_for(api: Api) -> None:
    assert compared(api, "rating", "grid", seasons=[2024, 2023])["races"] == 3
    error = api.error(_QUERY, {"models": ["rating", "grid"], "seasons": [2023]})
    assert error["extensions"]["code"] == "NOT_FOUND"


@pytest.mark.parametrize(
    "models", [[], ["rating"], ["rating", "rating"], [f"model-{n}" for n in range(7)], ["rating", "\0"]]
)
def test_a_comparison_needs_two_to_six_models(sqlite_api: Api, models: list[str]) -> None:
    assert sqlite_api.error(_QUERY, {"models": models})["extensions"]["code"] == "BAD_REQUEST"


def test_the_seasons_asked_for_are_bounded(sqlite_api: Api) -> None:
    """G2: so is every list that is given."""
    error = sqlite_api.error(_QUERY, {"models": ["rating", "grid"], "seasons": [2024] * 101})
    assert error["extensions"]["code"] == "BAD_REQUEST"
