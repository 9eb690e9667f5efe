"""News by asking: what was published since a cursor, without a gap and without a repetition."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from f1graph.races.results import ClassificationKind
from f1graph.races.stages import Stage
from f1graph.store.bundles import activate, forget_bundle
from f1graph.store.engine import open_store
from f1graph.store.events import EventKind, publish
from f1graph.store.forecasts import store_forecast
from tests.api.conftest import Api
from tests.api.seed import NEXT, NOW, SECOND, a_forecast

_QUERY = """
query ($after: String, $first: Int! = 20, $kinds: [UpdateKind!]) {
  updates(after: $after, first: $first, kinds: $kinds) {
    nextCursor askAgainAt
    updates {
      __typename cursor kind at cause race { slug }
      ... on ForecastPublished { forecast { stage race { slug } } }
      ... on ResultPublished { classification revision }
      ... on ScoresPublished { revision }
      ... on ModelActivated { bundle { key } }
    }
  }
}
"""


def _ask(api: Api, **variables: Any) -> dict[str, Any]:
    found: dict[str, Any] = api.ask(_QUERY, variables)["updates"]
    return found


async def _publish(url: str, *hours_ago: float) -> None:
    store = open_store(url)
    for hours in hours_ago:
        made_at = NOW - timedelta(hours=hours)
        new = a_forecast(NEXT.id, Stage.AFTER_QUALIFYING, made_at, favourite="norris")
        async with store.write() as write:
            await store_forecast(write, new, is_served=True, now=made_at)
    await store.close()


async def test_whoever_goes_on_from_the_cursor_misses_nothing(api: Api) -> None:
    first = _ask(api, first=2, kinds=["FORECAST_PUBLISHED"])
    stages = [one["forecast"]["stage"] for one in first["updates"]]
    assert stages == ["AFTER_PRACTICE", "AFTER_QUALIFYING"]
    # The race is three hours away: the daily refresh comes in two, but nobody waits longer than one.
    assert first["askAgainAt"] == (NOW + timedelta(hours=1)).isoformat().replace("+00:00", "Z")

    newest = _ask(api)["nextCursor"]
    nothing = _ask(api, after=newest)
    assert (nothing["updates"], nothing["nextCursor"]) == ([], newest)
    await _publish(api.url, 2, 1)
    cursor = newest
    seen: list[str] = []
    for _ in range(3):
        page = _ask(api, after=cursor, first=1)
        seen.extend(one["at"] for one in page["updates"])
        cursor = page["nextCursor"]
    assert seen == ["2024-04-14T08:00:00Z", "2024-04-14T09:00:00Z"]


async def test_each_piece_of_news_carries_the_cursor_from_which_to_go_on(api: Api) -> None:
    newest = _ask(api)["nextCursor"]
    await _publish(api.url, 2, 1)

    both = _ask(api, after=newest)
    rest = _ask(api, after=both["updates"][0]["cursor"])

    assert rest["updates"] == both["updates"][1:]
    assert both["nextCursor"] == both["updates"][1]["cursor"]


async def test_every_kind_of_news_says_what_it_is_about(api: Api) -> None:
    newest = _ask(api)["nextCursor"]
    store = open_store(api.url)
    async with store.write() as write:
        await publish(
            write,
            EventKind.RESULT_PUBLISHED,
            cause="f1db 2",
            race_id=SECOND.id,
            classification=ClassificationKind.RACE,
            revision=2,
            now=NOW,
        )
        await publish(
            write, EventKind.SCORES_PUBLISHED, cause="judged", race_id=SECOND.id, revision=2, now=NOW
        )
        await activate(write, "rating-1", now=NOW, by_hand=True)
        await publish(write, EventKind.CALENDAR_CHANGED, cause="postponed", race_id=NEXT.id, now=NOW)
        await publish(write, EventKind.IMPORTED, cause="of no interest to users", now=NOW)
    await store.close()

    found = _ask(api, after=newest)["updates"]

    assert [one["__typename"] for one in found] == [
        "ResultPublished",
        "ScoresPublished",
        "ModelActivated",
        "CalendarChanged",
    ]
    result, scores, model, calendar = found
    assert (result["race"]["slug"], result["classification"], result["revision"]) == (SECOND.id, "RACE", 2)
    assert (scores["race"]["slug"], scores["revision"]) == (SECOND.id, 2)
    assert (model["race"], model["bundle"]) == (None, {"key": "rating-1"})
    assert (calendar["race"]["slug"], calendar["cause"]) == (NEXT.id, "postponed")
    only = _ask(api, after=newest, kinds=["MODEL_ACTIVATED", "CALENDAR_CHANGED"])["updates"]
    assert only == [model, calendar]


async def test_that_a_model_was_put_to_use_is_told_also_after_it_was_deleted(api: Api) -> None:
    newest = _ask(api)["nextCursor"]
    store = open_store(api.url)
    async with store.write() as write:
        await publish(write, EventKind.MODEL_ACTIVATED, cause="x was put to use", bundle_id="x", now=NOW)
        await forget_bundle(write, "x")
    await store.close()

    (told,) = _ask(api, after=newest)["updates"]

    assert (told["cause"], told["bundle"]) == ("x was put to use", None)


async def test_who_has_more_to_read_need_not_wait(api: Api) -> None:
    newest = _ask(api)["nextCursor"]
    await _publish(api.url, 2, 1)

    assert _ask(api, after=newest, first=1)["askAgainAt"] == NOW.isoformat().replace("+00:00", "Z")


def test_what_is_published_later_is_not_told_yet(api: Api) -> None:
    """The seed holds forecasts of the races to come: none of them may be seen."""
    told = _ask(api, first=100)["updates"]

    assert told
    assert all(one["at"] <= NOW.isoformat().replace("+00:00", "Z") for one in told)
    assert {one["race"]["slug"] for one in told if one["kind"] == "FORECAST_PUBLISHED"} == {
        "2024-gp-1",
        "2024-gp-2",
        "2024-gp-3",
        "2024-gp-4",
    }


@pytest.mark.parametrize("after", ["", "%", "bm90aGluZw", "W10", "WyJ1cGRhdGVzIiwgLTFd"])
def test_what_is_no_cursor_is_refused(sqlite_api: Api, after: str) -> None:
    error = sqlite_api.error(_QUERY, {"after": after})
    assert error["extensions"]["code"] == "BAD_CURSOR"


def test_a_cursor_of_another_list_is_refused(sqlite_api: Api) -> None:
    of_races = sqlite_api.ask("{ races(first: 1) { pageInfo { endCursor } } }")["races"]["pageInfo"]
    error = sqlite_api.error(_QUERY, {"after": of_races["endCursor"]})
    assert error["extensions"]["code"] == "BAD_CURSOR"


def test_a_cursor_ahead_of_all_news_is_refused(api: Api) -> None:
    """It is of another database: whoever waited there would miss everything until the number is reached."""
    error = api.error(_QUERY, {"after": "WyJ1cGRhdGVzIiw5OTk5OTld"})  # ["updates",999999]
    assert error["extensions"]["code"] == "BAD_CURSOR"
    assert "another database" in error["message"]
