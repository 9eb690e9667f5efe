"""The weather to come at the next race: when it is asked for, and asking for it within the budget."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from f1graph.clock import Clock
from f1graph.errors import WorkError
from f1graph.races.calendar import Race, SessionKind
from f1graph.races.weather import WeatherForecast
from f1graph.sources.weather import WeatherForecastSource, WeatherProblem
from f1graph.store.budget import NotYet, reserve, settle
from f1graph.store.calendar import circuits_by_id, races_by_id
from f1graph.store.engine import Store
from f1graph.weekends.sessions import FetchError, NotYetError
from f1graph.weekends.work import Work, WorkKind

# Weather services compute anew every few hours. Some 15 calls for a weekend, and for each of them the few
# attempts that fit in before the next.
_EVERY = timedelta(hours=6)
_BEFORE_THE_WEEKEND = timedelta(days=1)
# When a grid and a strategy are about to be decided.
_ONCE_MORE_BEFORE = timedelta(hours=2)
_DECIDES = (SessionKind.QUALIFYING, SessionKind.RACE)
# The source gives up before.
_LASTS = timedelta(minutes=1)


@dataclass(frozen=True)
class WeatherFetches:
    """A source with its budget.

    Attributes:
        calls_per_hour: All processes together.
    """

    source: WeatherForecastSource
    calls_per_hour: int


def weather_due(calendar: Sequence[Race], now: datetime) -> Iterator[Work]:
    """The newest moment at which the weather was to be asked for, from the day before the first session (a
    Thursday, usually) to the start of the race. One that was missed is not caught up with."""
    for race in calendar:
        begins_at = race.weekend_starts_at - _BEFORE_THE_WEEKEND
        if race.race_session.is_nominal or not begins_at <= now < race.starts_at:
            continue
        decisive = [race.session(kind) for kind in _DECIDES]
        moments = [session.starts_at - _ONCE_MORE_BEFORE for session in decisive if session is not None]
        moments.append(begins_at + (now - begins_at) // _EVERY * _EVERY)
        newest = max(moment for moment in moments if moment <= now)
        yield Work(
            WorkKind.WEATHER,
            f"{WorkKind.WEATHER}/{race.id}/{newest:%Y-%m-%dT%H:%M}",
            f"the weather to come at {race.id}, as of {newest:%d %B, %H:%M} UTC",
            race_id=race.id,
        )


async def fetch_weather(
    store: Store, fetches: WeatherFetches, race_id: str, *, clock: Clock
) -> tuple[WeatherForecast, dict[str, Any]]:
    """The weather to come at a race, and what the ledger keeps of the call.

    Raises:
        NotYetError: The budget has no room.
        FetchError: Nothing came that can be stored; the ledger gets its code.
    """
    source = fetches.source
    async with store.read() as read:
        race = (await races_by_id(read, [race_id])).get(race_id)
        if race is None:
            raise WorkError(f"there is no race {race_id!r}")
        circuit = (await circuits_by_id(read, [race.circuit_id]))[race.circuit_id]
    async with store.write() as write:
        reservation = await reserve(
            write,
            {source.host: 1},
            per_hour={source.host: fetches.calls_per_hour},
            now=clock(),
            lasts=_LASTS,
        )
    if isinstance(reservation, NotYet):
        raise NotYetError(reservation)
    answer = await source.forecast(race, circuit, now=clock())
    async with store.write() as write:
        await settle(write, reservation, {source.host: 1}, now=clock())
    detail: dict[str, Any] = {"source": source.name, "calls": {source.host: 1}, "problems": []}
    if isinstance(answer, WeatherProblem):
        problem = {
            "part": "WEATHER_FORECAST",
            "code": answer.code.value,
            "reason": answer.reason,
            "host": source.host,
        }
        raise FetchError(
            f"WEATHER_FORECAST {answer.code}: {answer.reason}", {**detail, "problems": [problem]}
        )
    # A forecast of the race that is made meanwhile did not know it.
    forecast = replace(answer, known_at=max(clock(), answer.known_at))
    return forecast, {
        **detail,
        "published_at": forecast.published_at.isoformat(),
        "hours": len(forecast.hours),
    }
