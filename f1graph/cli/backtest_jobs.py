"""`f1graph backtest --jobs`: child processes walk some seasons each."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

from f1graph.cli.output import bar
from f1graph.errors import ForecastError
from f1graph.races.forecast import ScoredForecast
from f1graph.races.past import History

_LOOKS_EVERY = timedelta(milliseconds=500)
_ENDS_WITHIN = timedelta(seconds=10)


def walk_with_children(history: History, walk: Any, out: Path, *, jobs: int) -> Iterator[ScoredForecast]:
    """Walks the seasons that `out` lacks in `jobs` child processes, each with a file of its own beside it,
    and puts these together in the end. Goes on where an earlier run with as many children stopped.

    Raises:
        ForecastError: A child failed; what the others finished is kept.
    """
    from f1graph.forecasts.backtest import plan
    from f1graph.forecasts.backtest_parts import part_of, put_together, split_seasons, unfinished_seasons

    parts = split_seasons(unfinished_seasons(history, walk, out), jobs)
    wanted = {season for seasons in parts for season in seasons}
    total = sum(step.race.season in wanted for step in plan(history, walk))
    with ExitStack() as stack:
        children = [stack.enter_context(_Child(part_of(out, s), _arguments(walk, s))) for s in parts]
        with bar(f"Back-test, {len(children)} processes") as progress:
            while any(child.is_running() for child in children):
                sealed = sum(child.sealed() for child in children)
                progress.update(progress.task_ids[0], completed=sealed, total=total)
                time.sleep(_LOOKS_EVERY.total_seconds())
    yield from put_together(history, walk, parts=parts, out=out)


def _arguments(walk: Any, seasons: Sequence[int]) -> list[str]:
    """The same back-test of some seasons, for a child. It starts its clock where ours was: a race may not
    be over for one and ahead for another."""
    return [
        *("--now", walk.made_at.isoformat(), "--parent", str(os.getpid()), "backtest"),
        *("--seasons", ",".join(str(season) for season in seasons)),
        *("--stages", ",".join(walk.stages), "--refits", str(walk.refits_per_season)),
        *("--models", ",".join(estimator.name for estimator in walk.estimators)),
        *("--draws", str(walk.draws)),
    ]


@dataclass
class _Child:
    """One process. Leaving the context ends it."""

    part: Path
    arguments: list[str]

    def __enter__(self) -> _Child:
        self.part.parent.mkdir(parents=True, exist_ok=True)
        self._said: IO[bytes] = TemporaryFile()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "f1graph", *self.arguments, "--out", str(self.part)],
            # One core each: more threads than cores only wait for each other.
            env=os.environ | {"F1GRAPH_THREADS": "1", "OMP_NUM_THREADS": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=self._said,
        )
        return self

    def is_running(self) -> bool:
        """Whether it still walks.

        Raises:
            ForecastError: It failed.
        """
        code = self._process.poll()
        if code:
            self._said.seek(0)
            lines = self._said.read().decode(errors="replace").strip().splitlines()
            raise ForecastError(
                f"the process that walked {self.part.name} left with exit code {code}: "
                f"{lines[-1] if lines else 'it said nothing'}"
            )
        return code is None

    def sealed(self) -> int:
        from f1graph.forecasts.backtest_file import journal_of

        journal = journal_of(self.part)
        return max(0, journal.read_bytes().count(b"\n") - 1) if journal.exists() else 0

    def __exit__(self, *exc: object) -> None:
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(_ENDS_WITHIN.total_seconds())
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._said.close()
