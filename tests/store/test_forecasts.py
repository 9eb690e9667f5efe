"""Forecasts, scores and events: appended once, read back whole, never changed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError

from f1graph.errors import StoreError, UnknownError
from f1graph.races.forecast import EntryForecast, Forecast, Score
from f1graph.races.laps import (
    RaceControlMessage,
    SessionPart,
    TrackStatus,
    TrackStatusChange,
    WeatherSample,
)
from f1graph.races.measures import Measure
from f1graph.races.stages import Stage
from f1graph.store.audit import AuditRow, record_write
from f1graph.store.engine import Store, open_store
from f1graph.store.events import EventKind, newest_sequence, publish
from f1graph.store.forecasts import latest_forecast_id, load_forecast, load_forecasts, store_forecast
from f1graph.store.keys import Scope, create_key
from f1graph.store.refresh_requests import ask_for_refresh
from f1graph.store.scores import store_scores, unscored_forecasts
from f1graph.store.tables import APPEND_ONLY
from f1graph.store.tables.forecasts import forecasts
from f1graph.store.weather import record_weather_forecast
from tests.api.seed import a_forecast
from tests.builders import DRIVERS, a_history, a_race, a_recording, a_result, a_weather_forecast
from tests.store.records import events_after, facts_of, record, scores_of

RACE = a_race(2024, 1)
FRIDAY = RACE.starts_at - timedelta(days=2)
SATURDAY = FRIDAY + timedelta(days=1)
FORECAST = a_forecast(RACE.id, Stage.BEFORE_WEEKEND, FRIDAY)
RESULT = a_result(RACE)


async def with_forecast(store: Store, forecast: Forecast = FORECAST) -> None:
    """A store with one race, its result and a forecast of it."""
    await record(store, facts_of(a_history([RACE], [RESULT])), now=RACE.ends_at)
    await keep(store, forecast)


async def keep(store: Store, forecast: Forecast, *, is_served: bool = True) -> bool:
    async with store.write() as write:
        return await store_forecast(write, forecast, is_served=is_served, now=forecast.made_at)


async def fetch(store: Store, forecast_id: str) -> Forecast:
    async with store.read() as read:
        return await load_forecast(read, forecast_id)


async def with_everything(store: Store) -> None:
    await with_forecast(store)
    recorded = (
        a_recording(RACE),
        a_recording(RACE, [WeatherSample(timedelta(0))], part=SessionPart.WEATHER),
        a_recording(
            RACE,
            [RaceControlMessage(1, FRIDAY, "Other", "RISK OF RAIN IS 0%")],
            part=SessionPart.RACE_CONTROL,
        ),
        a_recording(
            RACE, [TrackStatusChange(timedelta(0), TrackStatus.CLEAR)], part=SessionPart.TRACK_STATUS
        ),
    )
    await record(
        store,
        replace(facts_of(a_history([RACE], [RESULT]), version="2"), recordings=recorded),
        now=RACE.ends_at,
    )
    async with store.write() as write:
        await record_weather_forecast(write, a_weather_forecast(RACE, FRIDAY))
        await store_scores(
            write, RACE.id, [Score(FORECAST.id, 1, Measure.WINNER_BRIER, 0.04)], now=RACE.ends_at
        )
        key, _ = await create_key(write, name="ours", scopes=[Scope.REFRESH], now=FRIDAY)
        await ask_for_refresh(write, race_id=None, session=None, key_id=key.id, now=FRIDAY)
        await record_write(write, AuditRow(FRIDAY, "refresh", key_id=key.id))


async def test_p3_what_was_said_cannot_be_changed_or_taken_back(store: Store) -> None:
    """Not even by the application: a track record that can be edited is none."""
    await with_everything(store)
    names = [table.name for table in APPEND_ONLY]
    before = [await count(store, name) for name in names]
    assert {"forecasts", "forecast_entries", "forecast_members", "forecast_draws", "scores"} < set(names)
    assert {"forecast_explanations", "audit"} <= set(names)
    assert 0 not in before

    for table in APPEND_ONLY:
        column = next(iter(table.primary_key)).name
        statements = [f'UPDATE {table.name} SET "{column}" = "{column}"', f"DELETE FROM {table.name}"]
        if store.dialect == "postgresql":  # SQLite knows no other way than DELETE
            statements.append(f"TRUNCATE {table.name} CASCADE")
        for statement in statements:
            with pytest.raises(DBAPIError, match=f"{table.name} is append-only"):
                async with store.write() as write:
                    await write.execute(text(statement))

    assert [await count(store, name) for name in names] == before


async def count(store: Store, table: str) -> int:
    async with store.read() as read:
        return int(await read.value(text(f"SELECT count(*) FROM {table}")))


async def test_p3_a_forecast_cannot_be_replaced_on_sqlite(migrated_sqlite: str) -> None:
    """INSERT OR REPLACE deletes the old row, and by default without asking its triggers."""
    store = open_store(migrated_sqlite)
    await with_everything(store)
    with pytest.raises(DBAPIError, match="forecast_draws is append-only"):
        async with store.write() as write:
            await write.execute(
                text("INSERT OR REPLACE INTO forecast_draws VALUES (:id, :data)"),
                {"id": FORECAST.id, "data": b"other"},
            )

    assert (await fetch(store, FORECAST.id)).draws == FORECAST.draws
    await store.close()


def with_awkward_numbers(forecast: Forecast) -> Forecast:
    """Numbers that come back changed from a database that rounds."""
    probabilities = (0.1 + 0.2, 1 / 3, 1e-17, *(0.0 for _ in DRIVERS[3:]))
    first, *others = forecast.entries
    entry = replace(first, win=1 / 3, podium=0.1 + 0.2, position_probabilities=probabilities, grid=None)
    receipt = replace(forecast.receipt, seed=2**31 - 1, bundle_checksum=None, facts_version=7)
    return replace(
        forecast,
        entries=(entry, *others),
        draws=bytes(range(256)),
        consensus=None,
        cause=None,
        missing_inputs=(),
        receipt=receipt,
    )


@pytest.mark.parametrize(
    "change", [lambda forecast: forecast, with_awkward_numbers], ids=["plain", "awkward"]
)
async def test_a_forecast_comes_back_to_the_last_bit(
    store: Store, change: Callable[[Forecast], Forecast]
) -> None:
    forecast = change(FORECAST)
    await with_forecast(store, forecast)

    assert by_driver(await fetch(store, forecast.id)) == by_driver(forecast)


def by_driver(forecast: Forecast) -> Forecast:
    """Entries are kept by driver in any order; the members' order is the forecast's."""

    def key(entry: EntryForecast) -> str:
        return entry.driver_id

    members = tuple(
        replace(member, entries=tuple(sorted(member.entries, key=lambda entry: entry.driver_id)))
        for member in forecast.members
    )
    return replace(forecast, entries=tuple(sorted(forecast.entries, key=key)), members=members)


async def test_the_same_forecast_made_twice_is_stored_and_published_once(store: Store) -> None:
    await with_forecast(store)

    assert not await keep(store, replace(FORECAST, made_at=SATURDAY))

    async with store.read() as read:
        assert await read.value(select(func.count()).select_from(forecasts)) == 1
        published = await events_after(read, 0, kinds=[EventKind.FORECAST_PUBLISHED], limit=10)
    assert [event.forecast_id for event in published] == [FORECAST.id]
    assert (await fetch(store, FORECAST.id)).made_at == FRIDAY


async def test_a_forecast_and_its_event_are_seen_together_or_not_at_all(store: Store) -> None:
    await record(store, facts_of(a_history([RACE], [RESULT])), now=RACE.ends_at)
    with pytest.raises(StoreError, match="lost the claim"):
        await _store_and_fail(store)

    async with store.read() as read:
        assert await load_forecasts(read, [FORECAST.id]) == []
        assert await events_after(read, 0, kinds=[EventKind.FORECAST_PUBLISHED], limit=10) == []


async def _store_and_fail(store: Store) -> None:
    async with store.write() as write:
        await store_forecast(write, FORECAST, is_served=True, now=FRIDAY)
        raise StoreError("lost the claim")


async def test_baselines_are_kept_but_not_published(store: Store) -> None:
    await with_forecast(store)
    baseline = a_forecast(RACE.id, Stage.BEFORE_WEEKEND, FRIDAY, model="grid")
    await keep(store, baseline, is_served=False)

    async with store.read() as read:
        published = await events_after(read, 0, kinds=[EventKind.FORECAST_PUBLISHED], limit=10)
        latest = await latest_forecast_id(read, RACE.id)
        of_model = await latest_forecast_id(read, RACE.id, model="grid")
    assert [event.forecast_id for event in published] == [FORECAST.id]
    assert (latest, of_model) == (FORECAST.id, baseline.id)


async def test_what_did_you_say_on_friday(store: Store) -> None:
    await with_forecast(store)
    saturdays = a_forecast(RACE.id, Stage.AFTER_PRACTICE, SATURDAY)
    await keep(store, saturdays)

    async with store.read() as read:
        said = [
            await latest_forecast_id(read, RACE.id, as_of=moment)
            for moment in (FRIDAY - timedelta(seconds=1), FRIDAY, SATURDAY)
        ]
        assert await latest_forecast_id(read, RACE.id, cutoff=FRIDAY) == FORECAST.id
    assert said == [None, FORECAST.id, saturdays.id]


async def test_an_unknown_forecast_is_named(store: Store) -> None:
    with pytest.raises(UnknownError, match="no forecast 'f-1'"):
        await fetch(store, "f-1")


async def test_whoever_reads_on_from_the_last_number_misses_no_event(url: str, store: Store) -> None:
    """On Postgres numbers are given out before a commit: without turns number 8 can be seen before 7."""
    writers = [open_store(url, pool_size=1) for _ in range(3)]
    seen: list[int] = []
    at_most = 3 * 15

    async def publish_fifteen(own: Store, name: str) -> None:
        for number in range(15):
            async with own.write() as write:
                await publish(write, EventKind.IMPORTED, cause=f"{name}{number}", now=FRIDAY)
                # Others get their chance between the number and the commit.
                for _ in range(number % 4):
                    await write.value(select(1))

    async def follow() -> None:
        while len(seen) < at_most:
            async with store.read() as read:
                found = await events_after(
                    read, seen[-1] if seen else 0, kinds=[EventKind.IMPORTED], limit=10
                )
            seen.extend(event.sequence for event in found)

    async with asyncio.timeout(30):
        await asyncio.gather(
            follow(), *(publish_fifteen(own, name) for own, name in zip(writers, "abc", strict=True))
        )

    async with store.read() as read:
        every = await events_after(read, 0, kinds=[EventKind.IMPORTED], limit=100)
        assert await newest_sequence(read) == seen[-1]
    assert seen == [event.sequence for event in every]
    assert len(seen) == at_most
    for writer in writers:
        await writer.close()


async def test_a_second_publisher_waits_until_the_first_is_seen(url: str, store: Store) -> None:
    """The order of numbers is the order of commits."""
    other = open_store(url, pool_size=1)
    done: list[str] = []

    async def second() -> None:
        async with other.write() as write:
            await publish(write, EventKind.IMPORTED, cause="second", now=FRIDAY)
        done.append("second")

    async with store.write() as write:
        await publish(write, EventKind.IMPORTED, cause="first", now=FRIDAY)
        waiting = asyncio.create_task(second())
        for _ in range(50):
            await write.value(select(1))
        done.append("first")
    await waiting

    assert done == ["first", "second"]
    await other.close()


async def test_events_come_in_parts_and_only_of_the_asked_kinds(store: Store) -> None:
    async with store.write() as write:
        for number in range(5):
            await publish(write, EventKind.IMPORTED, cause=str(number), now=FRIDAY)
            await publish(write, EventKind.SCORES_PUBLISHED, cause="other", now=FRIDAY)
    async with store.read() as read:
        first = await events_after(read, 0, kinds=[EventKind.IMPORTED], limit=3)
        rest = await events_after(read, first[-1].sequence, kinds=[EventKind.IMPORTED], limit=3)

    assert [event.cause for event in (*first, *rest)] == ["0", "1", "2", "3", "4"]


async def test_scores_against_a_corrected_result_leave_the_first_ones(store: Store) -> None:
    await with_everything(store)
    corrected = a_result(RACE, tuple(reversed(DRIVERS)))
    await record(
        store,
        facts_of(a_history([RACE], [corrected]), version="2", source="made-up"),
        now=RACE.ends_at + timedelta(days=1),
    )
    async with store.read() as read:
        assert await unscored_forecasts(read) == [(FORECAST.id, RACE.id, 2)]
        assert await unscored_forecasts(read, as_of=RACE.ends_at) == []

    async with store.write() as write:
        await store_scores(
            write, RACE.id, [Score(FORECAST.id, 2, Measure.WINNER_BRIER, 0.5)], now=RACE.ends_at
        )

    async with store.read() as read:
        assert await unscored_forecasts(read) == []
        assert await scores_of(read, [FORECAST.id]) == {
            FORECAST.id: [
                Score(FORECAST.id, 1, Measure.WINNER_BRIER, 0.04),
                Score(FORECAST.id, 2, Measure.WINNER_BRIER, 0.5),
            ]
        }


async def test_d7_a_score_against_a_result_that_is_not_there_is_refused(store: Store) -> None:
    await with_forecast(store)
    with pytest.raises(DBAPIError, match=r"(?i)foreign key"):
        async with store.write() as write:
            await store_scores(
                write, RACE.id, [Score(FORECAST.id, 9, Measure.WINNER_BRIER, 0.04)], now=RACE.ends_at
            )
