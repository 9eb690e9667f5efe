"""Puts the parts together as the settings say: which database, which source, which forecaster."""

from __future__ import annotations

import os
import socket
from collections.abc import AsyncIterator, Collection, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING

from f1graph.errors import WorkError
from f1graph.settings import Settings
from f1graph.sources.source import Source
from f1graph.store.engine import Store, open_store
from f1graph.store.facts import holds_invented
from f1graph.store.migrate import require_newest
from f1graph.weekends.due import WorkKind

if TYPE_CHECKING:
    from f1graph.forecasts.forecaster import Forecaster
    from f1graph.weekends.engine import ForecastEngine
    from f1graph.weekends.run import OnProgress, Outcome
    from f1graph.worker.process import OpenParts


@asynccontextmanager
async def opened_store(settings: Settings) -> AsyncIterator[Store]:
    """The database of the settings, closed at the end."""
    store = open_store(
        settings.store_url, pool_size=settings.database_pool_size, timeout=settings.database_timeout
    )
    try:
        yield store
    finally:
        await store.close()


@contextmanager
def opened_forecaster(settings: Settings, store: Store) -> Iterator[Forecaster]:
    """The forecast engine; imports torch."""
    from f1graph.forecasts.forecaster import Forecaster

    forecaster = Forecaster(
        store, bundles=settings.bundles_dir, train_from=settings.train_from, threads=settings.threads
    )
    try:
        yield forecaster
    finally:
        forecaster.close()


async def source_of(settings: Settings, store: Store) -> Source:
    """Whom to ask for facts: F1DB, or the invented championship where the store already holds that."""
    from f1graph.sources.f1db.source import F1dbSource
    from f1graph.sources.invented import InventedSource

    async with store.read() as read:
        is_invented = await holds_invented(read)
    if is_invented:
        return InventedSource(settings.invented_seed, settings.invented_seasons)
    return F1dbSource(settings.f1db, downloads=settings.data_dir / "downloads")


def worker_parts(settings: Settings) -> OpenParts:
    """What a worker needs beside the store, for its lifetime."""

    @asynccontextmanager
    async def opened(store: Store) -> AsyncIterator[tuple[Source, ForecastEngine]]:
        source = await source_of(settings, store)
        with opened_forecaster(settings, store) as forecaster:
            yield source, forecaster

    return opened


async def do_due(
    settings: Settings,
    *,
    only: Collection[WorkKind] = frozenset(WorkKind),
    on_progress: OnProgress | None = None,
) -> list[Outcome]:
    """Does what is due, without a queue.

    Raises:
        StoreError: The database is not at the newest schema.
        WorkError: A unit failed; the text names each with its reason.
    """
    from f1graph.weekends.run import failed, run_due

    async with opened_store(settings) as store:
        await require_newest(store)
        source = await source_of(settings, store)
        with opened_forecaster(settings, store) as forecaster:
            outcomes = await run_due(
                store,
                source,
                forecaster,
                clock=settings.clock(),
                worker_name=f"{socket.gethostname()}-{os.getpid()}",
                time_limit=settings.job_timeout,
                only=only,
                on_progress=on_progress,
            )
    if problems := failed(outcomes):
        raise WorkError("; ".join(f"{outcome.work.key}: {outcome.error}" for outcome in problems))
    return outcomes
