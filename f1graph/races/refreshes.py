"""The daily refresh: whatever happens, once a day everything is brought up to date."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

DAILY_REFRESH = time(12, 0, tzinfo=UTC)


def latest_refresh(moment: datetime) -> datetime:
    """The last one that is not after the moment."""
    today = datetime.combine(moment.astimezone(UTC).date(), DAILY_REFRESH)
    return today if today <= moment else today - timedelta(days=1)


def next_refresh(moment: datetime) -> datetime:
    """The first one after the moment."""
    return latest_refresh(moment) + timedelta(days=1)
