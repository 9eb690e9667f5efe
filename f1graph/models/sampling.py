"""Draws whole races from utilities and retirement chances."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from f1graph.models.draws import OutcomeDistribution

Values = NDArray[np.float64]

# In log odds; beyond it a float32 overflows, and nobody could tell the difference.
_HOPELESSLY_BEHIND = 60.0


def draw_races(
    driver_ids: tuple[str, ...],
    *,
    utilities: Values,
    retirement_log_odds: Values,
    race_deviation: float,
    draws: int,
    generator: np.random.Generator,
    cause_shares: Values | None = None,
    moved: Values | None = None,
) -> OutcomeDistribution:
    """First who stops, then one place after another among those left, then the stopped cars at random.

    Args:
        utilities: (places, entries): of each car in the choice for each place. With equal rows this is the
            ordinary Plackett–Luce.
        cause_shares: (entries, 3) of a retirement's causes, where the model tells them apart.
        retirement_log_odds: (entries,) on a usual day.
        race_deviation: Of the effect on the log odds that all cars of a draw share.
        moved: (draws, entries): what is added to a car's utility in all choices of a draw.
    """
    entries = len(driver_ids)
    shared = race_deviation * generator.standard_normal((draws, 1), dtype=np.float32)
    chance = 1.0 / (1.0 + np.exp(-(retirement_log_odds[None, :].astype(np.float32) + shared)))
    retired = generator.random((draws, entries), dtype=np.float32) < chance
    positions = place_finishers(utilities, retired, generator, moved=moved)
    return OutcomeDistribution(
        driver_ids, _place_retired(positions, retired, generator), retired, cause_shares
    )


def place_finishers(
    utilities: Values,
    retired: NDArray[np.bool_],
    generator: np.random.Generator,
    *,
    moved: Values | None = None,
) -> NDArray[np.uint8]:
    """Positions of the finishers, 0 for the retired; `moved` as in `draw_races`. (draws, entries)"""
    draws, entries = retired.shape
    positions = np.zeros((draws, entries), dtype=np.uint8)
    racing = ~retired
    finishers = racing.sum(axis=1)
    # Exponential clocks: the first to ring among those left is a Plackett–Luce choice.
    behind = np.minimum(utilities.max(axis=1, keepdims=True) - utilities, _HOPELESSLY_BEHIND)
    slowness = np.exp(behind).astype(np.float32)
    of_draw = np.float32(1.0) if moved is None else np.exp(-moved).astype(np.float32)
    for place in range(int(finishers.max(initial=0))):
        clocks = (
            generator.standard_exponential((draws, entries), dtype=np.float32) * slowness[place] * of_draw
        )
        clocks[~racing] = np.inf
        taken = np.flatnonzero(finishers > place)
        car = clocks.argmin(axis=1)[taken]
        positions[taken, car] = place + 1
        racing[taken, car] = False
    return positions


def _place_retired(
    positions: NDArray[np.uint8], retired: NDArray[np.bool_], generator: np.random.Generator
) -> NDArray[np.uint8]:
    """Fills the last places with the retired cars in random order."""
    lottery = np.where(retired, generator.random(retired.shape, dtype=np.float32), -1.0)
    rank = np.argsort(np.argsort(lottery, axis=1, kind="stable"), axis=1, kind="stable") + 1
    return np.where(retired, rank, positions).astype(np.uint8)
