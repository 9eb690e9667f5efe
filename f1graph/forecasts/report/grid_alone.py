"""Whether a model is worth more than the starting grid alone, stage by stage: looked at before a release.

Paired by race. The grid is not known before qualifying; earlier forecasts are set against what it will say
all the same, to show how much of the weekend's last word they have. They cannot be held to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from f1graph.forecasts.report.reading import JudgedForecast
from f1graph.forecasts.report.tables import LEADING
from f1graph.races.measures import Direction, Measure
from f1graph.races.stages import Stage

GRID = "grid"
MEASURES = tuple(figure for figure in (Measure.WINNER_BRIER, *LEADING) if isinstance(figure, Measure))
# Standard errors that a difference must be away from zero to be more than chance.
_BEYOND_CHANCE = 2.0


@dataclass(frozen=True, slots=True)
class AgainstGrid:
    """One measure of a model at a stage beside that of the grid's empirical table after qualifying.

    Attributes:
        races: That both forecast.
        value, grid: Means over them.
        difference: `value` less `grid`.
        error: Standard error of the difference, over races.
    """

    stage: Stage
    measure: Measure
    races: int
    value: float
    grid: float
    difference: float
    error: float

    @property
    def better_by(self) -> float:
        """In standard errors; below 0 the grid is better."""
        lower = self.measure.definition.direction is Direction.LOWER_IS_BETTER
        gained = -self.difference if lower else self.difference
        return gained / self.error if self.error > 0 else float(np.sign(gained)) * np.inf if gained else 0.0

    @property
    def verdict(self) -> str:
        if abs(self.better_by) < _BEYOND_CHANCE:
            return "not told apart"
        return "better" if self.better_by > 0 else "worse"

    @property
    def fails(self) -> bool:
        """The model knew the grid, and is worse than the grid alone by more than chance."""
        return self.stage is Stage.AFTER_QUALIFYING and self.verdict == "worse"


def against_grid(forecasts: Sequence[JudgedForecast], *, model: str) -> list[AgainstGrid]:
    """Every leading measure at every stage of which there are two races or more; empty without the grid."""
    grid = {each.race: each.values for each in forecasts if each.model == GRID}
    found: list[AgainstGrid] = []
    for stage in Stage:
        own = {each.race: each.values for each in forecasts if each.model == model and each.stage is stage}
        for measure in MEASURES:
            races = [r for r in own if r in grid and measure in own[r] and measure in grid[r]]
            if len(races) < 2:
                continue
            ours, theirs = (np.array([of[race][measure] for race in races]) for of in (own, grid))
            apart = ours - theirs
            found.append(
                AgainstGrid(
                    stage,
                    measure,
                    len(races),
                    float(ours.mean()),
                    float(theirs.mean()),
                    float(apart.mean()),
                    float(apart.std(ddof=1) / np.sqrt(len(races))),
                )
            )
    return found
