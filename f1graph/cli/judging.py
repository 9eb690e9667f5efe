"""`f1graph backtest` and `score`: judging forecasts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from f1graph.cli.backtest_jobs import walk_with_children
from f1graph.cli.backtest_workers import walk_with_workers
from f1graph.cli.output import AsJson, bar, console, errors, run, settings_of, show_json, show_table
from f1graph.cli.spans import DEFAULT_STAGES, parse_names, parse_seasons, parse_stages, require_races
from f1graph.errors import RequestError
from f1graph.races.forecast import ScoredForecast
from f1graph.races.measures import Measure, ModelMetric
from f1graph.races.past import History
from f1graph.races.stages import Stage
from f1graph.settings import Settings


def score(context: typer.Context, as_json: AsJson = False) -> None:
    """Score every forecast whose race has a new result, and refresh the model metrics."""
    with errors.status("Scoring ..."):
        metrics = run(score_all(settings_of(context)))
    if as_json:
        show_json(metrics)
    else:
        show_metrics(metrics)


async def score_all(settings: Settings) -> list[ModelMetric]:
    from f1graph.store.track_record import MetricFilter, metrics_known
    from f1graph.weekends.work import WorkKind
    from f1graph.wiring import do_due, opened_store

    await do_due(settings, only={WorkKind.SCORE}, metrics=True)
    async with opened_store(settings) as store, store.read() as read:
        return [known.metric for known in await metrics_known(read, MetricFilter(settings.clock()()))]


def backtest(
    context: typer.Context,
    out: Annotated[Path, typer.Option(help="The CSV file; an unfinished one is continued.")],
    seasons: Annotated[str, typer.Option(help="Such as 2015-2024.")] = "2015-2024",
    stages: Annotated[str, typer.Option(help="Separated by commas.")] = DEFAULT_STAGES,
    models: Annotated[
        str,
        typer.Option(
            help="Separated by commas; members of ultra too. Default: what can be served, and the baselines."
        ),
    ] = "",
    refits: Annotated[int, typer.Option(min=1, help="How often a season parameters are learnt anew.")] = 4,
    draws: Annotated[int, typer.Option(min=1, help="Finishing orders drawn per forecast.")] = 10_000,
    jobs: Annotated[int, typer.Option(min=1, help="Processes that walk some of the seasons each.")] = 1,
    workers: Annotated[
        bool, typer.Option("--workers", help="Leave the walk to the workers that share the database.")
    ] = False,
) -> None:
    """Walk forward through past seasons: forecast every race as it would have been, and score it."""
    settings, years, of_weekend = settings_of(context), parse_seasons(seasons), parse_stages(stages)
    if workers and jobs > 1:
        raise RequestError("--jobs starts processes here, --workers leaves it to others: give one of them")
    # Loading torch takes seconds: who mistyped a season is told before.
    from f1graph.forecasts.backtest import Walk
    from f1graph.forecasts.members import ESTIMATORS, estimators_named
    from f1graph.models.fit_cache import FitCache, resuming

    cache = FitCache(settings.fits_dir)
    wanted = estimators_named(parse_names(models)) if models else ESTIMATORS
    walk = Walk(
        seasons=tuple(years),
        stages=tuple(of_weekend),
        estimators=tuple(resuming(estimator, cache) for estimator in wanted),
        made_at=settings.clock()(),
        refits_per_season=refits,
        first_season=settings.train_from,
        draws=draws,
    )
    history = run(_history(settings, years))
    # Not in a thread beside an event loop: Ctrl-C would have to wait for the whole of it.
    if workers:
        scored = list(walk_with_workers(settings, history, walk, out))
    elif jobs == 1:
        scored = _walk(history, walk, out, settings.threads)
    else:
        scored = list(walk_with_children(history, walk, out, jobs=jobs))
    show_metrics(_metrics(scored, walk))
    errors.print(f"Written to {out}.")


async def _history(settings: Settings, seasons: Sequence[int]) -> History:
    from f1graph.store.migrate import require_newest
    from f1graph.store.past import load_history
    from f1graph.wiring import opened_store

    async with opened_store(settings) as store:
        await require_newest(store)
        async with store.read() as read:
            history = await load_history(read, from_season=settings.train_from - 1)
    require_races([race for race in history.races if race.season in seasons], seasons)
    return history


def _walk(history: History, walk: Any, out: Path, threads: int) -> list[ScoredForecast]:
    import torch

    from f1graph.features.build import build_features
    from f1graph.forecasts.backtest import backtest as walk_through

    torch.set_num_threads(threads)
    with bar("Back-test") as progress:

        def tell(done: int, total: int, what: str) -> None:
            progress.update(progress.task_ids[0], completed=done, total=total, description=what)

        return list(walk_through(history, walk, build_features, out=out, progress=tell))


def _metrics(scored: Sequence[ScoredForecast], walk: Any) -> list[ModelMetric]:
    from f1graph.forecasts.members import BASELINES
    from f1graph.forecasts.metrics import model_metrics

    return model_metrics(
        scored,
        baselines=[estimator.name for estimator in BASELINES],
        spans=[(walk.seasons[0], walk.seasons[-1])],
    )


_SHOWN = {
    Measure.WINNER_LOG_LOSS: "winner log loss",
    Measure.PODIUM_BRIER: "podium Brier",
    Measure.POINTS_BRIER: "top ten Brier",
    Measure.RETIREMENT_LOG_LOSS: "retired log loss",
    Measure.MEAN_ABSOLUTE_ERROR: "mean abs. error",
    Measure.RANKED_PROBABILITY: "ranked prob.",
}
# Narrower terminals would cut the intervals.
_WIDE = 110


def show_metrics(metrics: Sequence[ModelMetric]) -> None:
    """A table per span and stage: a model a line, each measure with its 95 % interval."""
    groups: dict[tuple[int, int, Stage], dict[str, dict[Measure, ModelMetric]]] = {}
    for metric in metrics:
        key = (metric.first_season, metric.last_season, metric.stage)
        groups.setdefault(key, {}).setdefault(metric.model, {})[metric.measure] = metric
    if not groups:
        console.print("No forecast has been scored yet.")
    for (first, last, stage), models in sorted(groups.items()):
        rows = [
            (model, max(metric.races for metric in found.values()), *(_cell(found.get(m)) for m in _SHOWN))
            for model, found in models.items()
        ]
        span = str(first) if first == last else f"{first}-{last}"
        show_table(
            f"{span} {stage} (mean over races{', 95 % interval' if console.width >= _WIDE else ''})",
            ("model", "races", *_SHOWN.values()),
            rows,
        )


def _cell(metric: ModelMetric | None) -> str:
    if metric is None:
        return ""
    if metric.low is None or metric.high is None or console.width < _WIDE:
        return f"{metric.value:.4f}"
    return f"{metric.value:.4f}\n{metric.low:.3f}–{metric.high:.3f}"
