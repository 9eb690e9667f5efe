"""`f1graph models`: the trained models."""

from __future__ import annotations

import typer

from f1graph.cli.output import AsJson, run, settings_of, show_json, show_table
from f1graph.store.bundles import BundleRow

app = typer.Typer(help="Trained models.", no_args_is_help=True)


@app.command("list")
def show_all(context: typer.Context, as_json: AsJson = False) -> None:
    """List the trained models, the newest first."""
    bundles = run(_bundles(context))
    if as_json:
        show_json(bundles)
        return
    show_table(
        "Trained models",
        ("id", "stage", "status", "cutoff", "races", "checksum"),
        [
            (b.id, b.stage, b.status, f"{b.cutoff:%Y-%m-%d %H:%M}", b.manifest["races"], b.checksum[:12])
            for b in bundles
        ],
    )


async def _bundles(context: typer.Context) -> list[BundleRow]:
    from f1graph.store.bundles import load_bundles
    from f1graph.store.migrate import require_newest
    from f1graph.wiring import opened_store

    async with opened_store(settings_of(context)) as store:
        await require_newest(store)
        async with store.read() as read:
            return await load_bundles(read)
