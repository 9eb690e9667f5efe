"""The weather to come: when it is asked for, what becomes of an answer, and that nothing waits for it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from f1graph.races.calendar import Circuit, Race, SessionKind
from f1graph.races.weather import WeatherForecast
from f1graph.settings import Settings
from f1graph.sources.open_meteo import OpenMeteo
from f1graph.sources.weather import WeatherProblem, WeatherProblemCode
from f1graph.store.budget import spent
from f1graph.store.engine import Store, open_store
from f1graph.store.ledger import LedgerRow, WorkStatus, last_work
from f1graph.store.weather import weather_forecasts_known
from f1graph.weekends.intake import record
from f1graph.weekends.run import Outcome, Result, run_due
from f1graph.weekends.weather import WeatherFetches, weather_due
from f1graph.weekends.work import WorkKind
from f1graph.wiring import weather_of
from tests.api.seed import facts_of
from tests.builders import a_history, a_season, a_weather_forecast
from tests.databases import SqliteTemplates
from tests.forecasts.season import fill_season
from tests.sources.weather_host import weather_host
from tests.weekends.recorded import MovingClock, RecordedEngine, RecordedSource

RACES = a_season(2024, 3)
# The fixture's clock shows the Thursday before it.
NEXT = RACES[1]


@dataclass
class RecordedWeather:
    """Forecasts the same, until it is told otherwise, and remembers when it was asked.

    Attributes:
        problem: Why it has no forecast, if so.
    """

    rain: float = 0.2
    problem: WeatherProblem | None = None
    asked: list[tuple[str, str, datetime]] = field(default_factory=list)
    name: str = "open-meteo"
    host: str = "open_meteo"

    async def forecast(
        self, race: Race, circuit: Circuit, *, now: datetime
    ) -> WeatherForecast | WeatherProblem:
        self.asked.append((race.id, circuit.id, now))
        return self.problem or a_weather_forecast(race, now, rain=self.rain)


async def run(
    store: Store,
    source: RecordedSource,
    engine: RecordedEngine,
    clock: MovingClock,
    weather: RecordedWeather | OpenMeteo,
    *,
    only: set[WorkKind] | None = None,
    per_hour: int = 20,
) -> list[Outcome]:
    return await run_due(
        store,
        source,
        engine,
        clock=clock,
        worker_name="one",
        only=only or {WorkKind.WEATHER},
        weather=WeatherFetches(weather, per_hour),
    )


async def ledger(store: Store) -> list[LedgerRow]:
    async with store.read() as read:
        return await last_work(read, limit=100, kind="WEATHER")


async def known(store: Store, clock: MovingClock) -> WeatherForecast | None:
    async with store.read() as read:
        return (await weather_forecasts_known(read, [NEXT.id], clock())).get(NEXT.id)


@pytest.fixture
async def season(sqlite_store: Store) -> Store:
    """The calendar and nothing else."""
    async with sqlite_store.write() as write:
        await record(write, facts_of(a_history(RACES, [])), now=RACES[0].starts_at - timedelta(days=60))
    return sqlite_store


def moments_asked(race: Race) -> list[datetime]:
    """When it is asked by somebody who looks every three minutes for two weeks."""
    found: dict[str, datetime] = {}
    moment = race.starts_at - timedelta(days=12)
    while moment < race.ends_at + timedelta(days=2):
        for work in weather_due([race], moment):
            found.setdefault(work.key, moment)
        moment += timedelta(minutes=3)
    return list(found.values())


def test_it_is_asked_for_from_the_day_before_the_first_session_to_the_start() -> None:
    asked = moments_asked(NEXT)

    assert asked[0] == NEXT.weekend_starts_at - timedelta(days=1)
    assert NEXT.starts_at - timedelta(hours=2) <= asked[-1] < NEXT.starts_at
    # A bounded number of calls.
    assert 10 <= len(asked) <= 16


def test_it_is_asked_for_once_more_before_qualifying_and_the_race() -> None:
    asked = moments_asked(NEXT)

    for kind in (SessionKind.QUALIFYING, SessionKind.RACE):
        session = NEXT.session(kind)
        assert session is not None
        last = max(moment for moment in asked if moment < session.starts_at)
        assert session.starts_at - last <= timedelta(hours=2)


def test_what_was_missed_is_not_caught_up_with() -> None:
    (work,) = weather_due([NEXT], NEXT.starts_at - timedelta(minutes=5))

    assert work.key == f"WEATHER/{NEXT.id}/{NEXT.starts_at - timedelta(hours=2):%Y-%m-%dT%H:%M}"


def test_a_race_of_which_nobody_knows_the_time_has_no_weather() -> None:
    unknown = tuple(replace(session, is_nominal=True) for session in NEXT.sessions)

    assert not list(weather_due([replace(NEXT, sessions=unknown)], NEXT.starts_at - timedelta(hours=3)))


async def test_a_forecast_is_stored_as_it_was_learned_and_asked_for_again_six_hours_later(
    season: Store, source: RecordedSource, engine: RecordedEngine, clock: MovingClock
) -> None:
    weather = RecordedWeather()

    (outcome,) = await run(season, source, engine, clock, weather)
    nothing = await run(season, source, engine, clock, weather)
    first = await known(season, clock)
    clock.move(timedelta(hours=6))
    weather.rain = 0.7
    (again,) = await run(season, source, engine, clock, weather)

    assert (outcome.result, again.result, nothing) == (Result.DONE, Result.DONE, [])
    assert outcome.detail["is_new"]
    assert outcome.detail["hours"] == 6
    assert first is not None
    assert first.hours[0].rain_probability == 0.2
    second = await known(season, clock)
    assert second is not None
    assert second.hours[0].rain_probability == 0.7
    assert [race_id for race_id, _, _ in weather.asked] == [NEXT.id] * 2
    assert weather.asked[0][1] == NEXT.circuit_id


async def test_s4_a_refused_answer_stores_nothing_and_stands_in_the_ledger_with_its_code(
    season: Store, source: RecordedSource, engine: RecordedEngine, clock: MovingClock
) -> None:
    """S4: and it is tried again later, a few times."""
    weather = RecordedWeather(
        problem=WeatherProblem(WeatherProblemCode.WRONG_PLACE, "it is for 0.0, 0.0, 5000 km from Monza")
    )

    (outcome,) = await run(season, source, engine, clock, weather)

    assert outcome.result is Result.FAILED
    assert await known(season, clock) is None
    (row,) = await ledger(season)
    assert row.status is WorkStatus.FAILED
    assert (
        row.error
        == "SOURCE_UNAVAILABLE: WEATHER_FORECAST WRONG_PLACE: it is for 0.0, 0.0, 5000 km from Monza"
    )
    assert row.detail["problems"] == [
        {
            "part": "WEATHER_FORECAST",
            "code": "WRONG_PLACE",
            "reason": "it is for 0.0, 0.0, 5000 km from Monza",
            "host": "open_meteo",
        }
    ]
    assert row.detail["calls"] == {"open_meteo": 1}


async def test_a_host_that_refuses_all_day_is_asked_a_few_times_and_no_more(
    season: Store, source: RecordedSource, engine: RecordedEngine, clock: MovingClock
) -> None:
    weather = RecordedWeather(problem=WeatherProblem(WeatherProblemCode.RATE_LIMITED, "429: too many"))

    for _ in range(6 * 20):
        await run(season, source, engine, clock, weather)
        clock.move(timedelta(minutes=3))

    # Five minutes, a quarter, an hour, four hours after the last; and two moments at which it is due.
    assert len(weather.asked) <= 10
    assert {row.status for row in await ledger(season)} == {WorkStatus.FAILED}


async def test_s2_calls_are_taken_from_a_budget_that_all_processes_share(
    season: Store, source: RecordedSource, engine: RecordedEngine, clock: MovingClock
) -> None:
    weather = RecordedWeather()
    await run(season, source, engine, clock, weather, per_hour=1)
    clock.move(timedelta(minutes=50))
    async with season.read() as read:
        counted = (await spent(read, ["open_meteo"], now=clock()))["open_meteo"]
    assert (counted.used, counted.reserved) == (1, 0)

    # The slot before the race comes within the hour of another.
    clock.now = NEXT.starts_at - timedelta(hours=2, minutes=10)
    await run(season, source, engine, clock, weather, per_hour=1)
    clock.move(timedelta(minutes=15))
    (waits,) = await run(season, source, engine, clock, weather, per_hour=1)

    assert waits.result is Result.WAITING
    assert "the hour's calls to open_meteo are spent" in str(waits.error)
    clock.move(timedelta(minutes=50))
    (done,) = await run(season, source, engine, clock, weather, per_hour=1)
    assert done.result is Result.DONE
    assert len(weather.asked) == 3


async def test_no_forecast_waits_for_the_weather(
    store: Store, source: RecordedSource, engine: RecordedEngine, clock: MovingClock
) -> None:
    """Nor for a host that refuses: what is forecast is forecast first, and just as without it."""
    weather = RecordedWeather(problem=WeatherProblem(WeatherProblemCode.TIMED_OUT, "no answer"))
    every = set(WorkKind) - {WorkKind.TRAIN, WorkKind.BACKTEST}

    outcomes = await run(store, source, engine, clock, weather, only=every)

    kinds = [outcome.work.kind for outcome in outcomes]
    assert kinds.count(WorkKind.WEATHER) == kinds.count(WorkKind.FORECAST) == 1
    assert kinds.index(WorkKind.FORECAST) < kinds.index(WorkKind.WEATHER)
    assert [outcome.result for outcome in outcomes if outcome.work.kind is not WorkKind.WEATHER] == [
        Result.DONE
    ] * (len(outcomes) - 1)


async def test_it_comes_from_open_meteo_into_the_database(
    season: Store, source: RecordedSource, engine: RecordedEngine, clock: MovingClock
) -> None:
    with weather_host() as host:
        host.date = clock()
        await run(season, source, engine, clock, OpenMeteo(host.url))
        host.status = 500
        clock.move(timedelta(hours=6))
        host.date = clock()
        await run(season, source, engine, clock, OpenMeteo(host.url))

    found = await known(season, clock)
    assert found is not None
    assert found.hours[-1].ends_at == NEXT.ends_at
    assert found.known_at == clock() - timedelta(hours=6)
    assert [row.status for row in await ledger(season)] == [WorkStatus.FAILED, WorkStatus.DONE]


async def test_nobody_is_asked_unless_the_settings_say_so(season: Store, clock: MovingClock) -> None:
    assert await weather_of(Settings(), season) is None

    fetches = await weather_of(Settings(weather_forecast=True, open_meteo_calls_per_hour=7), season)

    assert fetches is not None
    assert (fetches.source.name, fetches.calls_per_hour) == ("open-meteo", 7)


async def test_p1_nobody_is_asked_in_a_past_that_is_lived_again(season: Store, clock: MovingClock) -> None:
    """P1: today's forecast of a past day is no forecast."""
    assert await weather_of(Settings(weather_forecast=True, now=clock()), season) is None


@pytest.fixture
def invented(tmp_path: Path, sqlite_templates: SqliteTemplates) -> str:
    return sqlite_templates.copy(tmp_path, fill_season)


async def test_an_invented_place_has_no_weather(invented: str) -> None:
    store = open_store(invented)

    assert await weather_of(Settings(weather_forecast=True), store) is None
    await store.close()
