"""What a forecast says of one entry, and what each of its members does."""

# Strawberry's decorator is typed as Any without its plugin for mypy.
# mypy: disallow-untyped-decorators=False

from __future__ import annotations

from typing import Any

import strawberry
from strawberry import field

from f1graph.api.context import Info
from f1graph.api.explanation import Explanation, NumberAsked, RaceAttention, VariableWeight, explanations
from f1graph.api.ids import page_size
from f1graph.api.lists import First
from f1graph.api.node import LASTING, present
from f1graph.api.people import Constructor, Driver
from f1graph.api.scalars import Distribution, Probability
from f1graph.races.explanation import EntryExplanation


@strawberry.type(description="A range of positions.")
class PositionInterval:
    low: int = field(description="The best position in it, 1 is first.")
    high: int = field(description="The worst position in it.")
    probability: Probability = field(
        description="P(ends within it, both ends included), by the same draws: what it says is what it holds."
    )


@strawberry.type(description="The chance that an entry does not see the flag.")
class Retirement:
    total: Probability = field(
        description="P(takes the start, and does not finish or is not classified). A disqualification is "
        "none: the car reached the end. An entry that does not start is void."
    )
    mechanical: Probability | None = field(
        description="The part of `total` in which the car fails: engine, gearbox, brakes and the like. The "
        "three causes sum to `total`. Null where the model does not tell causes apart."
    )
    accident: Probability | None = field(
        description="The part of `total` in which it ends in an accident, a collision or a spin. Null where "
        "the model does not tell causes apart."
    )
    other: Probability | None = field(
        description="The part of `total` with any other cause: illness, a withdrawal by the team, too few "
        "laps to be classified. Null where the model does not tell causes apart."
    )


@strawberry.type(description="How far the members of an ensemble agree on one entry.")
class EntryConsensus:
    divergence_bits: float = field(
        description="Jensen–Shannon divergence in bits of what the members say of this entry's position: 0 "
        "is the same, log2(members) is nothing in common. Members of weight 0 have no voice."
    )


@strawberry.type(description="How uncertain an entry's position is.")
class Uncertainty:
    entropy_bits: float = field(
        description="Entropy of `positionProbabilities` in bits: 0 is certain, log2(number of entries) is "
        "anything goes."
    )
    aleatoric: float | None = field(
        description="The part of the variance of the position, in places squared, that is the race's "
        "lottery: what the members expect of it, weighed. More knowledge would not make it smaller. Null "
        "where the model does not know the parts."
    )
    epistemic: float | None = field(
        description="The part of the variance of the position, in places squared, that is not knowing "
        "better: how far members and draws of their weights disagree on the mean. It grows for rookies, new "
        "regulations and missing inputs. Null where the model does not know the parts."
    )


@strawberry.type(description="What one model says of an entry.")
class MemberView:
    model: str = field(description="The model's name.")
    version: str = field(description="The model's version.")
    is_baseline: bool = field(
        description="A simple guess shown to compare with, such as the order of the grid. Has no voice in "
        "the forecast."
    )
    weight: Probability | None = field(
        description="Its share of the forecast before calibration; the weights of all members sum to 1. "
        "Null for a baseline."
    )
    win: Probability = field(description="P(classified first).")
    podium: Probability = field(description="P(classified in the first three).")
    points: Probability = field(description="P(classified in the first ten).")
    retirement: Probability = field(
        description="P(takes the start and is not classified), as `Retirement.total`."
    )
    expected_position: int = field(description="The median of its positions.")


@strawberry.type(
    description="What a forecast says of one entry. All numbers are read from the same drawn finishing "
    "orders, so they fit together: win ≤ podium ≤ points. They hold for the classification as revised last: "
    "a driver who is disqualified later was not on the podium, and who moved up was. If the entry does not "
    "take the start it is void: it is not judged, and the win chances and positions of the others are read "
    "again for the field that did start."
)
class ForecastEntry:
    grid: int | None = field(
        description="Place on the grid as known at the cutoff, 1 is pole position. Null when not known yet, "
        "or "
        "for a start from the pit lane."
    )
    win: Probability = field(description="P(classified first).")
    podium: Probability = field(description="P(classified in the first three).")
    points: Probability = field(
        description="P(classified in the first ten), whatever the points are worth in that season."
    )
    retirement: Retirement = field(description="The chance not to finish or not to be classified.")
    expected_position: int = field(description="The median of the positions, 1 is first. Not the mean.")
    interval80: PositionInterval = field(
        description="The run of places that holds most nearly 80 %, and of two that are as near the shorter. "
        "Places are whole, so it holds somewhat more or less: see its `probability`."
    )
    position_probabilities: Distribution = field(
        description="P(ends in position 1, 2, … n) for n entries. Who is not classified takes the last "
        "places, in "
        "the order of the published list."
    )
    uncertainty: Uncertainty = field(description="How uncertain the position is.")
    confidence: Probability | None = field(
        description="The calibrated chance that the entry ends within two places of `expectedPosition`. "
        "Null where the model does not tell."
    )
    consensus: EntryConsensus | None = field(
        description="How far the members agree on this entry. Null with fewer than two members."
    )
    driver_id: strawberry.Private[str]
    constructor_id: strawberry.Private[str]
    forecast_id: strawberry.Private[str]

    @field(description="Who drives.", metadata=LASTING)
    async def driver(self, info: Info) -> Driver:
        record = present(await info.context.loaders.driver.load(self.driver_id))
        return info.context.shown(Driver.of, record)

    @field(description="For which team, at this race.", metadata=LASTING)
    async def constructor(self, info: Info) -> Constructor:
        record = present(await info.context.loaders.constructor.load(self.constructor_id))
        return info.context.shown(Constructor.of, record)

    @field(
        description="What the members say, by descending weight (a forecast that is no ensemble's has "
        "its own model only), then the baselines; a handful."
    )
    async def members(self, info: Info) -> list[MemberView]:
        views = await info.context.loaders.members.load(self.forecast_id) or {}
        return [
            MemberView(
                model=row.model,
                version=row.version,
                is_baseline=row.is_baseline,
                weight=row.weight,
                win=row.win,
                podium=row.podium,
                points=row.points,
                retirement=row.retirement,
                expected_position=row.expected_position,
            )
            for row in views.get(self.driver_id, ())
        ]

    @field(
        description="Which inputs moved the forecast from the field's average: a handful, one for each "
        "explained number. Empty for a forecast that was made before explanations were kept, or by a model "
        "that cannot tell."
    )
    async def explanation(self, info: Info, of: NumberAsked = None) -> list[Explanation]:
        return explanations(await self._explained(info), of)

    @field(
        description="How much the ensemble's Temporal Fusion Transformer looks at each of the driver's last "
        "races, the oldest first, at most ten. Empty for a newcomer, and where no transformer speaks. What "
        "it looks at is not yet what moved the forecast: that is `explanation`."
    )
    async def attention(self, info: Info) -> list[RaceAttention]:
        entry = await self._explained(info)
        told = entry.attention if entry is not None else ()
        return [RaceAttention(weight=weight, race_id=race_id) for race_id, weight in told]

    @field(
        description="How much it looks at each variable of the race ahead, the heaviest first, at most "
        "`first`. Empty where no transformer speaks."
    )
    async def variable_weights(self, info: Info, first: First = 10) -> list[VariableWeight]:
        entry = await self._explained(info)
        told = entry.variables[: page_size(first)] if entry is not None else ()
        return [VariableWeight(variable=name, weight=weight) for name, weight in told]

    async def _explained(self, info: Info) -> EntryExplanation | None:
        explanation = await info.context.loaders.explanation.load(self.forecast_id)
        return None if explanation is None else explanation.of_driver(self.driver_id)


def forecast_entries(rows: list[Any]) -> list[ForecastEntry]:
    return [_entry(row) for row in rows]


def _entry(row: Any) -> ForecastEntry:
    return ForecastEntry(
        grid=row.grid,
        win=row.win,
        podium=row.podium,
        points=row.points,
        retirement=Retirement(
            total=row.retirement, mechanical=row.mechanical, accident=row.accident, other=row.other
        ),
        expected_position=row.expected_position,
        interval80=PositionInterval(
            low=row.interval80_low,
            high=row.interval80_high,
            # What was drawn all the time may sum to a little more than 1.
            probability=min(
                1.0, sum(row.position_probabilities[row.interval80_low - 1 : row.interval80_high])
            ),
        ),
        position_probabilities=row.position_probabilities,
        uncertainty=Uncertainty(
            entropy_bits=row.entropy_bits, aleatoric=row.aleatoric, epistemic=row.epistemic
        ),
        confidence=row.confidence,
        consensus=None
        if row.divergence_bits is None
        else EntryConsensus(divergence_bits=row.divergence_bits),
        driver_id=row.driver_id,
        constructor_id=row.constructor_id,
        forecast_id=row.forecast_id,
    )
