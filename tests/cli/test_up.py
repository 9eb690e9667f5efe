"""`f1graph up`: the whole service by one command, from an empty folder."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

import psutil

NOW = "2024-10-02T12:00Z"


def a_free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def up(folder: Path, port: int) -> subprocess.Popen[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("F1GRAPH_")}
    return subprocess.Popen(
        [sys.executable, "-m", "f1graph", "up"],
        env=environment
        | {
            "F1GRAPH_DATA_DIR": str(folder),
            "F1GRAPH_PORT": str(port),
            "F1GRAPH_NOW": NOW,
            "F1GRAPH_INVENTED_SEASONS": "2",
            "F1GRAPH_MODEL": "rating",
            "F1GRAPH_THREADS": "1",
            "PYTHONUNBUFFERED": "1",
            "COLUMNS": "200",
            # Nobody listens there: the machine is without a network.
            "HTTPS_PROXY": "http://127.0.0.1:9",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def read_until(process: subprocess.Popen[str], words: str) -> str:
    """What it said up to the line with `words`; waits for that line, or for the end of the process."""
    assert process.stdout is not None
    said = ""
    for line in process.stdout:
        said += line
        if words in line:
            return said
    raise AssertionError(f"it ended without saying {words!r}:\n{said}")


def ask(port: int, query: str) -> Any:
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/graphql",
        data=json.dumps({"query": query}).encode(),
        headers={"content-type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)["data"]


def _runs(process: psutil.Process) -> bool:
    """A process whose parent is gone may stay behind as a zombie where nobody collects those."""
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE


def test_one_command_serves_a_forecast_of_the_next_race_and_ctrl_c_stops_all_of_it(tmp_path: Path) -> None:
    """S15: without a network the service starts and answers; the invented championship is named as such."""
    port = a_free_port()
    process = up(tmp_path, port)
    try:
        said = read_until(process, "for the record")
        found = ask(
            port, "{ service { invented } nextRace { name invented forecast { stage entries { win } } } }"
        )
        children = psutil.Process(process.pid).children(recursive=True)
        [queue] = [child for child in children if "valkey" in child.name()]
        queue.kill()
        revived = read_until(process, "Valkey was gone")
        process.send_signal(signal.SIGINT)
        rest = process.communicate(timeout=60)[0]
    finally:
        process.kill()

    assert "INVENTED championship" in said
    assert "The embedded Valkey was gone" in revived
    assert found["service"]["invented"]
    assert found["nextRace"]["invented"]
    assert abs(sum(entry["win"] for entry in found["nextRace"]["forecast"]["entries"]) - 1) < 1e-6
    assert len(children) >= 3
    assert process.returncode == 0
    assert "Stopped." in rest
    assert not [child for child in children if child.is_running()]


def test_a_taken_port_is_named_with_the_setting_that_changes_it(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = int(taken.getsockname()[1])

        process = up(tmp_path, port)
        said = process.communicate(timeout=60)[0]

    assert process.returncode == 2
    assert f"127.0.0.1:{port}" in said
    assert "F1GRAPH_PORT" in said


def test_when_it_is_killed_nothing_stays_that_keeps_the_next_one_from_starting(tmp_path: Path) -> None:
    port = a_free_port()
    process = up(tmp_path, port)
    try:
        read_until(process, "Ctrl-C stops it")
        children = psutil.Process(process.pid).children(recursive=True)
    finally:
        process.kill()
        process.communicate()
    ours = [child for child in children if "f1graph" in child.cmdline()]
    gone, _ = psutil.wait_procs(ours, timeout=60)

    process = up(tmp_path, port)
    try:
        said = read_until(process, "Ctrl-C stops it")
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
    finally:
        process.kill()

    assert len(gone) == len(ours) >= 1
    assert f"127.0.0.1:{port}" in said
    assert process.returncode == 0
    assert not [child for child in children if _runs(child)]
