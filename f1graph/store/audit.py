"""The audit: a row for each write that somebody asked for, append-only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Row, insert, select

from f1graph.store.engine import Read, Write
from f1graph.store.tables.access import audit

DONE = "DONE"


@dataclass(frozen=True, slots=True)
class AuditRow:
    """One write, or an attempt at it.

    Attributes:
        action: The mutation, or the command.
        outcome: DONE, or the code of the error that it ended with.
        key_id, key_name: Whose key it was; None for who is at the command line.
        address: Whence it was asked.
    """

    happened_at: datetime
    action: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    outcome: str = DONE
    key_id: str | None = None
    key_name: str | None = None
    address: str | None = None


async def record_write(write: Write, row: AuditRow) -> None:
    """Adds a row, in the transaction of what it tells where that was done."""
    await write.execute(insert(audit), asdict(row) | {"arguments": dict(row.arguments)})


async def load_audit(read: Read, *, limit: int, key_id: str | None = None) -> list[AuditRow]:
    """The newest rows first; only those of one key where it is given."""
    statement = select(audit).order_by(audit.c.sequence.desc()).limit(limit)
    if key_id is not None:
        statement = statement.where(audit.c.key_id == key_id)
    return [_record(row) for row in await read.rows(statement)]


def _record(row: Row[Any]) -> AuditRow:
    return AuditRow(**{name: value for name, value in row._mapping.items() if name != "sequence"})
