"""What the circuit does to a race: how many stop there, and whether the grid decides it."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

import numpy as np

from f1graph.races.calendar import Race
from f1graph.races.past import Past
from f1graph.races.results import Classification, ClassificationKind

RUNNINGS = 8
# How well the grid tells the order of the classified cars where nothing else is known.
USUAL_GRID_HOLD = 0.65
_RACES_AROUND = 10
_PRIOR_RUNNINGS = 4
_FEWEST_FINISHERS = 6


def circuit_values(past: Past, race: Race, before: Sequence[Race]) -> dict[str, float]:
    """`before`: the races with a result before this one, oldest first."""
    here = [index for index, other in enumerate(before) if other.circuit_id == race.circuit_id][-RUNNINGS:]
    attrition = [
        _retirement_share(past, before[index])
        - _usual_share(past, before[max(index - _RACES_AROUND, 0) : index])
        for index in here
        if index > 0
    ]
    holds = [past.recall(_grid_hold, _result(past, before[index])) for index in here]
    beyond = [hold - USUAL_GRID_HOLD for hold in holds if hold is not None]
    circuit = past.circuits.get(race.circuit_id)
    return {
        "circuit_attrition": sum(attrition) / (len(attrition) + _PRIOR_RUNNINGS),
        "circuit_grid_hold": sum(beyond) / (len(beyond) + _PRIOR_RUNNINGS),
        "street_circuit": float("nan") if circuit is None else float(circuit.kind == "STREET"),
    }


def _result(past: Past, race: Race) -> Classification:
    result = past.classification(race.id, ClassificationKind.RACE)
    assert result is not None, f"{race.id} has no result"
    return result


def _usual_share(past: Past, races: Sequence[Race]) -> float:
    return fmean(_retirement_share(past, race) for race in races)


def _retirement_share(past: Past, race: Race) -> float:
    return past.recall(_share_that_retired, _result(past, race))


def _share_that_retired(result: Classification) -> float:
    starters = result.starters()
    return fmean(row.retired for row in starters) if starters else 0.0


def _grid_hold(result: Classification) -> float | None:
    """Rank correlation of grid and finishing order of the classified cars; None where too few are known."""
    rows = sorted(result.starters(), key=lambda row: row.order)
    grid = [row.grid_position for row in rows if row.position is not None and row.grid_position is not None]
    if len(grid) < _FEWEST_FINISHERS:
        return None
    ranks = np.argsort(np.argsort(grid, kind="stable"), kind="stable")
    return float(np.corrcoef(ranks, np.arange(len(grid)))[0, 1])
