"""Chance: what can happen in a qualifying session or a race, given the truth. Many draws at once.

The championship itself is one draw of these functions and the true probabilities are many, so both follow
the same law by construction.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

# Chances per car and race.
_DISQUALIFIED = 0.003
_DID_NOT_START = 0.004
_PENALTY = 0.06
_PIT_LANE = 0.012
# Places lost, and how often. The last sends a car to the back.
TO_THE_BACK = 1000
_PENALTY_PLACES = ((3, 0.35), (5, 0.3), (10, 0.2), (TO_THE_BACK, 0.15))
# A car that stops this late is still classified (FIA Sporting Regulations, 90 % of the winner's laps).
CLASSIFIED_FROM = 0.9


@dataclass(frozen=True)
class Field:
    """Everybody in one race and the truth about them; arrays are by entry, paces in seconds per lap."""

    pace: Floats
    wet_skill: Floats
    breakdown_risk: Floats
    accident_risk: Floats
    place_cost: float
    wet_chance: float

    @property
    def size(self) -> int:
        return len(self.pace)


@dataclass(frozen=True)
class QualifyingDraws:
    """Laps of a knock-out qualifying, all (draws, entries): seconds faster than average in each part."""

    parts: tuple[Floats, Floats, Floats]
    rank: Ints  # 0 is the best
    reached: Ints  # the last part driven: 0, 1 or 2


@dataclass(frozen=True)
class GridDraws:
    """Starting orders, all (draws, entries)."""

    slot: Ints  # 0 is pole; cars in the pit lane come last
    penalty: Ints  # places lost
    from_pit_lane: Bools


@dataclass(frozen=True)
class RaceDraws:
    """Ends of a race, all (draws, entries)."""

    pace: Floats  # seconds per lap of those who finish
    share: Floats  # of the distance covered; 1 for a finisher
    has_accident: Bools  # of the retired: an accident, not a breakdown
    is_disqualified: Bools
    did_not_start: Bools
    order: Ints  # entries from first to last
    is_wet: Bools  # (draws,)

    def is_retired(self, laps: int) -> Bools:
        """Who stopped too early to be classified in a race of `laps`."""
        is_unclassified = np.floor(self.share * laps) < CLASSIFIED_FROM * laps
        return np.asarray(is_unclassified & ~self.did_not_start & ~self.is_disqualified)


def knock_out_sizes(entries: int) -> tuple[int, int]:
    """How many reach the second and the third part: 15 and 10 of 20, 16 and 10 of 22."""
    third = min(10, entries // 2)
    return third + (entries - third) // 2, third


def draw_form(rng: np.random.Generator, entries: int, draws: int) -> Floats:
    """How well car and driver suit a weekend, in seconds per lap: shared by teammates for the larger part."""
    team = np.repeat(rng.normal(0, 0.1, (draws, entries // 2)), 2, axis=1)
    return np.asarray(team + rng.normal(0, 0.07, (draws, entries)))


def draw_wet(rng: np.random.Generator, field: Field, draws: int) -> Bools:
    return np.asarray(rng.random(draws) < field.wet_chance)


def draw_qualifying(rng: np.random.Generator, field: Field, form: Floats, wet: Bools) -> QualifyingDraws:
    """`form` is (draws, entries), `wet` (draws,)."""
    noise = np.where(wet, 0.3, 0.13)[:, None]
    pace = field.pace + form + wet[:, None] * field.wet_skill
    spoilt = rng.random(pace.shape) < 0.03
    one, two, three = (pace + noise * rng.normal(size=pace.shape) for _ in range(3))
    one = one - 1.5 * spoilt
    second, third = knock_out_sizes(field.size)
    in_second = _rank(one) < second
    key = np.where(in_second, 100 + two, one)
    in_third = _rank(key) < third
    key = np.where(in_third, 200 + three, key)
    return QualifyingDraws((one, two, three), _rank(key), in_second.astype(np.int64) + in_third)


def draw_grid(rng: np.random.Generator, qualifying_rank: Ints) -> GridDraws:
    """Penalties and pit-lane starts on top of the qualifying order."""
    shape = qualifying_rank.shape
    places = np.array([places for places, _ in _PENALTY_PLACES])
    often = np.array([share for _, share in _PENALTY_PLACES])
    penalty = np.where(rng.random(shape) < _PENALTY, rng.choice(places, size=shape, p=often), 0)
    from_pit_lane = rng.random(shape) < _PIT_LANE
    penalty = np.where(from_pit_lane, 0, penalty)
    # Half a place more: who is moved back stands behind the one who earned that place.
    key = qualifying_rank + penalty + 0.5 * (penalty > 0) + 10.0 * TO_THE_BACK * from_pit_lane
    return GridDraws(_rank(-key), penalty, from_pit_lane)


def unchanged_grid(qualifying_rank: Ints) -> GridDraws:
    """A sprint's grid: as qualified."""
    return GridDraws(
        qualifying_rank, np.zeros_like(qualifying_rank), np.zeros(qualifying_rank.shape, dtype=np.bool_)
    )


def draw_race(
    rng: np.random.Generator, field: Field, form: Floats, slot: Ints, wet: Bools, *, distance: float = 1.0
) -> RaceDraws:
    """The end of a race.

    Args:
        form: (draws, entries).
        slot: (draws, entries), 0 is pole.
        wet: (draws,).
        distance: Of a full race; a sprint is a third, with a third of the risks.
    """
    shape = np.broadcast_shapes(form.shape, slot.shape, (len(wet), field.size))
    draws, entries = shape
    rain = wet[:, None]
    team_luck = np.repeat(rng.normal(0, 0.1, (draws, entries // 2)), 2, axis=1)
    own_luck = np.where(rain, 0.42, 0.24) * rng.standard_t(5, shape)
    pace = field.pace + form + rain * field.wet_skill - field.place_cost * slot + team_luck + own_luck

    breaks_down = rng.random(shape) < field.breakdown_risk * distance
    crashes = rng.random(shape) < field.accident_risk * distance * np.where(rain, 1.8, 1.0)
    share = np.minimum(
        np.where(breaks_down, rng.uniform(0, 1, shape), 1.0),
        np.where(crashes, rng.beta(0.5, 1.2, shape), 1.0),
    )
    did_not_start = rng.random(shape) < _DID_NOT_START * distance
    is_disqualified = (rng.random(shape) < _DISQUALIFIED * distance) & (share == 1) & ~did_not_start
    # Finishers by pace, then the retired by distance, then the disqualified, then who never started.
    key = np.where(share < 1, share - 1000.0, pace)
    key = np.where(is_disqualified, -2000.0 + 0.001 * pace, key)
    key = np.where(did_not_start, -3000.0 - slot, key)
    return RaceDraws(
        pace=pace,
        share=np.where(did_not_start, 0.0, share),
        has_accident=np.asarray(crashes & (share < 1)),
        is_disqualified=is_disqualified,
        did_not_start=did_not_start,
        order=np.argsort(-key, axis=1, kind="stable"),
        is_wet=wet,
    )


def _rank(score: Floats) -> Ints:
    """Rank by descending score along the last axis; 0 is the best."""
    order = np.argsort(-score, axis=-1, kind="stable")
    rank = np.empty_like(order)
    np.put_along_axis(rank, order, np.broadcast_to(np.arange(score.shape[-1]), score.shape), axis=-1)
    return rank
