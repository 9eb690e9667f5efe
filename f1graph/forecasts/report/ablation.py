"""What each member brings: how good the others are together without it.

The shares by which an ensemble pools its members are not in the file, so the members are pooled here in equal
shares. That says what a member knows that the others do not, not what the ensemble makes of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from f1graph.forecasts.metrics import Span
from f1graph.forecasts.report.reading import JudgedForecast, RaceKey
from f1graph.forecasts.report.tables import LEADING, Figure, Pooled, Scoreboard, scoreboard
from f1graph.forecasts.score import measure_race
from f1graph.races.stages import Stage

ALL = "all members"


def ablation(
    forecasts: Iterable[JudgedForecast],
    *,
    stage: Stage,
    span: Span,
    members: Sequence[str],
    beside: Sequence[str] = (),
    figures: Sequence[Figure] = (*LEADING, *Pooled),
) -> Scoreboard | None:
    """All members pooled, and all but each, on the races that all of them forecast.

    Args:
        beside: Other models that are shown with them, such as the ensemble itself.

    Returns:
        Scores of `ALL`, which is the reference, and of `without …`; None with fewer than two members there.
    """
    at_stage = [each for each in forecasts if each.stage is stage]
    by_race: dict[RaceKey, dict[str, JudgedForecast]] = {}
    for each in at_stage:
        if each.model in members:
            by_race.setdefault(each.race, {})[each.model] = each
    there = [name for name in members if any(name in race for race in by_race.values())]
    whole = [race for race in by_race.values() if len(race) == len(there)]
    if len(there) < 2 or not whole:
        return None
    names = {ALL: there} | {f"without {name}": [one for one in there if one != name] for name in there}
    pools = [pooled([race[one] for one in kept], name=name) for race in whole for name, kept in names.items()]
    others = [each for each in at_stage if each.model in beside]
    return scoreboard(
        [*pools, *others], stage=stage, span=span, reference=ALL, order=list(names), figures=figures
    )


def pooled(forecasts: Sequence[JudgedForecast], *, name: str) -> JudgedForecast:
    """The mean of several forecasts of one race; the expected position is the median of the mean."""
    judged = [each.judged for each in forecasts]
    matrix = np.mean([each.position_probabilities for each in judged], axis=0)
    together = replace(
        judged[0],
        win=np.mean([each.win for each in judged], axis=0),
        podium=np.mean([each.podium for each in judged], axis=0),
        points=np.mean([each.points for each in judged], axis=0),
        retirement=np.mean([each.retirement for each in judged], axis=0),
        expected_position=1.0 + np.argmax(np.cumsum(matrix, axis=1) >= 0.5 - 1e-9, axis=1),
        position_probabilities=matrix,
    )
    return replace(forecasts[0], model=name, judged=together, values=measure_race(together), drawn=None)
