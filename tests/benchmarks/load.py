"""Load from `wrk`, which is a program of its own: requests a second, median and 99th percentile."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

CONCURRENCY = 16
SECONDS = 2

# Without a body the method stays GET.
_SCRIPT = """
local body = os.getenv("F1GRAPH_BENCH_BODY")
if body ~= nil and body ~= "" then
  wrk.method = "POST"
  wrk.body = body
  wrk.headers["content-type"] = "application/json"
end
"""
_UNITS = {"us": 0.001, "ms": 1.0, "s": 1000.0, "m": 60_000.0}


@dataclass(frozen=True, slots=True)
class Load:
    """What a server did under load.

    Attributes:
        median, p99: Milliseconds until a request was answered.
    """

    per_second: float
    median: float
    p99: float


def is_there() -> bool:
    return shutil.which("wrk") is not None


def put_under_load(url: str, *, body: str = "", seconds: int = SECONDS) -> Load:
    """Asks `url` from 16 connections for some seconds; by POST where there is a body.

    Raises:
        RuntimeError: A request failed, so that the figures mean nothing.
    """
    with tempfile.TemporaryDirectory(prefix="wrk") as folder:
        script = Path(folder) / "ask.lua"
        script.write_text(_SCRIPT)
        done = subprocess.run(
            ["wrk", "-t1", f"-c{CONCURRENCY}", f"-d{seconds}s", "--latency", "-s", str(script), url],
            env=os.environ | {"F1GRAPH_BENCH_BODY": body},
            check=True,
            capture_output=True,
            text=True,
        )
    if "Non-2xx" in done.stdout or "Socket errors" in done.stdout:
        raise RuntimeError(done.stdout)
    return read_report(done.stdout)


def read_report(text: str) -> Load:
    """The figures of wrk's report."""
    per_second = re.search(r"Requests/sec:\s+([\d.]+)", text)
    if per_second is None:
        raise RuntimeError(f"wrk did not tell how many requests were answered: {text}")
    return Load(float(per_second[1]), _percentile(text, 50), _percentile(text, 99))


def _percentile(text: str, number: int) -> float:
    found = re.search(rf"^\s+{number}%\s+([\d.]+)(us|ms|s|m)\s*$", text, re.MULTILINE)
    if found is None:
        raise RuntimeError(f"wrk did not tell the {number}th percentile: {text}")
    return float(found[1]) * _UNITS[found[2]]
