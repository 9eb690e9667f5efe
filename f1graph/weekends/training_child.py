"""Trains in a child process: no forecast waits for it, and it ends when it is told to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from f1graph.errors import WorkError
from f1graph.races.stages import Stage
from f1graph.weekends.child import end_child, said, start_child
from f1graph.weekends.engine import OnTraining

# The ledger is told no more often.
_TELLS_EVERY = timedelta(seconds=10)


@dataclass(frozen=True)
class ChildTrainer:
    """`f1graph models train`, which keeps what it has finished.

    Attributes:
        environment: Of the child, asked for when it is started: its clock begins then.
    """

    model: str
    environment: Callable[[], Mapping[str, str]]

    async def train(self, model: str, stage: Stage, *, on_progress: OnTraining) -> dict[str, Any]:
        last: dict[str, Any] = {}
        told_at = float("-inf")
        loop = asyncio.get_running_loop()
        async with self._child(model, stage) as child:
            assert child.stdout is not None
            async for line in child.stdout:
                last = said(line)
                if "fit" in last and loop.time() - told_at >= _TELLS_EVERY.total_seconds():
                    told_at = loop.time()
                    await on_progress(last["fit"])
            code = await child.wait()
        if "error" in last:
            raise WorkError(f"{model} could not be trained for {stage}: {last['error']['message']}")
        if code != 0 or "trained" not in last:
            raise WorkError(f"the training of {model} for {stage} ended with exit code {code}")
        (trained,) = last["trained"]
        return dict(trained)

    @asynccontextmanager
    async def _child(self, model: str, stage: Stage) -> AsyncIterator[asyncio.subprocess.Process]:
        """The running child, which is gone afterwards, whatever happened."""
        child = await start_child(
            *("models", "train", "--model", model, "--stage", stage.value, "--beside", "--json"),
            environment=self.environment(),
        )
        try:
            yield child
        finally:
            await end_child(child)
