"""Asks a trained model about a race, and refuses an answer that contradicts itself."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from f1graph.errors import ForecastError
from f1graph.features.race_features import RaceFeatures
from f1graph.models.draws import OutcomeDistribution
from f1graph.models.protocol import EnsembleOutcome, EnsemblePredictor, MemberOutcome, Predictor


@dataclass(frozen=True, eq=False)
class TrainedModel:
    """A predictor with the facts that a receipt needs.

    Attributes:
        version: The estimator's.
        bundle_checksum: None where the predictor never was on disk.
    """

    predictor: Predictor
    version: str
    bundle_checksum: str | None = None

    @property
    def name(self) -> str:
        return self.predictor.name


@dataclass(frozen=True, eq=False)
class Spoken:
    """What a model said. Of one that is no ensemble the only member is itself, and the rest is not known."""

    distribution: OutcomeDistribution
    members: tuple[MemberOutcome, ...]
    aleatoric: NDArray[np.float64] | None = None
    epistemic: NDArray[np.float64] | None = None
    confidence: NDArray[np.float64] | None = None
    missing_members: tuple[tuple[str, str], ...] = ()


def ask(model: TrainedModel, features: RaceFeatures, *, draws: int, seed: int) -> Spoken:
    if not isinstance(model.predictor, EnsemblePredictor):
        distribution = draw(model, features, draws=draws, seed=seed)
        return Spoken(distribution, (MemberOutcome(model.name, model.version, 1.0, distribution),))
    _require_stage(model, features)
    outcome = model.predictor.predict_ensemble(features, draws=draws, seed=seed)
    problem = _incoherence(features, outcome.distribution, draws) or _contradiction(features, outcome)
    if problem is not None:
        raise ForecastError(f"{model.name} contradicts itself about {features.race_id}: {problem}.")
    return Spoken(
        outcome.distribution,
        outcome.members,
        outcome.aleatoric,
        outcome.epistemic,
        outcome.confidence,
        outcome.missing_members,
    )


def draw(model: TrainedModel, features: RaceFeatures, *, draws: int, seed: int) -> OutcomeDistribution:
    _require_stage(model, features)
    distribution = model.predictor.predict(features, draws=draws, seed=seed)
    problem = _incoherence(features, distribution, draws)
    if problem is not None:
        raise ForecastError(f"{model.name} contradicts itself about {features.race_id}: {problem}.")
    return distribution


def _require_stage(model: TrainedModel, features: RaceFeatures) -> None:
    if model.predictor.stage is not features.stage:
        raise ForecastError(
            f"{model.name} was trained for {model.predictor.stage}, not for {features.stage} of "
            f"{features.race_id}."
        )


def _contradiction(features: RaceFeatures, outcome: EnsembleOutcome) -> str | None:
    """What is wrong with what an ensemble says of itself, if anything."""
    weights = [member.weight for member in outcome.members]
    if not weights or min(weights) < 0 or abs(sum(weights) - 1) > 1e-6:
        return f"the weights of its members are {weights}, which are no shares of one whole"
    for member in outcome.members:
        problem = _incoherence(features, member.distribution, member.distribution.draws)
        if problem is not None:
            return f"its member {member.name} says that {problem}"
    for name, values, most in (
        ("aleatoric variance", outcome.aleatoric, np.inf),
        ("epistemic variance", outcome.epistemic, np.inf),
        ("confidence", outcome.confidence, 1.0),
    ):
        # Written so that NaN does not pass.
        if values.shape != (len(features.driver_ids),) or not ((values >= 0) & (values <= most)).all():
            return f"its {name} is {values}"
    return None


def _incoherence(features: RaceFeatures, distribution: OutcomeDistribution, draws: int) -> str | None:
    if distribution.driver_ids != features.driver_ids:
        return f"it forecasts {distribution.driver_ids}, the entries are {features.driver_ids}"
    if distribution.draws != draws:
        return f"it made {distribution.draws} draws of {draws}"
    matrix = distribution.position_probabilities
    for axis, what in ((1, "an entry's positions"), (0, "a position's entries")):
        worst = np.abs(matrix.sum(axis=axis) - 1).max()
        if worst > 1e-6:
            return f"the probabilities of {what} sum to 1 ± {worst:.2g}"
    for smaller, larger, what in (
        (distribution.win, distribution.podium, "win more likely than podium"),
        (distribution.podium, distribution.points, "podium more likely than top ten"),
    ):
        if (smaller > larger + 1e-12).any():
            return what
    return None
