"""Training an ensemble: what it keeps when it is stopped, and what its bundle tells."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from f1graph.forecasts.training import version_of, walk_scores
from f1graph.models.fit_cache import Fit, FitCache
from f1graph.models.rating import RatingEstimator
from f1graph.races.measures import Measure
from f1graph.store.engine import Store, open_store
from tests.databases import SqliteTemplates
from tests.forecasts.pool import PoolEstimator, train_pool
from tests.forecasts.season import fill_season
from tests.models.fields import FIELD, simulated_seasons


@pytest.fixture
def url(tmp_path: Path, sqlite_templates: SqliteTemplates) -> str:
    return sqlite_templates.copy(tmp_path, fill_season)


@pytest.fixture
async def store(url: str) -> AsyncIterator[Store]:
    opened = open_store(url)
    yield opened
    await opened.close()


@dataclass
class StoppedAfter:
    """Ctrl-C after so many fits."""

    fits: int
    seen: list[Fit] = field(default_factory=list)

    def __call__(self, fit: Fit) -> None:
        self.seen.append(fit)
        if len(self.seen) == self.fits:
            raise KeyboardInterrupt


async def test_a_training_that_was_stopped_goes_on_and_ends_as_one_that_was_not(
    store: Store, tmp_path: Path
) -> None:
    unbroken = await train_pool(store, tmp_path / "unbroken")
    with pytest.raises(KeyboardInterrupt):
        await train_pool(store, tmp_path, cache=FitCache(tmp_path / "fits", on_fit=StoppedAfter(1)))
    assert not (tmp_path / "bundles").exists()

    told: list[Fit] = []
    resumed = await train_pool(store, tmp_path, cache=FitCache(tmp_path / "fits", on_fit=told.append))

    assert [(fit.estimator, fit.number, fit.expected, fit.was_kept) for fit in told] == [
        ("rating", 1, 2, True),
        ("championship", 2, 2, False),
    ]
    assert resumed.bundle.checksum == unbroken.bundle.checksum


def test_a_version_names_the_model_and_the_newest_race_it_has_learned_from() -> None:
    races = simulated_seasons(dict.fromkeys(FIELD, 0.0), races=15, seed=1, last_season=2024)

    assert version_of(PoolEstimator(), races) == "ultra-1.0+2024.5"
    assert version_of(PoolEstimator(), []) == "ultra-1.0"


def test_how_it_did_on_the_way_is_told_with_count_and_interval() -> None:
    races = simulated_seasons({d: float(n) for n, d in enumerate(FIELD)}, races=20, seed=1)
    stage = races[0].features.stage

    (score,) = walk_scores(PoolEstimator(score=0.12).fit(races, stage=stage, seed=1))

    assert (score.measure, score.count) == (Measure.RANKED_PROBABILITY, 10)
    assert (score.value, score.low, score.high) == pytest.approx((0.12, 0.12, 0.12))
    assert set(score.races) == {race.features.race_id for race in races[-10:]}
    assert walk_scores(RatingEstimator().fit(races, stage=stage, seed=1)) == []
