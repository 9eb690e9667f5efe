"""Everything that can be written."""

# Strawberry's decorator is typed as Any without its plugin for mypy.
# mypy: disallow-untyped-decorators=False

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated

import strawberry
from strawberry import argument, field

from f1graph.api.bundles import Bundle
from f1graph.api.calendar import Race
from f1graph.api.context import Context, Info
from f1graph.api.ids import key_of
from f1graph.api.service import Refresh
from f1graph.api.service import refresh as told_refresh
from f1graph.api.writing import write_as_caller
from f1graph.errors import RequestError, UnknownError
from f1graph.races.calendar import Race as RaceRecord
from f1graph.races.calendar import Session, SessionKind
from f1graph.races.refreshes import FIRST_SEASON_BY_SESSION
from f1graph.races.stages import Stage
from f1graph.store import bundles
from f1graph.store.calendar import races_by_id
from f1graph.store.engine import Write
from f1graph.store.keys import ApiKey, Scope
from f1graph.store.ledger import LedgerRow, ledger_rows
from f1graph.store.refresh_requests import RefreshRequest, ask_for_refresh

# Who is asked for one session at a time, where somebody is.
_ASKED_BY_SESSION = "live_timing"


@strawberry.type(description="A refresh that was asked for.")
class AskedRefresh:
    key: str = field(description="Of the unit of work that does it: `Refresh.key` among `refreshes`.")
    race_id: strawberry.Private[str | None]
    session: SessionKind | None = field(description="The session. Null if everything is fetched.")
    asked_at: datetime = field(description="When it was asked for first.")
    is_new: bool = field(
        description="False if the same was asked for before and is still open: then this is that one."
    )
    refresh: Refresh | None = field(
        description="How it stands. Null until a worker begins it, which looks every few minutes; later see "
        "`refreshes`. What fails is tried three times, what nobody begins within a day is dropped."
    )

    @field(description="The race whose session is fetched. Null if everything is.")
    async def race(self, info: Info) -> Race | None:
        record = None if self.race_id is None else await info.context.loaders.race.load(self.race_id)
        return None if record is None else Race.of(record)


@strawberry.type(description="What was asked for.")
class RefreshPayload:
    asked: list[AskedRefresh] = field(
        description="One per session, at most eight; or one for everything, where no source can be asked for "
        "one session."
    )


@strawberry.type(
    description="Writes. Each needs an API key with the scope it names, and leaves a row in the audit. "
    "Without a key the error is `UNAUTHENTICATED`, without the scope `FORBIDDEN`. Only by POST."
)
class Mutation:
    @field(
        description="Asks the sources again: for one session, for all sessions of a race that are over, or "
        "for everything. A worker does it, and what becomes due by it: new facts make new forecasts and "
        "scores. "
        "Scope: `refresh`. Null, with an error, if it cannot be asked for."
    )
    async def refresh(
        self,
        info: Info,
        race: Annotated[
            strawberry.ID | None, argument(description="A global id or a slug. Empty: everything.")
        ] = None,
        session: Annotated[
            SessionKind | None,
            argument(description="One session of the race, which must be over. Empty: all that are."),
        ] = None,
    ) -> RefreshPayload | None:
        context = info.context

        async def work(write: Write, key: ApiKey) -> RefreshPayload:
            return await _ask(write, context, key, race, session)

        return await write_as_caller(
            context, Scope.REFRESH, "refresh", {"race": race, "session": session}, work
        )

    @field(
        description="Puts a trained model to use in the place of the one that is, as `f1graph models "
        "activate` does: it stays until another is chosen, or newer ones are let in again by the command "
        "line. Scope: `models:write`. Null, with an error, if there is no such bundle."
    )
    async def activate_model(
        self,
        info: Info,
        bundle: Annotated[
            str, argument(description="`Bundle.key`, or the beginning of it or of the checksum.")
        ],
    ) -> Bundle | None:
        context = info.context

        async def work(write: Write, _key: ApiKey) -> Bundle:
            found = await bundles.find_bundle(write, bundle)
            bundles.require_folder(found, context.bundles_dir)
            return Bundle.of(await bundles.activate(write, found.id, now=context.now, by_hand=True))

        return await write_as_caller(context, Scope.MODELS_WRITE, "activateModel", {"bundle": bundle}, work)

    @field(
        description="Puts the model back to use that was in use before the one that is, as `f1graph models "
        "rollback` does; it stays as in `activateModel`. Scope: `models:write`. Null, with an error, if none "
        "was."
    )
    async def rollback_model(
        self,
        info: Info,
        model: Annotated[str, argument(description="Its name: `ultra`.")],
        stage: Annotated[Stage, argument(description="Of which stage.")],
    ) -> Bundle | None:
        context = info.context

        async def work(write: Write, _key: ApiKey) -> Bundle:
            return Bundle.of(await bundles.roll_back(write, model=model, stage=stage, now=context.now))

        return await write_as_caller(
            context, Scope.MODELS_WRITE, "rollbackModel", {"model": model, "stage": stage}, work
        )


async def _ask(
    write: Write, context: Context, key: ApiKey, race: str | None, session: SessionKind | None
) -> RefreshPayload:
    asked = []
    for race_id, kind in await _wanted(write, context, race, session):
        found = await ask_for_refresh(write, race_id=race_id, session=kind, key_id=key.id, now=context.now)
        asked.append(found)
    begun = await ledger_rows(write, [request.unit for request, _ in asked])
    return RefreshPayload(asked=[_asked(request, is_new, begun) for request, is_new in asked])


async def _wanted(
    write: Write, context: Context, race: str | None, session: SessionKind | None
) -> list[tuple[str | None, SessionKind | None]]:
    if race is None:
        if session is not None:
            raise RequestError(f"{session} of which race? Give `race` too")
        return [(None, None)]
    slug = key_of("Race", race)
    found = (await races_by_id(write, [slug])).get(slug)
    if found is None:
        raise UnknownError(f"there is no race {race!r}; a slug looks like 2024-abu-dhabi")
    over = _over(found, session, context.now)
    by_session = _ASKED_BY_SESSION in context.calls_per_hour and found.season >= FIRST_SEASON_BY_SESSION
    return [(found.id, one.kind) for one in over] if by_session else [(None, None)]


def _over(race: RaceRecord, session: SessionKind | None, now: datetime) -> list[Session]:
    """The session that is asked for, or all, as far as they are over."""
    if session is not None and race.session(session) is None:
        raise UnknownError(
            f"{race.id} has no {session}: it has {', '.join(one.kind for one in race.sessions)}"
        )
    over = [one for one in race.sessions if one.ends_at <= now and (session is None or one.kind is session)]
    if not over:
        what = "no session" if session is None else f"{session}"
        raise RequestError(f"{what} of {race.id} is over yet: there is nothing to fetch")
    return over


def _asked(request: RefreshRequest, is_new: bool, begun: Mapping[str, LedgerRow]) -> AskedRefresh:
    row = begun.get(request.unit)
    return AskedRefresh(
        key=request.unit,
        race_id=request.race_id,
        session=request.session,
        asked_at=request.asked_at,
        is_new=is_new,
        refresh=None if row is None else told_refresh(row),
    )
