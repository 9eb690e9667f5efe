"""The jobs: each is one call into weekends, which decides what is due. Nothing is decided here."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from f1graph.clock import Clock
from f1graph.sources.source import Source
from f1graph.store.engine import Store
from f1graph.weekends.engine import ForecastEngine
from f1graph.weekends.run import run_due
from f1graph.weekends.sessions import SessionFetches


@dataclass(frozen=True)
class Parts:
    """What jobs need beside the store, opened for the worker's lifetime: see `WorkerState`."""

    source: Source
    engine: ForecastEngine
    sessions: SessionFetches | None = None


# The run ends by itself, with its reason in the ledger, before the queue cancels it.
_BEFORE_TIMEOUT = timedelta(seconds=30)


@dataclass
class WorkerState:
    """What jobs work with, open as long as the process lives.

    Attributes:
        name: Unique among all processes: it stands in the ledger.
        is_stopping: Begin nothing new.
        sessions: Who is asked for one session at a time, if anybody.
    """

    store: Store
    source: Source
    engine: ForecastEngine
    clock: Clock
    name: str
    job_timeout: timedelta
    sessions: SessionFetches | None = None
    is_stopping: bool = False
    ran: Counter[str] = field(default_factory=Counter)


async def tick(ctx: dict[Any, Any]) -> dict[str, int]:
    """What a session's end, a new result or a new model has made due."""
    return await _run(ctx["state"])


async def daily_refresh(ctx: dict[Any, Any]) -> dict[str, int]:
    """The same at noon: fetch the latest, forecast, score, refresh the metrics."""
    return await _run(ctx["state"])


async def _run(state: WorkerState) -> dict[str, int]:
    outcomes = await run_due(
        state.store,
        state.source,
        state.engine,
        clock=state.clock,
        worker_name=state.name,
        time_limit=max(state.job_timeout - _BEFORE_TIMEOUT, state.job_timeout / 2),
        should_stop=lambda: state.is_stopping,
        sessions=state.sessions,
    )
    counts = Counter(str(outcome.result) for outcome in outcomes)
    state.ran.update(counts)
    return dict(counts)
