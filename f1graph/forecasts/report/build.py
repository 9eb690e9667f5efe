"""Computes everything that the page shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from f1graph.errors import ForecastError
from f1graph.forecasts.backtest_file import Journal
from f1graph.forecasts.metrics import Span
from f1graph.forecasts.report.ablation import ablation
from f1graph.forecasts.report.checks import (
    Gains,
    Retirements,
    Teammates,
    Winners,
    positions_gained,
    retirements,
    teammates,
    winners,
)
from f1graph.forecasts.report.grid_alone import AgainstGrid, against_grid
from f1graph.forecasts.report.reading import JudgedForecast, Reading
from f1graph.forecasts.report.reliability import Coverage, Reliability, interval_coverage, reliability
from f1graph.forecasts.report.tables import LEADING, Loss, Scoreboard, losses, scoreboard
from f1graph.races.measures import Measure
from f1graph.races.stages import Stage

# Hyper-parameters were chosen on seasons up to this one and have stayed. What a model scores there may
# flatter it; the later seasons are the test.
CHOSEN_UPTO = 2018


@dataclass(frozen=True)
class StageReport:
    """All about one stage.

    Attributes:
        whole: Over all seasons.
        chosen, later: Seasons up to `CHOSEN_UPTO`, and those after it; None without any.
        seasons: Each by itself, the leading figures only.
        reliability: By model.
        coverage, retirements, teammates: Of each model.
        winners: Of the reference.
        gains: Of each model; empty where the stage does not know the grid.
        members: All members pooled in equal shares, and all but each; None with fewer than two.
    """

    stage: Stage
    whole: Scoreboard
    chosen: Scoreboard | None
    later: Scoreboard | None
    seasons: tuple[Scoreboard, ...]
    reliability: Mapping[str, Sequence[Reliability]]
    coverage: tuple[Coverage, ...]
    retirements: tuple[Retirements, ...]
    teammates: tuple[Teammates, ...]
    winners: tuple[Winners, ...]
    gains: tuple[Gains, ...]
    members: Scoreboard | None


@dataclass(frozen=True)
class Report:
    """What a back-test says.

    Attributes:
        reference: The model that all others are compared with.
        span: The first and the last season that the reference forecast; others are left out.
        models: All that are in the files, the reference first and the baselines last.
        baselines: Those that are in the files.
        losses: Over all seasons: where the reference is not better than another model, or not beyond doubt.
        season_losses: Seasons and leading figures in which it is not better than a baseline.
        against_grid: The reference beside the grid alone, stage by stage; empty without the grid.
        journals: By file.
        void: How many judged races had an entry that did not start.
        from_draws: By how much the ranked probability score that was read from the draws differs in the mean
            from that of the file, at most over stages and models; None without a journal.
        without_result: Forecasts that have no result yet.
    """

    reference: str
    models: tuple[str, ...]
    baselines: tuple[str, ...]
    span: Span
    races: int
    stages: tuple[StageReport, ...]
    losses: tuple[Loss, ...]
    season_losses: tuple[Loss, ...]
    against_grid: tuple[AgainstGrid, ...]
    journals: Mapping[str, Journal]
    void: int
    from_draws: float | None
    without_result: int
    invented: bool


def build_report(
    reading: Reading, *, reference: str, baselines: Sequence[str], members: Sequence[str] = ()
) -> Report:
    """Everything that the page shows.

    Args:
        reference: The model that the others are compared with, as a rule the one that is served.
        baselines: Names of models that are baselines; others may be in the files, too.
        members: Names of models that the reference is made of.

    Raises:
        ForecastError: Nothing can be compared: the reference is not in the files, or no race has a result.
    """
    there = sorted({each.model for each in reading.forecasts})
    if reference not in there:
        raise ForecastError(
            f"there is no judged forecast by {reference} to compare with: the models are "
            f"{', '.join(there) or 'none, for no race has a result yet'}"
        )
    # A file that is set beside may hold more seasons; of those there is nothing to say.
    seasons = sorted({each.season for each in reading.forecasts if each.model == reference})
    forecasts = [each for each in reading.forecasts if each.season in seasons]
    known = [name for name in baselines if name != reference]
    order = [reference, *(name for name in there if name not in (reference, *known)), *known]
    reports = [_stage_report(forecasts, stage, reference, order, seasons, members) for stage in Stage]
    stages = tuple(report for report in reports if report is not None)
    others = [name for name in order if name != reference]
    return Report(
        reference=reference,
        models=tuple(name for name in order if name in there),
        baselines=tuple(name for name in baselines if name in there),
        span=(seasons[0], seasons[-1]),
        races=len({each.race for each in forecasts if each.model == reference}),
        stages=stages,
        losses=tuple(loss for each in stages for loss in losses(each.whole, others=others)),
        season_losses=tuple(
            loss
            for each in stages
            for board in each.seasons
            for loss in losses(board, others=baselines)
            if loss.is_worse
        ),
        against_grid=tuple(against_grid(forecasts, model=reference)),
        journals=reading.journals,
        void=len({each.race for each in forecasts if each.judged.void}),
        from_draws=_from_draws(reading),
        without_result=reading.without_result,
        invented=reading.invented,
    )


def _stage_report(
    forecasts: Sequence[JudgedForecast],
    stage: Stage,
    reference: str,
    order: Sequence[str],
    seasons: Sequence[int],
    members: Sequence[str],
) -> StageReport | None:
    at_stage = [each for each in forecasts if each.stage is stage]

    def board(first: int, last: int, *, leading: bool = False) -> Scoreboard | None:
        if leading:
            return scoreboard(
                at_stage, stage=stage, span=(first, last), reference=reference, order=order, figures=LEADING
            )
        return scoreboard(at_stage, stage=stage, span=(first, last), reference=reference, order=order)

    whole = board(seasons[0], seasons[-1])
    if whole is None:
        return None
    early = [season for season in seasons if season <= CHOSEN_UPTO]
    late = [season for season in seasons if season > CHOSEN_UPTO]
    covered = [interval_coverage(at_stage, model=model) for model in whole.models]
    retired = [retirements(at_stage, model=model) for model in whole.models]
    together = [teammates(at_stage, model=model) for model in whole.models]
    knows_grid = stage is Stage.AFTER_QUALIFYING
    gained = [positions_gained(at_stage, model=model) for model in whole.models if knows_grid]
    return StageReport(
        stage=stage,
        whole=whole,
        chosen=board(early[0], early[-1]) if early else None,
        later=board(late[0], late[-1]) if late else None,
        seasons=tuple(
            found for season in seasons if (found := board(season, season, leading=True)) is not None
        ),
        reliability={model: reliability(at_stage, model=model) for model in whole.models},
        coverage=tuple(each for each in covered if each is not None),
        retirements=tuple(each for each in retired if each is not None),
        teammates=tuple(each for each in together if each is not None),
        winners=tuple(winners(at_stage, model=reference)),
        gains=tuple(each for each in gained if each is not None),
        members=ablation(
            at_stage, stage=stage, span=whole.span, members=members, beside=[reference], figures=LEADING
        ),
    )


def _from_draws(reading: Reading) -> float | None:
    """See `Report.from_draws`."""
    drawn = {
        seal.key: seal.scored.values.get(Measure.RANKED_PROBABILITY)
        for journal in reading.journals.values()
        for seal, _ in journal.seals
    }
    apart: dict[tuple[Stage, str], list[float]] = {}
    for each in reading.forecasts:
        read = each.values.get(Measure.RANKED_PROBABILITY)
        told = drawn.get((each.race_id, each.stage, each.model))
        if read is not None and told is not None:
            apart.setdefault((each.stage, each.model), []).append(read - told)
    return max((abs(float(np.mean(values))) for values in apart.values()), default=None)
