"""`f1graph import`: facts into the store."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from f1graph.cli.output import (
    EXIT_ERROR,
    AsJson,
    bar,
    console,
    errors,
    run,
    settings_of,
    show_json,
    show_table,
)
from f1graph.sources.source import Source
from f1graph.store.facts import Recorded

if TYPE_CHECKING:
    from f1graph.weekends.lap_files import LapsTaken

app = typer.Typer(help="Load history.", no_args_is_help=True)


@app.command()
def f1db(
    context: typer.Context,
    location: Annotated[
        str, typer.Argument(metavar="[PATH|URL]", help="A release zip; without it the newest is downloaded.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Import an official F1DB CSV release: all seasons since 1950."""
    from f1graph.sources.f1db.source import F1dbSource

    settings = settings_of(context)
    source = F1dbSource(location or settings.f1db, downloads=settings.data_dir / "downloads")
    _import(context, source, as_json=as_json)


@app.command()
def invented(context: typer.Context, as_json: AsJson = False) -> None:
    """Import the invented championship, up to now."""
    from f1graph.sources.invented import InventedSource

    settings = settings_of(context)
    _import(context, InventedSource(settings.invented_seed, settings.invented_seasons), as_json=as_json)


@app.command()
def laps(
    context: typer.Context,
    location: Annotated[
        Path, typer.Argument(metavar="PATH", help="A parquet file, or a folder of them.", show_default=False)
    ],
    as_json: AsJson = False,
) -> None:
    """Import laps in FastF1's columns: the file tells season, round, session, driver and lap in each row.

    Races and drivers must be there already. A session with a problem is held back and named; the others
    are stored. Who is meant by a code that no entry list has is told by `f1graph identity driver fastf1`;
    then import the file again. Exit code: 0 when all was stored or there already, 1 when something was
    held back.
    """
    taken = run(_take_in_laps(context, location))
    if as_json:
        show_json(taken)
    else:
        show_table(
            "Laps",
            ("file", "sessions", "laps", "new", "partial", "held back"),
            [(t.file, t.sessions, t.laps, t.new, len(t.partial), len(t.problems)) for t in taken],
        )
    for problem in (problem for one in taken for problem in one.problems):
        errors.print(f"[bold red]Held back[/] {escape(problem)}", soft_wrap=True)
    if any(one.problems for one in taken):
        raise typer.Exit(EXIT_ERROR)


async def _take_in_laps(context: typer.Context, location: Path) -> list[LapsTaken]:
    from f1graph.store.migrate import migrate
    from f1graph.weekends.lap_files import take_in_laps
    from f1graph.wiring import opened_store

    settings = settings_of(context)
    await migrate(settings.store_url)
    async with opened_store(settings) as store:
        with bar("Laps") as progress:
            task = progress.task_ids[0]

            def show(file: str, done: int, of: int) -> None:
                progress.update(task, description=file, completed=done, total=of)

            return await take_in_laps(store, location, now=settings.clock()(), on_file=show)


def _import(context: typer.Context, source: Source, *, as_json: bool) -> None:
    recorded = run(_take_in(context, source))
    if as_json:
        show_json(recorded)
    else:
        console.print(in_words(recorded))


async def _take_in(context: typer.Context, source: Source) -> Recorded:
    from f1graph.store.migrate import migrate
    from f1graph.weekends.intake import take_in
    from f1graph.wiring import opened_store

    settings = settings_of(context)
    await migrate(settings.store_url)
    async with opened_store(settings) as store:
        with errors.status(f"Importing {source.name} ..."):
            return await take_in(store, source, now=settings.clock()())


def in_words(recorded: Recorded) -> str:
    """What an import did, in a sentence."""
    name = f"{recorded.source} {recorded.version}"
    if recorded.already_imported:
        return f"{name} was imported before: nothing new."
    if not recorded.changed:
        return f"{name}: nothing new."
    return (
        f"{name}: {recorded.first_revisions:,} new classifications, {len(recorded.new_revisions):,} "
        f"corrections, {len(recorded.classified):,} races with a new result."
    )
