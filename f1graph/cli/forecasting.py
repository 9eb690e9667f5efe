"""`f1graph forecast`: making, showing and verifying forecasts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Annotated, Any

import typer

from f1graph.cli.judging import score_all
from f1graph.cli.output import (
    EXIT_ERROR,
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
from f1graph.cli.spans import DEFAULT_STAGES, parse_seasons, parse_stages, require_races
from f1graph.errors import ForecastError, UnknownError
from f1graph.races.calendar import Race
from f1graph.races.entries import Constructor, Driver
from f1graph.races.forecast import Forecast
from f1graph.races.stages import Stage, stage_at
from f1graph.settings import Settings
from f1graph.store.engine import Read

app = typer.Typer(help="Make, show and verify forecasts.", no_args_is_help=False)

StageOption = Annotated[
    Stage | None, typer.Option("--stage", help="Default: what the weekend is at now.", case_sensitive=False)
]


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
    settings = settings_of(context)
    # The moment it was asked for, not when torch has been imported: a command that is given next with the
    # same --now knows of the forecast.
    now = settings.clock()()
    with errors.status("Forecasting ..."):
        shown = run(_forecast(settings, race_id, stage, now=now))
    _show(shown, as_json=as_json)


async def _forecast(settings: Settings, race_id: str, stage: Stage | None, *, now: datetime) -> _Shown:
    from f1graph.store.calendar import race_not_over, races_by_id
    from f1graph.store.migrate import require_newest
    from f1graph.wiring import opened_forecaster, opened_store

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
        from f1graph.forecasts.record import record_forecast

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
        # One document, whatever it says; the exit code tells the rest.
        show_json(answer)
        raise typer.Exit(EXIT_ERROR if answer["differences"] else 0)
    if answer["identical"]:
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
    settings = settings_of(context)
    now = settings.clock()()
    made = run(_past(settings, parse_seasons(seasons), parse_stages(stages), now=now))
    console.print(f"{made} forecasts made and scored.")


async def _past(settings: Settings, seasons: Sequence[int], stages: Sequence[Stage], *, now: datetime) -> int:
    from f1graph.store.calendar import races_of_seasons
    from f1graph.store.migrate import require_newest
    from f1graph.wiring import opened_forecaster, opened_store

    made = 0
    async with opened_store(settings) as store:
        await require_newest(store)
        async with store.read() as read:
            races = [race for of in (await races_of_seasons(read, seasons)).values() for race in of]
        require_races(races, seasons)
        from f1graph.forecasts.record import record_past

        with opened_forecaster(settings, store) as forecaster, bar("Forecasting the past") as progress:
            async for made, total, what in record_past(store, forecaster, races, stages, now=now):
                progress.update(progress.task_ids[0], completed=made, total=total, description=what)
    await score_all(settings)
    return made


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
    console.print(f"{forecast.model_version}, forecast {forecast.id}")
    for name, reason in forecast.missing_inputs:
        console.print(f"Missing: {name}: {reason}")
    for name, reason in forecast.missing_members:
        console.print(f"Could not speak: {name}: {reason}")
