"""How an ensemble's forecasts of past races did while it was trained, each made from earlier races only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from f1graph.races.measures import Measure


@dataclass(frozen=True, slots=True)
class WalkScore:
    """One measure of a walk forward.

    Attributes:
        value: The mean over the races.
        low, high: Its 95 % bootstrap interval over races; None with fewer than two.
        count: How many races.
        races: The value of each race by its id, for comparing two bundles race by race.
    """

    measure: Measure
    value: float
    count: int
    low: float | None
    high: float | None
    races: Mapping[str, float]


@runtime_checkable
class WalkScored(Protocol):
    """A predictor, just fitted, that knows how it did on the way."""

    @property
    def walk_forward(self) -> Mapping[Measure, Mapping[str, float]]:
        """Of each measure the value of each race, by race id; what was stored and restored may be empty."""
        ...
