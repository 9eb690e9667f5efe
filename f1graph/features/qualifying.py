"""What qualifying and the grid say beside places: gaps in every direction, and what was lost since."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from statistics import median

from f1graph.features.lap_gaps import (
    Gaps,
    first_part_gaps,
    gap_between,
    gaps_to_pole,
    qualifying_gaps,
)
from f1graph.races.calendar import Race
from f1graph.races.entries import Entry
from f1graph.races.past import Past
from f1graph.races.results import Classification, ClassificationKind

ValuesByName = dict[str, dict[str, float]]


def qualifying_values(past: Past, race: Race, entries: Sequence[Entry]) -> ValuesByName:
    """By feature, then by driver; whoever has no lap to compare is absent."""
    qualifying = past.classification(race.id, ClassificationKind.QUALIFYING)
    grid = past.classification(race.id, ClassificationKind.GRID)
    first_part = first_part_gaps(qualifying)
    spread = {entry.driver_id: median(first_part.values()) for entry in entries} if first_part else {}
    ahead, behind = _neighbours(qualifying)
    return {
        "q1_gap": first_part,
        "best_qualifying_gap": gaps_to_pole(qualifying),
        "qualifying_teammate_gap": _teammate_gaps(qualifying, entries),
        "qualifying_team_gap": best_of_team(qualifying_gaps(qualifying), entries),
        "front_gap_ahead": ahead,
        "gap_behind": behind,
        "field_spread": spread,
        "grid_penalty": _places_lost(qualifying, grid),
    }


def best_of_team(gaps: Gaps, entries: Sequence[Entry]) -> Gaps:
    """The smallest gap among a team's cars, for each of its drivers."""
    best: Gaps = {}
    for entry in entries:
        if entry.driver_id in gaps:
            gap = gaps[entry.driver_id]
            best[entry.constructor_id] = min(gap, best.get(entry.constructor_id, gap))
    return {entry.driver_id: best[entry.constructor_id] for entry in entries if entry.constructor_id in best}


def grid_slots(grid: Classification | None) -> dict[str, float]:
    """Places in which the cars start; from the pit lane behind everybody else."""
    if grid is None:
        return {}
    last = float(len(grid.rows))
    return {row.driver_id: last if row.position is None else float(row.position) for row in grid.rows}


def _neighbours(qualifying: Classification | None) -> tuple[Gaps, Gaps]:
    """How far the next car ahead was, and the next one behind, in the last part that both drove.

    The first has nothing to make up: 0. The last has nobody behind and is absent there.
    """
    rows = sorted(qualifying.rows, key=lambda row: row.order) if qualifying is not None else []
    ahead: Gaps = {row.driver_id: 0.0 for row in rows[:1] if qualifying_gaps(qualifying)}
    behind: Gaps = {}
    for one, next_one in pairwise(rows):
        gap = gap_between(qualifying, next_one.driver_id, one.driver_id)
        if gap is not None:
            ahead[next_one.driver_id] = gap
            behind[one.driver_id] = gap
    return ahead, behind


def _teammate_gaps(qualifying: Classification | None, entries: Sequence[Entry]) -> Gaps:
    """Against the faster one of several teammates."""
    found: Gaps = {}
    for own in entries:
        gaps = [
            gap
            for mate in entries
            if mate.constructor_id == own.constructor_id
            and mate.driver_id != own.driver_id
            and (gap := gap_between(qualifying, own.driver_id, mate.driver_id)) is not None
        ]
        if gaps:
            found[own.driver_id] = max(gaps)
    return found


def _places_lost(qualifying: Classification | None, grid: Classification | None) -> dict[str, float]:
    if qualifying is None:
        return {}
    slots = grid_slots(grid)
    return {
        row.driver_id: slots[row.driver_id] - row.order for row in qualifying.rows if row.driver_id in slots
    }
