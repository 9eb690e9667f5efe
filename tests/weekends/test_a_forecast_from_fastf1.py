"""A forecast that the real models make from what FastF1 told, made again from its receipt."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from f1graph.forecasts.forecaster import Forecaster
from f1graph.forecasts.members import models_of
from f1graph.races.calendar import SessionKind
from f1graph.races.results import ClassificationKind
from f1graph.races.stages import Stage
from f1graph.store.engine import Store, open_store
from f1graph.store.forecasts import latest_forecast_id
from f1graph.store.results import revisions_known
from f1graph.weekends.intake import take_in
from tests.databases import SqliteTemplates
from tests.upstream import replayed_upstream
from tests.weekends.lived import a_weekend, cached_weekend

pytestmark = pytest.mark.real_data
TRAIN_FROM = 2023


@pytest.fixture
async def store(tmp_path: Path, sqlite_templates: SqliteTemplates) -> AsyncIterator[Store]:
    """In the folder in which the command line looks for it."""
    url = await asyncio.to_thread(sqlite_templates.copy, tmp_path)
    opened = open_store(url)
    yield opened
    await opened.close()


def verify(folder: Path, forecast_id: str) -> dict[str, Any]:
    """What `f1graph forecast verify` says."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("F1GRAPH_")}
    environment |= {
        "F1GRAPH_DATA_DIR": str(folder),
        "F1GRAPH_TRAIN_FROM": str(TRAIN_FROM),
        "F1GRAPH_THREADS": "1",
    }
    done = subprocess.run(
        [sys.executable, "-m", "f1graph", "forecast", "verify", forecast_id, "--json"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    said: dict[str, Any] = json.loads(done.stdout)
    return said


async def test_a_forecast_from_what_fastf1_told_verifies_before_and_after_f1db_has_spoken(
    store: Store, unpacked_weekends: Path, tmp_path: Path
) -> None:
    """S6, S15: all that it was made from is in the database, as it was known then."""
    cache = cached_weekend(unpacked_weekends, "Miami_Grand_Prix", tmp_path / "cache")
    forecaster = Forecaster(
        store, bundles=tmp_path / "bundles", train_from=TRAIN_FROM, models=models_of("rating")
    )
    with replayed_upstream() as upstream:
        async with a_weekend(
            "2024-miami", store, upstream, cache=cache, only=SessionKind.QUALIFYING, engine=forecaster
        ) as lived:
            await take_in(store, lived.source, now=lived.clock.now)
            qualifying = lived.race.session(SessionKind.QUALIFYING)
            assert qualifying is not None
            # The grid is waited for, but not for ever.
            lived.clock.now = qualifying.ends_at + timedelta(hours=2.5)
            await lived.run()
            async with store.read() as read:
                told = await revisions_known(read, [lived.race.id], lived.clock.now)
                made = await latest_forecast_id(read, lived.race.id, stage=Stage.AFTER_QUALIFYING)
            sources = {one.source for one in told[lived.race.id] if one.kind is ClassificationKind.QUALIFYING}
            assert sources == {"fastf1"}
            assert made is not None
            at_once = await asyncio.to_thread(verify, tmp_path, made)
            # F1DB's result and its own view of qualifying.
            lived.clock.now = lived.race.ends_at + timedelta(days=2, hours=1)
            await lived.run()
            later = await asyncio.to_thread(verify, tmp_path, made)
    forecaster.close()
    assert at_once["identical"]
    assert at_once["differences"] == []
    assert later["identical"]
