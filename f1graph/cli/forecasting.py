"""`f1graph forecast`, `backtest` and `score`: making forecasts and judging them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from f1graph.cli.output import (
    AsJson,
    bar,
    console,
    errors,
    percent,
    run,
    settings_of,
    show_json,
    show_table,
)
from f1graph.errors import ForecastError, RequestError, UnknownError
from f1graph.races.calendar import Race
from f1graph.races.entries import Constructor, Driver
from f1graph.races.forecast import Forecast
from f1graph.races.measures import Measure, ModelMetric
from f1graph.races.stages import Stage
from f1graph.settings import Settings
from f1graph.store.engine import Read

app = typer.Typer(help="Make, show and verify forecasts.", no_args_is_help=False)

StageOption = Annotated[
    Stage | None, typer.Option("--stage", help="Default: what the weekend is at now.", case_sensitive=False)
]
DEFAULT_STAGES = "BEFORE_WEEKEND,AFTER_PRACTICE,AFTER_QUALIFYING"


@dataclass(frozen=True)
class _Shown:
    """A forecast with the names that its ids stand for."""

    forecast: Forecast
    race: Race
    drivers: Mapping[str, Driver]
    constructors: Mapping[str, Constructor]


async def _with_names(read: Read, forecast: Forecast) -> _Shown:
    from f1graph.store.calendar import races_by_id
    from f1graph.store.people import constructors_by_id, drivers_by_id

    return _Shown(
        forecast,
        (await races_by_id(read, [forecast.race_id]))[forecast.race_id],
        await drivers_by_id(read, forecast.driver_ids),
        await constructors_by_id(read, {entry.constructor_id for entry in forecast.entries}),
    )


@app.callback(invoke_without_command=True)
def next_race(context: typer.Context) -> None:
    """Make and show forecasts; without a command: the forecast of the next race."""
    if context.invoked_subcommand is None:
        race(context, race_id="", stage=None, as_json=False)


@app.command()
def race(
    context: typer.Context,
    race_id: Annotated[
        str, typer.Argument(metavar="[RACE]", help="Such as 2024-abu-dhabi; default: next.")
    ] = "",
    stage: StageOption = None,
    as_json: AsJson = False,
) -> None:
    """Forecast a race now (a past one: as of the end of its stage) and store the forecast."""
    with errors.status("Forecasting ..."):
        shown = run(_forecast(settings_of(context), race_id, stage))
    _show(shown, as_json=as_json)


async def _forecast(settings: Settings, race_id: str, stage: Stage | None) -> _Shown:
    from f1graph.forecasts.record import record_forecast, stage_at
    from f1graph.store.calendar import race_not_over, races_by_id
    from f1graph.store.migrate import require_newest
    from f1graph.wiring import opened_forecaster, opened_store

    now = settings.clock()()
    async with opened_store(settings) as store:
        await require_newest(store)
        async with store.read() as read:
            found = (
                (await races_by_id(read, [race_id])).get(race_id)
                if race_id
                else await race_not_over(read, now)
            )
        if found is None:
            raise UnknownError(
                f"there is no race {race_id!r}"
                if race_id
                else f"no race is known after {now:%Y-%m-%d %H:%M} UTC: import a newer release, or set --now"
            )
        stage = stage or stage_at(found, now) or Stage.AFTER_QUALIFYING
        with opened_forecaster(settings, store) as forecaster:
            forecast = await record_forecast(
                store, forecaster, found, stage, now=now, cause="asked for by hand"
            )
        async with store.read() as read:
            return await _with_names(read, forecast)


@app.command()
def show(context: typer.Context, forecast_id: str, as_json: AsJson = False) -> None:
    """Show a stored forecast."""
    _show(run(_stored(settings_of(context), forecast_id)), as_json=as_json)


async def _stored(settings: Settings, forecast_id: str) -> _Shown:
    from f1graph.store.forecasts import load_forecast
    from f1graph.wiring import opened_store

    async with opened_store(settings) as store, store.read() as read:
        return await _with_names(read, await load_forecast(read, forecast_id))


@app.command()
def verify(context: typer.Context, forecast_id: str, as_json: AsJson = False) -> None:
    """Make a stored forecast again from its receipt, and compare."""
    answer = run(_verify(settings_of(context), forecast_id))
    if as_json:
        show_json(answer)
    elif answer["identical"]:
        console.print(f"{forecast_id} verifies: made again, its draws are the same to the bit.")
    elif not answer["differences"]:
        console.print(f"{forecast_id} verifies: no probability differs by more than 0.0001.")
    if answer["differences"]:
        raise ForecastError(f"{forecast_id} does not verify: {'; '.join(answer['differences'])}")


async def _verify(settings: Settings, forecast_id: str) -> dict[str, Any]:
    from f1graph.store.forecasts import load_forecast
    from f1graph.wiring import opened_forecaster, opened_store

    async with opened_store(settings) as store:
        async with store.read() as read:
            forecast = await load_forecast(read, forecast_id)
        with opened_forecaster(settings, store) as forecaster:
            return asdict(await forecaster.verify(forecast))


@app.command()
def past(
    context: typer.Context,
    seasons: Annotated[str, typer.Option(help="Such as 2024 or 2020-2024.")],
    stages: Annotated[str, typer.Option(help="Separated by commas.")] = DEFAULT_STAGES,
) -> None:
    """Forecast past races, each as of the end of its stage, and score them: marked as retrospective.

    Goes on where it was stopped.
    """
    made = run(_past(settings_of(context), parse_seasons(seasons), parse_stages(stages)))
    console.print(f"{made} forecasts made and scored.")


async def _past(settings: Settings, seasons: Sequence[int], stages: Sequence[Stage]) -> int:
    from f1graph.forecasts.record import record_past
    from f1graph.store.calendar import races_of_seasons
    from f1graph.store.migrate import require_newest
    from f1graph.wiring import opened_forecaster, opened_store

    now = settings.clock()()
    made = 0
    async with opened_store(settings) as store:
        await require_newest(store)
        async with store.read() as read:
            races = [race for of in (await races_of_seasons(read, seasons)).values() for race in of]
        with opened_forecaster(settings, store) as forecaster, bar("Forecasting the past") as progress:
            async for made, total, what in record_past(store, forecaster, races, stages, now=now):
                progress.update(progress.task_ids[0], completed=made, total=total, description=what)
    await _score(settings)
    return made


def score(context: typer.Context, as_json: AsJson = False) -> None:
    """Score every forecast whose race has a new result, and refresh the model metrics."""
    with errors.status("Scoring ..."):
        metrics = run(_score(settings_of(context)))
    if as_json:
        show_json(metrics)
    else:
        show_metrics(metrics)


async def _score(settings: Settings) -> list[ModelMetric]:
    from f1graph.store.scores import load_metrics
    from f1graph.weekends.due import WorkKind
    from f1graph.wiring import do_due, opened_store

    await do_due(settings, only={WorkKind.SCORE, WorkKind.METRICS})
    async with opened_store(settings) as store, store.read() as read:
        return await load_metrics(read)


def backtest(
    context: typer.Context,
    out: Annotated[Path, typer.Option(help="The CSV file; an unfinished one is continued.")],
    seasons: Annotated[str, typer.Option(help="Such as 2015-2024.")] = "2015-2024",
    stages: Annotated[str, typer.Option(help="Separated by commas.")] = DEFAULT_STAGES,
    refits: Annotated[int, typer.Option(min=1, help="How often a season parameters are learnt anew.")] = 4,
) -> None:
    """Walk forward through past seasons: forecast every race as it would have been, and score it."""
    metrics = run(
        _backtest(settings_of(context), parse_seasons(seasons), parse_stages(stages), out=out, refits=refits)
    )
    show_metrics(metrics)
    errors.print(f"Written to {out}.")


async def _backtest(
    settings: Settings, seasons: Sequence[int], stages: Sequence[Stage], *, out: Path, refits: int
) -> list[ModelMetric]:
    import asyncio

    from f1graph.forecasts.backtest import Walk
    from f1graph.forecasts.members import ESTIMATORS
    from f1graph.store.migrate import require_newest
    from f1graph.store.past import load_history
    from f1graph.wiring import opened_store

    async with opened_store(settings) as store:
        await require_newest(store)
        async with store.read() as read:
            history = await load_history(read, from_season=settings.train_from - 1)
    walk = Walk(
        seasons=tuple(seasons),
        stages=tuple(stages),
        estimators=ESTIMATORS,
        made_at=settings.clock()(),
        refits_per_season=refits,
        first_season=settings.train_from,
    )
    if not any(race.season in seasons for race in history.races):
        raise RequestError(f"no race of {seasons[0]}-{seasons[-1]} is in the database: import history first")
    return await asyncio.to_thread(_walk, history, walk, out, settings.threads)


def _walk(history: Any, walk: Any, out: Path, threads: int) -> list[ModelMetric]:
    import torch

    from f1graph.features.build import build_features
    from f1graph.forecasts.backtest import backtest as walk_through
    from f1graph.forecasts.members import BASELINES
    from f1graph.forecasts.metrics import model_metrics

    torch.set_num_threads(threads)
    with bar("Back-test") as progress:

        def tell(done: int, total: int, what: str) -> None:
            progress.update(progress.task_ids[0], completed=done, total=total, description=what)

        scored = list(walk_through(history, walk, build_features, out=out, progress=tell))
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


def _show(shown: _Shown, *, as_json: bool) -> None:
    forecast, of_race = shown.forecast, shown.race
    if as_json:
        answer = asdict(forecast)
        del answer["draws"]
        show_json(answer)
        return
    invented = " · INVENTED CHAMPIONSHIP" if forecast.invented else ""
    retrospective = " · made after the race" if forecast.retrospective else ""
    show_table(
        f"{of_race.season} {of_race.name}, {forecast.stage}, cutoff {forecast.cutoff:%Y-%m-%d %H:%M} UTC"
        f"{retrospective}{invented}",
        ("driver", "team", "grid", "win %", "podium %", "points %", "out %", "median", "80 %"),
        [
            (
                shown.drivers[entry.driver_id].last_name,
                shown.constructors[entry.constructor_id].name,
                entry.grid,
                percent(entry.win),
                percent(entry.podium),
                percent(entry.points),
                percent(entry.retirement),
                entry.expected_position,
                f"{entry.interval80_low}–{entry.interval80_high}",
            )
            for entry in sorted(forecast.entries, key=lambda e: (e.expected_position, -e.win))
        ],
    )
    console.print(f"{forecast.model} {forecast.model_version}, forecast {forecast.id}")
    for name, reason in forecast.missing_inputs:
        console.print(f"Missing: {name}: {reason}")


def parse_seasons(text: str) -> list[int]:
    """`2024`, `2015-2024` or `2015,2018-2020`.

    Raises:
        RequestError: It is none of these.
    """
    seasons: set[int] = set()
    try:
        for part in text.split(","):
            first, _, last = part.partition("-")
            seasons.update(range(int(first), int(last or first) + 1))
    except ValueError as error:
        raise RequestError(f"{text!r} are no seasons: write 2024 or 2015-2024") from error
    if not seasons:
        raise RequestError(f"{text!r} holds no season: the first must not be after the last")
    return sorted(seasons)


def parse_stages(text: str) -> list[Stage]:
    """Names of stages, separated by commas.

    Raises:
        RequestError: One is not a stage.
    """
    names = [name.strip().upper() for name in text.split(",") if name.strip()]
    unknown = [name for name in names if name not in Stage.__members__]
    if unknown or not names:
        raise RequestError(f"{', '.join(unknown) or text!r}: the stages are {', '.join(Stage)}")
    return [Stage(name) for name in names]
