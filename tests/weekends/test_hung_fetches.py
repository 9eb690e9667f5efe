"""A child that hangs, and calls of one fetch after another, seen from the hosts."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import psutil

from f1graph.races.calendar import SessionKind
from f1graph.sources.fastf1 import Allowance, FastF1, Host, Hosts, ProblemCode, planned_calls
from f1graph.store.budget import Spent, spent
from f1graph.store.engine import Store
from f1graph.store.ledger import WorkStatus, last_work
from f1graph.weekends.intake import record
from f1graph.weekends.run import Result, do_unit
from f1graph.weekends.units import Season
from f1graph.weekends.work import Work, WorkKind
from f1graph.wiring import sessions_of, source_of
from tests.made_up_hosts import a_made_up_season, facts_before, made_up_hosts
from tests.weekends.recorded import MovingClock

DEADLINE = timedelta(seconds=4)


def children() -> list[psutil.Process]:
    return [
        process
        for process in psutil.Process().children()
        if "f1graph.sources.fastf1.child" in process.cmdline()
    ]


def freeze(_number: int) -> None:
    for child in children():
        with suppress(psutil.Error):
            child.suspend()


async def test_q5_a_child_that_hangs_is_killed_at_its_deadline(store: Store, tmp_path: Path) -> None:
    """Q5: the ledger says so, all its calls count as made, and no process is left."""
    races = a_made_up_season(1)
    clock = MovingClock(races[0].ends_at + timedelta(minutes=30))
    async with store.write() as write:
        await record(write, facts_before(races), now=races[0].starts_at - timedelta(days=30))
    work = Work(WorkKind.FETCH, "FETCH/hung", "a test", race_id=races[0].id, session=SessionKind.RACE)
    with made_up_hosts(races) as hosts:
        hosts.on_request = freeze
        settings = hosts.settings(data_dir=tmp_path, fastf1_deadline=DEADLINE)
        source, sessions = await source_of(settings, store), await sessions_of(settings, store)
        season = Season(store, source, None, clock, "worker", sessions=sessions)
        # A process that is stopped never ends by itself.
        async with asyncio.timeout(60):
            outcome = await do_unit(season, work)

    assert outcome.result is Result.FAILED
    assert children() == []
    async with store.read() as read:
        (row,) = [row for row in await last_work(read, limit=5) if row.key == work.key]
        counted = await spent(read, [Host.LIVE_TIMING.value], now=clock.now)
    assert row.status is WorkStatus.FAILED
    assert [problem["code"] for problem in row.detail["problems"]] == ["TIMED_OUT"]
    assert counted[Host.LIVE_TIMING] == Spent(planned_calls(SessionKind.RACE)[Host.LIVE_TIMING], 0)


async def test_s3_the_first_call_of_a_fetch_keeps_its_distance_from_the_last_of_another() -> None:
    """S3: whoever comes next, in whatever process, begins where the other has left off."""
    races = a_made_up_season(3)
    with made_up_hosts(races) as hosts:
        settings = hosts.settings()
        source = FastF1(
            hosts=Hosts(
                settings.live_timing_url,
                settings.live_timing_mirror_url,
                settings.schedule_url,
                settings.ergast_url,
            ),
            cache=None,
            deadline=DEADLINE,
        )
        # Somebody may have asked a moment ago: for an hour nothing is sent, and the fetch is given up.
        allowance = Allowance(planned_calls(None), interval=timedelta(hours=1))
        answer = await source.fetch_schedule(2030, allowance=allowance, now=races[0].starts_at)

    assert [problem.code for problem in answer.problems] == [ProblemCode.TIMED_OUT]
    assert hosts.asked == []
