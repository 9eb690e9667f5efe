"""What each kind of work does: computes something, and says how it is stored with the ledger's DONE."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import structlog

from f1graph.clock import Clock
from f1graph.errors import WorkError
from f1graph.races.calendar import SessionKind
from f1graph.races.results import ClassificationKind
from f1graph.sources.fastf1 import Part
from f1graph.sources.source import Source
from f1graph.store.backtests import store_walked
from f1graph.store.engine import Store, Write
from f1graph.store.events import EventKind, publish
from f1graph.store.forecasts import store_forecast
from f1graph.store.ledger import note_progress
from f1graph.store.scores import replace_metrics, store_scores, unscored_forecasts
from f1graph.store.weather import record_weather_forecast
from f1graph.store.work import parts_stored, scored_championships, work_begun
from f1graph.weekends.engine import ForecastEngine, Trainer, Walker
from f1graph.weekends.fetches_due import only_lacked_an_answer
from f1graph.weekends.intake import record
from f1graph.weekends.schedule import as_facts, rescheduled
from f1graph.weekends.sessions import (
    CORRECTED,
    FetchError,
    SessionFetches,
    fetch_schedule,
    fetch_session,
    missing_parts,
)
from f1graph.weekends.weather import WeatherFetches, fetch_weather
from f1graph.weekends.work import Work, WorkKind, fetch_key

log = structlog.get_logger(__name__)

# A claim lives this long without being renewed: so soon another worker takes what a killed one left.
LEASE = timedelta(minutes=1)

# Stores what was computed and returns what the ledger keeps of it.
StoreIt = Callable[[Write], Awaitable[dict[str, Any]]]


@dataclass(frozen=True)
class Season:
    """All that running a season needs.

    Attributes:
        worker: Unique among all processes that work on this store at the same time.
        time_limit: How long one run may take.
        lease: See `LEASE`.
        engine: None where nothing but fetching is asked for.
        sessions: Who is asked for one session at a time, if anybody.
        trainer: Who trains models, if anybody does here.
        walker: Who walks legs of back-tests, if anybody does here.
        weather: Who is asked for the weather to come, if anybody.
    """

    store: Store
    source: Source
    engine: ForecastEngine | None
    clock: Clock
    worker: str
    time_limit: timedelta = timedelta(minutes=30)
    lease: timedelta = LEASE
    sessions: SessionFetches | None = None
    trainer: Trainer | None = None
    walker: Walker | None = None
    weather: WeatherFetches | None = None


async def _fetch(season: Season, work: Work) -> StoreIt:
    if season.sessions is not None and work.session is not None:
        return await _fetch_session(season, season.sessions, work, work.session)
    if season.sessions is not None and work.season is not None:
        return await _fetch_schedule(season, season.sessions, work.season)
    return await _fetch_all(season)


async def _fetch_session(
    season: Season, sessions: SessionFetches, work: Work, session: SessionKind
) -> StoreIt:
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


async def _nothing_new(season: Season, race_id: str, session: SessionKind, error: FetchError) -> StoreIt:
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


async def _fetch_schedule(season: Season, sessions: SessionFetches, year: int) -> StoreIt:
    answer, stored, detail = await fetch_schedule(season.store, sessions, year, clock=season.clock)

    async def store_it(write: Write) -> dict[str, Any]:
        changes = rescheduled(stored, answer.races, now=season.clock())
        if changes.races:
            facts = as_facts(changes.races, source=sessions.source.name, now=season.clock())
            await record(write, facts, now=season.clock())
        problems = [*detail["problems"], *changes.problems]
        return {**detail, "changed": [race.id for race in changes.races], "problems": problems}

    return store_it


async def _fetch_all(season: Season) -> StoreIt:
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


async def _weather(season: Season, work: Work) -> StoreIt:
    assert work.race_id is not None
    if season.weather is None:
        raise WorkError("nobody is here who is asked for the weather")
    forecast, detail = await fetch_weather(season.store, season.weather, work.race_id, clock=season.clock)

    async def store_it(write: Write) -> dict[str, Any]:
        return {**detail, "is_new": await record_weather_forecast(write, forecast)}

    return store_it


def _engine(season: Season) -> ForecastEngine:
    if season.engine is None:
        raise WorkError("nobody is here to forecast or to score: only fetches were asked for")
    return season.engine


async def _forecast(season: Season, work: Work) -> StoreIt:
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


async def _score(engine: ForecastEngine, clock: Clock, work: Work) -> StoreIt:
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
            await publish(
                write,
                EventKind.SCORES_PUBLISHED,
                cause=cause,
                race_id=race_id,
                classification=ClassificationKind.RACE,
                revision=revision,
                now=now,
            )
        return {"revision": revision, "forecasts": len({score.forecast_id for score in new})}

    return store_it


async def _metrics(store: Store, engine: ForecastEngine, clock: Clock) -> StoreIt:
    async with store.read() as read:
        championships = await scored_championships(read)
    now = clock()
    computed = [(invented, *await engine.metrics(invented=invented, as_of=now)) for invented in championships]

    async def store_it(write: Write) -> dict[str, Any]:
        for invented, metrics, bins in computed:
            await replace_metrics(write, metrics, bins, invented=invented, now=clock())
        return {"metrics": sum(len(metrics) for _, metrics, _ in computed)}

    return store_it


async def _train(season: Season, work: Work) -> StoreIt:
    assert work.model is not None
    assert work.stage is not None
    if season.trainer is None:
        raise WorkError("nobody is here to train models")

    async def note(progress: dict[str, Any]) -> None:
        log.info("training goes on", work=work.key, **progress)
        await _note(season, work, progress)

    detail = await season.trainer.train(work.model, work.stage, on_progress=note)

    async def store_it(write: Write) -> dict[str, Any]:
        # The trainer has registered what it trained: a training of minutes must not be lost with this claim.
        return {"stage": work.stage, **detail}

    return store_it


async def _walk(season: Season, work: Work) -> StoreIt:
    assert work.backtest_id is not None
    assert work.leg is not None
    if season.walker is None:
        raise WorkError("nobody is here to walk a back-test")
    backtest_id = work.backtest_id

    async def note(forecasts: int) -> None:
        await _note(season, work, {"forecasts": forecasts})

    walked = await season.walker.walk(backtest_id, work.leg, on_progress=note)

    async def store_it(write: Write) -> dict[str, Any]:
        await store_walked(write, backtest_id, walked)
        return {"forecasts": len(walked)}

    return store_it


async def _note(season: Season, work: Work, progress: dict[str, Any]) -> None:
    try:
        async with season.store.write() as write:
            await note_progress(write, work.key, worker=season.worker, detail=progress)
    except Exception as error:  # the work matters, and the next note may succeed
        log.warning("progress not noted", work=work.key, error=str(error))


COMPUTE: dict[WorkKind, Callable[[Season, Work], Awaitable[StoreIt]]] = {
    WorkKind.FETCH: _fetch,
    WorkKind.WEATHER: _weather,
    WorkKind.FORECAST: _forecast,
    WorkKind.SCORE: lambda season, work: _score(_engine(season), season.clock, work),
    WorkKind.METRICS: lambda season, work: _metrics(season.store, _engine(season), season.clock),
    WorkKind.TRAIN: _train,
    WorkKind.BACKTEST: _walk,
}
