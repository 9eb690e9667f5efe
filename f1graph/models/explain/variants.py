"""One race in many variants: in each, one car has some groups of its inputs in the middle of the field."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from f1graph.features.race_features import RaceFeatures
from f1graph.models.explain.evidence import Evidence
from f1graph.models.explain.inputs import inputs_in_coalitions
from f1graph.models.inputs import InputPlan
from f1graph.models.race_memory import RaceMemory
from f1graph.races.explanation import InputGroup

Values = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Variants:
    """Attributes:
    present: Which of `groups` are as they are. (coalitions, groups)
    """

    features: RaceFeatures
    groups: tuple[InputGroup, ...]
    present: NDArray[np.bool_]
    _read: dict[tuple[InputPlan, str], tuple[tuple[str, ...], Values, Evidence]] = field(default_factory=dict)

    def is_present(self, group: InputGroup) -> NDArray[np.bool_]:
        """In which coalitions. (coalitions,)"""
        return self.present[:, self.groups.index(group)]

    def inputs(self, plan: InputPlan, memory: RaceMemory) -> tuple[tuple[str, ...], Values, Evidence]:
        """Names and values of a plan's inputs, and what they are read from.

        Members that plan alike and remember the same are asked once. Values: (entries, coalitions, inputs)
        """
        key = (plan, memory.digest)
        if key not in self._read:
            self._read[key] = self._planned(plan, Evidence.of(self.features, memory.before(self.features)))
        return self._read[key]

    def _planned(self, plan: InputPlan, evidence: Evidence) -> tuple[tuple[str, ...], Values, Evidence]:
        # What is read from strengths and grid mixes groups; all else is read from one feature each.
        mixing = replace(plan, of_field=(), of_car=())
        strengths = evidence.remembered.strengths
        names, _ = plan.inputs(self.features, strengths)
        is_mixing = np.isin(names, mixing.inputs(self.features, strengths)[0])

        def of(part: InputPlan, columns: NDArray[np.bool_]) -> Values:
            return inputs_in_coalitions(
                lambda one: part.inputs(one.features, one.remembered.strengths)[1][:, columns],
                evidence,
                self.groups,
                self.present,
            )

        found = np.empty((len(evidence.table), len(self.present), len(names)))
        found[..., ~is_mixing] = of(plan, ~is_mixing)
        found[..., is_mixing] = of(mixing, np.ones(int(is_mixing.sum()), dtype=np.bool_))
        return names, found, evidence
