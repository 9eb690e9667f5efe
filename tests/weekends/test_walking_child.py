"""Legs walked in a child process: it answers one after the other, and is gone when nobody wants it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from f1graph.errors import WorkError
from f1graph.forecasts.backtest import Walk
from f1graph.forecasts.backtest_legs import to_be_asked
from f1graph.forecasts.members import estimators_named
from f1graph.races.stages import Stage
from f1graph.settings import Settings
from f1graph.store.backtests import AskedBacktest, ask_for_backtest
from f1graph.store.engine import Store, open_store
from f1graph.store.past import load_history
from f1graph.weekends.walking_child import ChildWalker
from tests.databases import SqliteTemplates
from tests.forecasts.season import FIRST_SEASON, NOW, fill_season


@pytest.fixture
def settings(tmp_path: Path, sqlite_templates: SqliteTemplates) -> Settings:
    return Settings(
        data_dir=tmp_path,
        database_url=sqlite_templates.copy(tmp_path, fill_season),
        train_from=FIRST_SEASON,
        threads=1,
        now=NOW,
    )


@pytest.fixture
async def season(settings: Settings) -> AsyncIterator[Store]:
    opened = open_store(settings.store_url)
    yield opened
    await opened.close()


@pytest.fixture
async def asked(season: Store, tmp_path: Path) -> AskedBacktest:
    """Two legs: the season before, after qualifying."""
    async with season.read() as read:
        history = await load_history(read, from_season=FIRST_SEASON - 1)
    walk = Walk(
        seasons=(2024,),
        stages=(Stage.AFTER_QUALIFYING,),
        estimators=estimators_named(["grid", "uniform"]),
        made_at=NOW,
        refits_per_season=2,
        first_season=FIRST_SEASON,
        draws=50,
    )
    async with season.write() as write:
        return await ask_for_backtest(write, to_be_asked(history, walk, tmp_path / "f.csv"), now=NOW)


@pytest.fixture
async def walker(settings: Settings) -> AsyncIterator[ChildWalker]:
    def environment() -> dict[str, str]:
        others = {name: value for name, value in os.environ.items() if not name.startswith("F1GRAPH_")}
        return others | settings.as_environment() | {"OMP_NUM_THREADS": "1"}

    opened = ChildWalker("build", environment)
    yield opened
    await opened.close()


async def ignore(forecasts: int) -> None:
    """Nobody looks at it."""


def walking_here() -> list[psutil.Process]:
    found = []
    for child in psutil.Process().children():
        with suppress(psutil.NoSuchProcess):
            if "walk-legs" in child.cmdline():
                found.append(child)
    return found


def until_one_walks() -> psutil.Process:
    while not (found := walking_here()):
        pass
    return found[0]


async def test_one_child_walks_leg_after_leg_and_is_gone_when_it_is_closed(
    walker: ChildWalker, asked: AskedBacktest
) -> None:
    told: list[int] = []

    async def tell(forecasts: int) -> None:
        told.append(forecasts)

    walked = [await walker.walk(asked.id, leg, on_progress=tell) for leg in asked.legs]
    (child,) = walking_here()
    await walker.close()

    assert [len(of_leg) for of_leg in walked] == [leg.forecasts for leg in asked.legs] == [12, 12]
    assert told[0] == 1
    assert {one.model for one in walked[0]} == {"grid", "uniform"}
    # A line per driver.
    assert {one.rows.count("\n") for one in walked[0]} == {12}
    assert not child.is_running()


async def test_a_leg_that_cannot_be_walked_is_told_and_the_child_goes_on(
    walker: ChildWalker, asked: AskedBacktest
) -> None:
    unknown = replace(asked.legs[0], season=1950)

    with pytest.raises(WorkError, match=r"1950/AFTER_QUALIFYING/.*: the back-test has no leg"):
        await walker.walk(asked.id, unknown, on_progress=ignore)
    (child,) = walking_here()

    assert await walker.walk(asked.id, asked.legs[0], on_progress=ignore)
    assert walking_here() == [child]


async def test_a_back_test_that_nobody_asked_for_is_refused(
    walker: ChildWalker, asked: AskedBacktest
) -> None:
    with pytest.raises(WorkError, match="nobody asks for a back-test 'other'"):
        await walker.walk("other", asked.legs[0], on_progress=ignore)

    # And the next one gets a child of its own.
    assert await walker.walk(asked.id, asked.legs[0], on_progress=ignore)


async def test_a_walk_that_is_given_up_leaves_no_process_behind(
    walker: ChildWalker, asked: AskedBacktest
) -> None:
    walking = asyncio.create_task(walker.walk(asked.id, asked.legs[0], on_progress=ignore))
    child = await asyncio.to_thread(until_one_walks)

    walking.cancel()
    with suppress(asyncio.CancelledError):
        await walking

    assert not child.is_running()


async def test_a_child_that_was_killed_is_noticed_and_replaced(
    walker: ChildWalker, asked: AskedBacktest
) -> None:
    walking = asyncio.create_task(walker.walk(asked.id, asked.legs[0], on_progress=ignore))
    child = await asyncio.to_thread(until_one_walks)

    child.kill()
    with pytest.raises(WorkError, match="ended with exit code -9"):
        await walking

    assert len(await walker.walk(asked.id, asked.legs[0], on_progress=ignore)) == 12
