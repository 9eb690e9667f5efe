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

from f1graph.api.access import PUBLIC, Caller
from f1graph.api.loader import Loader
from f1graph.api.memory import Known
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
T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True)
class Context:
    """One request.

    Attributes:
        now: The moment of the request, the same for all of its fields. Nothing learned later is shown.
        calls_per_hour: The budget of each host that is asked for facts.
        bundles_dir: Where trained models lie: one that is not there is not put to use.
        caller: Who asks.
        known: What other requests have read of the same data version; None where nothing is remembered.
    """

    store: Store
    now: datetime
    calls_per_hour: Mapping[str, int] = field(default_factory=dict)
    bundles_dir: Path = Path()
    caller: Caller = PUBLIC
    known: Known | None = None
    loaders: Loaders = field(init=False)

    def __post_init__(self) -> None:
        require_utc(self.now, "the moment of a request")
        object.__setattr__(self, "loaders", Loaders(self.store, self.known_at(None), self.known))

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

    def known_at(self, as_of: datetime | None) -> datetime:
        """The moment to ask the database for what was known: as good as `moment`, and the same for many
        requests where that is now.

        Raises:
            RequestError: It has not come yet.
        """
        if as_of is None and self.known is not None:
            return self.known.moment
        return self.moment(as_of)

    def shown(self, show: Callable[[R], T], record: R) -> T:
        """What a record looks like in the graph; once for all requests that read the same one."""
        return show(record) if self.known is None else self.known.shown(show, record)

    async def ask(self, question: str, key: Hashable, ask: Callable[[Read], Awaitable[T]]) -> T:
        """The answer to a question that is asked once in a request."""
        answers = {} if self.known is None else self.known.answers(question)
        if key in answers:
            known: T = answers[key]
            return known
        async with self.store.read() as read:
            answer = await ask(read)
        if self.known is not None:
            self.known.add(question, key, answer)
        return answer

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

    def __init__(self, store: Store, now: datetime, known: Known | None = None) -> None:
        self._store = store
        self._known = known
        self._now = now
        last_season = now.year + 1
        self.race: Loader[str, Race | None] = self._by_key("race", calendar.races_by_id)
        self.circuit: Loader[str, Circuit | None] = self._by_key("circuit", calendar.circuits_by_id)
        self.driver: Loader[str, Driver | None] = self._by_key("driver", people.drivers_by_id)
        self.constructor: Loader[str, Constructor | None] = self._by_key(
            "constructor", people.constructors_by_id
        )
        self.races_of_season: Loader[int, list[Race] | None] = self._by_key(
            "races_of_season", calendar.races_of_seasons
        )
        self.last_race_with_result: Loader[tuple[int, datetime], str | None] = self._by_group(
            "last_race_with_result", calendar.last_races_with_result
        )
        self.races_at_circuit: Loader[CircuitRacesKey, list[Race] | None] = self._by_group(
            "races_at_circuit",
            lambda read, ids, asked: calendar.races_at_circuits(
                read, ids, up_to_season=last_season, limit=asked[0], after=asked[1], newest_first=asked[2]
            ),
        )
        self.count_races_at_circuit: Loader[str, int | None] = self._by_key(
            None, lambda read, ids: calendar.count_races_at_circuits(read, ids, up_to_season=last_season)
        )
        self.revisions: Loader[AtMoment, list[results.Revision] | None] = self._by_group(
            "revisions", results.revisions_known
        )
        self.classification: Loader[ClassificationKey, Classification | None] = self._loader(
            "classification", self._classifications
        )
        self.standings: Loader[StandingsKey, championships.ChampionshipTable | None] = self._loader(
            "standings", self._standings
        )
        self.driver_seasons: Loader[AtMoment, list[people.SeasonTally] | None] = self._by_group(
            "driver_seasons", people.driver_seasons
        )
        self.lines: Loader[LinesKey, list[results.RaceLine] | None] = self._by_group(None, results.lines_page)
        self.count_lines: Loader[LineCountKey, int | None] = self._by_group(None, results.count_lines)
        self.forecast: Loader[str, published.ForecastHead | None] = self._by_key(
            "forecast", lambda read, ids: published.forecasts_by_id(read, ids, now)
        )
        self.forecast_after: Loader[str, published.ForecastHead | None] = self._by_key(
            "forecast_after", lambda read, ids: published.forecasts_after(read, ids, now)
        )
        self.latest_forecast: Loader[LatestForecastKey, published.ForecastHead | None] = self._by_group(
            "latest_forecast",
            lambda read, ids, asked: published.latest_forecasts(read, ids, asked[0], asked[1]),
        )
        self.forecasts_of_race: Loader[RaceForecastsKey, list[published.ForecastHead] | None] = (
            self._by_group(
                "forecasts_of_race",
                lambda read, ids, asked: published.forecasts_of_races(
                    read, ids, asked[0], asked[1], limit=asked[2], before=asked[3]
                ),
            )
        )
        self.count_forecasts_of_race: Loader[LatestForecastKey, int | None] = self._by_group(
            None, lambda read, ids, asked: published.count_forecasts_of_races(read, ids, asked[0], asked[1])
        )
        self.draws: Loader[str, DrawnOrders | None] = self._by_key(None, published.draws_of)
        self.entries: Loader[str, list[Any] | None] = self._by_key("entries", published.entries_of)
        self.members: Loader[str, dict[str, list[Any]] | None] = self._by_key("members", published.members_of)
        self.explanation: Loader[str, Explanation | None] = self._by_key(
            "explanation", explanations.load_explanations
        )
        self.scores: Loader[AtMoment, list[track_record.ScoreRow] | None] = self._by_group(
            "scores", track_record.scores_known
        )

        self.recordings: Loader[AtMoment, OfSessions | None] = self._by_group("recordings", _recordings)
        self.laps: Loader[LapsKey, list[Lap] | None] = self._by_group(None, recordings.laps_page)
        self.count_laps: Loader[LapsKey, int | None] = self._by_group(None, recordings.count_laps)
        self.weather: Loader[PageKey, list[tuple[int, WeatherSample]] | None] = self._by_group(
            None, lambda read, ids, asked: recordings.weather_page(read, ids, limit=asked[0], after=asked[1])
        )
        self.messages: Loader[PageKey, list[RaceControlMessage] | None] = self._by_group(
            None, lambda read, ids, asked: recordings.messages_page(read, ids, limit=asked[0], after=asked[1])
        )
        self.track_status: Loader[int, list[TrackStatusChange] | None] = self._by_key(
            None, recordings.track_status_of
        )
        self.weather_forecast: Loader[AtMoment, WeatherForecast | None] = self._by_group(
            "weather_forecast", weather.weather_forecasts_known
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

    def _loader(self, remembered: str | None, ask: Callable[[list[K]], Awaitable[list[V]]]) -> Loader[K, V]:
        if remembered is None or self._known is None:
            return Loader(ask)
        return Loader(ask, (self._known, remembered))

    def _by_key(
        self, remembered: str | None, ask: Callable[[Read, Sequence[K]], Awaitable[Mapping[K, V]]]
    ) -> Loader[K, V | None]:
        """A loader that asks one question for all keys; what has no answer is None.

        Args:
            remembered: Its name, if other requests of the same data version may have the answers.
        """

        async def load(keys: list[K]) -> list[V | None]:
            async with self._store.read() as read:
                found = await ask(read, keys)
            return [found.get(key) for key in keys]

        return self._loader(remembered, load)

    def _by_group(
        self, remembered: str | None, ask: Callable[[Read, Sequence[K], G], Awaitable[Mapping[K, V]]]
    ) -> Loader[tuple[K, G], V | None]:
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

        return self._loader(remembered, load)

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
