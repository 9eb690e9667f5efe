"""What was published when, for users: what a reader who asks again and again has missed."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, func, or_, select

from f1graph.races.results import ClassificationKind
from f1graph.store.bundles import BundleRow, bundles_by_id
from f1graph.store.engine import Read
from f1graph.store.events import EventKind
from f1graph.store.published import ForecastHead, forecasts_by_id
from f1graph.store.tables.work import events

NEWS = (
    EventKind.FORECAST_PUBLISHED,
    EventKind.RESULT_PUBLISHED,
    EventKind.SCORES_PUBLISHED,
    EventKind.MODEL_ACTIVATED,
    EventKind.CALENDAR_CHANGED,
)

# Two machines' clocks may differ a little. An event that seems to be of the next seconds is really of now,
# and is told as soon as our clock is there; one further ahead is of another time (a past lived again).
_CLOCKS_DIFFER = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Publication:
    """That something was published.

    Attributes:
        sequence: Of its event: what cursors are made of.
        race_id: None for a model.
        forecast: Of FORECAST_PUBLISHED.
        classification, revision: Which list was published, or by which one forecasts were judged.
        bundle_id, bundle: Of MODEL_ACTIVATED; None where it was deleted since.
    """

    sequence: int
    kind: EventKind
    cause: str
    published_at: datetime
    race_id: str | None = None
    forecast: ForecastHead | None = None
    classification: ClassificationKind | None = None
    revision: int | None = None
    bundle_id: str | None = None
    bundle: BundleRow | None = None


@dataclass(frozen=True, slots=True)
class News:
    """Some publications, oldest first.

    Attributes:
        last: The last number that was looked at; whoever goes on from here misses nothing.
        is_full: As many were looked at as was allowed: more may wait.
    """

    publications: tuple[Publication, ...]
    last: int
    is_full: bool = False


async def published_after(
    read: Read, sequence: int, *, limit: int, moment: datetime, kinds: Collection[EventKind] = NEWS
) -> News:
    """The next publications that had happened by `moment`."""
    found = await read.rows(
        select(events)
        .where(
            events.c.kind.in_(list(kinds)),
            events.c.sequence > sequence,
            events.c.happened_at <= moment + _CLOCKS_DIFFER,
        )
        .order_by(events.c.sequence)
        .limit(limit)
    )
    happened: list[Row[Any]] = []
    for row in found:
        if row.happened_at > moment:
            break
        happened.append(row)
    return await _news(read, happened, moment, before=sequence, limit=limit)


async def published_last(
    read: Read, *, limit: int, moment: datetime, kinds: Collection[EventKind] = NEWS
) -> News:
    """The last publications that had happened by `moment`."""
    found = await read.rows(
        select(events)
        .where(events.c.kind.in_(list(kinds)), *_has_happened(moment))
        .order_by(events.c.sequence.desc())
        .limit(limit)
    )
    return await _news(read, found[::-1], moment, before=0, limit=limit)


async def newest_published(read: Read, moment: datetime) -> int:
    """The number of the last publication that had happened by `moment`; 0 before the first."""
    statement = select(func.coalesce(func.max(events.c.sequence), 0))
    return int(await read.value(statement.where(events.c.kind.in_(NEWS), *_has_happened(moment))))


def _has_happened(moment: datetime) -> list[ColumnElement[bool]]:
    """That an event was by `moment`, and none before it waits for the clock: whoever goes on from here
    would never see that one."""
    waiting = events.alias("waiting")
    first_waiting = (
        select(func.min(waiting.c.sequence))
        .where(waiting.c.happened_at > moment, waiting.c.happened_at <= moment + _CLOCKS_DIFFER)
        .scalar_subquery()
    )
    return [
        events.c.happened_at <= moment,
        or_(first_waiting.is_(None), events.c.sequence < first_waiting),
    ]


async def _news(read: Read, rows: Sequence[Row[Any]], moment: datetime, *, before: int, limit: int) -> News:
    forecast_ids = [row.forecast_id for row in rows if row.forecast_id is not None]
    bundle_ids = [row.bundle_id for row in rows if row.bundle_id is not None]
    heads = await forecasts_by_id(read, forecast_ids, moment) if forecast_ids else {}
    bundles = await bundles_by_id(read, bundle_ids) if bundle_ids else {}
    return News(
        tuple(
            Publication(
                sequence=row.sequence,
                kind=EventKind(row.kind),
                cause=row.cause,
                published_at=row.happened_at,
                race_id=row.race_id,
                forecast=heads.get(row.forecast_id),
                classification=None if row.classification is None else ClassificationKind(row.classification),
                revision=row.revision,
                bundle_id=row.bundle_id,
                bundle=bundles.get(row.bundle_id),
            )
            for row in rows
            if row.forecast_id is None or row.forecast_id in heads
        ),
        last=rows[-1].sequence if rows else before,
        is_full=len(rows) == limit,
    )
