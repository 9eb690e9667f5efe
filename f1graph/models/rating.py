"""The `rating` member: drifting strengths, read out into a finishing order, beside a retirement model.

Strengths come from finishing orders alone (`strength_filter`); what the weekend has shown enters through a
linear readout that is fitted per stage (`readout`); who stops is drawn first (`retirement`, `sampling`).
What the filter does not know of the strengths is told by voices: each takes one possibility as true.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import timedelta
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from f1graph.errors import BundleError, ForecastError
from f1graph.features.race_features import RaceFeatures
from f1graph.models.draws import OutcomeDistribution
from f1graph.models.protocol import Example
from f1graph.models.raking import resample
from f1graph.models.readout import OrderReadout, finishing_order, fit_order, order_inputs
from f1graph.models.retirement import RetirementModel, fit_retirements, retirement_inputs
from f1graph.models.sampling import draw_races
from f1graph.models.scaling import Scaling
from f1graph.models.stacking import HALF_LIFE_YEARS
from f1graph.models.strength_filter import Drift, StrengthFilter, Strengths
from f1graph.models.team_luck import TeamLuck, Told, learn_team_luck
from f1graph.races.stages import Stage

Values = NDArray[np.float64]

# Older races only warm the strengths up; recency weights leave next to nothing of them in the readout.
FIT_RACES = 300
FEWEST_RACES = 10
# Each of a pair takes the opposite of the other for true.
_PAIRS_OF_VOICES = 16
# How much a doubted strength moves a car in the readout, which knows more than finishing orders. On the
# seasons up to 2018 anything from 0.3 to 0.7 is about as likely.
_DOUBT_WORTH = 0.5
# Of the variance of one choice of a Plackett–Luce, which is π²/6, so much more than the doubt's own is taken
# out: a car is moved in all choices of a race at once. On the seasons up to 2018 positions are then as open
# as without voices.
_TAKEN_OUT = 2.0 / (np.pi**2 / 6)
_LARGEST_PART = 0.8
# Races from whose teammates their shared luck is learnt: five seasons.
_LUCK_RACES = 100
_LUCK_DRAWS = 500
_YEAR = timedelta(days=365.25)
# To weigh them, so that as many different ones are left as are wanted.
_SPARE_DRAWS = 1.5


@dataclass(frozen=True, eq=False)
class RatingPredictor:
    """Attributes:
    strengths: After the newest race learned from.
    learned: How many examples that were.
    learned_digest: Of those examples, so that `update` knows whether it may go on from here.
    usual_doubt: Mean variance of the strengths, against the field's mean, in the races of the fit.
    team_luck: What teammates share beyond what is not known of their car.
    """

    stage: Stage
    feature_names: tuple[str, ...]
    order: OrderReadout
    retirement: RetirementModel
    strengths: StrengthFilter
    learned: int
    learned_digest: str
    usual_doubt: float
    team_luck: TeamLuck
    name: str = "rating"
    doubts_strengths: ClassVar[Literal[True]] = True

    def predict(self, features: RaceFeatures, *, draws: int, seed: int) -> OutcomeDistribution:
        drawn, _ = self._drawn(features, draws=int(_SPARE_DRAWS * draws), seed=seed)
        weights = self.team_luck.weigh(drawn, np.full(drawn.draws, 1 / drawn.draws), features.constructor_ids)
        return resample(drawn, weights, draws=draws, generator=np.random.default_rng([seed, 1]))

    def views(self, features: RaceFeatures, *, draws: int, seed: int) -> list[OutcomeDistribution]:
        """One distribution for each of some strengths that the cars may really have, `draws` in all.

        Within each, teammates share no luck: who asks for the parts puts them together himself.
        """
        drawn, voice = self._drawn(features, draws=draws, seed=seed)
        return [drawn.some(voice == number) for number in np.unique(voice)]

    def _drawn(
        self, features: RaceFeatures, *, draws: int, seed: int
    ) -> tuple[OutcomeDistribution, NDArray[np.int64]]:
        """All draws, and of which voice each is."""
        require_features(features, stage=self.stage, names=self.feature_names)
        generator = np.random.default_rng(seed)
        filtered = self.strengths_in(features.season)
        strengths = filtered.before(features.driver_ids, features.lineage_ids)
        believed = self.order.utilities(order_inputs(features, strengths)[1])
        log_odds = self.retirement.log_odds(retirement_inputs(features, strengths)[1])
        moved = _DOUBT_WORTH * filtered.possible(
            features.driver_ids, features.lineage_ids, pairs=_PAIRS_OF_VOICES, generator=generator
        )
        # The readout has learnt what the usual doubt and luck leave open together: without the one it is
        # sharper. With more doubt than usual, as under new regulations, a race is more open than others.
        taken_out = _TAKEN_OUT * _DOUBT_WORTH**2 * self.usual_doubt
        sharper = 1 / np.sqrt(1 - min(taken_out, _LARGEST_PART))
        voice = np.arange(draws) * len(moved) // draws
        drawn = draw_races(
            features.driver_ids,
            utilities=believed * sharper,
            retirement_log_odds=log_odds,
            race_deviation=self.retirement.race_deviation,
            draws=draws,
            generator=generator,
            moved=moved[voice],
        )
        return drawn, voice

    def strengths_in(self, season: int) -> StrengthFilter:
        """What is believed when a race of `season` begins, the winters since the newest race included."""
        strengths = self.strengths.copy()
        strengths.begin_season(season)
        return strengths

    def strengths_before(self, features: RaceFeatures) -> Strengths:
        """The same of the race's entries."""
        return self.strengths_in(features.season).before(features.driver_ids, features.lineage_ids)

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
            "usual_doubt": self.usual_doubt,
            "team_luck": asdict(self.team_luck),
        }
        return {name: torch.tensor(values) for name, values in tensors.items()}, facts


@dataclass(frozen=True, slots=True)
class RatingEstimator:
    """Attributes:
    drift: How strengths move; the defaults were chosen on the seasons 2015 to 2018.
    """

    drift: Drift = field(default_factory=Drift)
    name: str = "rating"
    version: str = "2"
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
        before, doubts = _filter(strengths, examples)
        recent, beliefs = examples[-FIT_RACES:], before[-FIT_RACES:]
        pairs = [(example.features, belief) for example, belief in zip(recent, beliefs, strict=True)]
        order_values = [order_inputs(features, belief)[1] for features, belief in pairs]
        retirement_values = [retirement_inputs(features, belief)[1] for features, belief in pairs]
        order = fit_order(order_values, recent, Scaling.of(order_values))
        retirement = fit_retirements(retirement_values, recent, Scaling.of(retirement_values))
        return RatingPredictor(
            stage=stage,
            feature_names=recent[-1].features.names,
            order=order,
            retirement=retirement,
            strengths=strengths,
            learned=len(examples),
            learned_digest=_digests(examples)[-1],
            usual_doubt=float(np.mean(doubts[-FIT_RACES:])),
            team_luck=learn_team_luck(_told(recent, order, order_values, retirement, retirement_values)),
        )

    def restore(self, tensors: dict[str, torch.Tensor], facts: dict[str, Any]) -> RatingPredictor:
        values: dict[str, Values] = {name: tensor.numpy() for name, tensor in tensors.items()}
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
            usual_doubt=facts["usual_doubt"],
            team_luck=TeamLuck(**facts["team_luck"]),
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


def _told(
    examples: Sequence[Example],
    order: OrderReadout,
    order_values: Sequence[Values],
    retirement: RetirementModel,
    retirement_values: Sequence[Values],
) -> Iterator[Told]:
    """What a readout says of the newest of the races that it was fitted on."""
    newest = examples[-1].features.starts_at
    generator = np.random.default_rng(0)
    for example, of_order, of_retirement in list(zip(examples, order_values, retirement_values, strict=True))[
        -_LUCK_RACES:
    ]:
        features = example.features
        drawn = draw_races(
            features.driver_ids,
            utilities=order.utilities(of_order),
            retirement_log_odds=retirement.log_odds(of_retirement),
            race_deviation=retirement.race_deviation,
            draws=_LUCK_DRAWS,
            generator=generator,
        )
        age = (newest - features.starts_at) / _YEAR
        yield Told(
            drawn.classified_probabilities,
            drawn.retirement,
            features.constructor_ids,
            example.outcome,
            0.5 ** (age / HALF_LIFE_YEARS),
        )


def _filter(strengths: StrengthFilter, examples: Sequence[Example]) -> tuple[list[Strengths], list[float]]:
    """Moves `strengths` over the races; returns what was believed before each, and with how much doubt."""
    before, doubts = [], []
    for example in examples:
        features = example.features
        strengths.begin_season(features.season)
        before.append(strengths.before(features.driver_ids, features.lineage_ids))
        doubts.append(strengths.doubt(features.driver_ids, features.lineage_ids))
        order = finishing_order(example)
        strengths.learn(
            [features.driver_ids[entry] for entry in order], [features.lineage_ids[entry] for entry in order]
        )
    return before, doubts


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
