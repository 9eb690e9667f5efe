"""A tiny real model to test the product with: draws around the average finish and this weekend's places."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from f1graph.errors import ForecastError
from f1graph.features.race_features import RaceFeatures
from f1graph.forecasts.asking import TrainedModel
from f1graph.forecasts.examples import FIRST_SEASON, ExampleBook
from f1graph.forecasts.make import BuildFeatures, make_forecast
from f1graph.models.draws import OutcomeDistribution
from f1graph.models.protocol import Example
from f1graph.races.calendar import Race
from f1graph.races.forecast import Forecast
from f1graph.races.past import History, Past
from f1graph.races.results import ClassificationKind
from f1graph.races.stages import Stage, stage_window

NAMES = ("average_finish", "practice", "grid")
_LISTS = {"practice": ClassificationKind.PRACTICE_1, "grid": ClassificationKind.GRID}


def form_features(past: Past, race_id: str, stage: Stage) -> RaceFeatures:
    """Average finish in all known races, place in practice and on the grid."""
    race, entries = past.race(race_id), past.entries(race_id)
    finishes: dict[str, list[int]] = {}
    for before in past.classified_races():
        result = past.classification(before.id, ClassificationKind.RACE)
        assert result is not None
        for row in result.rows:
            finishes.setdefault(row.driver_id, []).append(row.order)
    values = np.full((len(entries), len(NAMES)), np.nan)
    for i, entry in enumerate(entries):
        values[i, 0] = np.mean(finishes.get(entry.driver_id, [len(entries) / 2]))
        for name, kind in _LISTS.items():
            published = past.classification(race_id, kind)
            place = published.of_driver(entry.driver_id) if published is not None else None
            if place is not None:
                values[i, NAMES.index(name)] = place.order
    missing = np.isnan(values[:, 2]).all() and stage is Stage.AFTER_QUALIFYING
    return RaceFeatures(
        race_id=race_id,
        season=race.season,
        round=race.round,
        circuit_id=race.circuit_id,
        starts_at=race.starts_at,
        stage=stage,
        cutoff=past.cutoff,
        driver_ids=tuple(entry.driver_id for entry in entries),
        constructor_ids=tuple(entry.constructor_id for entry in entries),
        lineage_ids=tuple(entry.constructor_id for entry in entries),
        names=NAMES,
        values=values,
        missing_inputs=(("grid", "not published"),) if missing else (),
    )


def draw(
    driver_ids: tuple[str, ...], pace: NDArray[np.float64], retiring: float, *, draws: int, seed: int
) -> OutcomeDistribution:
    generator = np.random.default_rng(seed)
    retired = generator.random((draws, len(pace))) < retiring
    times = pace + generator.normal(0, 2, (draws, len(pace))) + np.where(retired, 1000, 0)
    positions = (np.argsort(np.argsort(times, axis=1), axis=1) + 1).astype(np.uint8)
    return OutcomeDistribution(driver_ids, positions, retired)


@dataclass(frozen=True)
class FormPredictor:
    stage: Stage
    known: dict[str, float]
    retiring: float
    races: int
    name: str = "form"
    feature_names: tuple[str, ...] = NAMES

    def predict(self, features: RaceFeatures, *, draws: int, seed: int) -> OutcomeDistribution:
        form = np.array([self.known.get(driver_id, 5.0) for driver_id in features.driver_ids])
        pace = np.nanmean(np.column_stack([form, features.values]), axis=1)
        return draw(features.driver_ids, pace, self.retiring, draws=draws, seed=seed)

    def update(self, examples: Sequence[Example]) -> FormPredictor:
        return FormPredictor(self.stage, _averages(examples), self.retiring, len(examples), self.name)

    def state(self) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
        return {}, {"known": self.known, "retiring": self.retiring}


@dataclass(frozen=True)
class FormEstimator:
    """Learns how often cars retire; averages of finishes are its state."""

    name: str = "form"
    version: str = "1"
    stages: frozenset[Stage] = frozenset(Stage)
    fits: list[tuple[Stage, int]] = field(default_factory=list)

    def fit(self, examples: Sequence[Example], *, stage: Stage, seed: int) -> FormPredictor:
        if not examples:
            raise ForecastError("There is no race to learn from.")
        self.fits.append((stage, len(examples)))
        retired = np.concatenate([example.outcome.retired for example in examples])
        return FormPredictor(stage, _averages(examples), float(retired.mean()), len(examples), self.name)

    def restore(self, tensors: dict[str, torch.Tensor], facts: dict[str, Any]) -> FormPredictor:
        raise NotImplementedError


def _averages(examples: Sequence[Example]) -> dict[str, float]:
    places: dict[str, list[int]] = {}
    for example in examples:
        finishes = example.outcome.positions.tolist()
        for driver_id, place in zip(example.features.driver_ids, finishes, strict=True):
            places.setdefault(driver_id, []).append(place)
    return {driver_id: float(np.mean(finishes)) for driver_id, finishes in places.items()}


@dataclass(frozen=True)
class AnythingGoes:
    """Every position equally likely, exactly: as many draws as entries, each a step around the circle."""

    stage: Stage
    name: str = "uniform"
    feature_names: tuple[str, ...] = NAMES

    def predict(self, features: RaceFeatures, *, draws: int, seed: int) -> OutcomeDistribution:
        entries = len(features.driver_ids)
        steps = np.arange(draws)[:, None] + np.arange(entries)[None]
        positions = (steps % entries + 1).astype(np.uint8)
        return OutcomeDistribution(features.driver_ids, positions, np.zeros(positions.shape, dtype=np.bool_))

    def update(self, examples: Sequence[Example]) -> AnythingGoes:
        return self

    def state(self) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
        return {}, {}


@dataclass(frozen=True, eq=False)
class Says:
    """A predictor that draws what it was told to."""

    orders: tuple[str, ...]
    stage: Stage = Stage.AFTER_QUALIFYING
    name: str = "says"
    feature_names: tuple[str, ...] = NAMES

    def predict(self, features: RaceFeatures, *, draws: int, seed: int) -> OutcomeDistribution:
        """`"n r|b"` is a draw: Norris, Russell, and Bottas retired; by initials of the driver ids."""
        initials = [driver_id[0] for driver_id in features.driver_ids]
        positions = np.zeros((len(self.orders), len(initials)), dtype=np.uint8)
        retired = np.zeros(positions.shape, dtype=np.bool_)
        for i, order in enumerate(self.orders):
            finishers, _, out = order.partition("|")
            for place, initial in enumerate(finishers.split() + out.split(), start=1):
                positions[i, initials.index(initial)] = place
                retired[i, initials.index(initial)] = initial in out.split()
        return OutcomeDistribution(features.driver_ids, positions, retired)

    def update(self, examples: Sequence[Example]) -> Says:
        return self

    def state(self) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
        return {}, {}


def the_model(stage: Stage = Stage.AFTER_QUALIFYING) -> TrainedModel:
    known = {"verstappen": 1.0, "norris": 2.0, "hamilton": 3.5}
    return TrainedModel(FormPredictor(stage, known, 0.1, 0), "1", bundle_checksum="ab" * 32)


def a_forecast(
    history: History,
    race: Race,
    *,
    stage: Stage = Stage.AFTER_QUALIFYING,
    model: TrainedModel | None = None,
    baselines: Sequence[TrainedModel] = (),
    cutoff: datetime | None = None,
    made_at: datetime | None = None,
    draws: int = 800,
) -> Forecast:
    window = stage_window(race, stage)
    assert window is not None
    cutoff = cutoff or window.closes_at
    return make_forecast(
        history.as_of(cutoff),
        race,
        stage=stage,
        model=model or the_model(stage),
        baselines=baselines,
        made_at=made_at or cutoff,
        build_features=form_features,
        draws=draws,
    )


def examples(
    history: History,
    stage: Stage,
    known_by: datetime,
    build_features: BuildFeatures,
    *,
    first_season: int = FIRST_SEASON,
) -> list[Example]:
    """The races whose result was known at `known_by`, oldest first."""
    return ExampleBook(history, build_features, first_season=first_season).known_by(known_by, stage)
