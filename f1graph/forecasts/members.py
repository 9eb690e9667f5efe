"""Which models there are: the one that is served, and the baselines that are judged beside it."""

from __future__ import annotations

from f1graph.models.baselines import UniformEstimator, championship_baseline, grid_baseline
from f1graph.models.protocol import Estimator
from f1graph.models.rating import RatingEstimator

SERVED: Estimator = RatingEstimator()
BASELINES: tuple[Estimator, ...] = (UniformEstimator(), championship_baseline(), grid_baseline())
ESTIMATORS: tuple[Estimator, ...] = (SERVED, *BASELINES)


def estimator_of(name: str) -> Estimator | None:
    return next((estimator for estimator in ESTIMATORS if estimator.name == name), None)
