"""`f1graph import`: facts into the store."""

from __future__ import annotations

from typing import Annotated

import typer

from f1graph.cli.output import AsJson, console, errors, run, settings_of, show_json
from f1graph.sources.source import Source
from f1graph.store.facts import Recorded

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
