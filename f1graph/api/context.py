"""What a resolver gets: the store, the moment of the request, and loaders that live for one request.

There is no session in here. A loader's batch opens a transaction, asks one question for all its keys and
closes it again before anything else is awaited, so that two connections are enough for any query.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import strawberry
from strawberry.dataloader import DataLoader

from f1graph.api.access import PUBLIC, Caller
from f1graph.errors import RequestError
from f1graph.races.calendar import Circuit, Race, SessionKind
from f1graph.races.draws import DrawnOrders
from f1graph.races.entries import Constructor, Driver
from f1graph.races.explanation import Explanation
from f1graph.races.facts import StandingsKind
from f1graph.races.laps import Lap, RaceControlMessage, TrackStatusChange, WeatherSample
from f1graph.races.results import Classification, ClassificationKind
from f1graph.races.stages import Stage
from f1graph.races.times import require_utc
from f1graph.races.weather import WeatherForecast
from f1graph.store import (
    calendar,
    championships,
    explanations,
    people,
    published,
    recordings,
    results,
    track_record,
    weather,
)
from f1graph.store.engine import Read, Store

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")
G = TypeVar("G", bound=Hashable)


@dataclass(frozen=True)
class Context:
    """One request.

    Attributes:
        now: The moment of the request, the same for all of its fields. Nothing learned later is shown.
        calls_per_hour: The budget of each host that is asked for facts.
        bundles_dir: Where trained models lie: one that is not there is not put to use.
        caller: Who asks.
    """

    store: Store
    now: datetime
    calls_per_hour: Mapping[str, int] = field(default_factory=dict)
    bundles_dir: Path = Path()
    caller: Caller = PUBLIC
    loaders: Loaders = field(init=False)

    def __post_init__(self) -> None:
        require_utc(self.now, "the moment of a request")
        object.__setattr__(self, "loaders", Loaders(self.store, self.now))

    def moment(self, as_of: datetime | None) -> datetime:
        """The moment asked for, or now.

        Raises:
            RequestError: It has not come yet.
        """
        if as_of is None:
            return self.now
        if as_of > self.now:
            raise RequestError(
                f"asOf {as_of:%Y-%m-%dT%H:%M:%SZ} has not come yet: it is {self.now:%Y-%m-%dT%H:%M:%SZ}"
            )
        return as_of

    @property
    def last_season(self) -> int:
        """The last season that is shown: a calendar is published in the year before."""
        return self.now.year + 1


Info = strawberry.Info[Context, None]

ClassificationKey = tuple[str, ClassificationKind, datetime]
StandingsKey = tuple[str, StandingsKind, datetime]
LinesKey = tuple[str, results.LinesAsked]
LineCountKey = tuple[str, results.LineFilter]
LatestForecastKey = tuple[str, tuple[Stage | None, datetime]]
RaceForecastsKey = tuple[str, tuple[Stage | None, datetime, int, int | None]]
# What is asked for, and the moment at which it was known.
AtMoment = tuple[str, datetime]
OfSessions = dict[SessionKind, list[recordings.RecordingHead]]
LapsKey = tuple[int, recordings.LapsAsked]
PageKey = tuple[int, tuple[int, int]]
CircuitRacesKey = tuple[str, tuple[int, tuple[datetime, str] | None, bool]]


class Loaders:
    """One per question that is asked for many keys at once."""

    def __init__(self, store: Store, now: datetime) -> None:
        self._store = store
        self._now = now
        last_season = now.year + 1
        self.race: DataLoader[str, Race | None] = self._by_key(calendar.races_by_id)
        self.circuit: DataLoader[str, Circuit | None] = self._by_key(calendar.circuits_by_id)
        self.driver: DataLoader[str, Driver | None] = self._by_key(people.drivers_by_id)
        self.constructor: DataLoader[str, Constructor | None] = self._by_key(people.constructors_by_id)
        self.races_of_season: DataLoader[int, list[Race] | None] = self._by_key(calendar.races_of_seasons)
        self.last_race_with_result: DataLoader[tuple[int, datetime], str | None] = self._by_group(
            calendar.last_races_with_result
        )
        self.races_at_circuit: DataLoader[CircuitRacesKey, list[Race] | None] = self._by_group(
            lambda read, ids, asked: calendar.races_at_circuits(
                read, ids, up_to_season=last_season, limit=asked[0], after=asked[1], newest_first=asked[2]
            )
        )
        self.count_races_at_circuit: DataLoader[str, int | None] = self._by_key(
            lambda read, ids: calendar.count_races_at_circuits(read, ids, up_to_season=last_season)
        )
        self.revisions: DataLoader[AtMoment, list[results.Revision] | None] = self._by_group(
            results.revisions_known
        )
        self.classification: DataLoader[ClassificationKey, Classification | None] = DataLoader(
            self._classifications
        )
        self.standings: DataLoader[StandingsKey, championships.ChampionshipTable | None] = DataLoader(
            self._standings
        )
        self.driver_seasons: DataLoader[AtMoment, list[people.SeasonTally] | None] = self._by_group(
            people.driver_seasons
        )
        self.lines: DataLoader[LinesKey, list[results.RaceLine] | None] = self._by_group(results.lines_page)
        self.count_lines: DataLoader[LineCountKey, int | None] = self._by_group(results.count_lines)
        self.forecast: DataLoader[str, published.ForecastHead | None] = self._by_key(
            lambda read, ids: published.forecasts_by_id(read, ids, now)
        )
        self.forecast_after: DataLoader[str, published.ForecastHead | None] = self._by_key(
            lambda read, ids: published.forecasts_after(read, ids, now)
        )
        self.latest_forecast: DataLoader[LatestForecastKey, published.ForecastHead | None] = self._by_group(
            lambda read, ids, asked: published.latest_forecasts(read, ids, asked[0], asked[1])
        )
        self.forecasts_of_race: DataLoader[RaceForecastsKey, list[published.ForecastHead] | None] = (
            self._by_group(
                lambda read, ids, asked: published.forecasts_of_races(
                    read, ids, asked[0], asked[1], limit=asked[2], before=asked[3]
                )
            )
        )
        self.count_forecasts_of_race: DataLoader[LatestForecastKey, int | None] = self._by_group(
            lambda read, ids, asked: published.count_forecasts_of_races(read, ids, asked[0], asked[1])
        )
        self.draws: DataLoader[str, DrawnOrders | None] = self._by_key(published.draws_of)
        self.entries: DataLoader[str, list[Any] | None] = self._by_key(published.entries_of)
        self.members: DataLoader[str, dict[str, list[Any]] | None] = self._by_key(published.members_of)
        self.explanation: DataLoader[str, Explanation | None] = self._by_key(explanations.load_explanations)
        self.scores: DataLoader[AtMoment, list[track_record.ScoreRow] | None] = self._by_group(
            track_record.scores_known
        )

        self.recordings: DataLoader[AtMoment, OfSessions | None] = self._by_group(_recordings)
        self.laps: DataLoader[LapsKey, list[Lap] | None] = self._by_group(recordings.laps_page)
        self.count_laps: DataLoader[LapsKey, int | None] = self._by_group(recordings.count_laps)
        self.weather: DataLoader[PageKey, list[tuple[int, WeatherSample]] | None] = self._by_group(
            lambda read, ids, asked: recordings.weather_page(read, ids, limit=asked[0], after=asked[1])
        )
        self.messages: DataLoader[PageKey, list[RaceControlMessage] | None] = self._by_group(
            lambda read, ids, asked: recordings.messages_page(read, ids, limit=asked[0], after=asked[1])
        )
        self.track_status: DataLoader[int, list[TrackStatusChange] | None] = self._by_key(
            recordings.track_status_of
        )
        self.weather_forecast: DataLoader[AtMoment, WeatherForecast | None] = self._by_group(
            weather.weather_forecasts_known
        )
        self._rows_taken = 0
        self._draws_taken: set[str] = set()

    def take_rows(self, number: int, *, most: int) -> None:
        """Counts rows of recordings that are asked for: a race has thousands, and a request many races.

        Raises:
            RequestError: All of the request together are more than `most`.
        """
        self._rows_taken += number
        if self._rows_taken > most:
            raise RequestError(
                f"one request may ask for {most} laps, samples and messages in all (the stints of a session "
                "count for 100): give a smaller `first`, or ask for fewer sessions at once"
            )

    def take_draws(self, forecast_id: str, *, most: int) -> None:
        """Counts forecasts whose draws are asked for: each is some hundred kilobytes to unpack.

        Raises:
            RequestError: All of the request together are more than `most`.
        """
        self._draws_taken.add(forecast_id)
        if len(self._draws_taken) > most:
            raise RequestError(
                f"one request may ask for the draws of {most} forecasts (`chance`, `headToHead`), however "
                "often of each: ask for fewer forecasts at once"
            )

    def _by_key(
        self, ask: Callable[[Read, Sequence[K]], Awaitable[Mapping[K, V]]]
    ) -> DataLoader[K, V | None]:
        """A loader that asks one question for all keys; what has no answer is None."""

        async def load(keys: list[K]) -> list[V | None]:
            async with self._store.read() as read:
                found = await ask(read, keys)
            return [found.get(key) for key in keys]

        return DataLoader(load)

    def _by_group(
        self, ask: Callable[[Read, Sequence[K], G], Awaitable[Mapping[K, V]]]
    ) -> DataLoader[tuple[K, G], V | None]:
        """As `_by_key` for keys of an id and what is asked of it: one question per different asking."""

        async def load(keys: list[tuple[K, G]]) -> list[V | None]:
            ids_of: dict[G, list[K]] = {}
            for one, asked in keys:
                ids_of.setdefault(asked, []).append(one)
            found: dict[G, Mapping[K, V]] = {}
            async with self._store.read() as read:
                for asked, ids in ids_of.items():
                    found[asked] = await ask(read, ids, asked)
            return [found[asked].get(one) for one, asked in keys]

        return DataLoader(load)

    async def _classifications(self, keys: list[ClassificationKey]) -> list[Classification | None]:
        found: dict[ClassificationKey, Classification] = {}
        async with self._store.read() as read:
            for moment in dict.fromkeys(key[2] for key in keys):
                asked = [key for key in keys if key[2] == moment]
                known = await results.classifications_known(
                    read, {key[0] for key in asked}, {key[1] for key in asked}, moment
                )
                found |= {(race_id, kind, moment): one for (race_id, kind), one in known.items()}
        return [found.get(key) for key in keys]

    async def _standings(self, keys: list[StandingsKey]) -> list[championships.ChampionshipTable | None]:
        found: dict[StandingsKey, championships.ChampionshipTable] = {}
        async with self._store.read() as read:
            for moment in dict.fromkeys(key[2] for key in keys):
                race_ids = {key[0] for key in keys if key[2] == moment}
                tables = await championships.standings_known(read, race_ids, moment)
                found |= {(race_id, kind, moment): table for (race_id, kind), table in tables.items()}
        return [found.get(key) for key in keys]


async def _recordings(read: Read, race_ids: Sequence[str], moment: datetime) -> dict[str, OfSessions]:
    of_race: dict[str, OfSessions] = {}
    for (race_id, session), heads in (await recordings.recordings_known(read, race_ids, moment)).items():
        of_race.setdefault(race_id, {})[session] = heads
    return of_race
