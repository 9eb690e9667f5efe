"""What is remembered of past races: drifting strengths, and each driver's last results as a sequence.

The state that moves on after every race, while the weights of a network stay as they were learnt. Built race
by race, oldest first; what is remembered before a race depends on earlier races only.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import torch
from numpy.typing import NDArray

from f1graph.features.race_features import RaceFeatures
from f1graph.models.protocol import Example
from f1graph.models.readout import finishing_order
from f1graph.models.strength_filter import Drift, StrengthFilter, Strengths

Values = NDArray[np.float64]

# Races of a driver that are remembered: half a season.
LENGTH = 10
TOKEN = (
    "finish",  # among those who started: 1 the first, −1 the last
    "grid",  # likewise; the pit lane is the last place, 0 where nobody knows
    "gained",  # places from the grid to the finish over the field, 0 where nobody knows
    "retired",
    "retired_by_accident",
    "strength",  # believed before that race, above the field's mean
    "team_mate",  # 1 ahead of the best other car of the team, −1 behind it, 0 alone
    "races_ago",  # in tens of races
)
_FINISH, _GRID, _GAINED, _RETIRED, _ACCIDENT, _STRENGTH, _MATE, _AGO = range(len(TOKEN))


@dataclass(frozen=True, eq=False)
class Remembered:
    """What is remembered of a race's entries before it.

    Attributes:
        sequence: Each driver's last races, the newest last, zeros before the first. (entries, LENGTH, TOKEN)
        length: How many of them are real. (entries,)
        former_teams: The team, over its renames, that each driver last raced for before this one; None
            for who has always been there.
    """

    strengths: Strengths
    sequence: Values
    length: NDArray[np.int64]
    former_teams: tuple[str | None, ...]


class RaceMemory:
    """Everything remembered after some races. `learn` changes it in place, so `copy` a shared one.

    Attributes:
        learned: How many races that were.
        digest: Of everything learned, in its order.
    """

    def __init__(self, drift: Drift | None = None) -> None:
        self.strengths = StrengthFilter(drift)
        self.learned = 0
        self.digest = ""
        # By driver: tokens, and the number of the race each is of.
        self._tokens: dict[str, Values] = {}
        self._numbers: dict[str, NDArray[np.int64]] = {}
        # By driver: the team of the last race, and the one before it that was another.
        self._teams: dict[str, tuple[str, str | None]] = {}

    def copy(self) -> RaceMemory:
        other = RaceMemory(self.strengths.drift)
        other.strengths = self.strengths.copy()
        other.learned, other.digest = self.learned, self.digest
        # The arrays are replaced, never changed.
        other._tokens, other._numbers = dict(self._tokens), dict(self._numbers)
        other._teams = dict(self._teams)
        return other

    def before(self, features: RaceFeatures) -> Remembered:
        """What is remembered of a race's entries, the winters since the newest race included."""
        strengths = self.strengths.copy()
        strengths.begin_season(features.season)
        sequence = np.zeros((len(features.driver_ids), LENGTH, len(TOKEN)))
        length = np.zeros(len(features.driver_ids), dtype=np.int64)
        for entry, driver in enumerate(features.driver_ids):
            tokens = self._tokens.get(driver)
            if tokens is None:
                continue
            count = length[entry] = len(tokens)
            sequence[entry, -count:] = tokens
            sequence[entry, -count:, _AGO] = (self.learned - self._numbers[driver]) / 10
        former = tuple(
            self._former_team(driver, lineage)
            for driver, lineage in zip(features.driver_ids, features.lineage_ids, strict=True)
        )
        return Remembered(
            strengths.before(features.driver_ids, features.lineage_ids), sequence, length, former
        )

    def numbers_of(self, driver: str) -> NDArray[np.int64]:
        """Which races of the driver are remembered: their numbers among all that were learned, from 0 on, the
        oldest first. (races,)"""
        return self._numbers.get(driver, np.zeros(0, dtype=np.int64))

    def _former_team(self, driver: str, lineage: str) -> str | None:
        last, before = self._teams.get(driver, (lineage, None))
        return before if last == lineage else last

    def learn(self, example: Example) -> None:
        """Takes in one race, which started after all before it."""
        features = example.features
        self.strengths.begin_season(features.season)
        believed = self.strengths.before(features.driver_ids, features.lineage_ids).total
        for entry, token in _tokens_of(example, believed).items():
            driver, lineage = features.driver_ids[entry], features.lineage_ids[entry]
            self._teams[driver] = (lineage, self._former_team(driver, lineage))
            earlier = self._tokens.get(driver, np.zeros((0, len(TOKEN))))
            numbers = self._numbers.get(driver, np.zeros(0, dtype=np.int64))
            self._tokens[driver] = np.concatenate([earlier, token[None]])[-LENGTH:]
            self._numbers[driver] = np.append(numbers, self.learned)[-LENGTH:]
        order = finishing_order(example)
        self.strengths.learn(
            [features.driver_ids[entry] for entry in order], [features.lineage_ids[entry] for entry in order]
        )
        self.learned += 1
        self.digest = _digest(self.digest, example)

    def updated(self, examples: Sequence[Example]) -> RaceMemory:
        """The memory of `examples`: goes on from here where they begin with what was learned here."""
        digest = ""
        for example in examples[: self.learned]:
            digest = _digest(digest, example)
        goes_on = len(examples) >= self.learned and digest == self.digest
        memory = self.copy() if goes_on else RaceMemory(self.strengths.drift)
        for example in examples[memory.learned :]:
            memory.learn(example)
        return memory

    def state(self) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
        drivers = sorted(self._tokens)
        tensors = {
            "strengths.mean": torch.tensor(self.strengths.mean),
            "strengths.covariance": torch.tensor(self.strengths.covariance),
            "tokens": torch.tensor(
                np.concatenate([np.zeros((0, len(TOKEN))), *(self._tokens[driver] for driver in drivers)])
            ),
            "numbers": torch.tensor(
                np.concatenate([np.zeros(0, dtype=np.int64), *(self._numbers[driver] for driver in drivers)])
            ),
        }
        facts = {
            "season": self.strengths.season,
            "drivers": self.strengths.drivers,
            "cars": self.strengths.cars,
            "drift": asdict(self.strengths.drift),
            "learned": self.learned,
            "digest": self.digest,
            "sequences": [[driver, len(self._tokens[driver])] for driver in drivers],
            "teams": {driver: list(teams) for driver, teams in sorted(self._teams.items())},
        }
        return tensors, facts

    @classmethod
    def restore(cls, tensors: dict[str, torch.Tensor], facts: dict[str, Any]) -> RaceMemory:
        memory = cls(Drift(**facts["drift"]))
        memory.strengths.season = facts["season"]
        memory.strengths.drivers, memory.strengths.cars = dict(facts["drivers"]), dict(facts["cars"])
        memory.strengths.mean = tensors["strengths.mean"].numpy()
        memory.strengths.covariance = tensors["strengths.covariance"].numpy()
        memory.learned, memory.digest = facts["learned"], facts["digest"]
        begin = 0
        for driver, count in facts["sequences"]:
            memory._tokens[driver] = tensors["tokens"][begin : begin + count].numpy()
            memory._numbers[driver] = tensors["numbers"][begin : begin + count].numpy()
            begin += count
        memory._teams = {driver: (last, before) for driver, (last, before) in facts["teams"].items()}
        return memory


def remember(examples: Sequence[Example], drift: Drift | None = None) -> tuple[list[Remembered], RaceMemory]:
    """What was remembered before each race, and the memory after the last."""
    memory, before = RaceMemory(drift), []
    for example in examples:
        before.append(memory.before(example.features))
        memory.learn(example)
    return before, memory


def _tokens_of(example: Example, believed: Values) -> dict[int, Values]:
    """One token for each entry that started."""
    outcome, lineages = example.outcome, example.features.lineage_ids
    started = np.flatnonzero(outcome.positions > 0)
    last = max(len(started) - 1, 1)
    grid = np.where(outcome.grid > 0, outcome.grid, len(started))
    grid_known = bool((outcome.grid > 0).any())
    best_of_others = {
        entry: min(
            (
                outcome.positions[other]
                for other in started
                if other != entry and lineages[other] == lineages[entry]
            ),
            default=None,
        )
        for entry in started
    }
    tokens = {}
    for entry in started:
        token = np.zeros(len(TOKEN))
        place, start = outcome.positions[entry], min(int(grid[entry]), len(started))
        token[_FINISH] = 1 - 2 * (place - 1) / last
        if grid_known:
            token[_GRID] = 1 - 2 * (start - 1) / last
            token[_GAINED] = (start - place) / last
        token[_RETIRED] = outcome.retired[entry]
        token[_ACCIDENT] = outcome.causes[entry] == 1
        token[_STRENGTH] = believed[entry] - believed[started].mean()
        mate = best_of_others[entry]
        token[_MATE] = 0.0 if mate is None else (1.0 if place < mate else -1.0)
        tokens[int(entry)] = token
    return tokens


# Examples stay the same objects from race to race, and each is asked for before every later one.
_digests: WeakKeyDictionary[Example, bytes] = WeakKeyDictionary()


def _digest(before: str, example: Example) -> str:
    own = _digests.get(example)
    if own is None:
        features, outcome = example.features, example.outcome
        digest = hashlib.sha256("\0".join((features.race_id, str(features.season))).encode())
        digest.update("\0".join((*features.driver_ids, *features.lineage_ids)).encode())
        for values in (outcome.positions, outcome.retired, outcome.classified, outcome.grid, outcome.causes):
            digest.update(np.ascontiguousarray(values).tobytes())
        own = _digests[example] = digest.digest()
    return hashlib.sha256(before.encode() + own).hexdigest()
