"""A worker process as the command line starts it, with a recorded season.

`stuck` never ends its forecast, `trains` never its training.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from f1graph.logs import set_up_logging
from f1graph.settings import read_settings
from f1graph.store.engine import Store
from f1graph.worker.jobs import Parts
from f1graph.worker.process import run_worker
from tests.builders import a_season
from tests.weekends.recorded import RecordedEngine, RecordedTrainer, a_recorded_source


@asynccontextmanager
async def open_parts(store: Store) -> AsyncIterator[Parts]:
    waits_for = asyncio.Event() if "stuck" in sys.argv else None
    trainer = RecordedTrainer(waits_for=asyncio.Event()) if "trains" in sys.argv else None
    source = a_recorded_source(a_season(2024, 3))
    yield Parts(source, RecordedEngine(waits_for=waits_for), trainer=trainer)


if __name__ == "__main__":
    settings = read_settings()
    set_up_logging(log_format=settings.log_format, level=settings.log_level)
    sys.exit(run_worker(settings, open_parts, name="tested", health_interval=timedelta(seconds=1)))
