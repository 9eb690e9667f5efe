"""A training in a child process: it tells how it went, and is gone when nobody wants it any more."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from f1graph.errors import WorkError
from f1graph.races.stages import Stage
from f1graph.settings import Settings
from f1graph.store.bundles import active_bundle
from f1graph.store.engine import Store, open_store
from f1graph.weekends.training_child import ChildTrainer
from tests.databases import SqliteTemplates
from tests.forecasts.season import FIRST_SEASON, NOW, fill_season

STAGE = Stage.BEFORE_WEEKEND


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


def trainer_of(settings: Settings) -> ChildTrainer:
    def environment() -> Mapping[str, str]:
        others = {name: value for name, value in os.environ.items() if not name.startswith("F1GRAPH_")}
        return others | settings.as_environment()

    return ChildTrainer("rating", environment)


async def ignore(progress: dict[str, Any]) -> None:
    """Nobody looks at it."""


def trainings_here() -> list[psutil.Process]:
    found = []
    for child in psutil.Process().children():
        with suppress(psutil.NoSuchProcess):
            if "train" in child.cmdline():
                found.append(child)
    return found


def until_one_trains() -> list[psutil.Process]:
    while not (found := trainings_here()):
        pass
    return found


async def test_a_child_trains_and_the_bundle_is_in_use(settings: Settings, season: Store) -> None:
    told = await trainer_of(settings).train("rating", STAGE, on_progress=ignore)

    async with season.read() as read:
        bundle = await active_bundle(read, model="rating", stage=STAGE)
    assert bundle is not None
    assert told["bundle"] == bundle.id
    assert (told["is_in_use"], told["why"]) == (True, "none was in use")
    assert (bundle.cutoff - NOW).total_seconds() < 60
    assert (settings.bundles_dir / bundle.path / "manifest.json").is_file()


async def test_a_child_that_fails_says_why(settings: Settings, season: Store) -> None:
    with pytest.raises(WorkError, match="nonsense could not be trained for BEFORE_WEEKEND: there is"):
        await trainer_of(settings).train("nonsense", STAGE, on_progress=ignore)


async def test_a_training_that_is_given_up_leaves_no_process_behind(
    settings: Settings, season: Store
) -> None:
    training = asyncio.create_task(trainer_of(settings).train("rating", STAGE, on_progress=ignore))
    (child,) = await asyncio.to_thread(until_one_trains)

    training.cancel()
    with suppress(asyncio.CancelledError):
        await training

    assert not child.is_running()
    async with season.read() as read:
        assert await active_bundle(read, model="rating", stage=STAGE) is None
