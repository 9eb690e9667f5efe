"""`f1graph backtest --workers`: whoever works on the same database walks it, leg by leg."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from f1graph.cli.output import bar, errors, run
from f1graph.errors import WorkError
from f1graph.races.forecast import ScoredForecast
from f1graph.races.past import History
from f1graph.settings import Settings
from f1graph.store.backtests import (
    AskedBacktest,
    WalkedForecast,
    ask_for_backtest,
    backtest_asked,
    forget_backtest,
    let_backtest_rest,
    walked_forecasts,
)
from f1graph.store.engine import Store
from f1graph.store.ledger import ledger_rows
from f1graph.weekends.backtests import backtest_progress
from f1graph.wiring import opened_store

if TYPE_CHECKING:
    from f1graph.forecasts.backtest import Walk
    from f1graph.forecasts.backtest_file import Key

_LOOKS_EVERY = timedelta(seconds=1)


def walk_with_workers(
    settings: Settings, history: History, walk: Walk, out: Path
) -> Iterator[ScoredForecast]:
    """Asks for the legs that `out` lacks, waits until workers have walked them, and puts them together.

    Stopped, it lets no other leg be begun; what was walked is kept for who asks again.

    Raises:
        ForecastError: `out` was made with other settings or by something else.
        WorkError: A leg failed again and again; what was walked is kept.
    """
    from f1graph.forecasts.backtest_legs import put_legs_together, to_be_asked

    asked = to_be_asked(history, walk, out)
    if asked.legs:
        asked = run(_until_walked(settings, asked))

    def load(race_ids: Collection[str]) -> Mapping[Key, WalkedForecast]:
        return run(_walked(settings, asked.id, race_ids))

    yield from put_legs_together(history, walk, load=load, out=out)
    run(_forget(settings, asked))


async def _until_walked(settings: Settings, asked: AskedBacktest) -> AskedBacktest:
    clock = settings.clock()
    async with opened_store(settings) as store:
        async with store.write() as write:
            asked = await ask_for_backtest(write, asked, now=clock())
        _say_who_is_waited_for(settings, asked)
        try:
            await _watch(settings, store, asked)
        finally:
            async with store.write() as write:
                await let_backtest_rest(write, asked.id)
    return asked


async def _watch(settings: Settings, store: Store, asked: AskedBacktest) -> None:
    rung: set[str] = set()
    with bar("Back-test") as progress:
        while True:
            now = settings.clock()()
            async with store.read() as read:
                if await backtest_asked(read, asked.id) is None:
                    raise WorkError(
                        "somebody else who asked for the same back-test has put it into a file just now: "
                        "take that one, or ask again"
                    )
                state = backtest_progress(
                    asked, await ledger_rows(read, [asked.key(leg) for leg in asked.legs]), now
                )
            progress.update(
                progress.task_ids[0],
                completed=state.forecasts,
                total=sum(leg.forecasts for leg in asked.legs),
                description=f"Back-test, {state.at_work} at work, "
                f"{state.done} of {len(asked.legs)} legs walked",
            )
            if state.failure is not None:
                raise WorkError(state.failure)
            if state.done == len(asked.legs):
                return
            bells = state.free - rung
            if settings.redis_url and bells:
                from f1graph.worker.queue import ring_for_walks

                await ring_for_walks(settings.redis_url, sorted(bells))
                rung |= bells
            await asyncio.sleep(_LOOKS_EVERY.total_seconds())


def _say_who_is_waited_for(settings: Settings, asked: AskedBacktest) -> None:
    bells = "" if settings.redis_url else " F1GRAPH_REDIS_URL is empty: workers look at their next tick."
    errors.print(
        f"Asked for {len(asked.legs)} legs. Workers on this database (`f1graph worker`, or `f1graph walk` "
        f"without a queue) of the same version, libraries and kind of machine walk them.{bells}",
        soft_wrap=True,
    )


async def _walked(settings: Settings, backtest_id: str, race_ids: Collection[str]) -> Any:
    async with opened_store(settings) as store, store.read() as read:
        return await walked_forecasts(read, backtest_id, race_ids)


async def _forget(settings: Settings, asked: AskedBacktest) -> None:
    async with opened_store(settings) as store, store.write() as write:
        await forget_backtest(write, asked)
