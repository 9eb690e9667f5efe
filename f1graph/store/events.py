"""What was published, in order: whoever reads on from the last sequence number misses nothing."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import func, insert, select, text

from f1graph.store.engine import Read, Write
from f1graph.store.tables.work import events

# Any fixed number. Sequence numbers are given out before a commit, so two publishers at once could show
# number 8 before 7, and a reader at 8 would never see 7: they publish one after the other instead.
_POSTGRES_LOCK = 0xF1_6A_F5


class EventKind(StrEnum):
    IMPORTED = "IMPORTED"
    FORECAST_PUBLISHED = "FORECAST_PUBLISHED"
    RESULT_REVISED = "RESULT_REVISED"
    SCORED = "SCORED"
    MODEL_CHANGED = "MODEL_CHANGED"


async def publish(
    write: Write,
    kind: EventKind,
    *,
    cause: str,
    now: datetime,
    race_id: str | None = None,
    forecast_id: str | None = None,
) -> None:
    """Adds an event in the transaction of what it tells, so that neither is seen without the other."""
    if write.dialect == "postgresql":
        await write.execute(text(f"SELECT pg_advisory_xact_lock({_POSTGRES_LOCK})"))
    await write.execute(
        insert(events),
        {"kind": kind, "race_id": race_id, "forecast_id": forecast_id, "cause": cause, "happened_at": now},
    )


async def newest_sequence(read: Read) -> int:
    """The last event's number, 0 before the first: the version of everything a user can see."""
    return int(await read.value(select(func.coalesce(func.max(events.c.sequence), 0))))
