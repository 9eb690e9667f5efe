"""The inputs of a car while some of its groups are in the middle of the field, for many coalitions at once.

Reading a race takes milliseconds, and there are some thousand coalitions of cars and groups. But most inputs
are read from one group alone, and so have two values per car; the few that mix groups are read for each
combination of those groups only.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from f1graph.models.explain.evidence import Evidence
from f1graph.races.explanation import InputGroup

Values = NDArray[np.float64]

# The inputs of all cars. (entries, inputs)
Read = Callable[[Evidence], Values]


def inputs_in_coalitions(
    read: Read, evidence: Evidence, groups: Sequence[InputGroup], present: NDArray[np.bool_]
) -> Values:
    """Each car's own inputs in each coalition, all other cars as they are. (entries, coalitions, inputs)

    Args:
        read: An input of a car may depend on any column of any car, but must change when the cars' values
            of a column it depends on are passed from car to car.
        groups: The players.
        present: Which of them are as they are; the others are in the middle. (coalitions, groups)
    """
    actual = read(evidence)
    reads = np.stack([_differs(read(evidence.passed_on(group)), actual) for group in groups])
    mixes = reads.sum(axis=0) > 1  # (inputs,)
    mixed = reads[:, mixes].any(axis=1)  # (groups,): who has a part in a mixture
    states, state_of = np.unique(present & mixed, axis=0, return_inverse=True)
    found = np.empty((len(actual), len(present), actual.shape[1]))
    for entry, own in enumerate(actual):
        rows = np.stack(
            [read(evidence.in_the_middle(entry, _absent(groups, state)))[entry] for state in states]
        )
        found[entry] = rows[state_of.reshape(-1)]
        for number in np.flatnonzero(~mixed):
            found[entry][np.ix_(present[:, number], reads[number])] = own[reads[number]]
    return found


def _differs(values: Values, others: Values) -> NDArray[np.bool_]:
    same = (values == others) | (np.isnan(values) & np.isnan(others))
    return np.asarray(~same.all(axis=0), dtype=np.bool_)


def _absent(groups: Sequence[InputGroup], present: NDArray[np.bool_]) -> list[InputGroup]:
    return [group for group, is_there in zip(groups, present, strict=True) if not is_there]
