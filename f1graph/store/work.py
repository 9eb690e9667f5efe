"""What is read to decide what is due, and what is news: the calendar, what is known, what was begun."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

from sqlalchemy import func, or_, select

from f1graph.races.calendar import SessionKind
from f1graph.races.past import FactKey
from f1graph.races.results import ClassificationKind
from f1graph.store.engine import Read
from f1graph.store.ledger import LedgerRow, ledger_record
from f1graph.store.tables.facts import classifications
from f1graph.store.tables.forecasts import forecasts, scores
from f1graph.store.tables.recordings import recordings
from f1graph.store.tables.work import ledger

_GRID_OF = {SessionKind.RACE: ClassificationKind.GRID, SessionKind.SPRINT: ClassificationKind.SPRINT_GRID}


async def known_revisions(read: Read, race_ids: Collection[str], *, as_of: datetime) -> dict[FactKey, int]:
    """The newest revision of each fact of some races that was known at a moment."""
    table = classifications.c
    found = await read.rows(
        select(table.race_id, table.kind, func.max(table.revision).label("revision"))
        .where(table.race_id.in_(list(race_ids)), table.known_at <= as_of)
        .group_by(table.race_id, table.kind)
    )
    return {(row.race_id, ClassificationKind(row.kind)): row.revision for row in found}


async def work_begun(read: Read, race_ids: Collection[str], *, since: datetime) -> dict[str, LedgerRow]:
    """The work of some races, and all that was begun since a moment, by key."""
    found = await read.rows(
        select(ledger).where(or_(ledger.c.race_id.in_(list(race_ids)), ledger.c.claimed_at >= since))
    )
    return {row.key: ledger_record(row) for row in found}


async def scored_championships(read: Read) -> list[bool]:
    """Of which there are scored forecasts: the real championship (False), the invented one (True)."""
    found = await read.rows(
        select(forecasts.c.invented)
        .where(forecasts.c.id.in_(select(scores.c.forecast_id)))
        .group_by(forecasts.c.invented)
        .order_by(forecasts.c.invented)
    )
    return [bool(row.invented) for row in found]


async def parts_stored(read: Read, race_id: str, session: SessionKind) -> dict[str, bool]:
    """Of the parts of a session that the store has, whether it has them whole."""
    found = await read.rows(
        select(recordings.c.part, recordings.c.missing)
        .where(recordings.c.race_id == race_id, recordings.c.session == session)
        .order_by(recordings.c.revision)
    )
    parts = {row.part: row.missing is None for row in found}
    kinds = await read.rows(
        select(classifications.c.kind)
        .where(classifications.c.race_id == race_id)
        .group_by(classifications.c.kind)
    )
    known = {row.kind for row in kinds}
    if session in known:
        parts["CLASSIFICATION"] = True
    if _GRID_OF.get(session) in known:
        parts["GRID"] = True
    parts["SESSION"] = parts.get("CLASSIFICATION", False) and parts.get("LAPS", False)
    return parts


async def same_elsewhere(
    read: Read, race_id: str, session: SessionKind, contents: Mapping[str, str]
) -> dict[str, tuple[str, SessionKind]]:
    """Whose newest recording of a part says word for word the same, where another session's does.

    Args:
        contents: By part, the hash of what its rows say.
    """
    table, later = recordings.c, recordings.alias().c
    newest = (
        select(func.max(later.revision))
        .where(later.race_id == table.race_id, later.session == table.session, later.part == table.part)
        .scalar_subquery()
    )
    found = await read.rows(
        select(table.part, table.race_id, table.session, table.content_hash)
        .where(table.content_hash.in_(list(contents.values())))
        .where(or_(table.race_id != race_id, table.session != session.value))
        .where(table.revision == newest)
    )
    return {
        row.part: (row.race_id, SessionKind(row.session))
        for row in found
        if contents.get(row.part) == row.content_hash
    }
