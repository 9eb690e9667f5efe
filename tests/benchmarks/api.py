"""The API beside a bare Starlette that sends the same bytes, under load, one process each.

Every round asks all servers one after the other; a share is the median of the rounds' own shares, so that a
machine with other work on it slows both sides of a comparison.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from tests.benchmarks.load import CONCURRENCY, Load, is_there, put_under_load
from tests.benchmarks.measuring import console, free_port, served, show

NOW = "2054-10-02T12:00Z"
# The forecast takes a while by the clock that starts at NOW: the API is asked later.
ASKED_AT = "2054-10-02T18:00Z"
# History must not cost anything: the same is asked of many seasons and of few.
MANY, FEW = 100, 5
ROUNDS = 3

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
  races(first: 30, order: NEWEST_FIRST, startsBefore: "2054-09-01T00:00:00Z") {
    nodes {
      season round name circuit { name country }
      results { position points driver { name code } constructor { name } }
    }
  }
}"""
QUERIES = {"latestForecast, 20 cars": LATEST_FORECAST, "30 races with results": RACES}


@dataclass(slots=True)
class Server:
    """One that is put under load, and how it did in each round."""

    url: str
    asks: bool
    rounds: list[Load] = field(default_factory=list)


def main() -> None:
    if not is_there():
        console.print("The API was not measured: wrk is missing. On Debian: apt-get install wrk")
        return
    with tempfile.TemporaryDirectory(prefix="bench") as folder:
        many, few = (_history(Path(folder), seasons) for seasons in (MANY, FEW))
        with _api(many) as (ready, _, memory):
            console.print(f"API on SQLite: ready in {ready:.2f} s with {memory:.0f} MB")
        for name, query in QUERIES.items():
            _compare(name, query, many, few, Path(folder))


def _compare(name: str, query: str, many: dict[str, str], few: dict[str, str], folder: Path) -> None:
    with ExitStack() as servers:

        def api(environment: dict[str, str], **settings: str) -> Server:
            _, url, _ = servers.enter_context(_api({**environment, **settings}))
            return Server(f"{url}/graphql", asks=True)

        cached = api(many)
        off = {"F1GRAPH_RESPONSE_CACHE_ENTRIES": "0"}
        apis = {
            "API, from the response cache": cached,
            f"API without it, {MANY} seasons": api(many, **off),
            f"API without it, {FEW} seasons": api(few, **off),
        }
        answer = folder / "answer.json"
        answer.write_bytes(_answer(cached.url, query))
        for one in apis.values():
            # What a process has to find out first is not what a request costs.
            _answer(one.url, query)
        bare = Server(servers.enter_context(_bare(answer)), asks=False)
        for _ in range(ROUNDS):
            for server in (bare, *apis.values()):
                body = json.dumps({"query": query}) if server.asks else ""
                server.rounds.append(put_under_load(server.url, body=body))
        size = answer.stat().st_size / 1000
    show(
        f"{name}, {size:.1f} kB, {CONCURRENCY} at a time, medians of {ROUNDS} rounds",
        ("", "requests/s", "median ms", "p99 ms", "x bare"),
        [_row("bare Starlette", bare, bare), *(_row(label, one, bare) for label, one in apis.items())],
    )


def _row(label: str, server: Server, bare: Server) -> tuple[str, ...]:
    middle = [
        statistics.median(getattr(one, name) for one in server.rounds)
        for name in ("per_second", "median", "p99")
    ]
    shares = [
        one.per_second / other.per_second for one, other in zip(server.rounds, bare.rounds, strict=True)
    ]
    return (
        label,
        f"{middle[0]:,.0f}",
        f"{middle[1]:.1f}",
        f"{middle[2]:.1f}",
        f"{statistics.median(shares):.3f}",
    )


def _history(folder: Path, seasons: int) -> dict[str, str]:
    """The environment of an API with an invented championship and a forecast of its next race."""
    environment = {
        "F1GRAPH_DATA_DIR": str(folder / f"{seasons}-seasons"),
        "F1GRAPH_NOW": NOW,
        # A benchmark asks more often than anybody may.
        "F1GRAPH_RATE_LIMIT": "0",
        "F1GRAPH_MODEL": "rating",
        "F1GRAPH_INVENTED_SEASONS": str(seasons),
    }
    for arguments in (("import", "invented"), ("forecast",)):
        subprocess.run(
            [sys.executable, "-m", "f1graph", *arguments],
            env=os.environ | environment,
            check=True,
            capture_output=True,
        )
    return {**environment, "F1GRAPH_NOW": ASKED_AT}


@contextmanager
def _api(environment: dict[str, str]) -> Iterator[tuple[float, str, float]]:
    """A running API: seconds until it was ready, where it is, and its megabytes then."""
    port = free_port()
    started = time.perf_counter()
    with served(
        ("-m", "f1graph", "api"), port=port, path="/readyz", **environment, F1GRAPH_PORT=str(port)
    ) as process:
        taken = time.perf_counter() - started
        yield taken, f"http://127.0.0.1:{port}", process.memory_info().rss / 2**20


@contextmanager
def _bare(answer: Path) -> Iterator[str]:
    port = free_port()
    quiet = ("--no-access-log", "--no-server-header", "--log-level", "warning")
    with served(
        ("-m", "uvicorn", "tests.benchmarks.bare:app", "--port", str(port), *quiet),
        port=port,
        path="/",
        F1GRAPH_BENCH_ANSWER=str(answer),
    ):
        yield f"http://127.0.0.1:{port}/"


def _answer(url: str, query: str) -> bytes:
    answer = httpx.post(url, json={"query": query}, timeout=60)
    if answer.status_code != 200 or None in answer.json().get("data", {None: None}).values():
        console.print(answer.text)
        raise RuntimeError("the query was refused, or there was nothing to answer")
    return answer.content


if __name__ == "__main__":
    main()
