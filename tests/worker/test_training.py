"""A worker that trains: it forecasts meanwhile, and nobody waits for the training when it is to end."""

from __future__ import annotations

import signal
from collections.abc import Callable

from f1graph.settings import Settings
from f1graph.store.engine import open_store
from f1graph.store.ledger import LedgerRow, WorkStatus, last_work
from tests.worker.conftest import WatchedWorker
from tests.worker.test_process import is_begun, is_done


async def trainings(settings: Settings) -> list[LedgerRow]:
    store = open_store(settings.database_url)
    async with store.read() as read:
        found = await last_work(read, limit=10, kind="TRAIN")
    await store.close()
    return found


async def test_a_worker_forecasts_while_it_trains_and_ends_without_waiting_for_the_training(
    settings: Settings, start_worker: Callable[..., WatchedWorker]
) -> None:
    """Q2: what was stopped is put back, so that the next worker goes on with it at once."""
    worker = start_worker("trains")
    worker.wait_for(is_done("METRICS"))
    if not any(is_begun("TRAIN")(line) for line in worker.seen):
        # Results come with the first tick; the training looks for them at its own.
        worker = restarted(worker, start_worker)
        worker.wait_for(is_begun("TRAIN"))
    worker.process.send_signal(signal.SIGTERM)

    assert worker.ended(seconds=20) == 0
    (row,) = await trainings(settings)
    assert (row.status, row.error) == (WorkStatus.FAILED, "stopped")
    assert row.finished_at is not None
    assert row.expires_at <= row.finished_at


def restarted(worker: WatchedWorker, start_worker: Callable[..., WatchedWorker]) -> WatchedWorker:
    worker.process.send_signal(signal.SIGTERM)
    assert worker.ended(seconds=20) == 0
    return start_worker("trains")
