"""The API beside a bare Starlette that sends the same bytes, one process each, asked one at a time."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx

from tests.benchmarks.measuring import (
    console,
    median_and_p99,
    milliseconds,
    served,
    show,
    wait_for,
)

NOW = "2024-10-02T12:00Z"
# The forecast takes a while by the clock that starts at NOW: the API is asked later.
ASKED_AT = "2024-10-02T13:00Z"
PORT, BARE_PORT = 8977, 8978
TIMES = 300

LATEST_FORECAST = """{
  latestForecast {
    id stage cutoff madeAt model { name version } invented
    race { season round name startsAt }
    entries {
      driver { code name } constructor { name } grid win podium points retirement { total }
      expectedPosition interval80 { low high } positionProbabilities
    }
  }
}"""
RACES = """{
  races(first: 30, order: NEWEST_FIRST, startsBefore: "2024-09-01T00:00:00Z") {
    nodes {
      season round name circuit { name country }
      results { position points driver { name code } constructor { name } }
    }
  }
}"""


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="bench") as folder:
        environment = {
            "F1GRAPH_DATA_DIR": folder,
            "F1GRAPH_NOW": NOW,
            "F1GRAPH_PORT": str(PORT),
            # A benchmark asks more often than anybody may.
            "F1GRAPH_RATE_LIMIT": "0",
            "F1GRAPH_MODEL": "rating",
        }
        for arguments in (("import", "invented"), ("forecast",)):
            subprocess.run(
                [sys.executable, "-m", "f1graph", *arguments],
                env=os.environ | environment,
                check=True,
                capture_output=True,
            )
        environment["F1GRAPH_NOW"] = ASKED_AT
        ready = _seconds_until_ready(environment)
        with served(("-m", "f1graph", "api"), port=PORT, path="/readyz", **environment) as process:
            rows = []
            for name, query in (
                ("latestForecast, 20 cars", LATEST_FORECAST),
                ("30 races with results", RACES),
            ):
                body = _answer(query)
                answer = Path(folder) / "answer.json"
                answer.write_bytes(body)
                taken = median_and_p99(milliseconds(lambda: _answer(query), times=TIMES))  # noqa: B023 - called at once
                with served(
                    ("-m", "uvicorn", "tests.benchmarks.bare:app", "--port", str(BARE_PORT)),
                    port=BARE_PORT,
                    path="/",
                    F1GRAPH_BENCH_ANSWER=str(answer),
                ):
                    bare = median_and_p99(milliseconds(lambda: httpx_get(BARE_PORT), times=TIMES))
                rows.append((name, f"{len(body) / 1000:.1f}", *taken, *bare))
            memory = process.memory_info().rss / 2**20
    show(
        f"API on SQLite: ready in {ready:.2f} s, {memory:.0f} MB after {len(rows) * TIMES} queries",
        ("query", "kB", "median ms", "p99 ms", "bare median ms", "bare p99 ms"),
        rows,
    )


def _seconds_until_ready(environment: dict[str, str]) -> float:
    started = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "f1graph", "api"],
        env=os.environ | environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for(f"http://127.0.0.1:{PORT}/readyz", process)
        return time.perf_counter() - started
    finally:
        process.terminate()
        process.wait(timeout=30)


_CLIENT = httpx.Client()


def _answer(query: str) -> bytes:
    answer = _CLIENT.post(f"http://127.0.0.1:{PORT}/graphql", json={"query": query})
    if answer.status_code != 200 or None in answer.json().get("data", {None: None}).values():
        console.print(answer.text)
        raise RuntimeError("the query was refused, or there was nothing to answer")
    return answer.content


def httpx_get(port: int) -> bytes:
    return _CLIENT.get(f"http://127.0.0.1:{port}/").content


if __name__ == "__main__":
    main()
