"""What a user reads about forecasts and their scores."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from f1graph.races.forecast import Forecast
from f1graph.races.stages import Stage
from f1graph.store.engine import Store, open_store
from f1graph.store.forecasts import store_forecast
from tests.api.conftest import Api
from tests.api.seed import FIRST, NEXT, NOW, SECOND, THIRD, a_forecast, cutoff_of

_WHOLE = """
fragment Whole on Forecast {
  id key stage cutoff madeAt cause invented retrospective
  race { slug }
  model { name version }
  missingInputs { input reason } missingMembers { model reason }
  consensus { members kendallW divergenceBits }
  receipt { inputsFingerprint bundleChecksum codeVersion seed draws machine libraries { name version } }
  previous { stage }
  entries {
    driver { code } constructor { slug } grid win podium points retirement { total mechanical accident other }
    expectedPosition confidence consensus { divergenceBits }
    interval80 { low high probability } positionProbabilities uncertainty { entropyBits aleatoric epistemic }
    members { model isBaseline weight win podium points retirement expectedPosition }
  }
  scores { measure }
}
"""


def test_the_latest_forecast_is_told_whole(api: Api) -> None:
    forecast = api.ask("{ latestForecast { ...Whole } }" + _WHOLE)["latestForecast"]
    assert forecast["race"]["slug"] == NEXT.id
    assert forecast["stage"] == "AFTER_QUALIFYING"
    assert forecast["previous"] == {"stage": "AFTER_PRACTICE"}
    assert forecast["missingInputs"] == [{"input": "PRACTICE_2", "reason": "nobody published it"}]
    assert forecast["missingMembers"] == [{"model": "third", "reason": "its weights are broken"}]
    assert forecast["receipt"]["seed"] == str(2**40)
    assert forecast["scores"] == []
    entries = forecast["entries"]
    assert [entry["expectedPosition"] for entry in entries] == list(range(1, 9))
    assert entries[0]["driver"] == {"code": "VER"}
    for entry in entries:
        assert abs(sum(entry["positionProbabilities"]) - 1) < 1e-9
        assert entry["win"] <= entry["podium"] <= entry["points"] <= 1
        assert [member["model"] for member in entry["members"]] == ["rating", "another", "uniform"]
        assert [member["weight"] for member in entry["members"]] == [0.6, 0.4, None]
        assert [member["isBaseline"] for member in entry["members"]] == [False, False, True]
        assert entry["retirement"] == {"total": 0.1, "mechanical": 0.05, "accident": 0.03, "other": 0.02}
        assert entry["uncertainty"] == {"entropyBits": 2.5, "aleatoric": 9.0, "epistemic": 1.5}
        assert (entry["confidence"], entry["consensus"]) == (0.6, {"divergenceBits": 0.1})


async def test_what_a_model_does_not_tell_is_null(api: Api) -> None:
    """A single model, such as the first forecast of a new installation."""
    told = a_forecast(NEXT.id, Stage.AFTER_QUALIFYING, NOW - timedelta(hours=1))
    single = replace(
        told,
        entries=tuple(
            replace(
                entry,
                mechanical=None,
                accident=None,
                other=None,
                aleatoric=None,
                epistemic=None,
                confidence=None,
                divergence_bits=None,
            )
            for entry in told.entries
        ),
        missing_members=(("ultra", "not trained yet"),),
    )
    await _publish(api.url, single)

    found = api.ask("{ latestForecast { ...Whole } }" + _WHOLE)["latestForecast"]

    assert found["missingMembers"] == [{"model": "ultra", "reason": "not trained yet"}]
    entry = found["entries"][0]
    assert entry["retirement"] == {"total": 0.1, "mechanical": None, "accident": None, "other": None}
    assert entry["uncertainty"] == {"entropyBits": 2.5, "aleatoric": None, "epistemic": None}
    assert (entry["confidence"], entry["consensus"]) == (None, None)


def test_a_trained_model_tells_what_it_was_made_from(api: Api) -> None:
    query = (
        "{ models { nodes { id key version status isPinned activatedAt races seed trainingTime codeVersion "
        "members featureNames featureFingerprint libraries { name version } "
        "scores { measure title value races low high direction } } totalCount } }"
    )
    models = api.ask(query)["models"]
    (bundle,) = models["nodes"]
    assert models["totalCount"] == 1
    again = api.ask("query ($id: ID!) { node(id: $id) { ... on Bundle { key } } }", {"id": bundle["id"]})
    assert again["node"] == {"key": "rating-1"}

    assert bundle["version"] == "rating-1.0+2024.3"
    assert (bundle["status"], bundle["isPinned"]) == ("ACTIVE", False)
    assert (bundle["races"], bundle["seed"], bundle["trainingTime"]) == (40, str(2**40), 12.5)
    assert bundle["members"] == ["rating", "tft"]
    assert bundle["featureNames"] == ["points_share", "driver_form"]
    assert {library["name"]: library["version"] for library in bundle["libraries"]} == {
        "numpy": "2.4",
        "torch": "2.13",
    }
    assert bundle["scores"] == [
        {
            "measure": "RANKED_PROBABILITY",
            "title": "Ranked probability score",
            "value": 0.115,
            "races": 2,
            "low": 0.11,
            "high": 0.12,
            "direction": "LOWER_IS_BETTER",
        }
    ]


def test_a_forecast_is_found_again_by_its_id_and_its_key(api: Api) -> None:
    latest = api.ask("{ latestForecast { id key } }")["latestForecast"]
    query = "query ($id: ID!) { forecast(id: $id) { id key } }"
    assert api.ask(query, {"id": latest["id"]})["forecast"] == latest
    assert api.ask(query, {"id": latest["key"]})["forecast"] == latest
    assert api.error(query, {"id": "nothing"})["extensions"]["code"] == "NOT_FOUND"


def test_what_was_said_on_friday_is_still_there_on_sunday(api: Api) -> None:
    friday = cutoff_of(NEXT.id, Stage.BEFORE_WEEKEND) + timedelta(minutes=1)
    query = (
        "query ($then: DateTime) { nextRace { then: forecast(asOf: $then) { stage } "
        "practice: forecast(stage: AFTER_PRACTICE) { stage } now: forecast { stage } "
        "forecasts { nodes { stage } totalCount } } }"
    )
    race = api.ask(query, {"then": friday.isoformat()})["nextRace"]
    assert race["then"]["stage"] == "BEFORE_WEEKEND"
    assert race["practice"]["stage"] == "AFTER_PRACTICE"
    assert race["now"]["stage"] == "AFTER_QUALIFYING"
    assert [node["stage"] for node in race["forecasts"]["nodes"]] == [
        "AFTER_QUALIFYING",
        "AFTER_PRACTICE",
        "BEFORE_WEEKEND",
    ]
    assert race["forecasts"]["totalCount"] == 3


def test_an_old_forecast_is_kept_and_says_what_took_its_place(api: Api) -> None:
    """P7: whoever kept Friday's forecast learns that it is no longer the last word, and why."""
    query = (
        "query ($id: ID!) { race(id: $id) { forecasts { nodes { stage supersededBy { stage cause } } } } }"
    )
    nodes = api.ask(query, {"id": NEXT.id})["race"]["forecasts"]["nodes"]
    followed = {node["stage"]: node["supersededBy"] and node["supersededBy"]["stage"] for node in nodes}
    assert followed == {
        "AFTER_QUALIFYING": None,
        "AFTER_PRACTICE": "AFTER_QUALIFYING",
        "BEFORE_WEEKEND": "AFTER_PRACTICE",
    }


def test_a_missing_forecast_says_why(api: Api) -> None:
    query = "query ($id: ID!, $stage: Stage) { race(id: $id) { forecastUnavailableReason(stage: $stage) } }"

    def reason(race_id: str, stage: str) -> str:
        found = api.ask(query, {"id": race_id, "stage": stage})["race"]["forecastUnavailableReason"]
        return str(found)

    assert reason(NEXT.id, "AFTER_SPRINT") == "NO_SUCH_STAGE"
    assert reason(SECOND.id, "AFTER_SPRINT") == "NOT_MADE"
    assert reason("2024-gp-6", "AFTER_QUALIFYING") == "NOT_DUE_YET"
    assert reason(NEXT.id, "AFTER_QUALIFYING") == "None"


def test_scores_stand_beside_those_of_the_baselines(api: Api) -> None:
    """P3: the track record is in the schema; a later result is judged anew."""
    query = (
        "query ($id: ID!) { race(id: $id) { forecast(stage: AFTER_PRACTICE) { scores { measure title "
        "definition direction value revision baselines { model value } } } } }"
    )
    once = api.ask(query, {"id": FIRST.id})["race"]["forecast"]["scores"]
    assert once == [
        {
            "measure": "WINNER_LOG_LOSS",
            "title": "Winner log loss",
            "definition": "Minus the natural logarithm of the win probability given to the winner.",
            "direction": "LOWER_IS_BETTER",
            "value": 1.2,
            "revision": 1,
            "baselines": [{"model": "grid", "value": 1.5}],
        }
    ]
    again = api.ask(query, {"id": SECOND.id})["race"]["forecast"]["scores"]
    assert (again[0]["value"], again[0]["revision"]) == (2.2, 2)
    assert again[0]["baselines"] == [{"model": "grid", "value": 2.5}]


def test_a_chance_can_be_asked_how_such_chances_did_before(api: Api) -> None:
    """P9: nobody has to take 15 % as a promise: beside it stands how often it came true, and of how many."""
    forecast = api.ask("{ nextRace { forecast { stage model { name } entries { win } } } }")["nextRace"][
        "forecast"
    ]
    (span,) = api.ask(
        "query ($model: String!, $stage: Stage!) { calibration(model: $model, stage: $stage) {"
        " span { firstSeason lastSeason }"
        " bins { target fromProbability toProbability count forecast observed low high isFew } } }",
        {"model": forecast["model"]["name"], "stage": forecast["stage"]},
    )["calibration"]

    chance = next(entry["win"] for entry in forecast["entries"] if 0.1 <= entry["win"] < 0.2)
    (such,) = (
        one
        for one in span["bins"]
        if one["target"] == "WIN" and one["fromProbability"] <= chance < one["toProbability"]
    )
    assert (such["count"], such["isFew"]) == (40, False)
    assert such["low"] <= such["observed"] <= such["high"]
    assert such["fromProbability"] <= such["forecast"] <= such["toProbability"]
    assert span["span"] == {"firstSeason": 2023, "lastSeason": 2024}


def test_every_figure_of_a_model_has_its_count_interval_and_baselines(api: Api) -> None:
    """P2, P5: no bare accuracy, and a bin with few cases says so."""
    data = api.ask(
        '{ modelMetrics(model: "rating", stage: AFTER_QUALIFYING) { totalCount nodes { measure title '
        "definition races low high span { firstSeason lastSeason } value "
        "baselines { model value difference low high races } } } "
        'calibration(model: "rating", stage: AFTER_QUALIFYING) { bins { target count low high isFew } } '
        "models { nodes { key model status } } }"
    )
    metric = data["modelMetrics"]["nodes"][0]
    assert data["modelMetrics"]["totalCount"] == 1
    assert (metric["value"], metric["low"], metric["high"], metric["races"]) == (1.3, 1.0, 1.6, 7)
    assert metric["baselines"][0] == {
        "model": "grid",
        "value": 1.5,
        "difference": -0.2,
        "low": -0.3,
        "high": -0.1,
        "races": 7,
    }
    assert [one["isFew"] for one in data["calibration"][0]["bins"]] == [True, False]
    assert data["models"]["nodes"] == [{"key": "rating-1", "model": "rating", "status": "ACTIVE"}]


async def _publish(url: str, new: Forecast) -> None:
    store: Store = open_store(url)
    async with store.write() as write:
        await store_forecast(write, new, is_served=True, now=new.made_at)
    await store.close()


def test_the_third_races_forecast_was_followed_by_its_result(api: Api) -> None:
    data = api.ask(
        "query ($id: ID!) { forecasts(race: $id, stage: AFTER_QUALIFYING) { nodes { madeAt "
        "race { results { driver { slug } } } } totalCount } }",
        {"id": THIRD.id},
    )["forecasts"]
    assert data["totalCount"] == 1
    assert data["nodes"][0]["race"]["results"][0]["driver"]["slug"] == "verstappen"
