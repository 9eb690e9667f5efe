"""The command `f1graph`: its global options, its commands, and how errors are shown.

Commands import what they need when they run: `f1graph api` must not wait for torch.
"""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer
from rich.markup import escape

from f1graph import __version__
from f1graph.cli import (
    database,
    fetching,
    forecasting,
    history,
    identity,
    judging,
    keys,
    models,
    reporting,
    running,
    walking,
)
from f1graph.cli.output import EXIT_ERROR, EXIT_USAGE, errors
from f1graph.cli.parent import leave_with
from f1graph.errors import F1GraphError, RequestError, SettingsError
from f1graph.logs import set_up_logging
from f1graph.settings import read_settings

# A thread that computes, such as one that reads a fetched race, keeps the interpreter so long when others
# wait for it. A question to SQLite changes threads ten times: at Python's 5 ms it took 50 ms meanwhile.
THREAD_TURN = timedelta(milliseconds=1)

app = typer.Typer(
    name="f1graph",
    help="Formula 1 facts, probabilistic forecasts and their scores as one GraphQL API.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
app.command("up")(running.up)
app.command("api")(running.api)
app.command("worker")(running.worker)
app.command("refresh")(running.refresh)
app.add_typer(history.app, name="import")
app.command("fetch")(fetching.fetch)
app.add_typer(forecasting.app, name="forecast")
app.command("backtest")(judging.backtest)
app.command("walk")(walking.walk)
app.command("walk-legs", hidden=True)(walking.walk_legs)
app.command("report")(reporting.report)
app.command("score")(judging.score)
app.add_typer(models.app, name="models")
app.add_typer(keys.app, name="keys")
app.add_typer(identity.app, name="identity")
app.add_typer(database.app, name="db")
app.command("schema")(database.schema)


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is no time such as 2024-12-05T12:00Z") from error
    if moment.tzinfo is None:
        raise typer.BadParameter(f"{text!r} has no zone: write 2024-12-05T12:00Z")
    return moment.astimezone(UTC)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"f1graph {__version__}")
        raise typer.Exit


@app.callback()
def root(
    context: typer.Context,
    now: Annotated[
        datetime | None,
        typer.Option(
            parser=_moment,
            metavar="TIME",
            help="Start the clock then, e.g. 2024-12-05T12:00Z. [env: F1GRAPH_NOW]",
        ),
    ] = None,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
    parent: Annotated[
        int | None, typer.Option(hidden=True, help="Leave when the parent, which has this id, is gone.")
    ] = None,
) -> None:
    if parent is not None:
        leave_with(parent)
    sys.setswitchinterval(THREAD_TURN.total_seconds())
    settings = read_settings() if now is None else read_settings(now=now)
    # A command answers on its own; the services among them raise this to the level of the settings.
    set_up_logging(log_format=settings.log_format, level="WARNING")
    # What is tried again is news for a log; who waits at a terminal gets one line if all of it fails.
    logging.getLogger("stamina").setLevel(logging.ERROR)
    context.obj = settings


def main() -> None:
    """Runs the command line; our own errors become one line and an exit code, never a trace."""
    try:
        app()
    except F1GraphError as error:
        if "--json" in sys.argv:
            print(json.dumps({"error": {"code": error.code, "message": str(error)}}))
        else:
            errors.print(f"[bold red]Error[/] [{error.code}] {escape(str(error))}", soft_wrap=True)
        sys.exit(EXIT_USAGE if isinstance(error, SettingsError | RequestError) else EXIT_ERROR)
