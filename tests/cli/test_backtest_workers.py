"""A back-test that is left to others, without any queue."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.cli.test_commands import answer, f1graph

NOW = "2024-05-01T12:00Z"
ASKED = (
    *("backtest", "--seasons", "2024", "--stages", "AFTER_QUALIFYING", "--refits", "2"),
    *("--draws", "40", "--models", "grid,uniform"),
)


def asking(folder: Path, out: Path) -> subprocess.Popen[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("F1GRAPH_")}
    return subprocess.Popen(
        [sys.executable, "-m", "f1graph", "--now", NOW, *ASKED, "--workers", "--out", str(out)],
        env=environment | {"F1GRAPH_DATA_DIR": str(folder), "COLUMNS": "200"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_q9_a_leg_is_walked_from_the_command_line_where_there_is_no_queue(tmp_path: Path) -> None:
    """Q9: every job runs without Redis."""
    answer(f1graph(tmp_path, "import", "invented", "--json", now=NOW, seasons=2))
    alone = f1graph(tmp_path, *ASKED, "--out", str(tmp_path / "alone.csv"), now=NOW)
    assert alone.returncode == 0, alone.stderr
    nothing = f1graph(tmp_path, "walk", now=NOW)
    assert "No back-test is asked for" in nothing.stdout

    with asking(tmp_path, tmp_path / "together.csv") as asks:
        assert asks.stderr is not None
        assert "Asked for 2 legs" in asks.stderr.readline()
        walked = answer(f1graph(tmp_path, "walk", "--json", now=NOW))
        said = asks.communicate(timeout=60)[1]

    assert asks.returncode == 0, said
    assert [outcome["result"] for outcome in walked] == ["DONE", "DONE"]
    assert (tmp_path / "together.csv").read_bytes() == (tmp_path / "alone.csv").read_bytes()


def test_processes_here_and_workers_elsewhere_exclude_each_other(tmp_path: Path) -> None:
    out = tmp_path / "forecasts.csv"

    done = f1graph(tmp_path, *ASKED, "--workers", "--jobs", "2", "--out", str(out))

    assert done.returncode == 2
    assert "give one of them" in done.stderr
    assert not out.exists()
