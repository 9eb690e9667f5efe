"""Estimator → Predictor → OutcomeDistribution: the shape that every member and baseline has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from numpy.typing import NDArray

from f1graph.features.race_features import RaceFeatures
from f1graph.models.draws import OutcomeDistribution
from f1graph.races.retirement_causes import RetirementCause
from f1graph.races.stages import Stage

# The order of the columns wherever a retirement is told apart by its cause.
CAUSES = (RetirementCause.MECHANICAL, RetirementCause.ACCIDENT, RetirementCause.OTHER)


@dataclass(frozen=True, eq=False)
class Outcome:
    """How a race ended, per entry of its features.

    Attributes:
        positions: (entries,) int64; 1 … n among those who started, unclassified cars last in the
            published order; 0 for an entry that did not start.
        retired: (entries,) bool; did not finish or was not classified. A disqualified car is not
            retired, but has no place among the classified either.
        classified: (entries,) bool; has an official position.
        grid: (entries,) int64; place on the grid, 0 for the pit lane or unknown.
        causes: (entries,) int64; why it retired, an index into `CAUSES`; −1 for a car that did not retire
            and for a cause that nobody published.
    """

    positions: NDArray[np.int64]
    retired: NDArray[np.bool_]
    classified: NDArray[np.bool_]
    grid: NDArray[np.int64]
    causes: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Example:
    """A past race to learn from: what was known at the stage, and what happened."""

    features: RaceFeatures
    outcome: Outcome


class Predictor(Protocol):
    """A trained model. Immutable: the same features and seed give the same draws."""

    @property
    def name(self) -> str: ...

    @property
    def stage(self) -> Stage: ...

    @property
    def feature_names(self) -> tuple[str, ...]: ...

    def predict(self, features: RaceFeatures, *, draws: int, seed: int) -> OutcomeDistribution:
        """Draws finishing orders of a race.

        Raises:
            BundleError: The features are not those the model was trained on.
        """
        ...

    # To the writers of members: a back-test refits once a season and calls this before every race, so a
    # state-space member filters here, and a member without state returns itself. It must not learn
    # parameters, must not change `self`, and must give what the same examples give in one go.
    def update(self, examples: Sequence[Example]) -> Predictor:
        """The same fitted parameters, with the state moved on to the newest races.

        Args:
            examples: All that are known now, oldest first, those of the fit included.
        """
        ...

    def state(self) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
        """Everything needed to build this predictor again: tensors, and plain JSON."""
        ...


@dataclass(frozen=True, eq=False)
class MemberOutcome:
    """What one member of an ensemble says of a race.

    Attributes:
        weight: Its share of the ensemble's draws before calibration; the weights of all members sum to 1.
    """

    name: str
    version: str
    weight: float
    distribution: OutcomeDistribution


@dataclass(frozen=True, eq=False)
class EnsembleOutcome:
    """What an ensemble says of a race, and what it is made of.

    Attributes:
        distribution: The calibrated whole.
        members: By descending weight.
        aleatoric, epistemic: The two parts of the variance of each entry's position, in places squared: what
            the members expect of the lottery, and how far they and their weight draws disagree. (entries,)
        confidence: The calibrated chance that each entry ends within two places of its expected
            position. (entries,)
        missing_members: Members that should have spoken and could not, with the reason.
    """

    distribution: OutcomeDistribution
    members: tuple[MemberOutcome, ...]
    aleatoric: NDArray[np.float64]
    epistemic: NDArray[np.float64]
    confidence: NDArray[np.float64]
    missing_members: tuple[tuple[str, str], ...] = ()


@runtime_checkable
class EnsemblePredictor(Predictor, Protocol):
    """A predictor that is made of others."""

    def predict_ensemble(self, features: RaceFeatures, *, draws: int, seed: int) -> EnsembleOutcome:
        """As `predict`, with the parts: `predict` gives its `distribution`, to the bit."""
        ...


class Estimator(Protocol):
    """Knows how to learn a predictor for one stage from past races."""

    @property
    def name(self) -> str: ...

    @property
    def version(self) -> str: ...

    @property
    def stages(self) -> frozenset[Stage]:
        """Where it can say anything: the grid baseline only when the grid is known."""
        ...

    def fit(self, examples: Sequence[Example], *, stage: Stage, seed: int) -> Predictor:
        """Learns from `examples`, oldest first.

        Raises:
            ForecastError: There are too few races to learn from.
        """
        ...

    def restore(self, tensors: dict[str, torch.Tensor], facts: dict[str, Any]) -> Predictor:
        """The predictor that `state` described."""
        ...
