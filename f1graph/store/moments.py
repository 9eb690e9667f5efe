"""The moments at which what is known now changes without anybody writing anything."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import func, select, union_all

from f1graph.store.engine import Read
from f1graph.store.tables.facts import classifications, races
from f1graph.store.tables.forecasts import forecasts, scores
from f1graph.store.tables.recordings import recordings, weather_forecasts

# Whatever is compared with the present moment to tell what is known, to come or over.
MOMENTS = (
    races.c.starts_at,
    races.c.ends_at,
    classifications.c.known_at,
    recordings.c.known_at,
    weather_forecasts.c.known_at,
    forecasts.c.made_at,
    scores.c.scored_at,
)


async def next_change(read: Read, now: datetime) -> datetime:
    """The first of these moments after `now`; the New Year at the latest, which opens another season."""
    nearest = union_all(*(select(func.min(column).label("moment")).where(column > now) for column in MOMENTS))
    found: list[datetime] = [row.moment for row in await read.rows(nearest) if row.moment is not None]
    return min([*found, datetime(now.year + 1, 1, 1, tzinfo=UTC)])
