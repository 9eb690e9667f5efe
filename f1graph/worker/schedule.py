"""When the bell rings. What is then due is decided by weekends, so a missed bell loses nothing."""

from __future__ import annotations

from datetime import UTC, timedelta

from arq.cron import CronJob, cron

from f1graph.errors import SettingsError
from f1graph.races.refreshes import DAILY_REFRESH
from f1graph.worker.jobs import daily_refresh, tick, train, walk

# By default arq reads cron times in the zone of the machine.
TIME_ZONE = UTC


def cron_table(every: timedelta, *, train_timeout: timedelta) -> list[CronJob]:
    """The daily refresh at 12:00 UTC, and tick and training, which also ring at the start of a worker.

    Args:
        train_timeout: Longest time that a training may take in one go.

    Raises:
        SettingsError: The tick does not divide an hour into whole minutes.
    """
    minutes = _minutes(every)
    return [
        # A failed run is not repeated by the queue: the next tick finds what it left.
        cron(
            daily_refresh,
            name="daily refresh",
            hour=DAILY_REFRESH.hour,
            minute=DAILY_REFRESH.minute,
            keep_result=0,
            max_tries=1,
        ),
        cron(
            tick,
            name="tick",
            minute=minutes,
            run_at_startup=True,
            keep_result=0,
            max_tries=1,
        ),
        cron(
            train,
            name="training",
            minute=minutes,
            run_at_startup=True,
            keep_result=0,
            max_tries=1,
            timeout=train_timeout,
        ),
    ]


def walks_table(every: timedelta, *, walk_timeout: timedelta) -> list[CronJob]:
    """Whoever asks for a back-test rings for each of its legs; this bell is for who rang without a queue.

    Args:
        walk_timeout: Longest time that legs may be walked in one go.

    Raises:
        SettingsError: See `cron_table`.
    """
    return [
        cron(
            walk,
            name="walks",
            minute=_minutes(every),
            run_at_startup=True,
            keep_result=0,
            max_tries=1,
            timeout=walk_timeout,
        )
    ]


def _minutes(every: timedelta) -> set[int]:
    minutes = every // timedelta(minutes=1)
    if every != timedelta(minutes=minutes) or not 1 <= minutes <= 60 or 60 % minutes:
        raise SettingsError(
            f"F1GRAPH_TICK={every}: the tick must be whole minutes that divide an hour, "
            "such as 1, 2, 3, 5, 10, 15, 20, 30 or 60"
        )
    return set(range(0, 60, minutes))


def in_words(table: list[CronJob]) -> list[str]:
    """One line per bell, in UTC."""
    return [
        f"{job.name}: "
        + (f"{job.hour:02d}:{job.minute:02d} UTC" if job.hour is not None else _ticks(job.minute))
        for job in table
    ]


def _ticks(minutes: object) -> str:
    assert isinstance(minutes, set)
    return "each hour at minute " + ", ".join(f"{minute:02d}" for minute in sorted(minutes)) + " UTC"
