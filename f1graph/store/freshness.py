"""Questions about the service itself: how fresh its data is, and what was done last."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, func, or_, select, text

from f1graph.store.engine import Read
from f1graph.store.ledger import LedgerRow, ledger_record
from f1graph.store.tables.facts import imports, races
from f1graph.store.tables.work import ledger


@dataclass(frozen=True, slots=True)
class ImportRow:
    """The last import of a source."""

    source: str
    version: str
    imported_at: datetime
    new_revisions: int
    invented: bool


async def last_imports(read: Read, moment: datetime) -> list[ImportRow]:
    """The last import of each source by `moment`, by the source's name."""
    newest = select(func.max(imports.c.id)).where(imports.c.imported_at <= moment).group_by(imports.c.source)
    found = await read.rows(
        select(
            imports.c.source,
            imports.c.version,
            imports.c.imported_at,
            imports.c.new_revisions,
            imports.c.invented,
        )
        .where(imports.c.id.in_(newest))
        .order_by(imports.c.source)
    )
    return [ImportRow(**row._mapping) for row in found]


async def work_begun(read: Read, moment: datetime, *, limit: int) -> list[LedgerRow]:
    """The units of work that were begun last by `moment`, newest first."""
    found = await read.rows(
        select(ledger)
        .where(ledger.c.claimed_at <= moment)
        .order_by(ledger.c.claimed_at.desc(), ledger.c.key)
        .limit(limit)
    )
    return [ledger_record(row) for row in found]


@dataclass(frozen=True, slots=True)
class WorkFilter:
    """Which units of work are asked for; None asks for all."""

    known_by: datetime
    kind: str | None = None
    race_id: str | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        found = [ledger.c.claimed_at <= self.known_by]
        if self.kind is not None:
            found.append(ledger.c.kind == self.kind)
        if self.race_id is not None:
            found.append(ledger.c.race_id == self.race_id)
        return found


async def work_page(
    read: Read, wanted: WorkFilter, *, limit: int, after: tuple[datetime, str] | None = None
) -> list[LedgerRow]:
    """The next units of work by when they were begun, newest first."""
    statement = select(ledger).where(*wanted.conditions())
    if after is not None:
        begun, key = after
        statement = statement.where(
            or_(ledger.c.claimed_at < begun, and_(ledger.c.claimed_at == begun, ledger.c.key > key))
        )
    found = await read.rows(statement.order_by(ledger.c.claimed_at.desc(), ledger.c.key).limit(limit))
    return [ledger_record(row) for row in found]


async def count_work(read: Read, wanted: WorkFilter) -> int:
    return int(await read.value(select(func.count()).select_from(ledger).where(*wanted.conditions())))


async def last_fetches(read: Read, moment: datetime, *, limit: int) -> list[LedgerRow]:
    """The fetches that ended last by a moment, newest first: they tell how sources are."""
    found = await read.rows(
        select(ledger)
        .where(ledger.c.kind.in_(["FETCH", "WEATHER"]), ledger.c.finished_at <= moment)
        .order_by(ledger.c.finished_at.desc(), ledger.c.key)
        .limit(limit)
    )
    return [ledger_record(row) for row in found]


async def is_invented(read: Read) -> bool:
    """Whether the newest races are of the invented championship."""
    newest = select(races.c.invented).order_by(races.c.starts_at.desc(), races.c.id).limit(1)
    return bool(await read.value(newest))


async def database_revision(read: Read) -> str:
    """The migration that the database is at.

    The table is Alembic's own. It is there whenever this is asked: a store that was never migrated is not
    ready, and answers nothing.
    """
    return str(await read.value(text("SELECT version_num FROM alembic_version")))
