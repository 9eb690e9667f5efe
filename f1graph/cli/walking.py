"""`f1graph walk` and what it starts: walking legs of back-tests that others asked for."""

from __future__ import annotations

import os
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from f1graph.cli.output import AsJson, console, errors, run, settings_of, show_json, show_table
from f1graph.errors import F1GraphError, UnknownError
from f1graph.settings import Settings

if TYPE_CHECKING:
    from f1graph.forecasts.backtest_legs import LegWalker

# A forecast, an answer of the API: whatever else runs on the machine goes first.
_NICER_BY = 10


def walk(context: typer.Context, as_json: AsJson = False) -> None:
    """Walk legs of back-tests that were asked for with `backtest --workers`, until none is left."""
    from f1graph.wiring import do_walks

    with errors.status("Looking for what is asked for ...") as status:
        outcomes = run(
            do_walks(
                settings_of(context),
                on_progress=lambda work, outcome: status.update(f"{work.reason} ..."),
            )
        )
    if as_json:
        show_json(outcomes)
    elif not outcomes:
        console.print("No back-test is asked for that this installation could walk.")
    else:
        show_table(
            "Walked",
            ("leg", "result", "why not"),
            [(outcome.work.key, outcome.result, outcome.error or "") for outcome in outcomes],
        )


def walk_legs(
    context: typer.Context,
    backtest_id: Annotated[str, typer.Argument(metavar="ID", help="The back-test's id.")],
    as_json: Annotated[bool, typer.Option("--json", help="How it answers anyway.")] = True,
) -> None:
    """Walk the legs that are named on standard input, and answer with a line of JSON per forecast."""
    settings = settings_of(context)
    os.nice(_NICER_BY)
    walker = _opened(settings, backtest_id)
    for line in sys.stdin:
        try:
            count = 0
            for forecast in walker.walk(line.strip()):
                count += 1
                show_json({"forecast": asdict(forecast)}, at_once=True)
            show_json({"walked": count}, at_once=True)
        except F1GraphError as error:
            show_json({"failed": {"code": error.code, "message": str(error)}}, at_once=True)


def _opened(settings: Settings, backtest_id: str) -> LegWalker:
    """History, models and memory for the legs of a back-test.

    Raises:
        UnknownError: Nobody asks for it.
        ForecastError: What it depends on has changed since it was asked for.
    """
    import torch

    from f1graph.features.build import build_features
    from f1graph.forecasts.backtest_legs import LegWalker, walk_of
    from f1graph.forecasts.members import estimators_named
    from f1graph.models.fit_cache import FitCache, resuming

    torch.set_num_threads(settings.threads)
    asked, history = run(_asked(settings, backtest_id))
    cache = FitCache(settings.fits_dir)
    estimators = estimators_named([name for name, _ in asked.settings["models"]])
    models = tuple(resuming(estimator, cache) for estimator in estimators)
    return LegWalker(history, asked, walk_of(asked, models), build_features)


async def _asked(settings: Settings, backtest_id: str) -> Any:
    from f1graph.store.backtests import backtest_asked
    from f1graph.store.past import load_history
    from f1graph.wiring import opened_store

    async with opened_store(settings) as store, store.read() as read:
        asked = await backtest_asked(read, backtest_id)
        if asked is None:
            raise UnknownError(f"nobody asks for a back-test {backtest_id!r}")
        # Features look a season back from the first race that is learned from.
        return asked, await load_history(read, from_season=asked.settings["first_season"] - 1)
