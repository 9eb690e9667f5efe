"""What was published, in order: whoever reads on from the last sequence number misses nothing."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import func, insert, select, text

from f1graph.races.results import ClassificationKind
from f1graph.store.engine import Read, Write
from f1graph.store.tables.work import events

# Any fixed number. Sequence numbers are given out before a commit, so two publishers at once could show
# number 8 before 7, and a reader at 8 would never see 7: they publish one after the other instead.
_POSTGRES_LOCK = 0xF1_6A_F5
# Whoever listens on Postgres is woken by the commit.
POSTGRES_CHANNEL = "f1graph_events"


class EventKind(StrEnum):
    """What an event tells. IMPORTED and MODEL_TRAINED are for us; the others are news for users."""

    IMPORTED = "IMPORTED"
    MODEL_TRAINED = "MODEL_TRAINED"
    FORECAST_PUBLISHED = "FORECAST_PUBLISHED"
    RESULT_PUBLISHED = "RESULT_PUBLISHED"
    SCORES_PUBLISHED = "SCORES_PUBLISHED"
    MODEL_ACTIVATED = "MODEL_ACTIVATED"
    CALENDAR_CHANGED = "CALENDAR_CHANGED"


async def publish(
    write: Write,
    kind: EventKind,
    *,
    cause: str,
    now: datetime,
    race_id: str | None = None,
    forecast_id: str | None = None,
    classification: ClassificationKind | None = None,
    revision: int | None = None,
    bundle_id: str | None = None,
) -> None:
    """Adds an event in the transaction of what it tells, so that neither is seen without the other.

    On Postgres the others who publish wait from here to the end of the transaction: let it come soon.
    """
    if write.dialect == "postgresql":
        await write.execute(
            text(f"SELECT pg_advisory_xact_lock({_POSTGRES_LOCK}), pg_notify('{POSTGRES_CHANNEL}', '')")
        )
    await write.execute(
        insert(events),
        {
            "kind": kind,
            "race_id": race_id,
            "forecast_id": forecast_id,
            "classification": classification,
            "revision": revision,
            "bundle_id": bundle_id,
            "cause": cause,
            "happened_at": now,
        },
    )


async def newest_sequence(read: Read) -> int:
    """The last event's number, 0 before the first: the version of everything a user can see."""
    return int(await read.value(select(func.coalesce(func.max(events.c.sequence), 0))))
