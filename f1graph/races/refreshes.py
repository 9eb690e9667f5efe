"""What is done again after a while: the daily refresh, whatever happens, and the training of models."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

DAILY_REFRESH = time(12, 0, tzinfo=UTC)
# A model that has not seen the last so many races is trained anew: a walk through 2015 to 2024 that did so
# four times a season was better than one that did so once.
REFIT_AFTER_RACES = 6
# Of earlier seasons no session can be asked for alone: the archive of the timing begins here.
FIRST_SEASON_BY_SESSION = 2018


def latest_refresh(moment: datetime) -> datetime:
    """The last one that is not after the moment."""
    today = datetime.combine(moment.astimezone(UTC).date(), DAILY_REFRESH)
    return today if today <= moment else today - timedelta(days=1)


def next_refresh(moment: datetime) -> datetime:
    """The first one after the moment."""
    return latest_refresh(moment) + timedelta(days=1)
