"""The `rating` member: drifting strengths, read out into a finishing order, beside a retirement model.

Strengths come from finishing orders alone (`strength_filter`); what the weekend has shown enters through a
linear readout that is fitted per stage (`readout`); who stops is drawn first (`retirement`, `sampling`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from f1graph.errors import BundleError, ForecastError
from f1graph.features.race_features import RaceFeatures
from f1graph.models.draws import OutcomeDistribution
from f1graph.models.protocol import Example
from f1graph.models.readout import OrderReadout, finishing_order, fit_order, order_inputs
from f1graph.models.retirement import RetirementModel, fit_retirements, retirement_inputs
from f1graph.models.sampling import draw_races
from f1graph.models.scaling import Scaling
from f1graph.models.strength_filter import Drift, StrengthFilter, Strengths
from f1graph.races.stages import Stage

# Older races only warm the strengths up; recency weights leave next to nothing of them in the readout.
FIT_RACES = 300
FEWEST_RACES = 10


@dataclass(frozen=True, eq=False)
class RatingPredictor:
    """Attributes:
    strengths: After the newest race learned from.
    learned: How many examples that were.
    learned_digest: Of those examples, so that `update` knows whether it may go on from here.
    """

    stage: Stage
    feature_names: tuple[str, ...]
    order: OrderReadout
    retirement: RetirementModel
    strengths: StrengthFilter
    learned: int
    learned_digest: str
    name: str = "rating"

    def predict(self, features: RaceFeatures, *, draws: int, seed: int) -> OutcomeDistribution:
        require_features(features, stage=self.stage, names=self.feature_names)
        strengths = self.strengths_before(features)
        return draw_races(
            features.driver_ids,
            utilities=self.order.utilities(order_inputs(features, strengths)[1]),
            retirement_log_odds=self.retirement.log_odds(retirement_inputs(features, strengths)[1]),
            race_deviation=self.retirement.race_deviation,
            draws=draws,
            generator=np.random.default_rng(seed),
        )

    def strengths_before(self, features: RaceFeatures) -> Strengths:
        """What is believed of the race's entries, the winters since the newest race included."""
        strengths = self.strengths.copy()
        strengths.begin_season(features.season)
        return strengths.before(features.driver_ids, features.lineage_ids)

    def update(self, examples: Sequence[Example]) -> RatingPredictor:
        digests = _digests(examples)
        goes_on = len(examples) >= self.learned and digests[self.learned] == self.learned_digest
        strengths = self.strengths.copy() if goes_on else StrengthFilter(self.strengths.drift)
        _filter(strengths, examples[self.learned if goes_on else 0 :])
        return replace(self, strengths=strengths, learned=len(examples), learned_digest=digests[-1])

    def state(self) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
        tensors = {
            "order.weights": self.order.weights,
            "order.mean": self.order.scaling.mean,
            "order.deviation": self.order.scaling.deviation,
            "retirement.weights": self.retirement.weights,
            "retirement.mean": self.retirement.scaling.mean,
            "retirement.deviation": self.retirement.scaling.deviation,
            "strengths.mean": self.strengths.mean,
            "strengths.covariance": self.strengths.covariance,
        }
        facts = {
            "stage": self.stage.value,
            "feature_names": list(self.feature_names),
            "order": {"sharpness": self.order.sharpness, "slope": self.order.slope},
            "retirement": {
                "intercept": self.retirement.intercept,
                "race_deviation": self.retirement.race_deviation,
            },
            "strengths": {
                "season": self.strengths.season,
                "drivers": self.strengths.drivers,
                "cars": self.strengths.cars,
                "drift": asdict(self.strengths.drift),
            },
            "learned": self.learned,
            "learned_digest": self.learned_digest,
        }
        return {name: torch.tensor(values) for name, values in tensors.items()}, facts


@dataclass(frozen=True, slots=True)
class RatingEstimator:
    """Attributes:
    drift: How strengths move; the defaults were chosen on the seasons 2015 to 2018.
    """

    drift: Drift = field(default_factory=Drift)
    name: str = "rating"
    version: str = "1"
    stages: frozenset[Stage] = frozenset(Stage)

    def fit(self, examples: Sequence[Example], *, stage: Stage, seed: int) -> RatingPredictor:
        """Learns strengths from all examples, and how to read them from the newest 300.

        The fit is deterministic; `seed` is there for the protocol's sake.

        Raises:
            ForecastError: There are fewer than 10 races.
        """
        if len(examples) < FEWEST_RACES:
            raise ForecastError(
                f"{len(examples)} past races are too few to rate anybody; {FEWEST_RACES} are needed"
            )
        strengths = StrengthFilter(self.drift)
        before = _filter(strengths, examples)
        recent, beliefs = examples[-FIT_RACES:], before[-FIT_RACES:]
        pairs = [(example.features, belief) for example, belief in zip(recent, beliefs, strict=True)]
        order_values = [order_inputs(features, belief)[1] for features, belief in pairs]
        retirement_values = [retirement_inputs(features, belief)[1] for features, belief in pairs]
        return RatingPredictor(
            stage=stage,
            feature_names=recent[-1].features.names,
            order=fit_order(order_values, recent, Scaling.of(order_values)),
            retirement=fit_retirements(retirement_values, recent, Scaling.of(retirement_values)),
            strengths=strengths,
            learned=len(examples),
            learned_digest=_digests(examples)[-1],
        )

    def restore(self, tensors: dict[str, torch.Tensor], facts: dict[str, Any]) -> RatingPredictor:
        values: dict[str, NDArray[np.float64]] = {name: tensor.numpy() for name, tensor in tensors.items()}
        strengths = StrengthFilter(Drift(**facts["strengths"]["drift"]))
        strengths.season = facts["strengths"]["season"]
        strengths.drivers = dict(facts["strengths"]["drivers"])
        strengths.cars = dict(facts["strengths"]["cars"])
        strengths.mean, strengths.covariance = values["strengths.mean"], values["strengths.covariance"]
        return RatingPredictor(
            stage=Stage(facts["stage"]),
            feature_names=tuple(facts["feature_names"]),
            order=OrderReadout(
                Scaling(values["order.mean"], values["order.deviation"]),
                values["order.weights"],
                **facts["order"],
            ),
            retirement=RetirementModel(
                Scaling(values["retirement.mean"], values["retirement.deviation"]),
                values["retirement.weights"],
                **facts["retirement"],
            ),
            strengths=strengths,
            learned=facts["learned"],
            learned_digest=facts["learned_digest"],
        )


def require_features(features: RaceFeatures, *, stage: Stage, names: tuple[str, ...]) -> None:
    """Raises BundleError unless the features are those of the stage and columns a model was trained on."""
    if features.stage is not stage:
        raise BundleError(f"a model of {stage} cannot forecast {features.race_id} at {features.stage}")
    if features.names != names:
        raise BundleError(
            f"the features of {features.race_id} are not those the model was trained on.\n"
            f"trained on: {', '.join(names)}\ngiven: {', '.join(features.names)}"
        )


def _filter(strengths: StrengthFilter, examples: Sequence[Example]) -> list[Strengths]:
    """Moves `strengths` over the races; what was believed before each is returned."""
    before = []
    for example in examples:
        features = example.features
        strengths.begin_season(features.season)
        before.append(strengths.before(features.driver_ids, features.lineage_ids))
        order = finishing_order(example)
        strengths.learn(
            [features.driver_ids[entry] for entry in order], [features.lineage_ids[entry] for entry in order]
        )
    return before


def _digests(examples: Sequence[Example]) -> list[str]:
    """Of the first none, one, two … examples: of all that the strengths learn from."""
    digests = [""]
    for example in examples:
        features, outcome = example.features, example.outcome
        part = hashlib.sha256(digests[-1].encode())
        part.update("\0".join((features.race_id, str(features.season), *features.driver_ids)).encode())
        part.update("\0".join(features.lineage_ids).encode())
        part.update(outcome.positions.tobytes() + outcome.classified.tobytes())
        digests.append(part.hexdigest())
    return digests
