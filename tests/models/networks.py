"""Small networks, and invented races for them to learn from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from f1graph.features.race_features import RaceFeatures
from f1graph.models.bnn import BayesianNetwork
from f1graph.models.gnn import RaceGraphNetwork
from f1graph.models.inputs import InputPlan
from f1graph.models.mtl import MultiTaskNetwork
from f1graph.models.network_member import NetworkEstimator, circuit_inputs, variables_of
from f1graph.models.network_training import RaceNetwork, Training
from f1graph.models.protocol import Example
from f1graph.models.race_memory import Remembered, remember
from f1graph.models.scaling import Scaling, Values
from f1graph.models.tft import TemporalFusionNetwork
from f1graph.models.training_races import raw_inputs
from f1graph.races.stages import Stage
from tests.models.fields import FIELD, an_outcome, some_features, team_of

STAGE = Stage.AFTER_QUALIFYING
CARS = FIELD[:8]
# The last is the best by far.
WORTH = dict(zip(CARS, np.linspace(-2.5, 2.5, len(CARS)).tolist(), strict=True))
Column = NDArray[np.floating[Any]]
QUICK = Training(batch=16, fewest_steps=8, most_steps=12, every=4, held_back=8, warm_up=4)

BUILDS: Mapping[str, Callable[[tuple[str, ...]], RaceNetwork]] = {
    "mtl": lambda names: MultiTaskNetwork(len(names), width=8, dropout=0.1),
    "tft": lambda names: TemporalFusionNetwork(variables_of(names), width=8, heads=2, dropout=0.1),
    "gnn": lambda names: RaceGraphNetwork(len(names), circuit_inputs(names), width=8, dropout=0.1),
    "bnn": lambda names: BayesianNetwork(len(names), width=8),
}


def a_member(name: str, *, training: Training = QUICK) -> NetworkEstimator:
    is_bayesian = name == "bnn"
    return NetworkEstimator(
        name, BUILDS[name], seeds=1, weight_draws=4 if is_bayesian else 1, training=training
    )


def invented_races(
    races: int, *, seed: int = 1, stage: Stage = STAGE, last_season: int = 2024
) -> list[Example]:
    """Races of ten a year in which `WORTH` decides, with a change of teams, unknown times and absent cars."""
    generator = np.random.default_rng(seed)
    examples = []
    for race in range(races):
        season = last_season - (races - 1) // 10 + race // 10
        examples.append(_a_race(race, season, generator, stage, has_moved=race >= races // 2))
    return examples


def _a_race(
    race: int, season: int, generator: np.random.Generator, stage: Stage, *, has_moved: bool
) -> Example:
    worth = np.array(list(WORTH.values()))
    pace = worth + generator.gumbel(size=len(CARS)) / 2
    grid = 1.0 + np.argsort(np.argsort(-pace))
    form = worth / 2 + generator.normal(0, 0.2, len(CARS))
    form[generator.integers(len(CARS))] = np.nan
    columns: dict[str, Column] = {
        "driver_form": form,
        "circuit_attrition": generator.normal(0, 0.1, len(CARS))[:1],
    }
    if stage is Stage.AFTER_QUALIFYING:
        gap = pace.max() - pace
        gap[generator.integers(len(CARS))] = np.nan
        columns |= {"grid_position": grid, "qualifying_position": grid, "qualifying_gap": gap}
    order = [CARS[car] for car in np.argsort(-(worth + generator.gumbel(size=len(CARS))))]
    absent = [order[-1]] if race % 7 == 3 else []
    out = [driver for driver in order if generator.random() < 0.15 and driver not in absent]
    features = some_features(
        race % 10 + 1, season=season, stage=stage, drivers=CARS, teams=teams(has_moved), columns=columns
    )
    outcome = an_outcome(
        CARS, [driver for driver in order if driver not in [*out, *absent]], out=out, absent=absent
    )
    causes = np.where(outcome.retired, generator.integers(-1, 3, len(CARS)), -1)
    return Example(features, replace(outcome, grid=grid.astype(np.int64), causes=causes))


def teams(has_moved: bool) -> dict[str, str]:
    """Two drivers of different teams change places."""
    owner = {driver: team_of(driver) for driver in FIELD}
    if has_moved:
        owner[CARS[0]], owner[CARS[2]] = owner[CARS[2]], owner[CARS[0]]
    return owner


def a_next_race(
    *, drivers: Sequence[str] = CARS, stage: Stage = STAGE, number: int = 1, knows_nothing: bool = False
) -> RaceFeatures:
    """A race of 2025 with the cars on the grid in the order of their worth, the best in front."""
    columns: dict[str, Column] = {}
    if not knows_nothing:
        columns["driver_form"] = np.linspace(-1.2, 1.2, len(drivers))
        if stage is Stage.AFTER_QUALIFYING:
            grid = np.arange(len(drivers), 0, -1.0)
            columns |= {"grid_position": grid, "qualifying_position": grid, "qualifying_gap": (grid - 1) / 2}
    owner = {driver: teams(True).get(driver, "team-guest") for driver in drivers}
    return some_features(number, season=2025, stage=stage, drivers=drivers, teams=owner, columns=columns)


def prepared(
    examples: Sequence[Example],
) -> tuple[tuple[str, ...], list[Values], list[Remembered], Scaling]:
    """Names of the inputs, unscaled inputs, what was remembered, and the scaling of some races."""
    before, _ = remember(examples)
    plan = InputPlan.of(examples, examples[-1].features.stage)
    names, _ = plan.inputs(examples[-1].features, before[-1].strengths)
    raw = raw_inputs(plan, examples, before)
    return names, raw, before, Scaling.of(raw)


def shaken(network: RaceNetwork, *, seed: int = 1) -> RaceNetwork:
    """The network with opinions, as if it had learnt something."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.1 * torch.randn(parameter.shape, generator=generator))
    return network.eval()
