"""A back-test that is left to worker processes, as a user of the terminal gets it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from f1graph.forecasts.backtest_file import read_journal
from tests.cli.test_commands import answer, f1graph
from tests.worker.conftest import WatchedWorker
from tests.worker.test_process import is_begun

# A Wednesday, so that the workers have nothing else to learn meanwhile.
NOW, LATER = "2024-05-01T12:00Z", "2024-05-01T12:05Z"
ASKED = (
    *("--seasons", "2023-2024", "--stages", "BEFORE_WEEKEND,AFTER_QUALIFYING", "--refits", "2"),
    *("--draws", "40", "--models", "rating,grid,uniform"),
)
LEGS = 8

Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture(scope="module")
def invented(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    answer(f1graph(folder, "import", "invented", "--json", now=NOW, seasons=3))
    return folder


@pytest.fixture(scope="module")
def by_one(invented: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("one") / "forecasts.csv"
    done = f1graph(invented, "backtest", *ASKED, "--out", str(out), now=NOW)
    assert done.returncode == 0, done.stderr
    return out


@pytest.fixture
def start(invented: Path, redis_url: str) -> Iterator[Start]:
    """Processes on one database and one queue."""
    started: list[subprocess.Popen[str]] = []

    def start_one(*arguments: str, now: str = NOW) -> subprocess.Popen[str]:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("F1GRAPH_")}
        environment |= {
            "F1GRAPH_DATA_DIR": str(invented),
            "F1GRAPH_INVENTED_SEASONS": "3",
            "F1GRAPH_MODEL": "rating",
            "F1GRAPH_THREADS": "1",
            "F1GRAPH_REDIS_URL": redis_url,
            "F1GRAPH_NOW": now,
            "F1GRAPH_LOG_FORMAT": "json",
            "COLUMNS": "200",
        }
        process = subprocess.Popen(
            [sys.executable, "-m", "f1graph", *arguments],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start_one
    for process in started:
        process.kill()
        process.wait()
        if process.stderr is not None:
            process.stderr.close()


def ask(start: Start, out: Path) -> subprocess.Popen[str]:
    return start("backtest", *ASKED, "--workers", "--out", str(out))


def said_at_the_end(asking: subprocess.Popen[str]) -> str:
    return asking.communicate(timeout=120)[1]


def read_to_the_end(workers: Iterable[WatchedWorker]) -> list[dict[str, Any]]:
    """Their whole logs, after they were asked to end."""
    for worker in workers:
        if worker.process.poll() is None:
            worker.process.send_signal(signal.SIGTERM)
    for worker in workers:
        worker.ended(seconds=60)
        while (line := worker.lines.get(timeout=60)) is not None:
            worker.seen.append(line)
    return [line for worker in workers for line in worker.seen]


def begun(lines: Iterable[dict[str, Any]]) -> Counter[str]:
    return Counter(line["work"] for line in lines if is_begun("BACKTEST")(line))


def test_q2_workers_walk_every_leg_once_and_that_of_a_killed_one_again(
    start: Start, by_one: Path, tmp_path: Path
) -> None:
    """Q1, Q2: the file is that of one process to the byte, whoever was killed meanwhile."""
    out = tmp_path / "forecasts.csv"
    asking = ask(start, out)
    killed, other = WatchedWorker(start("worker")), WatchedWorker(start("worker"))
    lost = str(killed.wait_for(is_begun("BACKTEST"))["work"])
    killed.process.kill()
    # Its claim would run out by itself within a minute; a third worker's clock is there already.
    other.wait_for(is_begun("BACKTEST"))
    third = WatchedWorker(start("worker", now=LATER))

    said = said_at_the_end(asking)

    assert asking.returncode == 0, said
    assert "Written to" in said
    assert out.read_bytes() == by_one.read_bytes()
    assert [seal.key for seal, _ in read_journal(out).seals] == [
        seal.key for seal, _ in read_journal(by_one).seals
    ]
    by_worker = [begun(read_to_the_end([worker])) for worker in (other, third)]
    walked = sum(by_worker, start=Counter[str]())
    assert lost in walked
    assert len(walked) == LEGS
    # The third's clock says that the second has lost what it is walking; none walks a leg twice itself.
    assert all(set(legs.values()) <= {1} for legs in by_worker)


@pytest.mark.slow
def test_a_back_test_that_was_stopped_goes_on_with_the_legs_that_are_left(
    start: Start, by_one: Path, tmp_path: Path
) -> None:
    """Q2: and a worker that is asked to end in the middle does not wait for its leg, but puts it back."""
    out = tmp_path / "forecasts.csv"
    stopped = ask(start, out)
    # Alone, so that seven legs or eight are left however slow this process is to hear of the first.
    one = WatchedWorker(start("worker"))
    one.wait_for(is_begun("BACKTEST"))
    stopped.send_signal(signal.SIGINT)
    said_at_the_end(stopped)
    assert stopped.returncode != 0
    assert len(out.read_text().splitlines()) == 1

    workers = one, other = one, WatchedWorker(start("worker"))
    again = ask(start, out)
    left = str(one.wait_for(is_begun("BACKTEST"))["work"])
    one.process.send_signal(signal.SIGTERM)
    assert one.ended(seconds=20) == 0
    said = said_at_the_end(again)

    assert again.returncode == 0, said
    assert out.read_bytes() == by_one.read_bytes()
    lines = read_to_the_end(workers)
    walked = begun(lines)
    assert len(walked) == LEGS
    assert {work for work, times in walked.items() if times > 1} <= {left}
    assert not [line for line in lines if line["event"] == "work failed"]
    assert other.process.returncode == 0
