"""Facts as a source gives them, for tests of what the store makes of them; and questions only tests ask."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, text

from f1graph.races.facts import Facts
from f1graph.races.forecast import Score
from f1graph.races.measures import Measure
from f1graph.races.past import History
from f1graph.races.results import Classification
from f1graph.store.engine import Read, Store
from f1graph.store.events import EventKind
from f1graph.store.facts import Recorded, record_facts
from f1graph.store.tables.forecasts import scores
from f1graph.store.tables.work import events


def facts_of(history: History, *, version: str = "1", source: str = "f1db", invented: bool = False) -> Facts:
    """Everything in `history`, as a release of `version`."""
    return Facts(
        source=source,
        version=version,
        content_hash=hashlib.sha256(f"{source} {version}".encode()).hexdigest(),
        circuits=tuple(history.circuits.values()),
        drivers=tuple(history.drivers.values()),
        constructors=tuple(history.constructors.values()),
        races=history.races,
        classifications=every_revision(history),
        invented=invented,
    )


def every_revision(history: History) -> tuple[Classification, ...]:
    return tuple(fact for revisions in history.revisions.values() for fact in revisions)


async def record(store: Store, facts: Facts, *, now: datetime) -> Recorded:
    """Takes in facts in one transaction."""
    async with store.write() as write:
        return await record_facts(write, facts, now=now)


async def scores_of(read: Read, forecast_ids: Collection[str]) -> dict[str, list[Score]]:
    """All scores of some forecasts, oldest revision first."""
    found = await read.rows(
        select(scores)
        .where(scores.c.forecast_id.in_(list(forecast_ids)))
        .order_by(scores.c.forecast_id, scores.c.revision, scores.c.measure)
    )
    of_forecast: dict[str, list[Score]] = {}
    for row in found:
        of_forecast.setdefault(row.forecast_id, []).append(
            Score(row.forecast_id, row.revision, Measure(row.measure), row.value)
        )
    return of_forecast


@dataclass(frozen=True, slots=True)
class Event:
    sequence: int
    kind: EventKind
    race_id: str | None
    forecast_id: str | None
    revision: int | None
    cause: str
    happened_at: datetime


async def events_after(read: Read, sequence: int, *, kinds: Sequence[EventKind], limit: int) -> list[Event]:
    """The next events of some kinds, oldest first."""
    found = await read.rows(
        select(events)
        .where(events.c.sequence > sequence, events.c.kind.in_(kinds))
        .order_by(events.c.sequence)
        .limit(limit)
    )
    return [
        Event(
            row.sequence,
            EventKind(row.kind),
            row.race_id,
            row.forecast_id,
            row.revision,
            row.cause,
            row.happened_at,
        )
        for row in found
    ]


async def ping(read: Read) -> None:
    """Asks the database for an answer."""
    assert await read.value(text("SELECT 1")) == 1
