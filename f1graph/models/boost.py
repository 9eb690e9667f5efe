"""`boost`: gradient-boosted trees over every cut of the order: who is among the first k, for each k.

Another kind of model than the networks, and so worth more in an ensemble than one more of them. Trees learn
thresholds and interactions from few races where a network sees slopes. LightGBM (Ke et al., "LightGBM: A
Highly Efficient Gradient Boosting Decision Tree", 2017) for each cut; how an order follows stands in `cuts`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from f1graph.features.race_features import RaceFeatures
from f1graph.models.cuts import SMALLEST_CHANCE, utilities_of_cuts
from f1graph.models.draws import OutcomeDistribution
from f1graph.models.inputs import InputPlan
from f1graph.models.protocol import CAUSES, Example
from f1graph.models.race_memory import RaceMemory
from f1graph.models.rating import require_features
from f1graph.models.readout import finishing_order
from f1graph.models.retirement import race_deviation
from f1graph.models.sampling import draw_races
from f1graph.models.scaling import log_odds_of, recency_weights
from f1graph.models.training_races import TrainingRaces
from f1graph.races.stages import Stage

# LightGBM loads pandas, which who asks the rating alone need not pay for.
if TYPE_CHECKING:
    import lightgbm

Values = NDArray[np.float64]

# Cuts of the order, and for how many rounds each is learnt: with one winner in twenty cars, trees that are
# held back as these are need longer at the front.
_CUTS = {1: 200, 2: 200, 3: 200, 5: 120, 8: 120, 11: 120, 15: 120}
_RETIREMENT_ROUNDS = 60
_CERTAIN = 9.0
_SHIFTS = 30
_BINS = {"max_bin": 63, "verbosity": -1}
_USUAL = {
    "objective": "binary",
    "learning_rate": 0.04,
    "num_leaves": 6,
    "min_data_in_leaf": 50,
    "feature_fraction": 0.4,
    "bagging_fraction": 0.7,
    "bagging_freq": 1,
    "lambda_l2": 10.0,
    **_BINS,
    "num_threads": 1,
    "deterministic": True,
    "force_row_wise": True,
}


@dataclass(frozen=True, eq=False)
class BoostPredictor:
    """Attributes:
    cuts: By k, P(among the first k of those who finish).
    retirement: P(does not finish).
    cause_shares: Of a retirement, the same for all cars. (3,)
    """

    stage: Stage
    feature_names: tuple[str, ...]
    plan: InputPlan
    cuts: Mapping[int, lightgbm.Booster]
    retirement: lightgbm.Booster
    cause_shares: Values
    deviation: float
    memory: RaceMemory
    name: str = "boost"

    def predict(self, features: RaceFeatures, *, draws: int, seed: int) -> OutcomeDistribution:
        require_features(features, stage=self.stage, names=self.feature_names)
        told, retirement = self.told(*self.plan.inputs(features, self.memory.before(features).strengths))
        entries = len(retirement)
        return draw_races(
            features.driver_ids,
            utilities=utilities_of_cuts(within_of(told, entries)),
            retirement_log_odds=log_odds_of(retirement, smallest=SMALLEST_CHANCE),
            race_deviation=self.deviation,
            draws=draws,
            generator=np.random.default_rng(seed),
            cause_shares=np.tile(self.cause_shares, (entries, 1)),
        )

    def told(self, names: Sequence[str], inputs: Values) -> tuple[dict[int, Values], Values]:
        """P(among the first k) for each cut and P(does not finish), as the trees say it of each car alone.

        Args:
            inputs: As `plan` gives them. (cars, inputs)
        """
        of_trees = _of_trees(names, inputs)
        cuts = {cut: _told(booster, of_trees) for cut, booster in self.cuts.items()}
        return cuts, _told(self.retirement, of_trees)

    def update(self, examples: Sequence[Example]) -> BoostPredictor:
        return replace(self, memory=self.memory.updated(examples))

    def state(self) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
        memory, remembered = self.memory.state()
        tensors = {f"memory.{name}": tensor for name, tensor in memory.items()}
        boosters = {f"cut{cut}": booster for cut, booster in self.cuts.items()}
        for name, booster in (boosters | {"retirement": self.retirement}).items():
            tensors[name] = torch.frombuffer(bytearray(booster.model_to_string().encode()), dtype=torch.uint8)
        tensors["cause_shares"] = torch.tensor(self.cause_shares)
        return tensors, {
            "stage": self.stage.value,
            "feature_names": list(self.feature_names),
            "of_field": list(self.plan.of_field),
            "of_car": list(self.plan.of_car),
            "cuts": list(self.cuts),
            "deviation": self.deviation,
            "memory": remembered,
        }


@dataclass(frozen=True, slots=True)
class BoostEstimator:
    """Attributes:
    half_life_years: After so long a race counts half.
    """

    name: str = "boost"
    version: str = "1"
    half_life_years: float = 8.0
    stages: frozenset[Stage] = frozenset(Stage)

    def fit(self, examples: Sequence[Example], *, stage: Stage, seed: int) -> BoostPredictor:
        """Learns from the newest 400 of `examples`, in a number of rounds that was chosen once.

        Raises:
            ForecastError: There are fewer than 30 races.
        """
        races = TrainingRaces.of(examples, stage, member=self.name)
        recent, raw = races.examples, [_of_trees(races.names, values) for values in races.raw]
        weight = recency_weights(recent, half_life_years=self.half_life_years) * len(recent)
        retirement = _learn_retirement(raw, recent, weight, seed=seed)
        starters = [example.outcome.positions > 0 for example in recent]
        return BoostPredictor(
            stage=stage,
            feature_names=recent[-1].features.names,
            plan=races.plan,
            cuts=_learn_cuts(raw, recent, weight, seed=seed),
            retirement=retirement,
            cause_shares=_cause_shares(recent, weight),
            deviation=_deviation(retirement, raw, recent, starters, weight),
            memory=races.memory,
        )

    def restore(self, tensors: dict[str, torch.Tensor], facts: dict[str, Any]) -> BoostPredictor:
        stage = Stage(facts["stage"])
        memory = {
            name.removeprefix("memory."): tensor
            for name, tensor in tensors.items()
            if name.startswith("memory.")
        }
        return BoostPredictor(
            stage=stage,
            feature_names=tuple(facts["feature_names"]),
            plan=InputPlan(stage, tuple(facts["of_field"]), tuple(facts["of_car"])),
            cuts={cut: _booster(tensors[f"cut{cut}"]) for cut in facts["cuts"]},
            retirement=_booster(tensors["retirement"]),
            cause_shares=tensors["cause_shares"].numpy(),
            deviation=facts["deviation"],
            memory=RaceMemory.restore(memory, facts["memory"]),
        )


def _of_trees(names: Sequence[str], inputs: Values) -> Values:
    """Without what a tree need not be told: a logarithm splits where its number does."""
    return inputs[:, [i for i, name in enumerate(names) if not name.endswith((":log", ":unknown"))]]


def _learn_cuts(
    raw: Sequence[Values], examples: Sequence[Example], weight: Values, *, seed: int
) -> dict[int, lightgbm.Booster]:
    import lightgbm

    orders = [finishing_order(example) for example in examples]
    places = np.concatenate([np.arange(1, len(order) + 1) for order in orders])
    data = lightgbm.Dataset(
        np.concatenate([values[order] for values, order in zip(raw, orders, strict=True)]),
        places.astype(np.float64),
        weight=np.concatenate([np.full(len(order), w) for order, w in zip(orders, weight, strict=True)]),
        params=_BINS,
        free_raw_data=False,
    ).construct()
    return {
        cut: lightgbm.train(
            _USUAL | {"seed": seed}, data.set_label((places <= cut).astype(np.float64)), rounds
        )
        for cut, rounds in _CUTS.items()
    }


def _learn_retirement(
    raw: Sequence[Values], examples: Sequence[Example], weight: Values, *, seed: int
) -> lightgbm.Booster:
    import lightgbm

    started = [example.outcome.positions > 0 for example in examples]
    data = lightgbm.Dataset(
        np.concatenate([values[who] for values, who in zip(raw, started, strict=True)]),
        np.concatenate(
            [example.outcome.retired[who] for example, who in zip(examples, started, strict=True)]
        ).astype(np.float64),
        weight=np.concatenate([np.full(who.sum(), w) for who, w in zip(started, weight, strict=True)]),
        params=_BINS,
    )
    return lightgbm.train(_USUAL | {"seed": seed}, data, _RETIREMENT_ROUNDS)


def _cause_shares(examples: Sequence[Example], weight: Values) -> Values:
    """Each cause is credited with one retirement, so that none is impossible."""
    counts = np.ones(len(CAUSES))
    for example, w in zip(examples, weight, strict=True):
        known = example.outcome.causes[example.outcome.causes >= 0]
        counts += w * np.bincount(known, minlength=len(CAUSES))
    return np.asarray(counts / counts.sum(), dtype=np.float64)


def _deviation(
    retirement: lightgbm.Booster,
    raw: Sequence[Values],
    examples: Sequence[Example],
    started: Sequence[NDArray[np.bool_]],
    weight: Values,
) -> float:
    width = max(len(values) for values in raw)
    shape = (len(raw), width)
    log_odds = np.zeros(shape)
    retired, counted = np.zeros(shape, dtype=np.bool_), np.zeros(shape, dtype=np.bool_)
    for race, (values, example, who) in enumerate(zip(raw, examples, started, strict=True)):
        log_odds[race, : len(values)] = log_odds_of(_told(retirement, values), smallest=SMALLEST_CHANCE)
        retired[race, : len(values)], counted[race, : len(values)] = example.outcome.retired, who
    return race_deviation(log_odds, retired, counted, weight)


def within_of(told: Mapping[int, Values], entries: int) -> Values:
    """P(among the first k) for every k, between the cuts on a straight line of log odds over log k.

    At each cut the chances of all cars sum to k. (places, entries)
    """
    fewer = {cut: chances for cut, chances in told.items() if cut < entries}
    cuts = [*fewer, entries]
    log_odds = np.stack(
        [
            *(_summing_to(cut, log_odds_of(one, smallest=SMALLEST_CHANCE)) for cut, one in fewer.items()),
            np.full(entries, _CERTAIN),
        ]
    )
    places = np.log(np.arange(1, entries + 1))
    lines = [np.interp(places, np.log(cuts), log_odds[:, car]) for car in range(entries)]
    return np.asarray(1 / (1 + np.exp(-np.stack(lines, axis=1))), dtype=np.float64)


def _summing_to(count: int, log_odds: Values) -> Values:
    """The same shift for all cars (Newton's method)."""
    for _ in range(_SHIFTS):
        chance = 1 / (1 + np.exp(-log_odds))
        step = (chance.sum() - count) / ((chance * (1 - chance)).sum() + 1e-3)
        log_odds = log_odds - np.clip(step, -1.0, 1.0)
    return log_odds


def _told(booster: lightgbm.Booster, inputs: Values) -> Values:
    return np.asarray(booster.predict(inputs, num_threads=1), dtype=np.float64)


def _booster(text: torch.Tensor) -> lightgbm.Booster:
    import lightgbm

    try:
        return lightgbm.Booster(model_str=bytes(text.numpy()).decode())
    except lightgbm.basic.LightGBMError as error:
        raise ValueError(f"the trees cannot be read: {error}") from error
