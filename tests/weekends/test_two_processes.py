"""Processes that fetch at the same time, and processes that are killed: counted by whom they ask."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

from f1graph.races.calendar import Race
from f1graph.sources.fastf1 import Host
from f1graph.store.engine import open_store
from f1graph.weekends.intake import record
from tests.made_up_hosts import MadeUpHosts, a_made_up_season, facts_before, made_up_hosts

ROOT = Path(__file__).parent.parent.parent
PER_SECOND, PER_HOUR = 4, 20


def started(
    hosts: MadeUpHosts,
    url: str,
    folder: Path,
    *arguments: str,
    now: str = "2030-12-01T12:00Z",
    **more: object,
) -> Any:
    """A process of the command line, some weeks after the last race of the season."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("F1GRAPH_")}
    settings = {**hosts.environment_of_settings(), "data_dir": folder, "database_url": url, **more}
    environment |= {f"F1GRAPH_{name.upper()}": str(value) for name, value in settings.items()}
    return subprocess.Popen(
        [sys.executable, "-m", "f1graph", "--now", now, *arguments],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


async def the_calendar_of(url: str, races: tuple[Race, ...]) -> None:
    store = open_store(url)
    facts = facts_before(races)
    async with store.write() as write:
        await record(write, facts, now=races[0].starts_at - timedelta(days=30))
    await store.close()


def outcomes(process: Any) -> list[dict[str, Any]]:
    said, complained = process.communicate(timeout=100)
    assert process.returncode == 0, complained
    return list(json.loads(said))


def test_s3_q1_two_processes_keep_one_budget_and_fetch_nothing_twice(
    database_url: str, tmp_path: Path
) -> None:
    """S3, Q1: neither the calls of an hour nor those of a second, as the hosts themselves count them."""
    races = a_made_up_season(3)
    asyncio.run(the_calendar_of(database_url, races))
    limits: dict[str, Any] = {}
    for host in Host:
        limits |= {f"{host}_calls_per_hour": PER_HOUR, f"{host}_calls_per_second": PER_SECOND}
    with made_up_hosts(races) as hosts:
        processes = [
            started(hosts, database_url, tmp_path / name, "fetch", "2030", "--no-wait", "--json", **limits)
            for name in ("one", "two")
        ]
        told = [outcome for process in processes for outcome in outcomes(process)]

    results = Counter(outcome["result"] for outcome in told)
    # Nine calls to the archive per race: the third has no room in the hour.
    assert results["DONE"] == 2
    assert results["WAITING"] >= 1
    assert results.keys() <= {"DONE", "WAITING", "TAKEN"}
    asked = Counter((one.host, one.path) for one in hosts.asked if one.host is not Host.SCHEDULE)
    assert set(asked.values()) == {1}
    for host in Host:
        at = [one.at for one in hosts.of(host)]
        assert len(at) <= PER_HOUR
        # Two seconds' calls; twice as many would take one. A request is on its way for a while, on a busy
        # machine for longer.
        assert all(later - first > 1.5 for first, later in zip(at, at[2 * PER_SECOND :], strict=False))
