"""`f1graph keys`: who may write through the API, and what was written."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer

from f1graph.cli.output import AsJson, console, errors, run, settings_of, show_json, show_table
from f1graph.cli.spans import parse_names
from f1graph.errors import RequestError
from f1graph.settings import Settings
from f1graph.store.audit import AuditRow
from f1graph.store.keys import ApiKey, Scope

app = typer.Typer(
    help="API keys. Reading needs none. Scopes: `refresh` asks the sources again, `models:write` puts "
    "trained models to use, `limits:raised` may ask more often.",
    no_args_is_help=True,
)

KeyArgument = Annotated[str, typer.Argument(metavar="ID", help="The id of a key: its second part.")]
_DAYS = re.compile(r"([1-9][0-9]{0,4})d")


@app.command()
def create(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Whose it is: it stands in the audit.")],
    scope: Annotated[
        list[str], typer.Option(help=", ".join(Scope) + ": one, or several by commas or by several --scope.")
    ],
    expires: Annotated[
        str, typer.Option(metavar="TIME", help="2027-01-01T00:00Z, or in how many days: 90d. Default: never.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Make a key. It is shown once: only a hash of it is kept."""
    settings = settings_of(context)
    key, given = run(_create(settings, name, _scopes(",".join(scope)), _expiry(expires, settings.clock()())))
    if as_json:
        show_json({"key": given, **_told(key)})
        return
    console.print(given, soft_wrap=True, highlight=False)
    errors.print(f"Keep it: it is not shown again. Its id is {key.id}.")


@app.command("list")
def list_(context: typer.Context, as_json: AsJson = False) -> None:
    """List the keys, the newest first."""
    settings = settings_of(context)
    keys, now = run(_load(settings)), settings.clock()()
    if as_json:
        show_json([_told(key) | {"is_valid": key.is_valid(now)} for key in keys])
    elif not keys:
        console.print("There are no keys.")
    else:
        show_table(
            "API keys",
            ("id", "name", "scopes", "created", "expires", "last used", "state"),
            [
                (
                    key.id,
                    key.name,
                    ", ".join(sorted(key.scopes)),
                    _day(key.created_at),
                    "never" if key.expires_at is None else _day(key.expires_at),
                    "never" if key.last_used_at is None else f"{key.last_used_at:%Y-%m-%d %H:00}",
                    _state(key, now),
                )
                for key in keys
            ],
        )


@app.command()
def revoke(context: typer.Context, key_id: KeyArgument, as_json: AsJson = False) -> None:
    """End a key for good. Running API processes refuse it within seconds."""
    key = run(_revoke(settings_of(context), key_id))
    if as_json:
        show_json(_told(key))
    else:
        console.print(f"{key.id} ({key.name}) is revoked.", markup=False)


@app.command()
def audit(
    context: typer.Context,
    key: Annotated[str, typer.Option(metavar="ID", help="Only what was done with this key.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many of the newest.")] = 50,
    as_json: AsJson = False,
) -> None:
    """Show what was written, the newest first: by whom, whence, and what came of it."""
    rows = run(_audit(settings_of(context), key, limit))
    if as_json:
        show_json(rows)
    elif not rows:
        console.print("Nothing was written.")
    else:
        show_table(
            "Audit",
            ("when", "who", "whence", "what", "with", "outcome"),
            [
                (
                    f"{row.happened_at:%Y-%m-%d %H:%M:%S}",
                    "command line" if row.key_id is None else f"{row.key_name} ({row.key_id})",
                    row.address,
                    row.action,
                    _in_words(row.arguments),
                    row.outcome,
                )
                for row in rows
            ],
        )


def _scopes(text: str) -> list[Scope]:
    names = parse_names(text.lower())
    unknown = [name for name in names if name not in {scope.value for scope in Scope}]
    if unknown:
        raise RequestError(f"{', '.join(unknown)}: the scopes are {', '.join(Scope)}")
    return [Scope(name) for name in names]


def _expiry(text: str, now: datetime) -> datetime | None:
    if not text:
        return None
    if (days := _DAYS.fullmatch(text)) is not None:
        return now + timedelta(days=int(days[1]))
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise RequestError(f"{text!r} is no time such as 2027-01-01T00:00Z or 90d") from error
    if moment.tzinfo is None:
        raise RequestError(f"{text!r} has no zone: write 2027-01-01T00:00Z")
    return moment.astimezone(UTC)


def _told(key: ApiKey) -> dict[str, Any]:
    return {
        "id": key.id,
        "name": key.name,
        "scopes": sorted(key.scopes),
        "created_at": key.created_at,
        "expires_at": key.expires_at,
        "revoked_at": key.revoked_at,
        "last_used_at": key.last_used_at,
    }


def _day(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d}"


def _state(key: ApiKey, now: datetime) -> str:
    if key.revoked_at is not None:
        return f"revoked {_day(key.revoked_at)}"
    return "valid" if key.is_valid(now) else "expired"


def _in_words(arguments: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in arguments.items() if value is not None)


async def _create(
    settings: Settings, name: str, scopes: list[Scope], expires_at: datetime | None
) -> tuple[ApiKey, str]:
    from f1graph.store.audit import record_write
    from f1graph.store.keys import create_key
    from f1graph.store.migrate import require_newest
    from f1graph.wiring import opened_store

    async with opened_store(settings) as store:
        await require_newest(store)
        async with store.write() as write:
            now = settings.clock()()
            key, given = await create_key(write, name=name, scopes=scopes, now=now, expires_at=expires_at)
            what = {"id": key.id, "name": key.name, "scopes": ",".join(sorted(key.scopes))}
            await record_write(write, AuditRow(now, "keys create", what))
    return key, given


async def _load(settings: Settings) -> list[ApiKey]:
    from f1graph.store.keys import load_keys
    from f1graph.store.migrate import require_newest
    from f1graph.wiring import opened_store

    async with opened_store(settings) as store:
        await require_newest(store)
        async with store.read() as read:
            return await load_keys(read)


async def _revoke(settings: Settings, key_id: str) -> ApiKey:
    from f1graph.store.audit import record_write
    from f1graph.store.keys import revoke_key
    from f1graph.store.migrate import require_newest
    from f1graph.wiring import opened_store

    async with opened_store(settings) as store:
        await require_newest(store)
        async with store.write() as write:
            now = settings.clock()()
            key = await revoke_key(write, key_id, now=now)
            await record_write(write, AuditRow(now, "keys revoke", {"id": key.id, "name": key.name}))
    return key


async def _audit(settings: Settings, key_id: str, limit: int) -> list[AuditRow]:
    from f1graph.store.audit import load_audit
    from f1graph.store.migrate import require_newest
    from f1graph.wiring import opened_store

    async with opened_store(settings) as store:
        await require_newest(store)
        async with store.read() as read:
            return await load_audit(read, limit=limit, key_id=key_id or None)
