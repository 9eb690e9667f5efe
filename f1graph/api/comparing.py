"""Models beside each other, on the races that both have forecast."""

# Strawberry's decorator is typed as Any without its plugin for mypy.
# mypy: disallow-untyped-decorators=False

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import strawberry
from strawberry import field

from f1graph.api.context import Context
from f1graph.api.ids import short_text
from f1graph.errors import RequestError, UnknownError
from f1graph.races.comparing import compare, one_per_race
from f1graph.races.forecast import ScoredForecast
from f1graph.races.measures import Comparison, Direction, Measure
from f1graph.races.stages import Stage
from f1graph.store.freshness import is_invented
from f1graph.store.scores import ScoresWanted, newest_scores

_MOST_MODELS = 6
_MOST_SEASONS = 100


@strawberry.type(
    description="The first model beside another, on the races that both have forecast at this stage: paired, "
    "because a race that is hard for one is hard for the other."
)
class PairedDifference:
    other: str = field(description="The name of the model that it is compared with.")
    races: int = field(description="How many races both have forecast and were judged in.")
    value: float | None = field(
        description="The first model's mean on these races, in the unit of the measure. Null without any."
    )
    other_value: float | None = field(description="The other's mean on them. Null without any race.")
    difference: float | None = field(
        description="`value` minus `otherValue`. Below zero the first is better where lower is better. Null "
        "without any race."
    )
    low: float | None = field(
        description="Lower end of the 95 % bootstrap interval of `difference`: 2,000 resamples of whole "
        "races. Null with fewer than two."
    )
    high: float | None = field(
        description="Upper end of that interval; null with it. If zero lies inside, nothing is shown."
    )


@strawberry.type(
    description="One model beside others by one measure, at one stage. Each race counts once, by the last "
    "forecast that each model made of it at this stage; one made before the start is preferred to a "
    "back-test."
)
class ModelComparison:
    model: str = field(description="The first model.")
    stage: Stage = field(description="The stage of the forecasts.")
    measure: Measure = field(description="Which measure.")
    title: str = field(description="The measure's name for a reader.")
    definition: str = field(description="What is measured, with unit, rule and who is left out.")
    direction: Direction = field(description="Whether low or high is good.")
    invented: bool = field(description="True for races of the invented championship.")
    races: int = field(description="How many races of the first model were judged.")
    differences: list[PairedDifference] = field(
        description="One for each of the other models, in the order asked for; a handful."
    )


async def compare_models(
    context: Context, models: Sequence[str], *, stage: Stage, seasons: Sequence[int] | None, measure: Measure
) -> ModelComparison:
    """The first model beside each of the others.

    Raises:
        RequestError: There are too few or too many models, or one twice.
        UnknownError: No forecast of the first was judged.
    """
    names = [short_text("a model's name", name) for name in models]
    if not 2 <= len(names) <= _MOST_MODELS or len(set(names)) < len(names):
        raise RequestError(f"`models` must be from 2 to {_MOST_MODELS} different names, not {len(names)}")
    if seasons is not None and len(seasons) > _MOST_SEASONS:
        raise RequestError(f"`seasons` may be at most {_MOST_SEASONS}, not {len(seasons)}")
    wanted = ScoresWanted(models=names, stage=stage, seasons=seasons, measure=measure)
    async with context.store.read() as read:
        invented = await is_invented(read)
        scored = await newest_scores(read, invented=invented, as_of=context.now, wanted=wanted)
    of_race: dict[str, dict[str, ScoredForecast]] = {name: {} for name in names}
    for one in one_per_race(scored):
        of_race[one.model][one.race_id] = one
    first, *others = names
    if not of_race[first]:
        raise UnknownError(f"no forecast by {first!r} at {stage} was judged: `modelMetrics` tells which were")
    # Thousands of resamples of some hundred races: beside the event loop.
    found = await asyncio.to_thread(
        lambda: [compare(of_race[first], of_race[name], model=name, measure=measure) for name in others]
    )
    definition = measure.definition
    return ModelComparison(
        model=first,
        stage=stage,
        measure=measure,
        title=definition.title,
        definition=definition.sentence,
        direction=definition.direction,
        invented=invented,
        races=len(of_race[first]),
        differences=[_difference(name, one) for name, one in zip(others, found, strict=True)],
    )


def _difference(name: str, record: Comparison | None) -> PairedDifference:
    if record is None:
        return PairedDifference(
            other=name, races=0, value=None, other_value=None, difference=None, low=None, high=None
        )
    return PairedDifference(
        other=name,
        races=record.races,
        value=record.value + record.difference,
        other_value=record.value,
        difference=record.difference,
        low=record.low,
        high=record.high,
    )
