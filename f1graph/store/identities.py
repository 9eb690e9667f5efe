"""What people said about who is meant by a source's id, where no rule could tell for certain."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, delete, func, insert, select

from f1graph.store.engine import Read, Write
from f1graph.store.tables.facts import identities as table


@dataclass(frozen=True, slots=True)
class Identity:
    """That a source's id means somebody of ours.

    Attributes:
        subject: `driver` or `constructor`.
        source: `fastf1` or `ergast`.
        season: None: in every season.
    """

    subject: str
    source: str
    season: int | None
    their_id: str
    our_id: str


async def tell_identity(write: Write, identity: Identity, *, now: datetime) -> None:
    """Remembers it, in the place of what was said of the same id before."""
    await write.execute(delete(table).where(_same_id(identity)))
    number = int(await write.value(select(func.coalesce(func.max(table.c.id), 0)))) + 1
    await write.execute(
        insert(table),
        {
            "id": number,
            "subject": identity.subject,
            "source": identity.source,
            "season": identity.season,
            "their_id": identity.their_id,
            "our_id": identity.our_id,
            "told_at": now,
        },
    )


def _same_id(identity: Identity) -> ColumnElement[bool]:
    season = table.c.season.is_(None) if identity.season is None else table.c.season == identity.season
    return and_(
        table.c.subject == identity.subject,
        table.c.source == identity.source,
        table.c.their_id == identity.their_id,
        season,
    )


async def told_identities(read: Read) -> list[Identity]:
    """All that was said, in a fixed order."""
    found = await read.rows(
        select(table.c.subject, table.c.source, table.c.season, table.c.their_id, table.c.our_id).order_by(
            table.c.subject, table.c.source, table.c.season, table.c.their_id
        )
    )
    return [Identity(**row._mapping) for row in found]
