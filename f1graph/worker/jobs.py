"""The jobs: each is one call into weekends, which decides what is due. Nothing is decided here."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from f1graph.clock import Clock
from f1graph.sources.source import Source
from f1graph.store.engine import Store
from f1graph.weekends.engine import ForecastEngine, Trainer, Walker
from f1graph.weekends.run import Result, run_due
from f1graph.weekends.sessions import SessionFetches
from f1graph.weekends.weather import WeatherFetches
from f1graph.weekends.work import WorkKind


@dataclass(frozen=True)
class Parts:
    """What jobs need beside the store, opened for the worker's lifetime: see `WorkerState`."""

    source: Source
    engine: ForecastEngine
    sessions: SessionFetches | None = None
    trainer: Trainer | None = None
    walker: Walker | None = None
    weather: WeatherFetches | None = None


# What is done in turn. Training and walking take long, and have jobs of their own.
_IN_TURN = frozenset(WorkKind) - {WorkKind.TRAIN, WorkKind.BACKTEST}
# The run ends by itself, with its reason in the ledger, before the queue cancels it.
_BEFORE_TIMEOUT = timedelta(seconds=30)


@dataclass
class WorkerState:
    """What jobs work with, open as long as the process lives.

    Attributes:
        name: Unique among all processes: it stands in the ledger.
        is_stopping: Begin nothing new.
        sessions: Who is asked for one session at a time, if anybody.
        trainer: Who trains models, if anybody.
        walker: Who walks legs of back-tests, if anybody.
        weather: Who is asked for the weather to come, if anybody.
        is_running: A run is on its way, and finds what becomes due meanwhile too.
        training: The job that trains, while there is one.
        walking: The job that walks, while there is one.
    """

    store: Store
    source: Source
    engine: ForecastEngine
    clock: Clock
    name: str
    job_timeout: timedelta
    train_timeout: timedelta
    sessions: SessionFetches | None = None
    trainer: Trainer | None = None
    walker: Walker | None = None
    weather: WeatherFetches | None = None
    is_stopping: bool = False
    is_running: bool = False
    training: asyncio.Task[Any] | None = None
    walking: asyncio.Task[Any] | None = None
    ran: Counter[str] = field(default_factory=Counter)


async def tick(ctx: dict[Any, Any]) -> dict[str, int]:
    """What a session's end, a new result or a new model has made due."""
    return await _run(ctx["state"])


async def daily_refresh(ctx: dict[Any, Any]) -> dict[str, int]:
    """The same at noon: fetch the latest, forecast, score, refresh the metrics."""
    return await _run(ctx["state"])


async def train(ctx: dict[Any, Any]) -> dict[str, int]:
    """Trains what is to be trained, in a job of its own: forecasts go on with the old models meanwhile."""
    state: WorkerState = ctx["state"]
    if state.trainer is None or state.training is not None or state.is_stopping:
        return {}
    state.training = asyncio.current_task()
    try:
        return await _do(state, {WorkKind.TRAIN}, state.train_timeout)
    except asyncio.CancelledError:
        if not state.is_stopping:
            raise
        # It has put its work back, and the next worker goes on with it.
        return {str(Result.LEFT): 1}
    finally:
        state.training = None


async def walk(ctx: dict[Any, Any]) -> dict[str, int]:
    """Walks legs of back-tests that somebody waits for, as long as there are any."""
    state: WorkerState = ctx["state"]
    if state.walker is None or state.walking is not None or state.is_stopping:
        return {}
    state.walking = asyncio.current_task()
    try:
        return await _do(state, {WorkKind.BACKTEST}, state.train_timeout)
    except asyncio.CancelledError:
        if not state.is_stopping:
            raise
        # It has put its leg back, and another worker walks it.
        return {str(Result.LEFT): 1}
    finally:
        state.walking = None
        await asyncio.shield(state.walker.close())


async def _run(state: WorkerState) -> dict[str, int]:
    if state.is_running:
        return {}
    state.is_running = True
    try:
        return await _do(state, _IN_TURN, state.job_timeout)
    finally:
        state.is_running = False


async def _do(state: WorkerState, kinds: Collection[WorkKind], limit: timedelta) -> dict[str, int]:
    outcomes = await run_due(
        state.store,
        state.source,
        state.engine,
        clock=state.clock,
        worker_name=state.name,
        time_limit=max(limit - _BEFORE_TIMEOUT, limit / 2),
        only=kinds,
        should_stop=lambda: state.is_stopping,
        sessions=state.sessions,
        trainer=state.trainer if WorkKind.TRAIN in kinds else None,
        walker=state.walker if WorkKind.BACKTEST in kinds else None,
        weather=state.weather,
    )
    counts = Counter(str(outcome.result) for outcome in outcomes)
    state.ran.update(counts)
    return dict(counts)
