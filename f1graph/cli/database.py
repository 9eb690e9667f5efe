"""`f1graph db` and `f1graph schema`: the shape of the database and of the graph."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from f1graph.cli.output import EXIT_ERROR, AsJson, console, run, settings_of, show_json
from f1graph.errors import StoreError

app = typer.Typer(help="The database.", no_args_is_help=True)


@app.command()
def upgrade(context: typer.Context, revision: str = typer.Argument("head")) -> None:
    """Bring the database to the newest schema (or to REVISION)."""
    _move(context, revision)


@app.command()
def downgrade(
    context: typer.Context,
    revision: str = typer.Argument(..., help="A revision, or `base`: that deletes everything."),
) -> None:
    """Take the database back to an older schema."""
    _move(context, revision)


def _move(context: typer.Context, revision: str) -> None:
    from f1graph.store.migrate import migrate

    at = run(migrate(settings_of(context).store_url, to=revision))
    console.print(f"The database is at revision {at or 'none'}.")


@app.command()
def status(context: typer.Context, as_json: AsJson = False) -> None:
    """Show where the database is, and whether it fits this version."""
    answer = run(_status(context))
    is_newest = answer["revision"] == answer["newest"]
    if as_json:
        # One document, whatever it says; the exit code tells the rest.
        show_json(answer)
        raise typer.Exit(0 if is_newest else EXIT_ERROR)
    console.print(f"{answer['database']} is at revision {answer['revision'] or 'none'}.")
    if not is_newest:
        raise StoreError(f"this version needs revision {answer['newest']}: run `f1graph db upgrade`")


async def _status(context: typer.Context) -> dict[str, str]:
    from f1graph.store.migrate import current_revision, newest_revision
    from f1graph.wiring import opened_store

    async with opened_store(settings_of(context)) as store:
        return {
            "database": store.engine.url.render_as_string(hide_password=True),
            "revision": await current_revision(store),
            "newest": newest_revision(),
        }


def schema(
    write: Annotated[
        Path | None, typer.Option("--write", help="Write it to this file instead of showing it.")
    ] = None,
) -> None:
    """Print the GraphQL schema."""
    from f1graph.api.schema import print_schema

    if write is None:
        typer.echo(print_schema(), nl=False)
    else:
        write.write_text(print_schema(), encoding="utf-8")
