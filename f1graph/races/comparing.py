"""Two models judged on the same races: what of their difference is more than luck.

Resampled are whole races, never drivers: what happens in a race happens to all of them together.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

import numpy as np

from f1graph.races.forecast import ScoredForecast
from f1graph.races.intervals import RESAMPLES, SEED, bootstrap_interval
from f1graph.races.measures import Comparison, Measure
from f1graph.races.stages import Stage


def one_per_race(scored: Iterable[ScoredForecast]) -> list[ScoredForecast]:
    """Of each race, stage and model the last forecast: ten updates of one race are not ten successes.

    A forecast made before the start is preferred to one made in a back-test.
    """
    last: dict[tuple[str, Stage, str], ScoredForecast] = {}
    for each in scored:
        key = (each.race_id, each.stage, each.model)
        if key not in last or _recency(last[key]) < _recency(each):
            last[key] = each
    return sorted(last.values(), key=lambda each: (each.season, each.cutoff, each.race_id))


def _recency(scored: ScoredForecast) -> tuple[bool, datetime, datetime, str]:
    return (not scored.retrospective, scored.cutoff, scored.made_at, scored.forecast_id)


def compare(
    own: Mapping[str, ScoredForecast],
    theirs: Mapping[str, ScoredForecast],
    *,
    model: str,
    measure: Measure,
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> Comparison | None:
    """A measure of one model beside that of another, on the races that both forecast; None without any.

    Args:
        own, theirs: By race.
        model: The name of the other.
    """
    shared = [race for race in own if race in theirs and _have(measure, own[race], theirs[race])]
    if not shared:
        return None
    mine = np.array([own[race].values[measure] for race in shared])
    other = np.array([theirs[race].values[measure] for race in shared])
    low, high = bootstrap_interval(mine - other, resamples=resamples, seed=seed)
    return Comparison(
        model=model,
        races=len(shared),
        value=float(other.mean()),
        difference=float((mine - other).mean()),
        low=low,
        high=high,
    )


def _have(measure: Measure, *scored: ScoredForecast) -> bool:
    return all(measure in one.values for one in scored)
