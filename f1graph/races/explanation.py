"""Why a forecast says what it says of an entry, and why it says something else than the one before.

Everything here is additive: the parts of a number sum to the number, and the parts of a change to the change.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class InputGroup(StrEnum):
    """What a model looks at, in few words; every input belongs to exactly one."""

    GRID = "GRID"
    QUALIFYING_PACE = "QUALIFYING_PACE"
    SPRINT = "SPRINT"
    PRACTICE_PACE = "PRACTICE_PACE"
    RACE_PACE = "RACE_PACE"
    TYRES = "TYRES"
    CAR_FORM = "CAR_FORM"
    DRIVER_FORM = "DRIVER_FORM"
    EXPERIENCE = "EXPERIENCE"
    RELIABILITY = "RELIABILITY"
    CIRCUIT = "CIRCUIT"
    WEATHER = "WEATHER"
    SEASON = "SEASON"


class ExplainedNumber(StrEnum):
    """A number of an entry's forecast that is told apart by its inputs."""

    WIN = "WIN"
    PODIUM = "PODIUM"
    RETIREMENT = "RETIREMENT"
    MEAN_POSITION = "MEAN_POSITION"


Contributions = tuple[tuple[InputGroup, float], ...]


@dataclass(frozen=True, slots=True)
class Attribution:
    """A number of a forecast, told apart.

    Attributes:
        base: What the model says of an average car in this one's place: all inputs of the entry in the middle
            of the field, everybody else as they are.
        contributions: By how much each group of inputs moves it from there.
        rest: What the forecast's draws and their calibration add to what the inputs alone say.
    """

    base: float
    contributions: Contributions
    rest: float

    @property
    def value(self) -> float:
        """What the forecast says."""
        return self.base + sum(part for _, part in self.contributions) + self.rest


@dataclass(frozen=True, slots=True)
class EntryExplanation:
    """Why a forecast says what it says of one entry.

    Attributes:
        numbers: In the order of `ExplainedNumber`.
        attention: How much the Temporal Fusion Transformer looks at each of the driver's last races, by race
            id, the oldest first; the weights sum to 1. Empty for a newcomer, and without such a member.
        variables: How much it looks at each variable of the race ahead, the heaviest first; they sum to 1.
    """

    driver_id: str
    numbers: tuple[tuple[ExplainedNumber, Attribution], ...]
    attention: tuple[tuple[str, float], ...] = ()
    variables: tuple[tuple[str, float], ...] = ()

    def of(self, number: ExplainedNumber) -> Attribution:
        """The attribution of a number.

        Raises:
            KeyError: It was not explained.
        """
        return dict(self.numbers)[number]


def heaviest_first(variables: Iterable[tuple[str, float]]) -> tuple[tuple[str, float], ...]:
    """The order of the variables of an entry; those of one weight by name."""
    return tuple(sorted(variables, key=lambda one: (-one[1], one[0])))


@dataclass(frozen=True, slots=True)
class Explanation:
    """Attributes:
    entries: By driver id.
    """

    entries: tuple[EntryExplanation, ...]

    def of_driver(self, driver_id: str) -> EntryExplanation | None:
        return next((entry for entry in self.entries if entry.driver_id == driver_id), None)


@dataclass(frozen=True, slots=True)
class Change:
    """By how much a number of an entry differs from the forecast before, told apart by cause.

    Attributes:
        field: Because others changed: what an average car in this one's place would be given.
        contributions: Because the entry's own inputs changed, or came to count for more.
        new_model: Because another model speaks. What it thinks of the old inputs nobody has asked it, so all
            of the change is its.
        rest: Of draws and calibration.
    """

    field: float
    contributions: Contributions
    new_model: float
    rest: float

    @property
    def value(self) -> float:
        return self.field + sum(part for _, part in self.contributions) + self.new_model + self.rest


def change_between(before: Attribution, after: Attribution, *, is_new_model: bool) -> Change:
    """The change of a number between two forecasts of a race. What one did not know yet is 0 there."""
    if is_new_model:
        return Change(0.0, (), after.value - before.value, 0.0)
    earlier, later = dict(before.contributions), dict(after.contributions)
    return Change(
        field=after.base - before.base,
        contributions=tuple(
            (group, later.get(group, 0.0) - earlier.get(group, 0.0))
            for group in InputGroup
            if group in earlier or group in later
        ),
        new_model=0.0,
        rest=after.rest - before.rest,
    )
