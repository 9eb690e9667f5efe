"""Walks legs of back-tests in a child process: no forecast waits for it, and it ends when it is told to.

The child keeps history and features from one leg to the next of the same back-test.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from f1graph.errors import WorkError
from f1graph.races.stages import Stage
from f1graph.store.backtests import Leg, WalkedForecast
from f1graph.weekends.child import end_child, said, start_child
from f1graph.weekends.engine import OnWalk

# The ledger is told no more often.
_TELLS_EVERY = timedelta(seconds=10)


@dataclass(frozen=True)
class _Child:
    process: asyncio.subprocess.Process
    backtest_id: str


@dataclass
class ChildWalker:
    """`f1graph walk-legs`, asked for one leg after the other.

    Attributes:
        build: See `Walker`.
        environment: Of the child, asked for when it is started: its clock begins then.
    """

    build: str
    environment: Callable[[], Mapping[str, str]]
    _child: _Child | None = field(default=None, init=False)

    async def walk(self, backtest_id: str, leg: Leg, *, on_progress: OnWalk) -> Sequence[WalkedForecast]:
        child = await self._child_for(backtest_id)
        try:
            return await self._answer(child, leg, on_progress)
        except _LegError as error:
            # It answered properly, and goes on with other legs.
            raise WorkError(str(error)) from error
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        child, self._child = self._child, None
        if child is not None:
            await end_child(child.process)

    async def _child_for(self, backtest_id: str) -> asyncio.subprocess.Process:
        if self._child is not None and self._child.backtest_id == backtest_id:
            return self._child.process
        await self.close()
        process = await start_child("walk-legs", backtest_id, "--json", environment=self.environment())
        self._child = _Child(process, backtest_id)
        return process

    async def _answer(
        self, child: asyncio.subprocess.Process, leg: Leg, on_progress: OnWalk
    ) -> list[WalkedForecast]:
        assert child.stdin is not None
        assert child.stdout is not None
        loop, walked, told_at = asyncio.get_running_loop(), list[WalkedForecast](), float("-inf")
        child.stdin.write(f"{leg.name}\n".encode())
        async for line in child.stdout:
            word = said(line)
            if "failed" in word:
                raise _LegError(f"{leg.name}: {word['failed']['message']}")
            if "error" in word:
                raise WorkError(f"{leg.name} could not be walked: {word['error']['message']}")
            if "walked" in word:
                return walked
            forecast = word["forecast"]
            walked.append(WalkedForecast(**{**forecast, "stage": Stage(forecast["stage"])}))
            if loop.time() - told_at >= _TELLS_EVERY.total_seconds():
                told_at = loop.time()
                await on_progress(len(walked))
        code = await child.wait()
        raise WorkError(f"the process that walked {leg.name} ended with exit code {code}")


class _LegError(Exception):
    """A leg could not be walked; the child is well."""
