"""Puts the parts together as the settings say: which database, which source, which forecaster."""

from __future__ import annotations

import os
import socket
from collections.abc import AsyncIterator, Collection, Iterator
from contextlib import asynccontextmanager, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from f1graph.errors import SettingsError, UnknownError, WorkError
from f1graph.races.calendar import SessionKind
from f1graph.settings import Settings
from f1graph.sources.source import Source
from f1graph.store.calendar import races_of_seasons
from f1graph.store.engine import Store, open_store
from f1graph.store.facts import holds_invented, was_imported
from f1graph.store.migrate import require_newest
from f1graph.weekends.work import WorkKind

if TYPE_CHECKING:
    from f1graph.forecasts.forecaster import Forecaster
    from f1graph.weekends.backfill import Plan
    from f1graph.weekends.engine import Trainer, Walker
    from f1graph.weekends.run import OnProgress, Outcome
    from f1graph.weekends.sessions import SessionFetches
    from f1graph.weekends.units import Season
    from f1graph.weekends.weather import WeatherFetches
    from f1graph.worker.jobs import Parts
    from f1graph.worker.process import OpenParts


# Nobody's queue would end it.
_AS_LONG_AS_IT_TAKES = timedelta(days=365)


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
    from f1graph.forecasts.members import models_of

    forecaster = Forecaster(
        store,
        bundles=settings.bundles_dir,
        train_from=settings.train_from,
        models=models_of(settings.model),
        threads=settings.threads,
    )
    try:
        yield forecaster
    finally:
        forecaster.close()


def trainer_of(settings: Settings) -> Trainer | None:
    """Who trains the served model; nobody, where it is trained within seconds, on the way to a forecast."""
    from f1graph.forecasts.members import models_of
    from f1graph.weekends.training_child import ChildTrainer

    models = models_of(settings.model)
    if not models.is_trained_beside:
        return None

    return ChildTrainer(models.served.name, lambda: _environment(settings))


def walker_of(settings: Settings) -> Walker:
    """Who walks legs of back-tests; imports torch."""
    from f1graph.forecasts.backtest_legs import build_name
    from f1graph.weekends.walking_child import ChildWalker

    # One core each, as many as there are workers: with more threads the last digits may be others.
    one = {"F1GRAPH_THREADS": "1", "OMP_NUM_THREADS": "1"}
    return ChildWalker(build_name(), lambda: _environment(settings) | one)


def _environment(settings: Settings) -> dict[str, str]:
    """What a child process is started with: our settings, and our clock as it shows now."""
    now = {} if settings.now is None else {"F1GRAPH_NOW": settings.clock()().isoformat()}
    return {**os.environ, **settings.as_environment(), **now}


async def source_of(settings: Settings, store: Store) -> Source:
    """Whom to ask for facts: F1DB, or the invented championship where the store already holds that."""
    from f1graph.sources.f1db.source import F1dbSource
    from f1graph.sources.invented import InventedSource

    async with store.read() as read:
        is_invented = await holds_invented(read)
    if is_invented:
        return InventedSource(settings.invented_seed, settings.invented_seasons)

    async def is_known(content_hash: str) -> bool:
        async with store.read() as read:
            return await was_imported(read, F1dbSource.name, content_hash)

    return F1dbSource(settings.f1db, downloads=settings.data_dir / "downloads", was_imported=is_known)


async def sessions_of(settings: Settings, store: Store) -> SessionFetches | None:
    """Whom to ask for one session at a time: FastF1, unless the store holds the invented championship."""
    from f1graph.sources.fastf1 import FastF1, Host, Hosts
    from f1graph.weekends.sessions import SessionFetches

    async with store.read() as read:
        is_invented = await holds_invented(read)
    if is_invented or not settings.fastf1:
        return None
    hosts = Hosts(
        live_timing=settings.live_timing_url,
        live_timing_mirror=settings.live_timing_mirror_url,
        schedule=settings.schedule_url,
        ergast=settings.ergast_url,
    )
    return SessionFetches(
        FastF1(hosts=hosts, cache=settings.fastf1_cache_dir, deadline=settings.fastf1_deadline),
        calls_per_hour={host: settings.calls_per_hour[host.value] for host in Host},
        calls_per_second={
            Host.LIVE_TIMING: settings.live_timing_calls_per_second,
            Host.LIVE_TIMING_MIRROR: settings.live_timing_mirror_calls_per_second,
            Host.SCHEDULE: settings.schedule_calls_per_second,
            Host.ERGAST: settings.ergast_calls_per_second,
        },
        deadline=settings.fastf1_deadline,
    )


async def weather_of(settings: Settings, store: Store) -> WeatherFetches | None:
    """Whom to ask for the weather to come: nobody, unless the settings say so; nobody in an invented
    championship, nor in a past that is lived again, of which today's forecasts know too much."""
    from f1graph.sources.open_meteo import OpenMeteo
    from f1graph.weekends.weather import WeatherFetches

    async with store.read() as read:
        is_invented = await holds_invented(read)
    if not settings.weather_forecast or is_invented or settings.now is not None:
        return None
    return WeatherFetches(OpenMeteo(settings.open_meteo_url), settings.open_meteo_calls_per_hour)


def worker_parts(settings: Settings) -> OpenParts:
    """What a worker needs beside the store, for its lifetime."""
    from f1graph.worker.jobs import Parts

    @asynccontextmanager
    async def opened(store: Store) -> AsyncIterator[Parts]:
        source, sessions = await source_of(settings, store), await sessions_of(settings, store)
        with opened_forecaster(settings, store) as forecaster:
            yield Parts(
                source,
                forecaster,
                sessions,
                trainer_of(settings),
                walker_of(settings),
                await weather_of(settings, store),
            )

    return opened


async def do_due(
    settings: Settings,
    *,
    only: Collection[WorkKind] = frozenset(WorkKind),
    metrics: bool = False,
    on_progress: OnProgress | None = None,
) -> list[Outcome]:
    """Does what is due, without a queue; trains last, and then forecasts with the new models.

    Args:
        only: Work of other kinds is left alone.
        metrics: They are computed at the end, due or not.

    Raises:
        StoreError: The database is not at the newest schema.
        WorkError: A unit failed; the text names each with its reason.
    """
    from f1graph.weekends.due import metrics_by_hand
    from f1graph.weekends.run import do_unit, failed, run_due
    from f1graph.weekends.units import Season

    clock, worker = settings.clock(), f"{socket.gethostname()}-{os.getpid()}"
    async with opened_store(settings) as store:
        await require_newest(store)
        source, sessions = await source_of(settings, store), await sessions_of(settings, store)
        weather = await weather_of(settings, store)
        # Who only fetches does not wait for torch to be loaded.
        forecasts = not set(only) <= {WorkKind.FETCH, WorkKind.WEATHER}
        with opened_forecaster(settings, store) if forecasts else nullcontext() as forecaster:
            trainer = trainer_of(settings) if forecaster is not None and WorkKind.TRAIN in only else None
            outcomes: list[Outcome] = []
            for kinds, time_limit in (
                (set(only) - {WorkKind.TRAIN}, settings.job_timeout),
                (set(only) & {WorkKind.TRAIN, WorkKind.FORECAST}, settings.train_timeout),
            )[: 1 if trainer is None else 2]:
                outcomes += await run_due(
                    store,
                    source,
                    forecaster,
                    clock=clock,
                    worker_name=worker,
                    time_limit=time_limit,
                    only=kinds,
                    on_progress=on_progress,
                    sessions=sessions,
                    trainer=trainer,
                    weather=weather,
                )
            if metrics:
                season = Season(store, source, forecaster, clock, worker, settings.job_timeout)
                outcomes.append(await do_unit(season, metrics_by_hand(clock())))
    if problems := failed(outcomes):
        raise WorkError("; ".join(f"{outcome.work.key}: {outcome.error}" for outcome in problems))
    return outcomes


async def do_walks(settings: Settings, *, on_progress: OnProgress | None = None) -> list[Outcome]:
    """Walks legs of back-tests that somebody asked for, without a queue, until none is left.

    Raises:
        StoreError: The database is not at the newest schema.
        WorkError: A leg failed; the text names each with its reason.
    """
    from f1graph.weekends.run import failed, run_due

    walker = walker_of(settings)
    async with opened_store(settings) as store:
        await require_newest(store)
        try:
            outcomes = await run_due(
                store,
                await source_of(settings, store),
                None,
                clock=settings.clock(),
                worker_name=f"{socket.gethostname()}-{os.getpid()}",
                time_limit=_AS_LONG_AS_IT_TAKES,
                only={WorkKind.BACKTEST},
                on_progress=on_progress,
                walker=walker,
            )
        finally:
            await walker.close()
    if problems := failed(outcomes):
        raise WorkError("; ".join(f"{outcome.work.key}: {outcome.error}" for outcome in problems))
    return outcomes


@dataclass(frozen=True)
class Fetches:
    """What fetching by hand needs, opened."""

    season: Season
    sessions: SessionFetches

    async def plan(
        self, year: int, round_: int | None, kinds: Collection[SessionKind], *, again: bool
    ) -> Plan:
        """What there is to fetch of a season or of one round.

        Raises:
            UnknownError: The database has no calendar of it.
        """
        from f1graph.races.refreshes import FIRST_SEASON_BY_SESSION
        from f1graph.weekends.backfill import fetched_before, plan_fetches

        async with self.season.store.read() as read:
            of_season = (await races_of_seasons(read, [year])).get(year, [])
        races = [race for race in of_season if round_ in (None, race.round)]
        if year < FIRST_SEASON_BY_SESSION:
            raise UnknownError(
                f"the timing archive begins in {FIRST_SEASON_BY_SESSION}: {year} comes from F1DB alone"
            )
        if not of_season:
            raise UnknownError(f"no race of {year} is in the database: run `f1graph import f1db` first")
        if not races:
            raise UnknownError(
                f"{year} round {round_} does not exist; the {year} season has {len(of_season)} rounds"
            )
        return plan_fetches(
            races,
            sessions=kinds,
            fetched=await fetched_before(self.season, races),
            per_hour=self.sessions.calls_per_hour,
            per_second=self.sessions.calls_per_second,
            again=again,
            now=self.season.clock(),
        )


@asynccontextmanager
async def opened_fetches(settings: Settings) -> AsyncIterator[Fetches]:
    """The store and FastF1, for fetching by hand.

    Raises:
        SettingsError: There is nobody to be asked for single sessions.
    """
    from f1graph.weekends.units import Season

    async with opened_store(settings) as store:
        await require_newest(store)
        sessions = await sessions_of(settings, store)
        if sessions is None:
            raise SettingsError(
                "FastF1 is not asked here: F1GRAPH_FASTF1 is false, or this is the invented championship"
            )
        yield Fetches(
            Season(
                store,
                await source_of(settings, store),
                None,
                settings.clock(),
                f"{socket.gethostname()}-{os.getpid()}",
                settings.job_timeout,
                sessions=sessions,
            ),
            sessions,
        )
