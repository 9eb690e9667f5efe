"""Why a forecast says what it says of an entry, and what its transformer looks at."""

# Strawberry's decorator is typed as Any without its plugin for mypy.
# mypy: disallow-untyped-decorators=False

from __future__ import annotations

from typing import Annotated

import strawberry
from strawberry import field

from f1graph.api.context import Info
from f1graph.api.node import LazyRace, present
from f1graph.races.explanation import (
    Contributions,
    EntryExplanation,
    ExplainedNumber,
    InputGroup,
)

NumberAsked = Annotated[
    ExplainedNumber | None, strawberry.argument(description="Only of this number. Empty: of all four.")
]


@strawberry.type(description="What one group of inputs adds to a number, or to its change.")
class Contribution:
    group: InputGroup = field(description="The group.")
    value: float = field(
        description="What it adds, in the unit of the number: below 0 it makes the number smaller. Of a "
        "position, below 0 is a better one."
    )


@strawberry.type(
    description="A number of an entry's forecast, told apart by the inputs that moved it from the field's "
    "average: `base`, all `contributions` and `rest` sum to `value`. The contributions are Shapley values: "
    "of each group what it adds on average over the orders in which the groups may be made known, the "
    "others being in the middle of the field until then."
)
class Explanation:
    of: ExplainedNumber = field(description="Which number, and its unit.")
    base: float = field(
        description="What the model says of an average car in this one's place: of each input the median of "
        "the race's entries, while all other cars are as they are. A chance to win is well below one over "
        "the number of entries: an average car is no favourite."
    )
    value: float = field(description="What the forecast says.")
    contributions: list[Contribution] = field(
        description="One for each group of inputs that the stage knows, a handful. Of a group in which all "
        "cars are alike, such as the weather, 0: it moves nobody from the average."
    )
    rest: float = field(
        description="What no input accounts for: the explanation is worked out without draws, and the "
        "forecast is read from drawn and calibrated races. Usually below .02 of a chance and .2 of a place."
    )


@strawberry.type(
    description="How much the Temporal Fusion Transformer looks at one of a driver's last races."
)
class RaceAttention:
    weight: float = field(description="From 0 to 1; the weights of the driver's races sum to 1.")
    race_id: strawberry.Private[str]

    @field(description="The race.")
    async def race(self, info: Info) -> LazyRace:
        from f1graph.api.calendar import Race

        return Race.of(present(await info.context.loaders.race.load(self.race_id)))


@strawberry.type(
    description="How much the Temporal Fusion Transformer looks at one variable of the race ahead."
)
class VariableWeight:
    variable: str = field(
        description="The variable: a feature's name as in `Bundle.featureNames`, or one that is made "
        "of results so far (`strength`) or of the grid (`slot`)."
    )
    weight: float = field(description="From 0 to 1; the weights of all variables sum to 1.")


def explanations(entry: EntryExplanation | None, of: ExplainedNumber | None) -> list[Explanation]:
    return [
        Explanation(
            of=number,
            base=one.base,
            value=one.value,
            contributions=contributions(one.contributions),
            rest=one.rest,
        )
        for number, one in (entry.numbers if entry is not None else ())
        if of is None or number is of
    ]


def contributions(told: Contributions) -> list[Contribution]:
    return [Contribution(group=group, value=value) for group, value in told]
