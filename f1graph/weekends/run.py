"""Doing what is due, one unit after the other, each claimed in the ledger and finished with its result.

Knows no queue: whoever rings the bell, a worker or the command line, calls `run_due`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import structlog

from f1graph.clock import Clock
from f1graph.errors import F1GraphError
from f1graph.races.stages import Stage
from f1graph.sources.source import Source
from f1graph.store.backtests import wanted_backtests
from f1graph.store.bundles import active_bundle, newest_bundle
from f1graph.store.calendar import races_by_id, races_of_seasons
from f1graph.store.engine import Read, Store
from f1graph.store.ledger import claim, fail, finish, ledger_rows, postpone, renew
from f1graph.store.refresh_requests import open_requests
from f1graph.store.scores import unscored_forecasts
from f1graph.store.work import known_revisions, work_begun
from f1graph.weekends.due import due_work
from f1graph.weekends.engine import ForecastEngine, Trainer, Walker
from f1graph.weekends.sessions import (
    FetchError,
    NotYetError,
    SessionFetches,
)
from f1graph.weekends.training_due import Training
from f1graph.weekends.units import COMPUTE, LEASE, Season
from f1graph.weekends.weather import WeatherFetches
from f1graph.weekends.work import FETCH_PAUSES, Unscored, Work, WorkKind

log = structlog.get_logger(__name__)

# After the first failure, the second, the third; later ones wait as long as the last.
PAUSES = (timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=15), timedelta(minutes=60))
# Storing a whole history takes a while, in which the claim is not renewed.
_STORING = timedelta(minutes=10)
# The ledger is looked at this far back for what does not belong to one race.
_LOOK_BACK = timedelta(days=35)


class Result(StrEnum):
    """How a unit of work ended."""

    DONE = "DONE"
    FAILED = "FAILED"
    TAKEN = "TAKEN"  # another worker has it
    WAITING = "WAITING"  # the budget has no room yet
    LEFT = "LEFT"  # there was no time left; the next run begins with it


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a unit of work.

    Attributes:
        detail: What it did, as it stands in the ledger.
        error: Why it failed or waits, for people.
    """

    work: Work
    result: Result
    detail: dict[str, Any]
    error: str | None = None


# Called with the outcome None when a unit is begun, and again when it has ended.
OnProgress = Callable[[Work, Outcome | None], None]


async def run_due(
    store: Store,
    source: Source,
    engine: ForecastEngine | None,
    *,
    clock: Clock,
    worker_name: str,
    time_limit: timedelta = timedelta(minutes=30),
    lease: timedelta = LEASE,
    only: Collection[WorkKind] = frozenset(WorkKind),
    on_progress: OnProgress | None = None,
    should_stop: Callable[[], bool] | None = None,
    sessions: SessionFetches | None = None,
    trainer: Trainer | None = None,
    walker: Walker | None = None,
    weather: WeatherFetches | None = None,
) -> list[Outcome]:
    """Does everything that is due, and what becomes due by it.

    A unit that fails is recorded with its reason and tried again later; the others go on.

    Args:
        engine: May be None where `only` asks for nothing but fetches.
        worker_name: Unique among all processes that work on this store at the same time.
        time_limit: For all of it. A unit that outlives it is given up as timed out, and those not begun
            are left to the next run.
        only: Work of other kinds is left alone.
        should_stop: Asked between units.
        sessions: Who is asked for one session at a time, beside `source`, which tells all it knows.
        trainer: Who trains models; without one no training is due.
        walker: Who walks legs of back-tests; without one none is due.
        weather: Who is asked for the weather to come; without one it is not asked for.
    """
    season = Season(
        store, source, engine, clock, worker_name, time_limit, lease, sessions, trainer, walker, weather
    )
    report = on_progress or (lambda work, outcome: None)
    ends_at = clock() + time_limit
    outcomes: list[Outcome] = []
    tried: set[str] = set()
    while True:
        # Asked anew after each unit: what was fetched makes forecasts due, a result makes scores due.
        due = await find_due(season)
        work = next((work for work in due if work.key not in tried and work.kind in only), None)
        if work is None:
            return outcomes
        if clock() >= ends_at or (should_stop is not None and should_stop()):
            why = "asked to stop" if clock() < ends_at else f"timed out after {time_limit}"
            log.warning("work left to the next run", work=work.key, why=why)
            return [*outcomes, Outcome(work, Result.LEFT, {}, why)]
        tried.add(work.key)
        report(work, None)
        outcome = await _do(season, work, ends_at)
        outcomes.append(outcome)
        report(work, outcome)


async def do_unit(season: Season, work: Work) -> Outcome:
    """Does one unit that nobody had to find."""
    return await _do(season, work, season.clock() + season.time_limit)


async def find_due(season: Season) -> tuple[Work, ...]:
    """What is due now, from what the store knows now."""
    now = season.clock()
    async with season.store.read() as read:
        of_seasons = await races_of_seasons(read, range(now.year - 1, now.year + 2))
        races = [race for of_season in of_seasons.values() for race in of_season]
        ids = [race.id for race in races]
        begun = await work_begun(read, ids, since=now - _LOOK_BACK)
        backtests = []
        if season.walker is not None:
            backtests = await wanted_backtests(read, build=season.walker.build)
            keys = [asked.key(leg) for asked in backtests for leg in asked.legs]
            # A back-test may have rested for longer than others' work is looked back at.
            begun |= await ledger_rows(read, keys)
        requests = await open_requests(read, now=now)
        return due_work(
            races=races,
            known=await known_revisions(read, ids, as_of=now),
            ledger=begun,
            unscored=[Unscored(*found) for found in await unscored_forecasts(read, as_of=now)],
            bundles={} if season.engine is None else await _bundles_in_use(read, season.engine.models, now),
            now=now,
            by_session=season.sessions is not None,
            training=None if season.trainer is None else await _trained(read, season.trainer, now),
            backtests=backtests,
            with_weather=season.weather is not None,
            requests=requests,
            races_asked_for=await races_by_id(
                read, {one.race_id for one in requests if one.race_id is not None}
            ),
        )


async def _bundles_in_use(read: Read, models: Sequence[str], now: datetime) -> dict[Stage, str]:
    """The checksums of those that forecast now. In a past weekend, one of later days knows too much."""
    found: dict[Stage, str] = {}
    for model in reversed(models):
        for stage in Stage:
            bundle = await active_bundle(read, model=model, stage=stage)
            if bundle is not None and bundle.cutoff <= now:
                found[stage] = bundle.checksum
    return found


async def _trained(read: Read, trainer: Trainer, now: datetime) -> Training:
    newest = {
        stage: await newest_bundle(read, model=trainer.model, stage=stage, cutoff=now, candidates=True)
        for stage in Stage
    }
    return Training(trainer.model, {stage: row.cutoff for stage, row in newest.items() if row is not None})


async def _do(season: Season, work: Work, ends_at: datetime) -> Outcome:
    attempt = 0
    try:
        attempt = await _claim(season, work)
        if not attempt:
            return Outcome(work, Result.TAKEN, {})
        log.info("work begun", work=work.key, reason=work.reason, attempt=attempt)
        detail = await _compute_and_store(season, work, ends_at)
    except asyncio.CancelledError:
        # The process is ending: another one may go on at once.
        await asyncio.shield(_record_failure(season, work, "stopped", pause=timedelta(0)))
        raise
    except NotYetError as error:
        log.info("work waits", work=work.key, until=error.until.isoformat(), why=str(error))
        async with season.store.write() as write:
            await postpone(
                write,
                work.key,
                worker=season.worker,
                now=season.clock(),
                until=error.until,
                reason=str(error),
            )
        return Outcome(work, Result.WAITING, {}, str(error))
    except Exception as error:  # one unit's failure, whatever it is, must not stop the others
        text = _in_words(error, season.time_limit)
        expected = isinstance(error, F1GraphError | TimeoutError)
        log.error("work failed", work=work.key, error=text, attempt=attempt, exc_info=not expected)
        if attempt:
            pauses = FETCH_PAUSES if work.asks_once else PAUSES
            pause = timedelta(0) if work.by_hand else pauses[min(attempt, len(pauses)) - 1]
            detail = error.detail if isinstance(error, FetchError) else {}
            await _record_failure(season, work, text, pause=pause, detail=detail)
        return Outcome(work, Result.FAILED, {}, text)
    log.info("work done", work=work.key, **detail)
    return Outcome(work, Result.DONE, detail)


async def _claim(season: Season, work: Work) -> int:
    """Which attempt this is; 0 if another worker has it."""
    async with season.store.write() as write:
        is_ours = await claim(
            write,
            work.key,
            kind=work.kind,
            worker=season.worker,
            now=season.clock(),
            lease=season.lease,
            race_id=work.race_id,
        )
        return (await ledger_rows(write, [work.key]))[work.key].attempts if is_ours else 0


async def _compute_and_store(season: Season, work: Work, ends_at: datetime) -> dict[str, Any]:
    async with asyncio.timeout((ends_at - season.clock()).total_seconds()), _kept_claim(season, work):
        store_it = await COMPUTE[work.kind](season, work)
    async with season.store.write() as write:
        # First of all: it locks the ledger's row, so that nobody takes the unit while it is stored.
        await renew(write, work.key, worker=season.worker, now=season.clock(), lease=_STORING)
        detail = await store_it(write)
        await finish(write, work.key, worker=season.worker, now=season.clock(), detail=detail)
    return detail


@asynccontextmanager
async def _kept_claim(season: Season, work: Work) -> AsyncIterator[None]:
    """Renews the claim while the work goes on."""

    async def keep() -> None:
        while True:
            await asyncio.sleep(season.lease.total_seconds() / 3)
            try:
                async with season.store.write() as write:
                    await renew(write, work.key, worker=season.worker, now=season.clock(), lease=season.lease)
            except Exception as error:  # the next renewal may succeed, and storing looks again
                log.warning("claim not renewed", work=work.key, error=str(error))

    keeper = asyncio.create_task(keep())
    try:
        yield
    finally:
        keeper.cancel()
        with suppress(asyncio.CancelledError):
            await keeper


async def _record_failure(
    season: Season, work: Work, error: str, *, pause: timedelta, detail: dict[str, Any] | None = None
) -> None:
    try:
        async with season.store.write() as write:
            await fail(
                write,
                work.key,
                worker=season.worker,
                now=season.clock(),
                error=error,
                pause=pause,
                detail=detail,
            )
    except Exception:  # without a database the claim just runs out
        log.exception("the failure could not be recorded", work=work.key)


def _in_words(error: Exception, time_limit: timedelta) -> str:
    if isinstance(error, TimeoutError):
        return f"timed out: the run's {time_limit} are over"
    if isinstance(error, F1GraphError):
        return f"{error.code}: {error}"
    return f"{type(error).__name__}: {error}"


def failed(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """Those that failed: a caller's exit code hangs on them."""
    return [outcome for outcome in outcomes if outcome.result is Result.FAILED]
