"""What makes a member of a network: inputs, memory, training of a few networks, draws from all of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from f1graph.errors import ForecastError
from f1graph.features.race_features import RaceFeatures
from f1graph.models.cut_likelihood import CutReadout
from f1graph.models.cuts import utilities_of_cuts
from f1graph.models.draws import OutcomeDistribution, joined
from f1graph.models.inputs import InputPlan
from f1graph.models.network_training import RaceNetwork, Training, train_network
from f1graph.models.order_head import Heads
from f1graph.models.protocol import Example
from f1graph.models.race_memory import RaceMemory
from f1graph.models.rating import require_features
from f1graph.models.retirement import race_deviation
from f1graph.models.sampling import draw_races
from f1graph.models.scaling import Scaling
from f1graph.models.training_races import Fields, Outcomes, TrainingRaces, fields_of, outcomes_of
from f1graph.races.stages import Stage

Values = NDArray[np.float64]
# From the names of the inputs.
Build = Callable[[tuple[str, ...]], RaceNetwork]

# A feature that fewer races know is left to the trees, which pass over what does not tell: laps begin in
# 2018, and networks that read them forecast worse.
KNOWN_SHARE = 0.5
# Five seasons, or a quarter of a shorter history: with fewer, a network learns the chances of those races
# instead of what the input means.
KNOWN_RACES = 100


@dataclass(frozen=True, eq=False)
class Spoken:
    """What one network, or one draw of its weights, says of a race in one of its two ways.

    Attributes:
        utilities: Of each car in the choice for each place. (places, entries)
        retirement_log_odds: On a usual day. (entries,)
        cause_shares: Of a retirement. (entries, 3)
    """

    utilities: Values
    retirement_log_odds: Values
    cause_shares: Values


@dataclass(frozen=True, eq=False)
class NetworkPredictor:
    """Attributes:
    networks: Trained from different seeds.
    input_names: As the networks were trained on.
    deviation: Of the effect on the log odds of retirement that all cars of a race share.
    weight_draws: How often the weights of each network are drawn for a forecast; 1 where they are fixed.
    """

    name: str
    stage: Stage
    feature_names: tuple[str, ...]
    plan: InputPlan
    input_names: tuple[str, ...]
    scaling: Scaling
    networks: tuple[RaceNetwork, ...]
    memory: RaceMemory
    deviation: float
    weight_draws: int
    steps: tuple[int, ...]

    def predict(self, features: RaceFeatures, *, draws: int, seed: int) -> OutcomeDistribution:
        return joined(self.views(features, draws=draws, seed=seed))

    def views(self, features: RaceFeatures, *, draws: int, seed: int) -> list[OutcomeDistribution]:
        """Two distributions for each network and draw of its weights, `draws` in all."""
        require_features(features, stage=self.stage, names=self.feature_names)
        spoken = self.spoken(features, seed=seed)
        generator = np.random.default_rng(seed)
        shares = np.diff(np.linspace(0, draws, len(spoken) + 1).round().astype(int))
        return [
            draw_races(
                features.driver_ids,
                utilities=one.utilities,
                retirement_log_odds=one.retirement_log_odds,
                race_deviation=self.deviation,
                draws=int(share),
                generator=generator,
                cause_shares=one.cause_shares,
            )
            for one, share in zip(spoken, shares, strict=True)
            if share
        ]

    def fields(self, features: RaceFeatures) -> Fields:
        """What the networks see of a race."""
        remembered = self.memory.before(features)
        names, values = self.plan.inputs(features, remembered.strengths)
        if names != self.input_names:
            raise ForecastError(f"the inputs of {features.race_id} are {names}, not {self.input_names}")
        return fields_of([values], [features.lineage_ids], [remembered], self.scaling)

    def spoken(self, features: RaceFeatures, *, seed: int) -> list[Spoken]:
        """Of each network and draw of its weights the order place by place, and the order cut by cut."""
        found = []
        for network, heads in self.heads(self.fields(features), seed=seed):
            with torch.no_grad():
                retirement = heads.retirement[0].double().numpy()
                causes = torch.softmax(heads.causes[0].double(), dim=-1).numpy()
                found += [
                    Spoken(utilities, retirement, causes)
                    for utilities in (
                        network.head.utilities(heads.order)[0].double().numpy(),
                        utilities_of_cuts(within_of(network.head.cuts, heads.cuts)),
                    )
                ]
        return found

    def heads(self, fields: Fields, *, seed: int) -> list[tuple[RaceNetwork, Heads]]:
        """What each network says with each draw of its weights: the same draws for the same seed, however
        many races there are."""
        found = []
        with torch.no_grad(), torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            for network in self.networks:
                found += [(network, network(fields)) for _ in range(self.weight_draws)]
        return found

    def update(self, examples: Sequence[Example]) -> NetworkPredictor:
        return replace(self, memory=self.memory.updated(examples))

    def state(self) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
        memory, remembered = self.memory.state()
        tensors = {f"memory.{name}": tensor for name, tensor in memory.items()}
        tensors |= {
            "scaling.mean": torch.tensor(self.scaling.mean),
            "scaling.deviation": torch.tensor(self.scaling.deviation),
        }
        for number, network in enumerate(self.networks):
            tensors |= {
                f"network{number}.{name}": tensor.detach().clone()
                for name, tensor in network.state_dict().items()
            }
        facts = {
            "stage": self.stage.value,
            "feature_names": list(self.feature_names),
            "of_field": list(self.plan.of_field),
            "of_car": list(self.plan.of_car),
            "input_names": list(self.input_names),
            "deviation": self.deviation,
            "steps": list(self.steps),
            "memory": remembered,
        }
        return tensors, facts


@dataclass(frozen=True, slots=True)
class NetworkEstimator:
    """Learns a member from past races.

    Attributes:
        build: The architecture, from the names of the inputs.
        seeds: How many networks are trained and speak with one voice each.
        half_life_years: After so long a race counts half.
    """

    name: str
    build: Build
    version: str = "1"
    seeds: int = 2
    weight_draws: int = 1
    half_life_years: float = 10.0
    training: Training = field(default_factory=Training)
    stages: frozenset[Stage] = frozenset(Stage)

    def fit(self, examples: Sequence[Example], *, stage: Stage, seed: int) -> NetworkPredictor:
        """Learns from the newest 400 of `examples`; the older ones warm up what is remembered.

        Raises:
            ForecastError: There are fewer than 30 races.
        """
        races = TrainingRaces.of(examples, stage, member=self.name, known_share=KNOWN_SHARE)
        recent, names = races.examples, races.names
        scaling = Scaling.of_known(races.raw, fewest=min(KNOWN_RACES, len(recent) // 4))
        lineages = [example.features.lineage_ids for example in recent]
        fields = fields_of(races.raw, lineages, races.before, scaling)
        outcomes = outcomes_of(recent, half_life_years=self.half_life_years)
        trained = [
            train_network(
                lambda: self.build(names),
                fields,
                outcomes,
                self.training,
                seed=(seed + 7919 * number) % 2**31,
            )
            for number in range(self.seeds)
        ]
        networks = tuple(network for network, _ in trained)
        return NetworkPredictor(
            name=self.name,
            stage=stage,
            feature_names=recent[-1].features.names,
            plan=races.plan,
            input_names=names,
            scaling=scaling,
            networks=networks,
            memory=races.memory,
            deviation=_shared_deviation(networks[0], fields, outcomes, seed),
            weight_draws=self.weight_draws,
            steps=tuple(steps for _, steps in trained),
        )

    def restore(self, tensors: dict[str, torch.Tensor], facts: dict[str, Any]) -> NetworkPredictor:
        stage, names = Stage(facts["stage"]), tuple(facts["input_names"])

        def under(prefix: str) -> dict[str, torch.Tensor]:
            return {
                name.removeprefix(prefix): tensor
                for name, tensor in tensors.items()
                if name.startswith(prefix)
            }

        networks = []
        for number in range(len(facts["steps"])):
            with torch.random.fork_rng(devices=[]):
                network = self.build(names)
            try:
                network.load_state_dict(under(f"network{number}."))
            except RuntimeError as error:
                raise ValueError(f"network {number} of {self.name} has other weights: {error}") from error
            networks.append(network.eval())
        return NetworkPredictor(
            name=self.name,
            stage=stage,
            feature_names=tuple(facts["feature_names"]),
            plan=InputPlan(stage, tuple(facts["of_field"]), tuple(facts["of_car"])),
            input_names=names,
            scaling=Scaling(tensors["scaling.mean"].numpy(), tensors["scaling.deviation"].numpy()),
            networks=tuple(networks),
            memory=RaceMemory.restore(under("memory."), facts["memory"]),
            deviation=facts["deviation"],
            weight_draws=self.weight_draws,
            steps=tuple(facts["steps"]),
        )


def within_of(readout: CutReadout, worth: torch.Tensor) -> Values:
    """P(among the first k) of one race, the last row being the whole field. (places, entries)"""
    log_odds = readout.log_odds(worth, torch.ones(worth.shape[:2], dtype=torch.bool))[0]
    within = torch.sigmoid(log_odds.double()).numpy()
    return np.concatenate([within, np.ones((1, within.shape[1]))])


def _shared_deviation(network: RaceNetwork, fields: Fields, outcomes: Outcomes, seed: int) -> float:
    with torch.no_grad(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        log_odds = network(fields).retirement.double().numpy()
    return race_deviation(
        log_odds, outcomes.retired.numpy(), outcomes.started.numpy(), outcomes.weight.double().numpy()
    )


def variables_of(names: Sequence[str]) -> list[int]:
    """Of each input the index of its variable: `gap`, `gap:rank` and `gap:log` are one."""
    roots = variable_names(names)
    return [roots.index(name.split(":")[0]) for name in names]


def variable_names(names: Sequence[str]) -> tuple[str, ...]:
    """Of the variables of some inputs, each once."""
    return tuple(dict.fromkeys(name.split(":")[0] for name in names))


def circuit_inputs(names: Sequence[str]) -> list[int]:
    """The inputs that describe the circuit rather than a car."""
    return [i for i, name in enumerate(names) if name.startswith("circuit_") or name == "street_circuit"]
