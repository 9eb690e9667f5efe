"""The Valkey that comes along."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
import redis

from f1graph.errors import WorkError
from f1graph.worker.embedded import embedded_valkey

IS_KILLED_WITH_ITS_QUEUE_RUNNING = """
import os, sys
from pathlib import Path
from f1graph.worker.embedded import embedded_valkey
with embedded_valkey(Path(sys.argv[1])) as valkey:
    url = valkey.url
    print(url, flush=True)
    os._exit(9)
"""


def answers(url: str) -> bool:
    with redis.Redis.from_url(url) as client:
        try:
            return bool(client.ping())
        except redis.ConnectionError:
            return False


def test_it_runs_as_long_as_it_is_needed(tmp_path: Path) -> None:
    with embedded_valkey(tmp_path) as valkey:
        url = valkey.url
        assert url.startswith("redis://127.0.0.1:")
        assert answers(url)
    assert not answers(url)


def test_ctrl_c_in_the_terminal_does_not_end_it_before_the_worker(tmp_path: Path) -> None:
    with embedded_valkey(tmp_path) as valkey, redis.Redis.from_url(valkey.url) as client:
        os.kill(int(client.info("server")["process_id"]), signal.SIGINT)
        assert answers(valkey.url)


def test_a_valkey_that_was_killed_is_started_again_at_the_same_address(tmp_path: Path) -> None:
    with embedded_valkey(tmp_path) as valkey:
        with redis.Redis.from_url(valkey.url) as client:
            process = psutil.Process(int(client.info("server")["process_id"]))
        assert not valkey.revive()
        process.kill()
        process.wait(timeout=10)
        assert valkey.revive()
        assert answers(valkey.url)


def test_a_second_f1graph_in_the_same_folder_is_told_so(tmp_path: Path) -> None:
    with (
        embedded_valkey(tmp_path),
        pytest.raises(WorkError, match="another f1graph"),
        embedded_valkey(tmp_path),
    ):
        pass


def test_what_a_killed_f1graph_left_running_is_ended_by_the_next_one(tmp_path: Path) -> None:
    killed = subprocess.run(
        [sys.executable, "-c", IS_KILLED_WITH_ITS_QUEUE_RUNNING, str(tmp_path)],
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    left_over = killed.stdout.strip()
    assert answers(left_over)
    with embedded_valkey(tmp_path) as valkey:
        url = valkey.url
        assert answers(url)
        assert not answers(left_over)


def test_when_it_cannot_start_it_says_where_to_look(tmp_path: Path) -> None:
    (tmp_path / "valkey" / "valkey.log").mkdir(parents=True)
    with pytest.raises(WorkError, match="F1GRAPH_REDIS_URL"), embedded_valkey(tmp_path):
        pass
