"""What every member must beat: nothing known, the championship's order, and the grid.

They speak the members' protocol and are judged by the same code. None looks at the order in which entries are
listed except to break ties, and that order is by driver.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from f1graph.errors import ForecastError
from f1graph.features.race_features import RaceFeatures
from f1graph.models.draws import OutcomeDistribution
from f1graph.models.protocol import Example
from f1graph.models.rating import require_features
from f1graph.models.readout import grid_slots
from f1graph.races.stages import Stage

Slots = NDArray[np.int64]
SlotsOf = Callable[[RaceFeatures], Slots]

# About ten seasons.
_TABLE_RACES = 200
# A neighbouring slot could have ended the same way: its share of a slot's draws, small at the front.
_BLUR_AT_POLE = 0.3
_BLUR_PER_SLOT = 0.06
# The share of draws in which anything may happen, so that nothing is impossible.
_UPSETS = 0.02
_ABSENT = 0


@dataclass(frozen=True, eq=False)
class UniformPredictor:
    """Every car is as likely as any other to end anywhere.

    Attributes:
        retirement: Share of starters that retired in the races seen.
    """

    stage: Stage
    feature_names: tuple[str, ...]
    retirement: float
    name: str = "uniform"

    def predict(self, features: RaceFeatures, *, draws: int, seed: int) -> OutcomeDistribution:
        """Draws in blocks of one order and all its rotations: exactly chance where blocks fill the draws."""
        require_features(features, stage=self.stage, names=self.feature_names)
        generator = np.random.default_rng(seed)
        entries = len(features.driver_ids)
        blocks = -(-draws // entries)
        order = generator.permuted(np.tile(np.arange(entries), (blocks, 1)), axis=1)
        rotations = (order[:, None, :] + np.arange(entries)[None, :, None]) % entries
        positions = (rotations.reshape(-1, entries)[:draws] + 1).astype(np.uint8)
        finishers = np.repeat(generator.binomial(entries, 1 - self.retirement, size=blocks), entries)[:draws]
        return OutcomeDistribution(features.driver_ids, positions, positions > finishers[:, None])

    def update(self, examples: Sequence[Example]) -> UniformPredictor:
        return self

    def state(self) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
        return {}, {
            "stage": self.stage.value,
            "feature_names": list(self.feature_names),
            "retirement": self.retirement,
        }


@dataclass(frozen=True, slots=True)
class UniformEstimator:
    name: str = "uniform"
    version: str = "1"
    stages: frozenset[Stage] = frozenset(Stage)

    def fit(self, examples: Sequence[Example], *, stage: Stage, seed: int) -> UniformPredictor:
        _require_examples(examples)
        started = sum(int((example.outcome.positions > 0).sum()) for example in examples)
        retired = sum(int(example.outcome.retired.sum()) for example in examples)
        return UniformPredictor(stage, examples[-1].features.names, retired / started if started else 0.0)

    def restore(self, tensors: dict[str, torch.Tensor], facts: dict[str, Any]) -> UniformPredictor:
        return UniformPredictor(Stage(facts["stage"]), tuple(facts["feature_names"]), facts["retirement"])


@dataclass(frozen=True, eq=False)
class TablePredictor:
    """Replays past races by slot: each draw takes one of them and gives the car in slot s what s had then.

    The chances are the empirical position table of each slot, and a draw is a whole race, so they agree.

    Attributes:
        slots_of: Ranks the entries 1 … n.
        positions: (races, slots); 0 where the race had no such slot or its car did not start.
        retired: (races, slots).
    """

    name: str
    stage: Stage
    feature_names: tuple[str, ...]
    slots_of: SlotsOf
    positions: Slots
    retired: NDArray[np.bool_]

    def predict(self, features: RaceFeatures, *, draws: int, seed: int) -> OutcomeDistribution:
        require_features(features, stage=self.stage, names=self.feature_names)
        generator = np.random.default_rng(seed)
        slots = _blurred(self.slots_of(features), draws, generator) - 1  # (draws, entries)
        race = generator.integers(len(self.positions), size=draws)[:, None]
        known = slots < self.positions.shape[1]
        column = np.where(known, slots, 0)
        place = np.where(known, self.positions[race, column], _ABSENT)
        # A slot that the past race did not have ends anywhere, as often retired as that race's field.
        absent = place == _ABSENT
        anywhere = generator.random(place.shape)
        field = self.positions.max(axis=1)[race]
        starters = np.maximum((self.positions > 0).sum(axis=1)[race], 1)
        retired = np.where(
            absent,
            generator.random(place.shape) < self.retired.sum(axis=1)[race] / starters,
            self.retired[race, column],
        )
        sort_key = np.where(absent, 1 + anywhere * field, place) + anywhere / 2 + retired * 1000.0
        positions = np.argsort(np.argsort(sort_key, axis=1, kind="stable"), axis=1, kind="stable") + 1
        return OutcomeDistribution(features.driver_ids, positions.astype(np.uint8), retired)

    def update(self, examples: Sequence[Example]) -> TablePredictor:
        return self

    def state(self) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
        tensors = {"positions": torch.tensor(self.positions), "retired": torch.tensor(self.retired)}
        return tensors, {"stage": self.stage.value, "feature_names": list(self.feature_names)}


@dataclass(frozen=True, slots=True)
class TableEstimator:
    """A position table given a ranking of the entries before the race."""

    name: str
    slots_of: SlotsOf
    stages: frozenset[Stage]
    version: str = "1"

    def fit(self, examples: Sequence[Example], *, stage: Stage, seed: int) -> TablePredictor:
        _require_examples(examples)
        if stage not in self.stages:
            raise ForecastError(f"{self.name} says nothing at {stage}")
        recent = examples[-_TABLE_RACES:]
        width = max(len(example.features.driver_ids) for example in recent)
        positions = np.zeros((len(recent), width), dtype=np.int64)
        retired = np.zeros((len(recent), width), dtype=np.bool_)
        for race, example in enumerate(recent):
            slots = self.slots_of(example.features) - 1
            positions[race, slots] = example.outcome.positions
            retired[race, slots] = example.outcome.retired
        return TablePredictor(self.name, stage, recent[-1].features.names, self.slots_of, positions, retired)

    def restore(self, tensors: dict[str, torch.Tensor], facts: dict[str, Any]) -> TablePredictor:
        return TablePredictor(
            self.name,
            Stage(facts["stage"]),
            tuple(facts["feature_names"]),
            self.slots_of,
            tensors["positions"].numpy(),
            tensors["retired"].numpy(),
        )


def grid_baseline() -> TableEstimator:
    """The starting grid with its empirical position table; only when the grid is known."""
    return TableEstimator("grid", _slots_by_grid, frozenset({Stage.AFTER_QUALIFYING}))


def championship_baseline() -> TableEstimator:
    """The drivers' championship; in a season's first race, and without points, the season before."""
    return TableEstimator("championship", _slots_by_championship, frozenset(Stage))


def _slots_by_grid(features: RaceFeatures) -> Slots:
    return grid_slots(features).astype(np.int64)


def _slots_by_championship(features: RaceFeatures) -> Slots:
    place = features.column("championship_position")
    last_season = np.nan_to_num(features.column("last_season_points_share"))
    order = np.lexsort((-last_season, np.where(np.isnan(place), np.inf, place)))
    slots = np.empty(len(place), dtype=np.int64)
    slots[order] = np.arange(1, len(place) + 1)
    return slots


def _blurred(slots: Slots, draws: int, generator: np.random.Generator) -> Slots:
    """Neighbouring slots change places now and then, and in a few draws everybody does. (draws, entries)"""
    blur = _BLUR_AT_POLE + _BLUR_PER_SLOT * (slots - 1)
    key = slots + blur * generator.standard_normal((draws, len(slots)))
    upset = generator.random((draws, 1)) < _UPSETS
    key = np.where(upset, generator.random(key.shape), key)
    return np.argsort(np.argsort(key, axis=1, kind="stable"), axis=1, kind="stable") + 1


def _require_examples(examples: Sequence[Example]) -> None:
    if not examples:
        raise ForecastError("there is no past race to count from")
