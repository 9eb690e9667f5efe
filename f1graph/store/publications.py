"""Which forecasts were published when: what a reader who asks again and again has missed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, select

from f1graph.store.engine import Read
from f1graph.store.events import EventKind
from f1graph.store.tables.work import events

# Two machines' clocks may differ a little. An event that seems to be of the next seconds is really of now,
# and is told as soon as our clock is there; one further ahead is of another time (a past lived again).
_CLOCKS_DIFFER = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Publication:
    """That a forecast was published.

    Attributes:
        sequence: Of its event: what cursors are made of.
    """

    sequence: int
    forecast_id: str
    cause: str
    published_at: datetime


async def published_after(read: Read, sequence: int, *, limit: int, moment: datetime) -> list[Publication]:
    """The next publications, oldest first, that had happened by `moment`."""
    found = await read.rows(
        select(events)
        .where(
            events.c.kind == EventKind.FORECAST_PUBLISHED,
            events.c.sequence > sequence,
            events.c.happened_at <= moment + _CLOCKS_DIFFER,
        )
        .order_by(events.c.sequence)
        .limit(limit)
    )
    happened: list[Publication] = []
    for row in found:
        if row.happened_at > moment:
            break
        happened.append(_publication(row))
    return happened


async def published_last(read: Read, *, limit: int, moment: datetime) -> list[Publication]:
    """The last publications that had happened by `moment`, oldest first."""
    found = await read.rows(
        select(events)
        .where(events.c.kind == EventKind.FORECAST_PUBLISHED, events.c.happened_at <= moment)
        .order_by(events.c.sequence.desc())
        .limit(limit)
    )
    return [_publication(row) for row in reversed(found)]


def _publication(row: Row[Any]) -> Publication:
    return Publication(row.sequence, str(row.forecast_id), row.cause, row.happened_at)
