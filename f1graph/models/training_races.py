"""The races that a member learns from, and the same as tensors, padded to the widest field."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import torch

from f1graph.errors import ForecastError
from f1graph.models.inputs import InputPlan, Values
from f1graph.models.protocol import Example
from f1graph.models.race_memory import RaceMemory, Remembered, remember
from f1graph.models.readout import finishing_order
from f1graph.models.scaling import Scaling, recency_weights
from f1graph.races.stages import Stage

# Older races only warm the memory up.
FIT_RACES = 400
FEWEST_RACES = 30


@dataclass(frozen=True, eq=False)
class TrainingRaces:
    """The newest races, with what a member makes its inputs of.

    Attributes:
        examples: At most 400, oldest first.
        before: What was remembered before each.
        memory: After the last of them.
        names: Of the inputs.
        raw: The unscaled inputs of each. (entries, inputs)
    """

    examples: Sequence[Example]
    before: Sequence[Remembered]
    memory: RaceMemory
    plan: InputPlan
    names: tuple[str, ...]
    raw: Sequence[Values]

    @classmethod
    def of(
        cls, examples: Sequence[Example], stage: Stage, *, member: str, known_share: float = 0.0
    ) -> TrainingRaces:
        """The newest 400 of `examples`; the older ones warm up what is remembered.

        Args:
            known_share: See `InputPlan.of`.

        Raises:
            ForecastError: There are fewer than 30 races.
        """
        if len(examples) < FEWEST_RACES:
            raise ForecastError(
                f"{len(examples)} past races are too few for {member}; {FEWEST_RACES} are needed"
            )
        before, memory = remember(examples)
        recent, before = examples[-FIT_RACES:], before[-FIT_RACES:]
        plan = InputPlan.of(recent, stage, known_share=known_share)
        names, _ = plan.inputs(recent[-1].features, before[-1].strengths)
        return cls(recent, before, memory, plan, names, raw_inputs(plan, recent, before))


@dataclass(frozen=True, eq=False)
class Fields:
    """What a network sees of some races.

    Attributes:
        inputs: Scaled. (races, entries, inputs)
        real: Whether there is an entry; the rest is padding. (races, entries)
        team: The index of the entry's team within its race; entries of padding have a number of their
            own. (races, entries)
        former: The same of the team that the driver last raced for, −1 where it is not in the race or
            there is none. (races, entries)
        sequence: Each driver's last races. (races, entries, LENGTH, TOKEN)
        length: How many of them are real. (races, entries)
    """

    inputs: torch.Tensor
    real: torch.Tensor
    team: torch.Tensor
    former: torch.Tensor
    sequence: torch.Tensor
    length: torch.Tensor

    def of(self, races: torch.Tensor) -> Fields:
        """Some of the races."""
        return Fields(*(getattr(self, field.name)[races] for field in fields(self)))


@dataclass(frozen=True, eq=False)
class Outcomes:
    """How the races of a `Fields` ended.

    Attributes:
        started, retired, classified: (races, entries)
        position: 1 … n among those who started, 0 for the others. (races, entries)
        cause: Index into CAUSES, −1 unknown. (races, entries)
        grid: Place on the grid, 0 unknown. (races, entries)
        chosen: Who took each place. (races, places)
        left: Who was left for it. (races, places, entries)
        counted: Whether it was a choice between classified cars. (races, places)
        weight: Of each race, 1 on average. (races,)
    """

    started: torch.Tensor
    retired: torch.Tensor
    classified: torch.Tensor
    position: torch.Tensor
    cause: torch.Tensor
    grid: torch.Tensor
    chosen: torch.Tensor
    left: torch.Tensor
    counted: torch.Tensor
    weight: torch.Tensor

    def of(self, races: torch.Tensor) -> Outcomes:
        return Outcomes(*(getattr(self, field.name)[races] for field in fields(self)))

    def __len__(self) -> int:
        return len(self.weight)


def raw_inputs(plan: InputPlan, examples: Sequence[Example], before: Sequence[Remembered]) -> list[Values]:
    """The unscaled inputs of some races. Each (entries, inputs)"""
    return [
        plan.inputs(example.features, remembered.strengths)[1]
        for example, remembered in zip(examples, before, strict=True)
    ]


def fields_of(
    raw: Sequence[Values], lineages: Sequence[Sequence[str]], before: Sequence[Remembered], scaling: Scaling
) -> Fields:
    width = max(len(race) for race in raw)
    shape = (len(raw), width)
    inputs = np.zeros((*shape, raw[0].shape[1]), dtype=np.float32)
    real = np.zeros(shape, dtype=np.bool_)
    team = np.tile(np.arange(width), (len(raw), 1))
    former = np.full(shape, -1)
    sequence = np.zeros((*shape, *before[0].sequence.shape[1:]), dtype=np.float32)
    length = np.zeros(shape, dtype=np.int64)
    for race, (values, of_race, remembered) in enumerate(zip(raw, lineages, before, strict=True)):
        count = len(values)
        inputs[race, :count] = scaling.apply(values)
        real[race, :count] = True
        first = {lineage: of_race.index(lineage) for lineage in of_race}
        team[race, :count] = [first[lineage] for lineage in of_race]
        former[race, :count] = [first.get(lineage or "", -1) for lineage in remembered.former_teams]
        sequence[race, :count] = remembered.sequence
        length[race, :count] = remembered.length
    return Fields(*(torch.tensor(values) for values in (inputs, real, team, former, sequence, length)))


def outcomes_of(examples: Sequence[Example], *, half_life_years: float) -> Outcomes:
    width = max(len(example.features.driver_ids) for example in examples)
    shape = (len(examples), width)
    numbers = {name: np.zeros(shape, dtype=np.int64) for name in ("positions", "grid")}
    flags = {name: np.zeros(shape, dtype=np.bool_) for name in ("retired", "classified")}
    causes = np.full(shape, -1)
    chosen = np.zeros(shape, dtype=np.int64)
    counted = np.zeros(shape, dtype=np.bool_)
    left = np.ones((*shape, width), dtype=np.bool_)
    for race, example in enumerate(examples):
        outcome, count = example.outcome, len(example.features.driver_ids)
        for name, values in (numbers | flags).items():
            values[race, :count] = getattr(outcome, name)
        causes[race, :count] = outcome.causes
        order = finishing_order(example)
        for place in range(len(order) - 1):
            chosen[race, place] = order[place]
            counted[race, place] = True
            left[race, place] = np.isin(np.arange(width), order[place:])
    weight = recency_weights(examples, half_life_years=half_life_years) * len(examples)
    return Outcomes(
        started=torch.tensor(numbers["positions"] > 0),
        retired=torch.tensor(flags["retired"]),
        classified=torch.tensor(flags["classified"]),
        position=torch.tensor(numbers["positions"]),
        cause=torch.tensor(causes),
        grid=torch.tensor(numbers["grid"]),
        chosen=torch.tensor(chosen),
        left=torch.tensor(left),
        counted=torch.tensor(counted),
        weight=torch.tensor(weight, dtype=torch.float32),
    )
