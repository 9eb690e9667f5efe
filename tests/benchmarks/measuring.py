"""Measuring: a child process of its own for each thing, medians, and tables."""

from __future__ import annotations

import json
import os
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import psutil
from rich import box
from rich.console import Console
from rich.table import Table

console = Console(width=110)


def show(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD)
    for index, column in enumerate(columns):
        table.add_column(column, justify="left" if index == 0 else "right")
    for row in rows:
        table.add_row(*row)
    console.print(table)


def in_a_process(module: str, *arguments: str) -> dict[str, Any]:
    """Runs `python -m module` and returns the JSON of its last line, with its time and peak memory.

    Memory is read from the process' own high-water mark: the kernel's figure for a child also counts
    what its parent had when it was forked.
    """
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments], check=True, capture_output=True, text=True
    )
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return {**answer, "seconds_of_process": time.perf_counter() - started}


def peak_megabytes() -> float:
    """The high-water mark of this process."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("this kernel does not tell the high-water mark")


def milliseconds(ask: Callable[[], object], *, times: int) -> list[float]:
    """How long each of `times` calls took, after a few that do not count."""
    for _ in range(max(3, times // 10)):
        ask()
    taken = []
    for _ in range(times):
        started = time.perf_counter()
        ask()
        taken.append(1000 * (time.perf_counter() - started))
    return taken


def median_and_p99(taken: Sequence[float]) -> tuple[str, str]:
    return f"{statistics.median(taken):.1f}", f"{statistics.quantiles(taken, n=100)[98]:.1f}"


@contextmanager
def served(arguments: Sequence[str], *, port: int, path: str, **environment: str) -> Iterator[psutil.Process]:
    """A server in a process of its own, ready when `path` answers 200."""
    process = subprocess.Popen(
        [sys.executable, *arguments],
        env=os.environ | environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for(f"http://127.0.0.1:{port}{path}", process)
        yield psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait(timeout=30)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.perf_counter() + 60
    while time.perf_counter() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"the server of {url} left with exit code {process.returncode}")
        try:
            if httpx.get(url).status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.02)
    raise RuntimeError(f"{url} did not answer within a minute")


def release() -> Path | None:
    """An F1DB release to measure with: F1GRAPH_F1DB, or one beside the project."""
    named = os.environ.get("F1GRAPH_F1DB")
    beside = Path(__file__).resolve().parents[3] / "shared" / "data" / "f1db-csv.zip"
    for path in (Path(named) if named else beside, beside):
        if path.is_file():
            return path
    return None
