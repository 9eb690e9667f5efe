"""`f1graph up`: the whole service on one machine, as child processes that are watched.

The API is a process of its own, so that no model can make it wait; a worker that loses its queue leaves
and is started again.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from f1graph.cli.history import in_words
from f1graph.cli.output import console, percent, show_table
from f1graph.clock import Clock
from f1graph.errors import SettingsError, SourceUnavailableError, WorkError
from f1graph.races.forecast import Forecast
from f1graph.races.stages import stage_windows
from f1graph.settings import Settings
from f1graph.store.calendar import race_not_over, races_by_id
from f1graph.store.engine import Store
from f1graph.store.forecasts import latest_forecast_id, load_forecast
from f1graph.store.ledger import WorkStatus, last_work
from f1graph.store.migrate import migrate
from f1graph.store.people import drivers_by_id
from f1graph.wiring import opened_store

if TYPE_CHECKING:
    from f1graph.worker.embedded import EmbeddedValkey

_GRACE = timedelta(seconds=20)
_LOOKS_AGAIN = timedelta(seconds=2)
_RESTART_PAUSES = (1, 2, 5, 15, 30)
# A process that ran this long was well: its next failure is a new one.
_WAS_WELL = timedelta(minutes=5)
_WORK_LOOKED_AT = 50


async def run_everything(settings: Settings) -> int:
    """Runs until Ctrl-C or SIGTERM.

    Returns:
        The exit code: 0 when it was stopped, 1 when a part could not be kept running.
    """
    _require_free_port(settings)
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    clock = settings.clock()
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    async with AsyncExitStack() as stack:
        await migrate(settings.store_url)
        store = await stack.enter_async_context(opened_store(settings))
        with _queue(settings) as valkey:
            household = _Household(settings, clock, settings.redis_url if valkey is None else valkey.url)
            try:
                return await _until_stopped(settings, store, household, valkey, clock, stop)
            finally:
                with console.status("Stopping ..."):
                    await household.stop()
                console.print("Stopped.")


async def _until_stopped(
    settings: Settings,
    store: Store,
    household: _Household,
    valkey: EmbeddedValkey | None,
    clock: Clock,
    stop: asyncio.Event,
) -> int:
    household.keep("api")
    stopped = asyncio.create_task(stop.wait())
    prepared = asyncio.create_task(_prepare(settings, store, household, clock))
    kept: set[asyncio.Future[Any]] = {stopped, prepared}
    if valkey is not None:
        kept.add(asyncio.create_task(_keep_alive(valkey)))
    waiting = kept | {household.given_up}
    try:
        while not stopped.done():
            done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
    finally:
        for task in kept:
            task.cancel()
        await asyncio.gather(*kept, return_exceptions=True)
    return 0


async def _prepare(settings: Settings, store: Store, household: _Household, clock: Clock) -> None:
    """History, the worker, the first forecast, and then a word to the user."""
    is_new = await _ensure_history(settings, store, now=clock())
    household.keep("worker")
    address = f"http://{settings.host}:{settings.port}"
    console.print(
        f"[bold]f1graph[/] is at {address} with GraphiQL at {address}/graphiql, its logs are in "
        f"{settings.data_dir / 'logs'}. Ctrl-C stops it."
    )
    await _show_next_forecast(store, household, clock)
    if is_new:
        season = await _season_with_results(store, clock())
        if season is not None:
            console.print(
                f"Forecasting the past races of {season} in the background, for the record "
                "(each as of its own weekend, and marked as made after the race)."
            )
            household.run_once("forecast", "past", "--seasons", str(season))


async def _ensure_history(settings: Settings, store: Store, *, now: datetime) -> bool:
    """Loads history into an empty store. True if it was empty."""
    from f1graph.sources.f1db.source import F1dbSource
    from f1graph.sources.invented import InventedSource
    from f1graph.store.facts import holds_invented
    from f1graph.weekends.intake import take_in

    async with store.read() as read:
        if await holds_invented(read) is not None:
            return False
    source = F1dbSource(settings.f1db, downloads=settings.data_dir / "downloads")
    try:
        with console.status("Loading the history since 1950 ..."):
            recorded = await take_in(store, source, now=now)
    except SourceUnavailableError as error:
        if settings.f1db:
            raise
        console.print(f"No F1DB release could be downloaded: {error}")
        console.print(
            "[bold]This will be the INVENTED championship[/]: drivers, teams and results are made up, and "
            "marked so everywhere. For the real one set F1GRAPH_F1DB to the path of an f1db-csv.zip and "
            f"start again with an empty {settings.data_dir}."
        )
        with console.status("Inventing a championship ..."):
            recorded = await take_in(
                store, InventedSource(settings.invented_seed, settings.invented_seasons), now=now
            )
    console.print(in_words(recorded))
    return True


async def _show_next_forecast(store: Store, household: _Household, clock: Clock) -> None:
    """Waits for the worker's forecast of the next race, and shows its favourites."""
    now = clock()
    async with store.read() as read:
        race = await race_not_over(read, now)
    if race is None:
        console.print(
            f"No race is known after {now:%Y-%m-%d}, so there is nothing to forecast: import a newer "
            "release (`f1graph import f1db`), or live in the past with F1GRAPH_NOW=2024-12-05T12:00Z."
        )
        return
    if not any(w.closes_at >= now and (w.opens_at is None or w.opens_at <= now) for w in stage_windows(race)):
        # Between two stages nothing is due: the last one is forecast as of its end.
        household.run_once("forecast", "race", race.id)
    with console.status(f"Forecasting {race.season} {race.name} ..."):
        forecast = await first_forecast(store, race.id, clock)
    if forecast is None:
        return
    async with store.read() as read:
        drivers = await drivers_by_id(read, forecast.driver_ids)
    favourites = sorted(forecast.entries, key=lambda entry: -entry.win)[:5]
    show_table(
        f"{race.season} {race.name} ({forecast.stage}){' INVENTED' if race.invented else ''}",
        ("driver", "win %", "podium %", "points %", "out %"),
        [
            (
                drivers[e.driver_id].name,
                percent(e.win),
                percent(e.podium),
                percent(e.points),
                percent(e.retirement),
            )
            for e in favourites
        ],
    )


async def first_forecast(store: Store, race_id: str, clock: Clock) -> Forecast | None:
    """The race's newest forecast made by now, as soon as there is one; None if it cannot be made."""
    while True:
        now = clock()
        async with store.read() as read:
            # A weekend may be lived again: what was said later in it has not been said yet.
            forecast_id = await latest_forecast_id(read, race_id, as_of=now)
            if forecast_id is not None:
                return await load_forecast(read, forecast_id)
            begun = await last_work(read, limit=_WORK_LOOKED_AT, kind="FORECAST")
        failures = [
            work
            for work in begun
            if work.race_id == race_id and work.status is WorkStatus.FAILED and work.claimed_at <= now
        ]
        if failures:
            console.print(f"There is no forecast yet: {failures[0].error}. It is tried again.")
            return None
        await asyncio.sleep(0.5)


async def _season_with_results(store: Store, now: datetime) -> int | None:
    from f1graph.store.calendar import last_race_with_result

    async with store.read() as read:
        race = await last_race_with_result(read, now)
        return None if race is None else (await races_by_id(read, [race.id]))[race.id].season


def _require_free_port(settings: Settings) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            raise SettingsError(
                f"{settings.host}:{settings.port} cannot be listened on ({error.strerror}): is f1graph "
                "running already? Set F1GRAPH_PORT for another port."
            ) from error


@contextmanager
def _queue(settings: Settings) -> Iterator[EmbeddedValkey | None]:
    """An embedded Valkey; None where the settings name a Redis."""
    from f1graph.worker.embedded import embedded_valkey

    if settings.redis_url:
        yield None
        return
    with embedded_valkey(settings.data_dir) as valkey:
        yield valkey


async def _keep_alive(valkey: EmbeddedValkey) -> None:
    """Starts our Valkey again when somebody ended it; the worker then comes back by itself."""
    while True:
        await asyncio.sleep(_LOOKS_AGAIN.total_seconds())
        if await asyncio.to_thread(valkey.revive):
            console.print("The embedded Valkey was gone and is started again.")


class _Household:
    """Our child processes: `python -m f1graph …`, started with our settings and our clock.

    Attributes:
        given_up: Gets a WorkError when a process left again and again.
    """

    def __init__(self, settings: Settings, clock: Clock, redis_url: str) -> None:
        self._settings = settings
        self._clock = clock
        self._redis_url = redis_url
        self._tasks: set[asyncio.Task[None]] = set()
        self._running: set[asyncio.subprocess.Process] = set()
        self._logs = settings.data_dir / "logs"
        self._logs.mkdir(exist_ok=True)
        self.given_up: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def keep(self, command: str) -> None:
        """Keeps `f1graph COMMAND` running."""
        self._tasks.add(asyncio.create_task(self._keep(command)))

    def run_once(self, *arguments: str) -> None:
        """Runs `f1graph ARGUMENTS` beside the others."""
        self._tasks.add(asyncio.create_task(self._run_beside(arguments)))

    async def _keep(self, command: str) -> None:
        loop = asyncio.get_running_loop()
        failures = 0
        while True:
            started = loop.time()
            code = await self._run((command,))
            if loop.time() - started > _WAS_WELL.total_seconds():
                failures = 0
            if failures == len(_RESTART_PAUSES):
                self.given_up.set_exception(
                    WorkError(
                        f"`f1graph {command}` left {failures + 1} times, the last with exit code {code}"
                    )
                )
                return
            pause = _RESTART_PAUSES[failures]
            failures += 1
            console.print(
                f"`f1graph {command}` left with exit code {code}; it is started again in {pause} s."
            )
            await asyncio.sleep(pause)

    async def _run_beside(self, arguments: tuple[str, ...]) -> None:
        code = await self._run(arguments)
        if code > 0:
            console.print(
                f"`f1graph {' '.join(arguments)}` failed with exit code {code}: "
                f"see {self._log_of(arguments[0])}."
            )

    def _log_of(self, command: str) -> Path:
        return self._logs / f"{command}.log"

    async def _run(self, arguments: tuple[str, ...]) -> int:
        environment = os.environ | {"F1GRAPH_REDIS_URL": self._redis_url}
        if self._settings.now is not None:
            # The child's clock starts where ours is now.
            environment["F1GRAPH_NOW"] = self._clock().isoformat()
        with self._log_of(arguments[0]).open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "f1graph",
                f"--parent={os.getpid()}",
                *arguments,
                env=environment,
                # Ctrl-C is ours: we tell the children in our own order.
                start_new_session=True,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self._running.add(process)
        try:
            return await process.wait()
        finally:
            if process.returncode is not None:
                self._running.discard(process)

    async def stop(self) -> None:
        """Asks every child to leave, waits, and ends those that do not."""
        for task in self._tasks:
            task.cancel()
        running = list(self._running)
        for process in running:
            with suppress(ProcessLookupError):
                process.terminate()
        waiting = [asyncio.create_task(process.wait()) for process in running]
        if waiting:
            await asyncio.wait(waiting, timeout=_GRACE.total_seconds())
        for process in running:
            if process.returncode is None:
                process.kill()
                await process.wait()
