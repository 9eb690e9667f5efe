"""The questions that the API asks, answered in batches."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from sqlalchemy import insert

from f1graph.races.facts import StandingsKind
from f1graph.races.results import ClassificationKind
from f1graph.races.stages import Stage
from f1graph.store import calendar, championships, people, publications, published, results
from f1graph.store.engine import Store
from f1graph.store.events import EventKind, publish
from f1graph.store.facts import record_facts
from f1graph.store.forecasts import store_forecast
from f1graph.store.tables.facts import standings
from tests.api.seed import a_forecast, facts_of
from tests.builders import DRIVERS, a_history, a_list, a_moment, a_race, a_result, a_row, a_season

_NOW = a_moment("2024-12-31")


async def test_a_list_that_was_published_empty_is_known_and_empty(store: Store) -> None:
    race = a_race()
    async with store.write() as write:
        await record_facts(
            write,
            facts_of(a_history([race], [a_list(race, ClassificationKind.PIT_STOPS, [])])),
            now=a_moment("2024-01-01"),
        )
    async with store.read() as read:
        found = await results.classifications_known(
            read, [race.id], [ClassificationKind.PIT_STOPS, ClassificationKind.RACE], _NOW
        )
    assert found[race.id, ClassificationKind.PIT_STOPS].rows == ()
    assert (race.id, ClassificationKind.RACE) not in found


async def test_a_driver_of_two_shared_cars_started_once(store: Store) -> None:
    race = a_race(1955)
    rows = [
        a_row(1, "hamilton", points=4, constructor_id="team-0"),
        a_row(2, "hamilton", points=2, constructor_id="team-0"),
        a_row(3, "norris", points=4, constructor_id="team-1"),
    ]
    async with store.write() as write:
        await record_facts(
            write,
            facts_of(a_history([race], [a_list(race, ClassificationKind.RACE, rows)])),
            now=a_moment("2024-01-01"),
        )
    async with store.read() as read:
        (season,) = (await people.driver_seasons(read, ["hamilton"], _NOW))["hamilton"]
    assert (season.starts, season.wins, season.podiums, season.points) == (1, 1, 1, 6)
    # Before 1991 nothing is computed: without an official table there is no place.
    assert (season.position, season.is_complete) == (None, True)


async def test_a_team_change_within_a_season_shows_both_teams_in_order(store: Store) -> None:
    """S9: the team belongs to the entry."""
    first, second = a_season(2024, 2)
    facts = [
        a_list(race, ClassificationKind.RACE, [a_row(1, "norris", points=25, constructor_id=team)])
        for race, team in ((first, "team-9"), (second, "team-1"))
    ]
    async with store.write() as write:
        await record_facts(write, facts_of(a_history([first, second], facts)), now=a_moment("2024-01-01"))
    async with store.read() as read:
        (season,) = (await people.driver_seasons(read, ["norris"], _NOW))["norris"]
        earlier = await people.driver_seasons(read, ["norris"], first.ends_at)
    assert season.constructor_ids == ("team-9", "team-1")
    assert (season.position, season.counted_points, season.is_complete) == (1, 50, True)
    assert earlier["norris"][0].constructor_ids == ("team-9",)
    assert not earlier["norris"][0].is_complete


async def test_the_table_of_a_race_is_that_of_the_results_known_then(store: Store) -> None:
    """S6: a later disqualification changes the table of today and not the one of then."""
    first, second = a_season(2024, 2)
    later = second.ends_at + timedelta(days=30)
    facts = [
        a_result(first),
        a_result(first, DRIVERS[1:], disqualified=DRIVERS[:1], known_at=later, revision=2),
        a_result(second),
    ]
    async with store.write() as write:
        await record_facts(write, facts_of(a_history([first, second], facts)), now=a_moment("2024-01-01"))
    async with store.read() as read:
        then = await championships.standings_known(read, [second.id], second.ends_at)
        now = await championships.standings_known(read, [second.id], later)
        before = await championships.standings_known(read, [second.id], first.ends_at)
    key = (second.id, StandingsKind.DRIVERS)
    assert then[key].rows[0].points == 50
    assert {row.competitor_id: row.points for row in now[key].rows}[DRIVERS[0]] == 25
    assert before == {}


async def test_a_stored_table_is_shown_while_it_says_what_was_known(store: Store) -> None:
    """S6: the stored table is of today's results; one of an earlier moment is computed again."""
    first, second = a_season(2024, 2)
    later = second.ends_at + timedelta(days=30)
    corrected = a_result(first, DRIVERS[1:], disqualified=DRIVERS[:1], known_at=later, revision=2)
    row = {"kind": "DRIVERS", "order": 1, "position": 1, "competitor_id": "stored", "points": 7.0}
    async with store.write() as write:
        await record_facts(
            write,
            facts_of(a_history([first, second], [a_result(first), corrected, a_result(second)])),
            now=a_moment("2024-01-01"),
        )
        await write.execute(insert(standings), [{**row, "race_id": first.id, "basis": "COMPUTED"}])
    key = (first.id, StandingsKind.DRIVERS)
    async with store.read() as read:
        now = await championships.standings_known(read, [first.id], later)
        then = await championships.standings_known(read, [first.id], first.ends_at)
    assert [line.competitor_id for line in now[key].rows] == ["stored"]
    assert then[key].rows[0].competitor_id == DRIVERS[0]


async def test_a_race_that_is_running_is_the_next_and_not_the_last(store: Store) -> None:
    first, second = a_season(2024, 2)
    async with store.write() as write:
        await record_facts(
            write, facts_of(a_history([first, second], [a_result(first)])), now=a_moment("2024-01-01")
        )
    during = first.starts_at + timedelta(minutes=5)
    async with store.read() as read:
        running = await calendar.race_not_over(read, during)
        nothing = await calendar.last_race_with_result(read, during)
        over = await calendar.last_race_with_result(read, first.ends_at)
        season_over = await calendar.race_not_over(read, second.ends_at)
    assert running == first
    assert over == first
    assert (nothing, season_over) == (None, None)


async def test_an_update_that_seems_of_the_next_second_is_not_jumped_over(store: Store) -> None:
    """Two machines' clocks differ: what is published ahead of ours waits, and nothing after it is told."""
    race = a_race()
    moment = a_moment("2024-03-01")
    soon, far = moment + timedelta(seconds=1), moment + timedelta(days=900)
    async with store.write() as write:
        await record_facts(write, facts_of(a_history([race], [])), now=a_moment("2024-01-01"))
        for name, happened_at in (("far", far), ("first", moment), ("soon", soon), ("last", moment)):
            await publish(write, EventKind.CALENDAR_CHANGED, cause=name, now=happened_at, race_id=race.id)
    async with store.read() as read:
        now = await publications.published_after(read, 0, limit=10, moment=moment)
        then = await publications.published_after(read, now.last, limit=10, moment=soon)
        last = await publications.published_last(read, limit=2, moment=soon)
    assert [one.cause for one in now.publications[-1:]] == ["first"]
    assert [one.cause for one in then.publications] == ["soon", "last"]
    assert [one.cause for one in last.publications] == ["soon", "last"]


async def test_a_back_test_is_the_latest_forecast_only_where_there_is_nothing_else(store: Store) -> None:
    race = a_race()
    moment = race.weekend_starts_at
    honest = a_forecast(race.id, Stage.BEFORE_WEEKEND, moment - timedelta(days=1))
    back_test = a_forecast(race.id, Stage.AFTER_QUALIFYING, moment - timedelta(hours=1), retrospective=True)
    async with store.write() as write:
        await record_facts(write, facts_of(a_history([race], [a_result(race)])), now=a_moment("2024-01-01"))
        await store_forecast(write, honest, is_served=True, now=honest.made_at)
        await store_forecast(write, back_test, is_served=True, now=back_test.made_at)
    async with store.read() as read:
        latest = await published.latest_forecast(read, moment)
        of_race = await published.latest_forecasts(read, [race.id], None, moment)
        none = await published.latest_forecast(read, moment - timedelta(days=2))
    assert latest is not None
    assert latest.id == honest.id
    assert of_race[race.id].id == honest.id
    assert none is None


async def test_a_stage_that_is_made_up_for_later_does_not_hide_what_was_said_before_the_race(
    store: Store,
) -> None:
    race = a_race()
    hour = timedelta(hours=1)
    on_sunday = a_forecast(race.id, Stage.AFTER_QUALIFYING, race.starts_at - hour)
    friday = a_forecast(race.id, Stage.AFTER_PRACTICE, race.starts_at - 2 * hour)
    by_hand = replace(friday, cutoff=race.weekend_starts_at + hour, made_at=race.starts_at - hour / 2)
    back_test = replace(
        a_forecast(race.id, Stage.BEFORE_WEEKEND, race.ends_at + hour, retrospective=True),
        cutoff=race.weekend_starts_at,
    )
    later_back_test = replace(
        a_forecast(race.id, Stage.AFTER_QUALIFYING, race.ends_at + 2 * hour, retrospective=True),
        cutoff=race.starts_at,
    )
    async with store.write() as write:
        await record_facts(write, facts_of(a_history([race], [a_result(race)])), now=a_moment("2024-01-01"))
        for forecast in (on_sunday, by_hand, back_test, later_back_test):
            await store_forecast(write, forecast, is_served=True, now=forecast.made_at)

    async def latest(stage: Stage | None) -> str:
        async with store.read() as read:
            return (await published.latest_forecasts(read, [race.id], stage, _NOW))[race.id].id

    assert await latest(None) == on_sunday.id
    assert await latest(Stage.AFTER_QUALIFYING) == on_sunday.id
    assert await latest(Stage.BEFORE_WEEKEND) == back_test.id
