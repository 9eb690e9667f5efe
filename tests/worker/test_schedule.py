"""When the bell rings."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import timedelta

import pytest

from f1graph.errors import SettingsError
from f1graph.worker.schedule import cron_table, in_words, walks_table

PRINTS_THE_NEXT_BELLS = """
from datetime import datetime, timedelta
from f1graph.worker.schedule import TIME_ZONE, cron_table, in_words
table = cron_table(timedelta(minutes=3), train_timeout=timedelta(hours=2))
for job in table:
    job.calculate_next(datetime(2024, 3, 14, 10, 1, tzinfo=TIME_ZONE))
    print(job.next_run.isoformat())
print(in_words(table), datetime.now(tz=TIME_ZONE).utcoffset())
"""


def bells_in(zone: str) -> str:
    answer = subprocess.run(
        [sys.executable, "-c", PRINTS_THE_NEXT_BELLS],
        env=os.environ | {"TZ": zone},
        capture_output=True,
        text=True,
        check=True,
    )
    return answer.stdout


def test_the_daily_refresh_is_at_noon_utc_wherever_the_machine_stands() -> None:
    """Q7: cron times are in the machine's zone by default."""
    assert bells_in("UTC") == bells_in("Asia/Tokyo")
    assert "2024-03-14T12:00:00" in bells_in("Asia/Tokyo")


def test_the_table_reads_like_a_timetable() -> None:
    assert in_words(cron_table(timedelta(minutes=20), train_timeout=timedelta(hours=2))) == [
        "daily refresh: 12:00 UTC",
        "tick: each hour at minute 00, 20, 40 UTC",
        "training: each hour at minute 00, 20, 40 UTC",
    ]
    assert in_words(walks_table(timedelta(minutes=30), walk_timeout=timedelta(hours=2))) == [
        "walks: each hour at minute 00, 30 UTC"
    ]


@pytest.mark.parametrize("minutes", [0, 0.5, 7, 45, 90])
def test_a_tick_that_does_not_divide_an_hour_is_refused(minutes: float) -> None:
    with pytest.raises(SettingsError, match="F1GRAPH_TICK="):
        cron_table(timedelta(minutes=minutes), train_timeout=timedelta(hours=2))
