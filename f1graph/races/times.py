"""Times: always aware, always UTC."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


def utc(naive: datetime) -> datetime:
    """Says that a time without a zone is meant in UTC."""
    return naive.replace(tzinfo=UTC)


def require_utc(moment: datetime, what: str) -> datetime:
    """Returns `moment` if it is aware and in UTC.

    Raises:
        ValueError: It has no zone or another one; the text names `what`.
    """
    if moment.utcoffset() != timedelta(0):
        raise ValueError(f"{what} must be in UTC, not {moment.isoformat()}")
    return moment
