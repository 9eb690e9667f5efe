"""Draws of a finishing order, and every number that is read from them.

All probabilities of a forecast come from the same draws, so they cannot contradict each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from f1graph.races.draws import pack_draws, unpack_draws

DRAWS = 10_000


@dataclass(frozen=True, eq=False)
class OutcomeDistribution:
    """Sampled outcomes of one race.

    Every entry gets a position 1 … n in every draw. Retired cars fill the last places, as they do in a
    classification: the order among them is that of the published list, longest runner first.

    Attributes:
        driver_ids: The entries, in ascending order.
        positions: (draws, entries) uint8; each row is a permutation of 1 … n.
        retired: (draws, entries) bool.
        cause_shares: (entries, 3) of each entry's retirements the shares by mechanical failure, by accident
            and by anything else, each row summing to 1; None from a model that does not tell causes apart.

    Raises:
        ValueError: A row is no permutation, or a retired car is ahead of a classified one.
    """

    driver_ids: tuple[str, ...]
    positions: NDArray[np.uint8]
    retired: NDArray[np.bool_]
    cause_shares: NDArray[np.float64] | None = None

    def __post_init__(self) -> None:
        entries = len(self.driver_ids)
        if self.positions.shape != self.retired.shape or self.positions.shape[1:] != (entries,):
            raise ValueError(f"{self.positions.shape} positions do not fit {entries} entries")
        if not (np.sort(self.positions, axis=1) == np.arange(1, entries + 1)).all():
            raise ValueError("a draw is not a finishing order: some position is missing or taken twice")
        finishers = entries - self.retired.sum(axis=1, keepdims=True)
        if ((self.positions > finishers) != self.retired).any():
            raise ValueError("a draw has a retired car ahead of a classified one")
        shares = self.cause_shares
        if shares is not None and (
            shares.shape != (entries, 3) or (shares < 0).any() or np.abs(shares.sum(axis=1) - 1).max() > 1e-6
        ):
            raise ValueError("the shares of the causes of a retirement do not sum to 1")

    @property
    def draws(self) -> int:
        return len(self.positions)

    @cached_property
    def position_probabilities(self) -> NDArray[np.float64]:
        """P(entry ends in position k), unclassified places included. (entries, positions)"""
        entries = len(self.driver_ids)
        counts = np.stack(
            [np.bincount(self.positions[:, entry], minlength=entries + 1)[1:] for entry in range(entries)]
        )
        return np.asarray(counts / self.draws, dtype=np.float64)

    @cached_property
    def classified_probabilities(self) -> NDArray[np.float64]:
        """P(entry is classified in position k), each row summing to 1 − `retirement`. (entries, positions)"""
        entries = len(self.driver_ids)
        places = np.where(self.retired, 0, self.positions)
        counts = np.stack([np.bincount(own, minlength=entries + 1)[1:] for own in places.T])
        return np.asarray(counts / self.draws, dtype=np.float64)

    def classified_within(self, places: int) -> NDArray[np.float64]:
        """P(classified in the first `places`). A retired car is not, however few finish. (entries,)"""
        return np.asarray(((self.positions <= places) & ~self.retired).mean(axis=0), dtype=np.float64)

    @property
    def win(self) -> NDArray[np.float64]:
        return self.classified_within(1)

    @property
    def podium(self) -> NDArray[np.float64]:
        return self.classified_within(3)

    @property
    def points(self) -> NDArray[np.float64]:
        """P(classified in the first ten), whatever the points table of the season. (entries,)"""
        return self.classified_within(10)

    @property
    def retirement(self) -> NDArray[np.float64]:
        return np.asarray(self.retired.mean(axis=0), dtype=np.float64)

    @property
    def retirement_by_cause(self) -> NDArray[np.float64] | None:
        """P(retired by mechanical failure, accident, anything else), summing to `retirement`. (entries, 3)"""
        return None if self.cause_shares is None else self.cause_shares * self.retirement[:, None]

    def quantile(self, q: float) -> NDArray[np.int64]:
        """The smallest position that holds at least the share `q` of the draws. (entries,)"""
        cumulative = np.cumsum(self.position_probabilities, axis=1)
        return np.asarray(1 + np.argmax(cumulative >= q - 1e-12, axis=1), dtype=np.int64)

    @property
    def expected_position(self) -> NDArray[np.int64]:
        """The median position: the best single guess under absolute error. (entries,)"""
        return self.quantile(0.5)

    def some(self, chosen: NDArray[np.bool_] | NDArray[np.int64]) -> OutcomeDistribution:
        """Only the `chosen` draws, by mask or index."""
        return OutcomeDistribution(
            self.driver_ids, self.positions[chosen], self.retired[chosen], self.cause_shares
        )

    def ahead(self, driver: str, other: str) -> float:
        """P(`driver` is placed ahead of `other`); two retired cars keep the drawn order."""
        a, b = self.driver_ids.index(driver), self.driver_ids.index(other)
        return float((self.positions[:, a] < self.positions[:, b]).mean())

    def to_bytes(self) -> bytes:
        """As they are stored."""
        return pack_draws(self.positions, self.retired)

    @classmethod
    def from_bytes(cls, driver_ids: tuple[str, ...], data: bytes) -> OutcomeDistribution:
        packed = unpack_draws(len(driver_ids), data).T
        return cls(driver_ids, np.ascontiguousarray(packed & 0x7F), (packed >> 7).astype(np.bool_))


def joined(views: Sequence[OutcomeDistribution]) -> OutcomeDistribution:
    """All draws of some distributions of the same race; causes as the draws' retirements are mixed."""
    shares = [view.cause_shares for view in views]
    causes = None
    if all(share is not None for share in shares):
        weights = [view.retirement[:, None] * view.draws + 1e-9 for view in views]
        mixed = sum(
            weight * share for weight, share in zip(weights, shares, strict=True) if share is not None
        )
        causes = np.asarray(mixed / sum(weights), dtype=np.float64)
    return OutcomeDistribution(
        views[0].driver_ids,
        np.concatenate([view.positions for view in views]),
        np.concatenate([view.retired for view in views]),
        causes,
    )
