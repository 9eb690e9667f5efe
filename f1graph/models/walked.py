"""How a stack did on the races of its walk, each judged by what was learnt before its season."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from f1graph.models.stacking import JudgedRace, Stack
from f1graph.races.measures import Measure


def scores_of(walked: Iterable[tuple[Stack, str, JudgedRace]]) -> Mapping[Measure, Mapping[str, float]]:
    """By measure and race: the ranked probability score over all positions, and the winner's log loss.

    Args:
        walked: The stack that was known then, the race's id, and what was said of it.
    """
    scores: dict[Measure, dict[str, float]] = {Measure.RANKED_PROBABILITY: {}, Measure.WINNER_LOG_LOSS: {}}
    for stack, race_id, race in walked:
        outcome = race.outcome
        started = outcome.positions > 0
        places = int(started.sum())
        if places < 2:
            continue
        matrix = sum(share * race.views[name].positions for name, share in stack.order.items())
        within = np.cumsum(np.asarray(matrix)[started], axis=1)[:, : places - 1]
        happened = outcome.positions[started][:, None] <= np.arange(1, places)
        scores[Measure.RANKED_PROBABILITY][race_id] = float(((within - happened) ** 2).mean())
        winner = (outcome.positions == 1) & outcome.classified
        if winner.any():
            chance = float(stack.pooled_win(race.views)[winner][0])
            scores[Measure.WINNER_LOG_LOSS][race_id] = float(-np.log(max(chance, 1e-4)))
    return scores
