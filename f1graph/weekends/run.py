"""Doing what is due, one unit after the other, each claimed in the ledger and finished with its result.

Knows no queue: whoever rings the bell, a worker or the command line, calls `run_due`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import structlog

from f1graph.clock import Clock
from f1graph.errors import F1GraphError, WorkError
from f1graph.races.calendar import SessionKind
from f1graph.races.stages import Stage
from f1graph.sources.fastf1 import Part
from f1graph.sources.source import Source
from f1graph.store.bundles import active_bundle
from f1graph.store.calendar import races_of_seasons
from f1graph.store.engine import Read, Store, Write
from f1graph.store.events import EventKind, publish
from f1graph.store.forecasts import store_forecast
from f1graph.store.ledger import claim, fail, finish, ledger_rows, postpone, renew
from f1graph.store.scores import replace_metrics, store_scores, unscored_forecasts
from f1graph.store.work import known_revisions, parts_stored, scored_championships, work_begun
from f1graph.weekends.due import due_work
from f1graph.weekends.engine import ForecastEngine
from f1graph.weekends.fetches_due import only_lacked_an_answer
from f1graph.weekends.intake import record
from f1graph.weekends.schedule import as_facts, rescheduled
from f1graph.weekends.sessions import (
    CORRECTED,
    FetchError,
    NotYetError,
    SessionFetches,
    fetch_schedule,
    fetch_session,
    missing_parts,
)
from f1graph.weekends.work import FETCH_PAUSES, Unscored, Work, WorkKind, fetch_key

log = structlog.get_logger(__name__)

# A claim lives this long without being renewed: so soon another worker takes what a killed one left.
LEASE = timedelta(minutes=1)
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

# Stores what was computed and returns what the ledger keeps of it.
_StoreIt = Callable[[Write], Awaitable[dict[str, Any]]]


@dataclass(frozen=True)
class Season:
    """All that running a season needs.

    Attributes:
        worker: Unique among all processes that work on this store at the same time.
        time_limit: How long one run may take.
        lease: See `LEASE`.
        engine: None where nothing but fetching is asked for.
        sessions: Who is asked for one session at a time, if anybody.
    """

    store: Store
    source: Source
    engine: ForecastEngine | None
    clock: Clock
    worker: str
    time_limit: timedelta = timedelta(minutes=30)
    lease: timedelta = LEASE
    sessions: SessionFetches | None = None


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
    """
    season = Season(store, source, engine, clock, worker_name, time_limit, lease, sessions)
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
        return due_work(
            races=races,
            known=await known_revisions(read, ids, as_of=now),
            ledger=await work_begun(read, ids, since=now - _LOOK_BACK),
            unscored=[Unscored(*found) for found in await unscored_forecasts(read, as_of=now)],
            bundles={} if season.engine is None else await _active_bundles(read, season.engine.model, now),
            now=now,
            by_session=season.sessions is not None,
        )


async def _active_bundles(read: Read, model: str, now: datetime) -> dict[Stage, str]:
    """The active bundles that may be used now: in a past weekend, one of later days knows too much."""
    bundles = {stage: await active_bundle(read, model=model, stage=stage) for stage in Stage}
    return {
        stage: bundle.checksum
        for stage, bundle in bundles.items()
        if bundle is not None and bundle.cutoff <= now
    }


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
            pauses = PAUSES if work.session is None else FETCH_PAUSES
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
        store_it = await _COMPUTE[work.kind](season, work)
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


async def _fetch(season: Season, work: Work) -> _StoreIt:
    if season.sessions is not None and work.session is not None:
        return await _fetch_session(season, season.sessions, work, work.session)
    if season.sessions is not None and work.season is not None:
        return await _fetch_schedule(season, season.sessions, work.season)
    return await _fetch_all(season)


async def _fetch_session(
    season: Season, sessions: SessionFetches, work: Work, session: SessionKind
) -> _StoreIt:
    assert work.race_id is not None
    race_id = work.race_id
    try:
        fetched = await fetch_session(
            season.store,
            sessions,
            race_id,
            session,
            clock=season.clock,
            use_cache=work.use_cache and await _is_cache_sound(season, race_id, session),
            is_live=work.is_live,
        )
    except FetchError as error:
        return await _nothing_new(season, race_id, session, error)

    async def store_it(write: Write) -> dict[str, Any]:
        recorded = await record(write, fetched.facts, now=season.clock())
        again = missing_parts(session, fetched.problems, await parts_stored(write, race_id, session))
        return {
            **fetched.detail,
            "version": recorded.version,
            "first_revisions": recorded.first_revisions,
            "new_revisions": len(recorded.new_revisions),
            "new_recordings": [part.value for _, _, part in recorded.new_recordings],
            "again": again,
        }

    return store_it


async def _is_cache_sound(season: Season, race_id: str, session: SessionKind) -> bool:
    """Whether no answer about this session was ever refused: what was refused lies in the cache still."""
    async with season.store.read() as read:
        begun = await work_begun(read, [race_id], since=season.clock())
    prefix = f"{fetch_key(race_id, session)}/"
    return all(only_lacked_an_answer(row) for key, row in begun.items() if key.startswith(prefix))


async def _nothing_new(season: Season, race_id: str, session: SessionKind, error: FetchError) -> _StoreIt:
    """Of a session that is stored whole only corrections are missed: it is no failure, but asked again."""
    async with season.store.read() as read:
        parts = await parts_stored(read, race_id, session)
    if not parts["SESSION"]:
        raise error
    detail = {
        **error.detail,
        "first_revisions": 0,
        "new_revisions": 0,
        "new_recordings": [],
        "again": [Part.CLASSIFICATION.value] if session in CORRECTED else [],
    }

    async def store_it(write: Write) -> dict[str, Any]:
        return detail

    return store_it


async def _fetch_schedule(season: Season, sessions: SessionFetches, year: int) -> _StoreIt:
    answer, stored, detail = await fetch_schedule(season.store, sessions, year, clock=season.clock)

    async def store_it(write: Write) -> dict[str, Any]:
        changes = rescheduled(stored, answer.races, now=season.clock())
        if changes.races:
            facts = as_facts(changes.races, source=sessions.source.name, now=season.clock())
            await record(write, facts, now=season.clock())
        problems = [*detail["problems"], *changes.problems]
        return {**detail, "changed": [race.id for race in changes.races], "problems": problems}

    return store_it


async def _fetch_all(season: Season) -> _StoreIt:
    facts = await season.source.fetch(now=season.clock())

    async def store_it(write: Write) -> dict[str, Any]:
        recorded = await record(write, facts, now=season.clock())
        return {
            "source": recorded.source,
            "version": recorded.version,
            "first_revisions": recorded.first_revisions,
            "new_revisions": len(recorded.new_revisions),
            "already_imported": recorded.already_imported,
        }

    return store_it


def _engine(season: Season) -> ForecastEngine:
    if season.engine is None:
        raise WorkError("nobody is here to forecast or to score: only fetches were asked for")
    return season.engine


async def _forecast(season: Season, work: Work) -> _StoreIt:
    assert work.race_id is not None
    assert work.stage is not None
    assert work.closes_at is not None
    closes_at = work.closes_at
    now = season.clock()
    made = await _engine(season).forecast(work.race_id, work.stage, cutoff=now, cause=work.cause, now=now)
    served = next((forecast for forecast, is_served in made if is_served), None)
    if served is None:
        raise WorkError(f"{work.stage} of {work.race_id}: no forecast came back that is to be served")

    async def store_it(write: Write) -> dict[str, Any]:
        published_at = season.clock()
        if published_at > closes_at:
            raise WorkError(
                f"{work.stage} of {work.race_id} closed at {closes_at:%H:%M} UTC while it was forecast"
            )
        for forecast, is_served in made:
            await store_forecast(write, forecast, is_served=is_served, now=published_at)
        return {
            "stage": work.stage,
            "inputs": dict(work.inputs),
            "forecast": served.id,
            "bundle": served.receipt.bundle_checksum,
            "missing": [name for name, _ in served.missing_inputs],
        }

    return store_it


async def _score(engine: ForecastEngine, clock: Clock, work: Work) -> _StoreIt:
    assert work.race_id is not None
    assert work.revision is not None
    race_id, revision = work.race_id, work.revision
    scores = await engine.score(work.forecast_ids, race_id=race_id, revision=revision)

    async def store_it(write: Write) -> dict[str, Any]:
        # Whoever scored by hand in the meantime has scored the same.
        now = clock()
        still = {found[0] for found in await unscored_forecasts(write, as_of=now) if found[2] == revision}
        new = [score for score in scores if score.forecast_id in still]
        await store_scores(write, race_id, new, now=now)
        if new:
            cause = f"result of {race_id}, revision {revision}"
            await publish(write, EventKind.SCORED, cause=cause, race_id=race_id, now=now)
        return {"revision": revision, "forecasts": len({score.forecast_id for score in new})}

    return store_it


async def _metrics(store: Store, engine: ForecastEngine, clock: Clock) -> _StoreIt:
    async with store.read() as read:
        championships = await scored_championships(read)
    now = clock()
    computed = [(invented, *await engine.metrics(invented=invented, as_of=now)) for invented in championships]

    async def store_it(write: Write) -> dict[str, Any]:
        for invented, metrics, bins in computed:
            await replace_metrics(write, metrics, bins, invented=invented, now=clock())
        return {"metrics": sum(len(metrics) for _, metrics, _ in computed)}

    return store_it


_COMPUTE: dict[WorkKind, Callable[[Season, Work], Awaitable[_StoreIt]]] = {
    WorkKind.FETCH: _fetch,
    WorkKind.FORECAST: _forecast,
    WorkKind.SCORE: lambda season, work: _score(_engine(season), season.clock, work),
    WorkKind.METRICS: lambda season, work: _metrics(season.store, _engine(season), season.clock),
}


def failed(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """Those that failed: a caller's exit code hangs on them."""
    return [outcome for outcome in outcomes if outcome.result is Result.FAILED]
