"""`f1graph report`: a back-test as a page for people."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from f1graph.cli.output import EXIT_ERROR, errors, run, settings_of, show_table
from f1graph.errors import ForecastError
from f1graph.races.past import History
from f1graph.settings import Settings

if TYPE_CHECKING:
    from f1graph.forecasts.report.grid_alone import AgainstGrid


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
    check: Annotated[
        bool,
        typer.Option("--check", help="Exit code 1 if the grid alone is better by more than chance."),
    ] = False,
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
    show_against_grid(found.against_grid, reference)
    if check and not found.against_grid:
        raise ForecastError(f"the grid alone is not in the files, so {reference} cannot be held to it")
    if check and any(one.fails for one in found.against_grid):
        raise typer.Exit(EXIT_ERROR)


def show_against_grid(found: Sequence[AgainstGrid], model: str) -> None:
    """A line per stage and measure."""
    if not found:
        return
    show_table(
        f"{model} less the grid alone, known after qualifying only; paired by race, ± standard error",
        ("stage", "measure", "races", model, "grid", "difference", ""),
        [
            (
                one.stage,
                one.measure.definition.title,
                one.races,
                f"{one.value:.4f}",
                f"{one.grid:.4f}",
                f"{one.difference:+.4f} ± {one.error:.4f}",
                one.verdict,
            )
            for one in found
        ],
    )


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
