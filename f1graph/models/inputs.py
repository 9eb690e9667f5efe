"""From a race's features to what a network reads: every number seen from within its own field.

Only differences between cars matter for an order, so a feature of a car is centred on its field's median and
stands beside its rank; a gap or a place also stands on a logarithmic scale, because a tenth matters at the
front and not at the back. What is the same for the whole field is context. An unknown value stands in the
middle of the field, and beside it that it is unknown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from f1graph.features.race_features import RaceFeatures
from f1graph.features.registry import features_known
from f1graph.models.protocol import Example
from f1graph.models.readout import grid_slots
from f1graph.models.strength_filter import Strengths
from f1graph.races.stages import Stage

Values = NDArray[np.float64]

_LARGEST_GAP = 6.0
# Added before the logarithm of a gap: the hundredths between first and second are luck.
_SMALLEST_GAP = 0.15
_GAP_UNIT = "% of a lap"
_PLACE_UNIT = "place"
_SAME = 1e-9
_USUAL_FIELD = 20.0
_MIDDLE_SEASON = 2010


@dataclass(frozen=True, slots=True)
class InputPlan:
    """How the columns of the features become inputs.

    Attributes:
        of_field: The features that are the same for all cars of a race.
        of_car: All others.
    """

    stage: Stage
    of_field: tuple[str, ...]
    of_car: tuple[str, ...]

    @classmethod
    def of(cls, examples: Sequence[Example], stage: Stage, *, known_share: float = 0.0) -> InputPlan:
        """The plan for features in which nobody has to say which are the field's: the races show it.

        Args:
            known_share: Features that fewer of the races know, for one car at least, are left out.
        """
        names = examples[-1].features.names
        varies = np.zeros(len(names), dtype=np.bool_)
        races_known = np.zeros(len(names))
        for example in examples:
            values = example.features.values
            known = ~np.isnan(values)
            high = np.where(known, values, -np.inf).max(axis=0)
            low = np.where(known, values, np.inf).min(axis=0)
            varies |= known.any(axis=0) & (high - low > _SAME)
            races_known += known.any(axis=0)
        heard = races_known >= known_share * len(examples)
        return cls(
            stage,
            tuple(name for name, one, car in zip(names, heard, varies, strict=True) if one and not car),
            tuple(name for name, one, car in zip(names, heard, varies, strict=True) if one and car),
        )

    def inputs(self, features: RaceFeatures, strengths: Strengths) -> tuple[tuple[str, ...], Values]:
        """Names and values of a race's inputs, unscaled. (entries, inputs)"""
        units = {feature.name: feature.unit for feature in features_known(self.stage)}
        columns = _strength_inputs(strengths)
        for name in self.of_field:
            columns[name] = np.nan_to_num(features.column(name))
        for name in self.of_car:
            columns |= _car_inputs(name, units[name], features.column(name))
        if self.stage is Stage.AFTER_QUALIFYING:
            columns |= _grid_inputs(features, strengths)
        entries = len(features.driver_ids)
        columns["entries"] = np.full(entries, entries / _USUAL_FIELD)
        columns["era"] = np.full(entries, (features.season - _MIDDLE_SEASON) / 10)
        return tuple(columns), np.stack(list(columns.values()), axis=1)


def _strength_inputs(strengths: Strengths) -> dict[str, Values]:
    total = strengths.total
    share = np.exp(total - total.max())
    return {
        "strength": total - total.mean(),
        "driver_strength": strengths.driver - strengths.driver.mean(),
        "car_strength": strengths.car - strengths.car.mean(),
        "strength_doubt": strengths.deviation,
        "strength:rank": within_field_rank(total),
        "strength_behind_best": total - total.max(),
        "strength:log_share": np.log(share / share.sum()),
    }


def _car_inputs(name: str, unit: str, values: Values) -> dict[str, Values]:
    is_gap, is_place = unit == _GAP_UNIT, unit == _PLACE_UNIT
    values = np.minimum(values, _LARGEST_GAP) if is_gap else values
    known = ~np.isnan(values)
    middle = np.median(values[known]) if known.any() else 0.0
    columns = {
        name: np.where(known, values - middle, 0.0),
        f"{name}:rank": within_field_rank(values),
    }
    if is_gap or is_place:
        best = values[known].min() if known.any() else 0.0
        shifted = _SMALLEST_GAP + values - best if is_gap else np.maximum(values, 1.0)
        columns[f"{name}:log"] = np.log(np.where(known, shifted, 1.0))
        columns[f"{name}:unknown"] = (~known).astype(np.float64)
    return columns


def _grid_inputs(features: RaceFeatures, strengths: Strengths) -> dict[str, Values]:
    slot = grid_slots(features)
    scaled = 2 * (slot - 1) / max(len(slot) - 1, 1) - 1
    return {
        "slot": scaled,
        "slot:log": np.log(slot),
        "pole": (slot == 1).astype(np.float64),
        "front_row": (slot <= 2).astype(np.float64),
        "first_three": (slot <= 3).astype(np.float64),
        # How far a car starts behind where its strength would have put it.
        "out_of_place": within_field_rank(strengths.total) + scaled,
    }


def within_field_rank(values: Values) -> Values:
    """Ranks from −1 (smallest) to 1 (largest), ties sharing theirs; 0 for the unknown. (entries,)"""
    ranks = np.zeros(len(values))
    known = ~np.isnan(values)
    count = int(known.sum())
    if count > 1:
        own = values[known]
        smaller = (own[:, None] > own[None, :]).sum(axis=1)
        equal = (own[:, None] == own[None, :]).sum(axis=1)
        ranks[known] = 2 * (smaller + (equal - 1) / 2) / (count - 1) - 1
    return ranks
