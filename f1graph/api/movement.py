"""What moved between a forecast and the one before it, and by what cause."""

# Strawberry's decorator is typed as Any without its plugin for mypy.
# mypy: disallow-untyped-decorators=False

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import strawberry
from strawberry import field

from f1graph.api.context import Info
from f1graph.api.explanation import Contribution, NumberAsked, contributions
from f1graph.api.node import present
from f1graph.api.people import Driver
from f1graph.races.explanation import EntryExplanation, ExplainedNumber, change_between
from f1graph.store.published import ForecastHead

if TYPE_CHECKING:
    from f1graph.api.forecast import Forecast

_LazyForecast = Annotated["Forecast", strawberry.lazy("f1graph.api.forecast")]


@strawberry.type(
    description="By how much a number of an entry differs from the forecast before, told apart by cause: "
    "`field`, all `contributions`, `newModel` and `rest` sum to `value`."
)
class ChangeByCause:
    of: ExplainedNumber = field(description="Which number, and its unit.")
    value: float = field(description="Its value in this forecast minus that in the forecast before.")
    field_: float = field(
        name="field",
        description="Because the others changed: the change of the `base` of the explanation, which is what "
        "an average car in this one's place would be given.",
    )
    contributions: list[Contribution] = field(
        description="Because the entry's own inputs changed, or came to be known, or count for more at the "
        "later stage: of each group the change of its contribution, a handful. Empty for a new model."
    )
    new_model: float = field(
        description="Because a model of another version speaks: then all of the change is its, since nobody "
        "has asked the new one about the old inputs. Otherwise 0."
    )
    rest: float = field(description="The change of what no input accounts for: draws and calibration.")


@strawberry.type(description="What moved for one entry. All changes are this forecast minus the one before.")
class EntryMovement:
    win: float = field(description="The change of P(classified first), from -1 to 1.")
    podium: float = field(description="The change of P(classified in the first three), from -1 to 1.")
    retirement: float = field(description="The change of P(does not finish or is not classified).")
    mean_position: float = field(
        description="The change of the mean of the positions, in places: below 0 it went forward. Not of "
        "`expectedPosition`, which is the median and moves by whole places."
    )
    driver_id: strawberry.Private[str]
    since_id: strawberry.Private[str]
    forecast_id: strawberry.Private[str]
    is_new_model: strawberry.Private[bool]

    @field(description="Who drives.")
    async def driver(self, info: Info) -> Driver:
        return Driver.of(present(await info.context.loaders.driver.load(self.driver_id)))

    @field(
        description="The changes by cause, a handful: one for each explained number. Empty for a forecast "
        "that was made before explanations were kept, or by a model that cannot tell."
    )
    async def causes(self, info: Info, of: NumberAsked = None) -> list[ChangeByCause]:
        before, after = (
            None if one is None else one.of_driver(self.driver_id)
            for one in await info.context.loaders.explanation.load_many([self.since_id, self.forecast_id])
        )
        return _causes(before, after, of, is_new_model=self.is_new_model)


@strawberry.type(description="What moved between a forecast and the one before it.")
class Movement:
    cause: str | None = field(
        description="What happened in between: why this forecast was made. Null where nobody told."
    )
    is_new_model: bool = field(
        description="Whether another model made it, or another version of it, trained with more races. Each "
        "stage has a trained model of its own; of the same version they are no new model to each other."
    )
    since: _LazyForecast = field(description="The forecast before.")
    since_id: strawberry.Private[str]
    forecast_id: strawberry.Private[str]

    @field(
        description="One per car that both forecasts are about, in this one's order. Who was not entered "
        "before has nothing to move from."
    )
    async def entries(self, info: Info) -> list[EntryMovement]:
        before, after = await info.context.loaders.entries.load_many([self.since_id, self.forecast_id])
        earlier = {row.driver_id: row for row in before or ()}
        return [
            EntryMovement(
                win=row.win - earlier[row.driver_id].win,
                podium=row.podium - earlier[row.driver_id].podium,
                retirement=row.retirement - earlier[row.driver_id].retirement,
                mean_position=_mean_position(row) - _mean_position(earlier[row.driver_id]),
                driver_id=row.driver_id,
                since_id=self.since_id,
                forecast_id=self.forecast_id,
                is_new_model=self.is_new_model,
            )
            for row in after or ()
            if row.driver_id in earlier
        ]


def movement(
    before: ForecastHead, *, forecast_id: str, model: str, version: str, cause: str | None
) -> Movement:
    from f1graph.api.forecast import Forecast

    return Movement(
        cause=cause,
        is_new_model=(before.model, before.model_version) != (model, version),
        since=Forecast.of(before),
        since_id=before.id,
        forecast_id=forecast_id,
    )


def _mean_position(row: Any) -> float:
    return float(sum(place * chance for place, chance in enumerate(row.position_probabilities, start=1)))


def _causes(
    before: EntryExplanation | None,
    after: EntryExplanation | None,
    of: ExplainedNumber | None,
    *,
    is_new_model: bool,
) -> list[ChangeByCause]:
    if before is None or after is None:
        return []
    earlier = dict(before.numbers)
    found = []
    for number, now in after.numbers:
        if number not in earlier or (of is not None and number is not of):
            continue
        change = change_between(earlier[number], now, is_new_model=is_new_model)
        found.append(
            ChangeByCause(
                of=number,
                value=change.value,
                field_=change.field,
                contributions=contributions(change.contributions),
                new_model=change.new_model,
                rest=change.rest,
            )
        )
    return found
