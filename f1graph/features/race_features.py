"""The features of one race at one stage: what every estimator and predictor gets to see."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from f1graph.races.stages import Stage


@dataclass(frozen=True, eq=False)
class RaceFeatures:
    """Named numbers for every entry of a race, as known at a cutoff.

    Attributes:
        driver_ids: In ascending order, so that the order of entries tells nothing about the result.
        constructor_ids: Of each entry.
        lineage_ids: Of each entry's constructor, over renames.
        names: Of the columns of `values`.
        values: (entries, features) float64; NaN where a feature is not known.
        missing_inputs: What the stage would have known and this race did not, with the reason, in words.
    """

    race_id: str
    season: int
    round: int
    circuit_id: str
    starts_at: datetime
    stage: Stage
    cutoff: datetime
    driver_ids: tuple[str, ...]
    constructor_ids: tuple[str, ...]
    lineage_ids: tuple[str, ...]
    names: tuple[str, ...]
    values: NDArray[np.float64]
    missing_inputs: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        if self.values.shape != (len(self.driver_ids), len(self.names)):
            raise ValueError(
                f"features of {self.race_id} are {self.values.shape}, "
                f"not {(len(self.driver_ids), len(self.names))}"
            )
        if list(self.driver_ids) != sorted(set(self.driver_ids)):
            raise ValueError(f"the entries of {self.race_id} are not ordered by driver, each once")

    def column(self, name: str) -> NDArray[np.float64]:
        """One feature of every entry. (entries,)"""
        return self.values[:, self.names.index(name)]

    @property
    def fingerprint(self) -> str:
        """SHA-256 over everything a predictor can see: equal inputs, equal fingerprint."""
        digest = hashlib.sha256()
        for part in (
            self.race_id,
            self.stage,
            self.circuit_id,
            *self.driver_ids,
            *self.constructor_ids,
            *self.lineage_ids,
            *self.names,
        ):
            digest.update(part.encode() + b"\0")
        # NaN has many bit patterns; one of them stands for all.
        values = np.where(np.isnan(self.values), np.nan, self.values)
        digest.update(np.ascontiguousarray(values, dtype="<f8").tobytes())
        return digest.hexdigest()


def schema_fingerprint(names: tuple[str, ...]) -> str:
    """SHA-256 of the feature names in their order: what a bundle was trained on."""
    return hashlib.sha256("\0".join(names).encode()).hexdigest()
