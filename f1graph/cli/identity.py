"""`f1graph identity`: who is meant by a source's id, where no rule can tell."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from f1graph.cli.output import AsJson, console, run, settings_of, show_json, show_table
from f1graph.errors import RequestError, UnknownError
from f1graph.settings import Settings
from f1graph.store.identities import Identity

app = typer.Typer(help="Map the ids of sources that nobody can map for certain.", no_args_is_help=True)

_EVERY = "every"


class IdSource(StrEnum):
    """Whose ids can be mapped."""

    FASTF1 = "fastf1"
    ERGAST = "ergast"


SourceArgument = Annotated[IdSource, typer.Argument(case_sensitive=False, help="Whose id it is.")]
SeasonArgument = Annotated[str, typer.Argument(help="A year, or `every`.")]
TheirId = Annotated[str, typer.Argument(help="As in the message that held a session back, such as VER.")]
OurSlug = Annotated[str, typer.Argument(help="Ours, such as max-verstappen.")]


@app.command()
def driver(
    context: typer.Context,
    source: SourceArgument,
    season: SeasonArgument,
    their_id: TheirId,
    our_slug: OurSlug,
) -> None:
    """Say which driver a source means by an id."""
    _tell(context, Identity("driver", source.value, _season(season), their_id, our_slug))


@app.command()
def constructor(
    context: typer.Context,
    source: SourceArgument,
    season: SeasonArgument,
    their_id: TheirId,
    our_slug: OurSlug,
) -> None:
    """Say which constructor a source means by an id."""
    _tell(context, Identity("constructor", source.value, _season(season), their_id, our_slug))


@app.command("list")
def list_(context: typer.Context, as_json: AsJson = False) -> None:
    """Show all that was said."""
    told = run(_told(settings_of(context)))
    if as_json:
        show_json(told)
    elif not told:
        console.print("Nothing was said: the rules knew everybody.")
    else:
        show_table(
            "Identities",
            ("who", "source", "season", "their id", "ours"),
            [(one.subject, one.source, one.season or _EVERY, one.their_id, one.our_id) for one in told],
        )


def _season(text: str) -> int | None:
    if text.lower() == _EVERY:
        return None
    if not (text.isascii() and text.isdigit() and len(text) == 4):
        raise RequestError(f"{text!r} is no season: write a year such as 2024, or `every`")
    return int(text)


def _tell(context: typer.Context, identity: Identity) -> None:
    name = run(_remember(settings_of(context), identity))
    when = "in every season" if identity.season is None else f"in {identity.season}"
    console.print(f"{identity.source}'s {identity.their_id} is {name} ({identity.our_id}) {when}.")


async def _remember(settings: Settings, identity: Identity) -> str:
    from f1graph.store.identities import tell_identity
    from f1graph.store.migrate import require_newest
    from f1graph.store.people import constructors_by_id, drivers_by_id
    from f1graph.wiring import opened_store

    async with opened_store(settings) as store:
        await require_newest(store)
        async with store.write() as write:
            found: dict[str, str] = (
                {one.id: one.name for one in (await drivers_by_id(write, [identity.our_id])).values()}
                if identity.subject == "driver"
                else {
                    one.id: one.name for one in (await constructors_by_id(write, [identity.our_id])).values()
                }
            )
            if identity.our_id not in found:
                raise UnknownError(f"there is no {identity.subject} {identity.our_id!r} in the database")
            await tell_identity(write, identity, now=settings.clock()())
    return found[identity.our_id]


async def _told(settings: Settings) -> list[Identity]:
    from f1graph.store.identities import told_identities
    from f1graph.wiring import opened_store

    async with opened_store(settings) as store, store.read() as read:
        return await told_identities(read)
