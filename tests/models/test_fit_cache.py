"""Finished fits that are kept for a training that was stopped."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from f1graph.errors import ForecastError
from f1graph.models.ensemble import UltraEstimator
from f1graph.models.fit_cache import Fit, FitCache, resuming
from f1graph.models.members import mtl, tft
from f1graph.models.mtl import MultiTaskNetwork
from f1graph.models.network_member import NetworkEstimator
from f1graph.models.network_training import RaceNetwork
from f1graph.models.protocol import Example, Predictor
from f1graph.models.rating import RatingEstimator, RatingPredictor
from f1graph.models.strength_filter import Drift
from f1graph.races.stages import Stage
from tests.models.fields import FIELD, simulated_seasons, some_features

RACES = simulated_seasons({d: float(n) for n, d in enumerate(FIELD)}, races=20, seed=1)
STAGE = Stage.BEFORE_WEEKEND


class Counting:
    """The rating, which counts how often it learns."""

    name, version, stages = "rating", "1", frozenset(Stage)

    def __init__(self) -> None:
        self.learned: list[int] = []

    def fit(self, examples: Sequence[Example], *, stage: Stage, seed: int) -> Predictor:
        self.learned.append(len(examples))
        return RatingEstimator().fit(examples, stage=stage, seed=seed)

    def restore(self, tensors: dict[str, torch.Tensor], facts: dict[str, Any]) -> Predictor:
        return RatingEstimator().restore(tensors, facts)


def forecast(predictor: Predictor) -> tuple[bytes, bytes]:
    drawn = predictor.predict(some_features(21, season=2025), draws=300, seed=3)
    return drawn.positions.tobytes(), drawn.retired.tobytes()


@pytest.mark.parametrize("is_on_disk", [True, False])
def test_what_was_learned_before_is_not_learned_again(tmp_path: Path, is_on_disk: bool) -> None:
    estimator, cache = Counting(), FitCache(tmp_path / "fits" if is_on_disk else None)

    first = cache.fit(estimator, RACES, stage=STAGE, seed=1)
    second = cache.fit(estimator, RACES, stage=STAGE, seed=1)

    assert estimator.learned == [20]
    plain = RatingEstimator().fit(RACES, stage=STAGE, seed=1)
    assert forecast(first) == forecast(second) == forecast(plain)


def test_another_process_goes_on_with_what_the_first_has_learned(tmp_path: Path) -> None:
    FitCache(tmp_path).fit(Counting(), RACES, stage=STAGE, seed=1)
    later = Counting()

    found = FitCache(tmp_path).fit(later, RACES, stage=STAGE, seed=1)

    assert later.learned == []
    assert isinstance(found, RatingPredictor)


def changed_result(examples: Sequence[Example]) -> list[Example]:
    last = examples[-1]
    positions = last.outcome.positions[::-1].copy()
    return [*examples[:-1], replace(last, outcome=replace(last.outcome, positions=positions))]


def changed_feature(examples: Sequence[Example]) -> list[Example]:
    first = examples[0]
    values = first.features.values.copy()
    values[0, 0] = 0.125
    return [replace(first, features=replace(first.features, values=values)), *examples[1:]]


@pytest.mark.parametrize(
    "examples",
    [RACES[:-1], changed_result(RACES), changed_feature(RACES)],
    ids=["a race less", "a corrected result", "another input"],
)
def test_other_races_are_another_fit(examples: list[Example]) -> None:
    cache, estimator = FitCache(None), RatingEstimator()

    assert cache.key(estimator, examples, stage=STAGE, seed=1) != cache.key(
        estimator, RACES, stage=STAGE, seed=1
    )


def test_another_seed_stage_version_or_setting_is_another_fit() -> None:
    cache, estimator = FitCache(None), RatingEstimator()
    others = [
        cache.key(estimator, RACES, stage=STAGE, seed=2),
        cache.key(estimator, RACES, stage=Stage.AFTER_QUALIFYING, seed=1),
        cache.key(replace(estimator, version="another"), RACES, stage=STAGE, seed=1),
        cache.key(replace(estimator, drift=Drift(driver_per_race=0.5)), RACES, stage=STAGE, seed=1),
    ]

    assert len({cache.key(estimator, RACES, stage=STAGE, seed=1), *others}) == 5


def a_network(width: int) -> NetworkEstimator:
    def build(names: tuple[str, ...]) -> RaceNetwork:
        return MultiTaskNetwork(len(names), width=width, dropout=0.1)

    return NetworkEstimator("network", build)


def test_a_networks_architecture_is_the_same_at_another_address_and_another_with_another_size() -> None:
    def key(estimator: NetworkEstimator) -> str:
        return FitCache(None).key(estimator, RACES, stage=STAGE, seed=1)

    once, again = a_network(width=8), a_network(width=8)

    assert once.build is not again.build
    assert key(once) == key(again) != key(a_network(width=9))
    assert key(mtl()) == key(mtl()) != key(replace(tft(), name="mtl"))


@pytest.mark.parametrize("change", [lambda data: data[:-1], lambda data: b"x" + data[1:], lambda data: b""])
def test_a_fit_that_is_not_whole_is_learned_again(tmp_path: Path, change: Any) -> None:
    estimator = Counting()
    before = FitCache(tmp_path).fit(estimator, RACES, stage=STAGE, seed=1)
    (file,) = tmp_path.iterdir()
    file.write_bytes(change(file.read_bytes()))

    after = FitCache(tmp_path).fit(estimator, RACES, stage=STAGE, seed=1)

    assert estimator.learned == [20, 20]
    assert forecast(before) == forecast(after)


def test_progress_is_told_with_what_was_there_already(tmp_path: Path) -> None:
    FitCache(tmp_path).fit(RatingEstimator(), RACES[:15], stage=STAGE, seed=1)
    told: list[Fit] = []
    cache = FitCache(tmp_path, on_fit=told.append)
    cache.expect(2)

    for races in (RACES[:15], RACES):
        cache.fit(RatingEstimator(), races, stage=STAGE, seed=1)

    assert [(fit.number, fit.expected, fit.races, fit.was_kept) for fit in told] == [
        (1, 2, 15, True),
        (2, 2, 20, False),
    ]


def test_a_fit_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(ForecastError, match="too few"):
        FitCache(tmp_path).fit(RatingEstimator(), RACES[:2], stage=STAGE, seed=1)

    assert list(tmp_path.iterdir()) == []


def test_an_ensemble_keeps_its_members_fits_and_a_single_model_is_left_as_it_is(tmp_path: Path) -> None:
    cache, rating = FitCache(tmp_path), RatingEstimator()
    races = simulated_seasons({d: float(n) for n, d in enumerate(FIELD)}, races=40, seed=1)

    resuming(UltraEstimator(members=(rating,), anchors=()), cache).fit(races, stage=STAGE, seed=1)

    assert list(tmp_path.iterdir()) != []
    assert resuming(rating, cache) is rating


def test_what_nobody_reads_is_forgotten(tmp_path: Path) -> None:
    cache = FitCache(tmp_path)
    for races in (RACES[:15], RACES):
        cache.fit(RatingEstimator(), races, stage=STAGE, seed=1)
    now = datetime.now(UTC)
    old = (now - timedelta(days=20)).timestamp()
    for file in tmp_path.iterdir():
        os.utime(file, (old, old))
    cache.fit(RatingEstimator(), RACES, stage=STAGE, seed=1)

    assert cache.prune(unused_since=now - timedelta(days=14)) == 1
    assert cache.get(cache.key(RatingEstimator(), RACES, stage=STAGE, seed=1)) is not None
    assert FitCache(None).prune(unused_since=now) == 0


def test_the_tensors_come_back_as_they_were(tmp_path: Path) -> None:
    cache = FitCache(tmp_path)
    fitted = RatingEstimator().fit(RACES, stage=STAGE, seed=1)
    cache.put("some key", fitted)

    state = cache.get("some key")

    assert state is not None
    assert set(state[0]) == set(fitted.state()[0])
    np.testing.assert_array_equal(state[0]["strengths.mean"].numpy(), fitted.strengths.mean)
