"""Trains in a child process: no forecast waits for it, and it ends when it is told to."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from f1graph.errors import WorkError
from f1graph.races.stages import Stage
from f1graph.weekends.engine import OnTraining

# The ledger is told no more often.
_TELLS_EVERY = timedelta(seconds=10)
_ENDS_WITHIN = timedelta(seconds=10)


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
                last = _said(line)
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
        child = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "f1graph", f"--parent={os.getpid()}"),
            *("models", "train", "--model", model, "--stage", stage.value, "--beside", "--json"),
            env=dict(self.environment()),
            # Ctrl-C is for us: we end it.
            start_new_session=True,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
        )
        try:
            yield child
        finally:
            if child.returncode is None:
                child.terminate()
                try:
                    async with asyncio.timeout(_ENDS_WITHIN.total_seconds()):
                        await child.wait()
                except TimeoutError:
                    child.kill()
                    await child.wait()


def _said(line: bytes) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except ValueError as error:
        raise WorkError(f"the training said something unreadable: {line[:200]!r}") from error
    return found if isinstance(found, dict) else {}
