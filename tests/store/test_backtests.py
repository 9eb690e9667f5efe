"""Back-tests that wait for workers."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from f1graph.races.stages import Stage
from f1graph.store.backtests import (
    AskedBacktest,
    Leg,
    WalkedForecast,
    ask_for_backtest,
    backtest_asked,
    forget_backtest,
    let_backtest_rest,
    store_walked,
    walked_forecasts,
    wanted_backtests,
)
from f1graph.store.engine import Store
from f1graph.store.ledger import claim, fail, finish, ledger_rows
from tests.builders import a_moment

NOW = a_moment("2024-12-05 12:00")
LEGS = tuple(
    Leg(season, stage, a_moment(f"{season}-03-01 12:00"), 40)
    for season in (2022, 2023)
    for stage in (Stage.AFTER_PRACTICE, Stage.AFTER_QUALIFYING)
)
ASKED = AskedBacktest("one", "build", {"draws": 100, "models": [["rating", "1"]]}, LEGS, NOW)


async def ask(store: Store, asked: AskedBacktest, *, later: timedelta = timedelta(0)) -> AskedBacktest:
    async with store.write() as write:
        return await ask_for_backtest(write, asked, now=NOW + later)


async def wanted(store: Store, build: str = "build") -> list[AskedBacktest]:
    async with store.read() as read:
        return await wanted_backtests(read, build=build)


async def begin(store: Store, leg: Leg) -> str:
    key = ASKED.key(leg)
    async with store.write() as write:
        assert await claim(write, key, kind="BACKTEST", worker="w", now=NOW, lease=timedelta(minutes=1))
    return key


async def test_what_is_asked_for_is_told_to_workers_of_the_same_build_as_it_was_asked(store: Store) -> None:
    assert await ask(store, ASKED) == ASKED

    assert await wanted(store) == [ASKED]
    assert await wanted(store, build="another machine's") == []


async def test_the_first_that_was_asked_for_comes_first(store: Store) -> None:
    await ask(store, replace(ASKED, id="second"), later=timedelta(minutes=1))
    await ask(store, ASKED)

    assert [asked.id for asked in await wanted(store)] == ["one", "second"]


async def test_one_that_rests_is_walked_by_nobody_until_it_is_asked_for_again(store: Store) -> None:
    await ask(store, ASKED)
    async with store.write() as write:
        await let_backtest_rest(write, "one")
    assert await wanted(store) == []

    again = await ask(store, replace(ASKED, made_at=NOW + timedelta(days=1)), later=timedelta(days=1))

    # Forecasts of both days belong together: they are of the first one.
    assert again.made_at == NOW
    assert await wanted(store) == [ASKED]


async def test_two_that_ask_for_different_legs_get_both_in_the_order_of_the_walk(store: Store) -> None:
    await ask(store, replace(ASKED, legs=(LEGS[3], LEGS[0])))

    both = await ask(store, replace(ASKED, legs=LEGS[1:]))

    assert both.legs == LEGS
    assert await wanted(store) == [ASKED]


async def test_a_leg_that_was_given_up_is_tried_anew_and_the_others_work_is_kept(store: Store) -> None:
    await ask(store, ASKED)
    given_up, done, at_work = [await begin(store, leg) for leg in LEGS[:3]]
    async with store.write() as write:
        await fail(write, given_up, worker="w", now=NOW, error="no race", pause=timedelta(0))
        await finish(write, done, worker="w", now=NOW)

    await ask(store, ASKED)

    async with store.read() as read:
        assert set(await ledger_rows(read, [given_up, done, at_work])) == {done, at_work}


@pytest.fixture
def walked() -> list[WalkedForecast]:
    return [
        WalkedForecast("2022-gp-1", Stage.AFTER_QUALIFYING, "rating", "2022,1,…\n", '{"season": 2022}'),
        WalkedForecast("2022-gp-2", Stage.AFTER_QUALIFYING, "rating", "2022,2,…\n", '{"season": 2022}'),
    ]


async def test_what_was_walked_is_found_by_its_races(store: Store, walked: list[WalkedForecast]) -> None:
    await ask(store, ASKED)
    async with store.write() as write:
        await store_walked(write, "one", walked)
        await store_walked(write, "one", [])

    async with store.read() as read:
        found = await walked_forecasts(read, "one", ["2022-gp-2", "2022-gp-3"])
        nothing = await walked_forecasts(read, "two", ["2022-gp-2"])

    assert found == {("2022-gp-2", Stage.AFTER_QUALIFYING, "rating"): walked[1]}
    assert nothing == {}


async def test_one_that_is_in_a_file_leaves_nothing_behind(
    store: Store, walked: list[WalkedForecast]
) -> None:
    await ask(store, ASKED)
    key = await begin(store, LEGS[0])
    async with store.write() as write:
        await store_walked(write, "one", walked)
        await forget_backtest(write, ASKED)

    async with store.read() as read:
        assert await backtest_asked(read, "one") is None
        assert await walked_forecasts(read, "one", ["2022-gp-1"]) == {}
        assert await ledger_rows(read, [key]) == {}


async def test_what_nobody_came_back_for_is_forgotten_after_a_month(
    store: Store, walked: list[WalkedForecast]
) -> None:
    await ask(store, ASKED)
    async with store.write() as write:
        await store_walked(write, "one", walked)

    await ask(store, replace(ASKED, id="two"), later=timedelta(days=29))
    assert [asked.id for asked in await wanted(store)] == ["one", "two"]
    await ask(store, replace(ASKED, id="three"), later=timedelta(days=31))

    assert [asked.id for asked in await wanted(store)] == ["two", "three"]
