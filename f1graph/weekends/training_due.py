"""When a model is to be trained anew, for which stage. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from f1graph.races.calendar import Race
from f1graph.races.past import FactKey
from f1graph.races.refreshes import REFIT_AFTER_RACES
from f1graph.races.results import ClassificationKind
from f1graph.races.stages import Stage, stage_windows
from f1graph.weekends.work import Work, WorkKind


@dataclass(frozen=True)
class Training:
    """The model that is trained beside the forecasts.

    Attributes:
        newest: The cutoff of the bundle that was trained last, per stage, whether it is in use or not: one
            that was no better is not trained again before there is something new to learn.
    """

    model: str
    newest: Mapping[Stage, datetime]


def training_due(
    calendar: Sequence[Race], known: Mapping[FactKey, int], training: Training, now: datetime
) -> Iterator[Work]:
    """The stages of the next race whose model has not learned from the last races, what is asked first first.

    A weekend without a sprint needs no model for after the sprint.
    """
    learnable = [race for race in calendar if known.get((race.id, ClassificationKind.RACE), 0)]
    following = next((race for race in calendar if race.starts_at >= now), None)
    if not learnable or following is None:
        return
    newest = learnable[-1]
    windows = sorted(stage_windows(following), key=lambda window: (window.closes_at < now, window.closes_at))
    for window in windows:
        cutoff = training.newest.get(window.stage)
        reason = _reason(cutoff, learnable, now)
        if reason is not None:
            yield Work(
                WorkKind.TRAIN,
                f"{WorkKind.TRAIN}/{training.model}/{window.stage}/{newest.id}",
                f"{training.model} for {window.stage} is to be trained: {reason}",
                race_id=newest.id,
                stage=window.stage,
                model=training.model,
            )


def _reason(cutoff: datetime | None, learnable: Sequence[Race], now: datetime) -> str | None:
    if cutoff is None:
        return "it never was"
    unseen = [race for race in learnable if race.ends_at > cutoff]
    if unseen and cutoff.year < now.year:
        return "a new season has begun"
    if len(unseen) >= REFIT_AFTER_RACES:
        return f"it has not seen the last {len(unseen)} races"
    return None
