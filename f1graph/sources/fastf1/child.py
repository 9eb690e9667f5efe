"""The process in which FastF1 runs: a request on standard input, an answer on standard output, plain values.

It is started for each fetch and ends with it: pandas never holds the lock of the process with the event
loop, its memory is given back, and FastF1's global settings are set in one place. Nobody imports it.
"""

from __future__ import annotations

import json
import logging
import math
import os
import signal
import sys
import time
import warnings
from datetime import timedelta
from pathlib import Path
from typing import Any

import fastf1
import fastf1._api
import fastf1.ergast.interface
import fastf1.events
import pandas as pd
from fastf1.req import Cache, _SessionWithRateLimiting

from f1graph.sources.fastf1.answers import Allowance, Host, Hosts
from f1graph.sources.fastf1.metering import BudgetSpentError, Meter, MeteredAdapter
from f1graph.sources.fastf1.pages import Pages

_FRAMES = ("results", "laps", "weather_data", "race_control_messages", "track_status", "session_status")
# Headshots, colours and the like are nobody's facts.
_COLUMNS = {
    "results": (
        "DriverNumber", "Abbreviation", "DriverId", "TeamName", "TeamId", "FirstName", "LastName", "Position",
        "ClassifiedPosition", "GridPosition", "Q1", "Q2", "Q3", "Time", "Status", "Points", "Laps",
    ),
    "laps": (
        "DriverNumber", "Time", "LapTime", "LapNumber", "Stint", "PitOutTime", "PitInTime", "Sector1Time",
        "Sector2Time", "Sector3Time", "SpeedI1", "SpeedI2", "SpeedFL", "SpeedST", "IsPersonalBest",
        "Compound", "TyreLife", "FreshTyre", "TrackStatus", "Position", "Deleted", "DeletedReason",
        "FastF1Generated", "IsAccurate",
    ),
    "race_control_messages": (
        "Time", "Category", "Message", "Flag", "Scope", "Sector", "RacingNumber", "Lap",
    ),
}  # fmt: skip
_SESSIONS = 5


class _Log(logging.Handler):
    """FastF1 says what went wrong in its log only."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


def main() -> None:
    answer_to = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever a library prints must not end up in the answer
    request = json.load(sys.stdin)
    # Outliving the parent would keep asking hosts that nobody waits for.
    if hasattr(signal, "alarm"):
        signal.alarm(math.ceil(request["seconds"]) + 1)
    warnings.simplefilter("ignore")
    json.dump(_answer(request), answer_to, allow_nan=False)
    answer_to.flush()


def _answer(request: dict[str, Any]) -> dict[str, Any]:
    hosts = Hosts(**request["hosts"])
    meter = Meter(
        hosts=hosts,
        allowance=Allowance(
            calls={Host(host): calls for host, calls in request["calls"].items()},
            interval=timedelta(seconds=request["interval"]),
        ),
        race=None if request["round"] is None else (request["season"], request["round"]),
        call_timeout=request["call_timeout"],
        # The rest is for reading what has come.
        give_up_at=time.monotonic() + 0.8 * request["seconds"],
        asked_at=request["asked_at"],
        is_waited_for=lambda: os.getppid() == request["parent"],
    )
    log = _Log()
    logging.getLogger("fastf1").addHandler(log)
    _set_up_fastf1(hosts, meter, Path(request["cache"]), use_cache=request["use_cache"])
    answer: dict[str, Any] = {"error": None}
    try:
        if request["round"] is None:
            answer["schedule"] = _schedule(request["season"])
        else:
            answer |= _session(request["season"], request["round"], request["names"])
    except BudgetSpentError as error:
        answer = {"error": ["BUDGET_SPENT", str(error)]}
    except (
        Exception,
        SystemExit,
    ) as error:  # FastF1 raises whatever pandas does, and leaves at a stale cache
        answer["error"] = ["CRASHED", f"{type(error).__name__}: {error}"]
    return answer | {
        "calls": dict(meter.calls),
        "raw_hashes": meter.raw_hashes,
        "failures": meter.failures,
        "good": meter.good,
        "log": log.lines,
        "version": fastf1.__version__,
        "peak_memory": _peak_memory(),
    }


def _peak_memory() -> int:
    """The most bytes this process held. The figure of getrusage would also count what its parent held."""
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.is_file() else []
    return next((1024 * int(line.split()[1]) for line in lines if line.startswith("VmHWM:")), 0)


def _set_up_fastf1(hosts: Hosts, meter: Meter, cache: Path, *, use_cache: bool) -> None:
    fastf1._api.base_url = hosts.live_timing
    fastf1._api.base_url_mirror = hosts.live_timing_mirror
    fastf1.events._SCHEDULE_BASE_URL = hosts.schedule
    fastf1.ergast.interface.BASE_URL = hosts.ergast
    # FastF1 counts in this process only, from nothing. The allowance holds its rates for all processes.
    _SessionWithRateLimiting._RATE_LIMITS.clear()
    cache.mkdir(parents=True, exist_ok=True)
    Cache.configure(cache_dir=str(cache), use_requests_cache=use_cache)
    if not use_cache:
        Cache.set_disabled()
    for session in filter(None, (Cache._requests_session, Cache._requests_session_cached)):
        session.adapters.clear()
        session.mount("http://", MeteredAdapter(meter))
        session.mount("https://", MeteredAdapter(meter))


def _schedule(season: int) -> list[dict[str, Any]]:
    events = fastf1.get_event_schedule(season, include_testing=False, backend="fastf1")
    return [_event(event, season) for _, event in events.iterrows()]


def _event(event: Any, season: int) -> dict[str, Any]:
    plain = {
        ours: _plain(event[theirs])
        for ours, theirs in (
            ("round", "RoundNumber"), ("name", "EventName"), ("official_name", "OfficialEventName"),
            ("country", "Country"), ("place", "Location"), ("format", "EventFormat"),
        )
    }  # fmt: skip
    sessions = [
        [_plain(event[f"Session{number}"]), _plain(event[f"Session{number}DateUtc"])]
        for number in range(1, _SESSIONS + 1)
    ]
    return plain | {"season": season, "sessions": sessions}


def _session(season: int, round_: int, names: list[str]) -> dict[str, Any]:
    """Everything but telemetry of the session that has one of `names`, asked by its number."""
    event = fastf1.get_event(season, round_, backend="fastf1")
    described = _event(event, season)
    number = next((n for n, (name, _) in enumerate(described["sessions"], 1) if name in names), None)
    if number is None:
        return {"event": described, "frames": {}, "info": None}
    session = event.get_session(number)
    pages = Pages()
    pages.watch()
    session.load(laps=True, telemetry=False, weather=True, messages=True)
    frames = {name: _frame(session, name) for name in _FRAMES} | _plain(pages.frames())
    return {
        "event": described,
        "frames": {name: rows for name, rows in frames.items() if rows is not None},
        "info": _plain(getattr(session, "_session_info", None)),
        "starts_at": described["sessions"][number - 1][1],
        "started_after": _plain(getattr(session, "_session_start_time", None)),
        "total_laps": _plain(getattr(session, "_total_laps", None)),
    }


def _frame(session: Any, name: str) -> dict[str, list[Any]] | None:
    """The frame's columns, or None where it was not loaded."""
    frame = getattr(session, f"_{name}", None)
    if frame is None:
        return None
    columns = [column for column in _COLUMNS.get(name, frame.columns) if column in frame.columns]
    return {column: [_plain(value) for value in frame[column].tolist()] for column in columns}


def _plain(value: Any) -> Any:
    """Milliseconds for a duration, UTC for a time (FastF1's are naive but UTC), None for what is missing."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if (
        value is None
        or value is pd.NaT
        or value is pd.NA
        or (isinstance(value, float) and not math.isfinite(value))
    ):
        return None
    if isinstance(value, timedelta):
        return round(value / timedelta(milliseconds=1))
    if hasattr(value, "isoformat"):
        return value.isoformat()
    if hasattr(value, "item"):
        return _plain(value.item())
    return value if isinstance(value, bool | int | float | str) else str(value)


if __name__ == "__main__":
    main()
