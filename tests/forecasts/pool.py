"""A small real ensemble to test the product with: the rating and the championship's order, pooled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import torch

from f1graph.features.build import build_features
from f1graph.features.race_features import RaceFeatures
from f1graph.forecasts.examples import ExampleBook
from f1graph.forecasts.life_cycle import Verdict, register
from f1graph.forecasts.training import train
from f1graph.models.baselines import championship_baseline
from f1graph.models.draws import OutcomeDistribution
from f1graph.models.fit_cache import FitCache
from f1graph.models.protocol import EnsembleOutcome, Estimator, Example, MemberOutcome, Predictor
from f1graph.models.rating import RatingEstimator
from f1graph.races.measures import Measure
from f1graph.races.stages import Stage
from f1graph.store.bundles import BundleStatus
from f1graph.store.engine import Store
from f1graph.store.past import load_history
from tests.forecasts.season import FIRST_SEASON, NOW

MEMBERS: tuple[Estimator, ...] = (RatingEstimator(), championship_baseline())
WEIGHTS = {"rating": 0.75, "championship": 0.25}
# Mechanical, accident, other.
CAUSES = (0.5, 0.3, 0.2)
_JUDGED_RACES = 10


@dataclass(frozen=True, eq=False)
class PoolPredictor:
    stage: Stage
    feature_names: tuple[str, ...]
    members: Mapping[str, Predictor]
    missing: tuple[tuple[str, str], ...] = ()
    walk_forward: Mapping[Measure, Mapping[str, float]] = field(default_factory=dict)
    name: str = "ultra"

    def predict(self, features: RaceFeatures, *, draws: int, seed: int) -> OutcomeDistribution:
        return self.predict_ensemble(features, draws=draws, seed=seed).distribution

    def predict_ensemble(self, features: RaceFeatures, *, draws: int, seed: int) -> EnsembleOutcome:
        whole = sum(WEIGHTS[name] for name in self.members)
        drawn = {
            name: member.predict(features, draws=draws, seed=seed + number)
            for number, (name, member) in enumerate(self.members.items())
        }
        weights = {name: WEIGHTS[name] / whole for name in drawn}
        first = round(draws * next(iter(weights.values())))
        picked = [slice(0, first), slice(first, draws)][: len(drawn)]
        positions = np.concatenate(
            [one.positions[rows] for one, rows in zip(drawn.values(), picked, strict=True)]
        )
        retired = np.concatenate(
            [one.retired[rows] for one, rows in zip(drawn.values(), picked, strict=True)]
        )
        pooled = OutcomeDistribution(
            features.driver_ids, positions, retired, np.tile(CAUSES, (len(features.driver_ids), 1))
        )
        share = np.array(list(weights.values()))[:, None]
        means = np.stack([one.positions.mean(axis=0) for one in drawn.values()])
        variances = np.stack([one.positions.var(axis=0) for one in drawn.values()])
        off = np.abs(positions.astype(np.int64) - pooled.expected_position)
        return EnsembleOutcome(
            distribution=pooled,
            members=tuple(MemberOutcome(name, "1", weights[name], one) for name, one in drawn.items()),
            aleatoric=(share * variances).sum(axis=0),
            epistemic=(share * (means - (share * means).sum(axis=0)) ** 2).sum(axis=0),
            confidence=(off <= 2).mean(axis=0),
            missing_members=self.missing,
        )

    def update(self, examples: Sequence[Example]) -> PoolPredictor:
        return replace(self, members={name: one.update(examples) for name, one in self.members.items()})

    def state(self) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
        states = {name: member.state() for name, member in self.members.items()}
        tensors = {
            f"{name}/{key}": tensor for name, (own, _) in states.items() for key, tensor in own.items()
        }
        facts = {
            "stage": self.stage.value,
            "feature_names": list(self.feature_names),
            "members": {name: own for name, (_, own) in states.items()},
        }
        return tensors, facts


@dataclass(frozen=True)
class PoolEstimator:
    """Attributes:
    score: What it says that its walk forward was worth, of each of the last ten races.
    """

    score: float = 0.12
    cache: FitCache = field(default_factory=lambda: FitCache(None), compare=False)
    name: str = "ultra"
    version: str = "1.0"
    stages: frozenset[Stage] = frozenset(Stage)

    def resuming_from(self, cache: FitCache) -> PoolEstimator:
        return replace(self, cache=cache)

    def fit(self, examples: Sequence[Example], *, stage: Stage, seed: int) -> PoolPredictor:
        self.cache.expect(len(MEMBERS))
        return PoolPredictor(
            stage,
            examples[-1].features.names,
            {one.name: self.cache.fit(one, examples, stage=stage, seed=seed) for one in MEMBERS},
            walk_forward={
                Measure.RANKED_PROBABILITY: {
                    example.features.race_id: self.score for example in examples[-_JUDGED_RACES:]
                }
            },
        )

    def restore(self, tensors: dict[str, torch.Tensor], facts: dict[str, Any]) -> PoolPredictor:
        members: dict[str, Predictor] = {}
        missing = []
        for member in MEMBERS:
            own = {
                key.removeprefix(f"{member.name}/"): tensor
                for key, tensor in tensors.items()
                if key.startswith(f"{member.name}/")
            }
            try:
                members[member.name] = member.restore(own, facts["members"][member.name])
            except KeyError:
                missing.append((member.name, "its part of the bundle is missing"))
        return PoolPredictor(Stage(facts["stage"]), tuple(facts["feature_names"]), members, tuple(missing))


async def train_pool(
    store: Store,
    folder: Path,
    *,
    cutoff: datetime = NOW,
    stage: Stage = Stage.BEFORE_WEEKEND,
    estimator: PoolEstimator | None = None,
    cache: FitCache | None = None,
) -> Verdict:
    """As `f1graph models train` does."""
    async with store.read() as read:
        history = await load_history(read, from_season=FIRST_SEASON - 1)
    trained = train(
        estimator or PoolEstimator(),
        ExampleBook(history, build_features, first_season=FIRST_SEASON),
        stage=stage,
        cutoff=cutoff,
        trained_at=cutoff,
        folder=folder / "bundles",
        status=BundleStatus.CANDIDATE,
        invented=True,
        cache=cache,
    )
    async with store.write() as write:
        return await register(write, trained.row, now=cutoff)
