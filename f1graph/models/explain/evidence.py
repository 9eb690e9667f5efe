"""All that a model reads of a race, as one table in which a car can be put in the middle of the field."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from f1graph.features.groups import group_of
from f1graph.features.race_features import RaceFeatures
from f1graph.models.race_memory import LENGTH, TOKEN, Remembered
from f1graph.models.strength_filter import Strengths
from f1graph.races.explanation import InputGroup

Values = NDArray[np.float64]

_TOKENS = LENGTH * len(TOKEN)
# What is remembered, in the order of its columns: strength of driver and car, how uncertain their sum is,
# the last races, and how many of them are real.
_REMEMBERED = (
    InputGroup.DRIVER_FORM,
    InputGroup.CAR_FORM,
    InputGroup.EXPERIENCE,
    *([InputGroup.DRIVER_FORM] * (_TOKENS + 1)),
)
REMEMBERED_GROUPS = frozenset(_REMEMBERED)


@dataclass(frozen=True, eq=False)
class Evidence:
    """Attributes:
    table: (entries, columns): the features, and then what is remembered.
    former_teams: Of `Remembered`; no number, and so never put in the middle.
    """

    features: RaceFeatures
    table: Values
    former_teams: tuple[str | None, ...]

    @classmethod
    def of(cls, features: RaceFeatures, remembered: Remembered) -> Evidence:
        strengths, entries = remembered.strengths, len(features.driver_ids)
        columns = [
            features.values,
            np.stack([strengths.driver, strengths.car, strengths.deviation], axis=1),
            remembered.sequence.reshape(entries, _TOKENS),
            remembered.length[:, None],
        ]
        return cls(features, np.concatenate(columns, axis=1), remembered.former_teams)

    @classmethod
    def of_strengths(cls, features: RaceFeatures, strengths: Strengths) -> Evidence:
        """Of a model that remembers no single races."""
        entries = len(features.driver_ids)
        nothing = np.zeros((entries, LENGTH, len(TOKEN)))
        length = np.zeros(entries, dtype=np.int64)
        return cls.of(features, Remembered(strengths, nothing, length, (None,) * entries))

    @classmethod
    def of_features(cls, features: RaceFeatures) -> Evidence:
        """Of a model that remembers nothing."""
        nothing = np.zeros(len(features.driver_ids))
        return cls.of_strengths(features, Strengths(nothing, nothing, nothing))

    @cached_property
    def groups(self) -> tuple[InputGroup, ...]:
        """Of each column."""
        return (*(group_of(name) for name in self.features.names), *_REMEMBERED)

    @cached_property
    def middle(self) -> Values:
        """An average car: the median of who is known; NaN where nobody is. (columns,)"""
        known = ~np.isnan(self.table)
        return np.array(
            [
                np.median(values[there]) if there.any() else np.nan
                for values, there in zip(self.table.T, known.T, strict=True)
            ]
        )

    def columns_of(self, groups: Collection[InputGroup]) -> NDArray[np.bool_]:
        return np.array([group in groups for group in self.groups], dtype=np.bool_)

    def in_the_middle(self, entry: int, groups: Collection[InputGroup]) -> Evidence:
        """The same with one car's inputs of some groups those of an average car."""
        table = self.table.copy()
        columns = self.columns_of(groups)
        table[entry, columns] = self.middle[columns]
        return self._with(table)

    def passed_on(self, group: InputGroup) -> Evidence:
        """The same with every car given the inputs of this group of the car before it."""
        table = self.table.copy()
        columns = self.columns_of([group])
        table[:, columns] = np.roll(table[:, columns], 1, axis=0)
        return self._with(table)

    def _with(self, table: Values) -> Evidence:
        features = replace(self.features, values=table[:, : len(self.features.names)])
        return Evidence(features, table, self.former_teams)

    @property
    def remembered(self) -> Remembered:
        driver, car, deviation, *tokens, length = self.table[:, len(self.features.names) :].T
        return Remembered(
            Strengths(driver, car, deviation),
            np.stack(tokens, axis=1).reshape(-1, LENGTH, len(TOKEN)),
            length.astype(np.int64),
            self.former_teams,
        )


def groups_that_differ(features: RaceFeatures) -> tuple[InputGroup, ...]:
    """The groups in which two cars of the race may differ; all others move nobody from the average."""
    differ = {
        group_of(name)
        for name, values in zip(features.names, features.values.T, strict=True)
        if not (np.isnan(values).all() or (values == values[0]).all())
    }
    return tuple(group for group in InputGroup if group in differ | REMEMBERED_GROUPS)
