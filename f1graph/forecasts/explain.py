"""Why a forecast says what it says of each entry: what each group of inputs moved it from an average car.

Pure. An explanation belongs to a forecast that was just made, and is not part of its identity: nothing is
judged by it, and a back-test makes none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from f1graph.features.groups import group_of
from f1graph.features.race_features import RaceFeatures
from f1graph.models.explain.attention import Looks, looks_of
from f1graph.models.explain.coalitions import Coalitions
from f1graph.models.explain.evidence import REMEMBERED_GROUPS, groups_that_differ
from f1graph.models.explain.outlook import numbers_of
from f1graph.models.explain.speakers import outlook
from f1graph.models.explain.variants import Variants
from f1graph.models.protocol import Predictor
from f1graph.races.explanation import (
    Attribution,
    EntryExplanation,
    ExplainedNumber,
    Explanation,
    InputGroup,
    heaviest_first,
)
from f1graph.races.forecast import EntryForecast, Forecast

Values = NDArray[np.float64]

# With one circle of eleven groups 99 of 100 contributions are within .03 of a place and .005 of a chance of
# what all 2,048 coalitions say; a second one takes as long again and makes a quarter less of it.
_CIRCLES = 1
_DECIMALS = 6


@dataclass(frozen=True, eq=False)
class Parts:
    """What a model's word on each entry is made of.

    Attributes:
        groups: All that the stage knows.
        base: Of an average car. (entries, numbers)
        worth: What each group adds. (groups, entries, numbers)
    """

    groups: tuple[InputGroup, ...]
    base: Values
    worth: Values

    def attribution(self, entry: int, number: int, told: float) -> Attribution:
        # As many digits as mean anything; the rest makes the whole exact.
        base = _rounded(float(self.base[entry, number]))
        worth = [_rounded(part) for part in self.worth[:, entry, number].tolist()]
        return Attribution(base, tuple(zip(self.groups, worth, strict=True)), rest=told - base - sum(worth))


def told_apart(predictor: Predictor, features: RaceFeatures, *, seed: int) -> Parts | None:
    """What groups of inputs add to what a predictor says; None from a kind that cannot be asked.

    Args:
        seed: Of the forecast: its weight draws are heard.
    """
    differ = groups_that_differ(features)
    coalitions = Coalitions.on_circles(len(differ), circles=_CIRCLES, seed=seed)
    said = outlook(predictor, Variants(features, differ, coalitions.present), seed)
    if said is None:
        return None
    numbers = numbers_of(said)  # (entries, coalitions, numbers)
    shared = coalitions.shapley(np.swapaxes(numbers, 0, 1))
    known = {*REMEMBERED_GROUPS, *(group_of(name) for name in features.names)}
    groups = tuple(group for group in InputGroup if group in known)
    # Where all cars are alike, the average is what each of them is.
    worth = np.zeros((len(groups), *shared.shape[1:]))
    worth[[groups.index(group) for group in differ]] = shared
    return Parts(groups, numbers[:, 0], worth)


def explain_forecast(
    forecast: Forecast, predictor: Predictor, features: RaceFeatures, *, race_ids: Sequence[str]
) -> Explanation | None:
    """Tells apart the numbers of a forecast; None where its kind of model cannot be asked.

    Args:
        predictor: Which made it, from `features`.
        race_ids: The races that the predictor remembers, in their order.
    """
    parts = told_apart(predictor, features, seed=forecast.receipt.seed)
    if parts is None:
        return None
    looks = looks_of(predictor, features)
    return Explanation(
        tuple(
            EntryExplanation(
                driver_id=entry.driver_id,
                numbers=tuple(
                    (number, parts.attribution(i, n, told))
                    for n, (number, told) in enumerate(_told(entry).items())
                ),
                attention=() if looks is None else _attention(looks, i, race_ids),
                variables=() if looks is None else _variables(looks, i),
            )
            for i, entry in enumerate(forecast.entries)
        )
    )


def _told(entry: EntryForecast) -> dict[ExplainedNumber, float]:
    """What the forecast says, in the order of `ExplainedNumber`."""
    mean = sum(place * chance for place, chance in enumerate(entry.position_probabilities, start=1))
    return {
        ExplainedNumber.WIN: entry.win,
        ExplainedNumber.PODIUM: entry.podium,
        ExplainedNumber.RETIREMENT: entry.retirement,
        ExplainedNumber.MEAN_POSITION: mean,
    }


def _attention(looks: Looks, entry: int, race_ids: Sequence[str]) -> tuple[tuple[str, float], ...]:
    return tuple(
        (race_ids[number], _rounded(weight))
        for number, weight in zip(looks.races[entry].tolist(), looks.attention[entry].tolist(), strict=True)
    )


def _variables(looks: Looks, entry: int) -> tuple[tuple[str, float], ...]:
    weighed = zip(looks.variables, looks.weights[entry].tolist(), strict=True)
    return heaviest_first((name, _rounded(weight)) for name, weight in weighed)


def _rounded(value: float) -> float:
    # Not -0.0: whoever adds nothing adds 0.
    return round(value, _DECIMALS) + 0.0
