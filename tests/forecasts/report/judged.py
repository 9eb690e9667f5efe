"""Forecasts that were judged, made by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from f1graph.forecasts.backtest_file import Drawn
from f1graph.forecasts.report.reading import JudgedForecast
from f1graph.forecasts.score import Judged, measure_race
from f1graph.races.measures import Measure
from f1graph.races.stages import Stage

DRIVERS = ("alonso", "bottas", "gasly", "hamilton")


def a_judged_forecast(
    *,
    season: int = 2024,
    round_: int = 1,
    model: str = "rating",
    stage: Stage = Stage.AFTER_QUALIFYING,
    win: Sequence[float] = (0.4, 0.3, 0.2, 0.1),
    retirement: Sequence[float] = (0.1, 0.1, 0.1, 0.1),
    positions: Sequence[int] = (1, 2, 3, 4),
    matrix: Sequence[Sequence[float]] | NDArray[np.float64] | None = None,
    retired: Sequence[bool] = (False, False, False, False),
    grid: Sequence[int] = (1, 2, 3, 4),
    teams_out: int = 0,
    teams_in_points: int = 0,
    drawn: Drawn | None = None,
    values: Mapping[Measure, float] | None = None,
) -> JudgedForecast:
    """Four drivers of a race; `values` instead of what would be measured."""
    places = np.array(positions)
    out = np.array(retired)
    judged = Judged(
        driver_ids=DRIVERS,
        win=np.array(win),
        podium=np.full(4, 0.75),
        points=1 - np.array(retirement),
        retirement=np.array(retirement),
        expected_position=places.astype(float),
        position_probabilities=np.full((4, 4), 0.25) if matrix is None else np.array(matrix),
        positions=places,
        won=places == 1,
        on_podium=(places <= 3) & ~out,
        in_points=~out,
        retired=out,
        winners=1,
        podium_size=int(((places <= 3) & ~out).sum()),
        void=(),
        unforecast=(),
    )
    return JudgedForecast(
        race_id=f"{season}-gp-{round_}",
        season=season,
        round=round_,
        stage=stage,
        model=model,
        judged=judged,
        values=measure_race(judged) if values is None else values,
        grid=np.array(grid),
        teams_out=teams_out,
        teams_in_points=teams_in_points,
        drawn=drawn,
    )
