"""`f1graph up`, `api`, `worker` and `refresh`: running the service."""

from __future__ import annotations

import gc
from contextlib import suppress
from typing import Annotated

import typer

from f1graph.cli.output import AsJson, console, errors, run, settings_of, show_json, show_table
from f1graph.errors import SettingsError


def up(context: typer.Context) -> None:
    """Run everything on this machine: database, history, worker, API and GraphiQL. Ctrl-C stops it."""
    from f1graph.cli.up import run_everything

    raise typer.Exit(run(run_everything(settings_of(context))))


def api(context: typer.Context) -> None:
    """Serve the GraphQL API."""
    from f1graph.api.app import create_app
    from f1graph.api.server import STARTUP_FAILURE, Server
    from f1graph.logs import set_up_logging

    settings = settings_of(context)
    set_up_logging(log_format=settings.log_format, level=settings.log_level)
    app = create_app(settings, clock=settings.clock())
    # What there is now stays: the schema and the libraries. The collector would look through it again and
    # again, and nobody is answered meanwhile.
    gc.collect()
    gc.freeze()
    server = Server(app, settings)
    with suppress(KeyboardInterrupt):
        server.run()
    if not server.started:
        raise typer.Exit(STARTUP_FAILURE)


def worker(
    context: typer.Context,
    check: Annotated[
        bool, typer.Option("--check", help="Only tell whether a worker is alive: exit code 1 if none is.")
    ] = False,
) -> None:
    """Do what is due: fetch, forecast, score, refresh metrics. Needs Redis or Valkey."""
    from f1graph.logs import set_up_logging
    from f1graph.wiring import worker_parts
    from f1graph.worker.process import check_worker, run_worker

    settings = settings_of(context)
    if not settings.redis_url:
        raise SettingsError(
            "a worker needs a queue: set F1GRAPH_REDIS_URL, or use `f1graph up`, which brings one"
        )
    if check:
        console.print(run(check_worker(settings)))
        return
    set_up_logging(log_format=settings.log_format, level=settings.log_level)
    raise typer.Exit(run_worker(settings, worker_parts(settings)))


def refresh(context: typer.Context, as_json: AsJson = False) -> None:
    """Do once, without a queue, all that is due now."""
    from f1graph.wiring import do_due

    with errors.status("Looking for what is due ...") as status:
        outcomes = run(
            do_due(
                settings_of(context),
                on_progress=lambda work, outcome: status.update(f"{work.reason} ..."),
            )
        )
    if as_json:
        show_json(outcomes)
    elif not outcomes:
        console.print("Nothing is due.")
    else:
        show_table(
            "Done",
            ("work", "result", "why"),
            [(outcome.work.key, outcome.result, outcome.work.reason) for outcome in outcomes],
        )
