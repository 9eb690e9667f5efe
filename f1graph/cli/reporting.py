"""`f1graph report`: a back-test as a page for people."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from f1graph.cli.output import errors, run, settings_of
from f1graph.races.past import History
from f1graph.settings import Settings


def report(
    context: typer.Context,
    backtests: Annotated[
        list[Path],
        typer.Argument(
            metavar="BACKTEST.csv …",
            help="The file of a back-test; others in the same columns may be set beside it.",
        ),
    ],
    out: Annotated[Path, typer.Option(help="The HTML page; an older one is replaced.")] = Path("report.html"),
    reference: Annotated[
        str, typer.Option(help="The model that the others are compared with. Default: the one served.")
    ] = "",
    plots: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Write the plots of the README there as well.")
    ] = None,
) -> None:
    """Write what a back-test says as one HTML page: scores, reliability, checks, and where we lose."""
    from f1graph.forecasts.members import BASELINES, members_of
    from f1graph.forecasts.report.build import build_report
    from f1graph.forecasts.report.page import render, write_plots
    from f1graph.forecasts.report.reading import judge_files, read_files

    settings = settings_of(context)
    reference = reference or settings.model
    with errors.status("Reading ..."):
        files = read_files(backtests)
        reading = judge_files(files, run(_results(settings, *files.seasons)))
    with errors.status("Computing ..."):
        found = build_report(
            reading,
            reference=reference,
            # The one that knows most first.
            baselines=[estimator.name for estimator in reversed(BASELINES)],
            members=members_of(reference),
        )
        page = render(found, files=[path.name for path in backtests], written_at=settings.clock()())
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(page, encoding="utf-8")
        written = [out, *(write_plots(found, plots) if plots is not None else ())]
    for path in written:
        errors.print(f"Written to {path}.")


async def _results(settings: Settings, first: int, last: int) -> History:
    from f1graph.races.results import ClassificationKind
    from f1graph.store.migrate import require_newest
    from f1graph.store.past import load_history
    from f1graph.wiring import opened_store

    async with opened_store(settings) as store:
        await require_newest(store)
        async with store.read() as read:
            return await load_history(
                read,
                from_season=first,
                to_season=last,
                kinds={ClassificationKind.RACE, ClassificationKind.GRID},
            )
