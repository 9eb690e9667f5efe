"""Seasons, circuits, race weekends and their sessions."""

# Strawberry's decorator is typed as Any without its plugin for mypy.
# mypy: disallow-untyped-decorators=False

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated
from zoneinfo import ZoneInfo

import strawberry
from strawberry import field

import f1graph.races.calendar as records
from f1graph.api.context import Context, Info
from f1graph.api.enums import ForecastUnavailableReason, RaceOrder
from f1graph.api.forecast import Forecast, StageAsked, forecast_key, read_forecast_cursor
from f1graph.api.ids import cursor, global_id, page_size, read_cursor
from f1graph.api.lists import After, AsOf, Connection, First, connection
from f1graph.api.node import Node, present
from f1graph.api.recordings import (
    DriverAsked,
    DriversAsked,
    FirstRows,
    Lap,
    RaceControlMessage,
    Recorded,
    RecordingRevision,
    Stint,
    TrackStatusChange,
    WeatherSample,
    drivers_asked,
    lap_bound,
)
from f1graph.api.results import Classification, ClassificationLine, Revision, lines_of, revision
from f1graph.api.scalars import LocalDateTime
from f1graph.api.standings import (
    ConstructorStandings,
    DriverStandings,
    constructor_standings,
    driver_standings,
)
from f1graph.api.weather import WeatherForecast, known_weather_forecast
from f1graph.api.weekend import has_begun, next_update
from f1graph.errors import RequestError
from f1graph.races.calendar import SessionKind, WeekendFormat
from f1graph.races.facts import StandingsKind
from f1graph.races.results import PRACTICE_KINDS, ClassificationKind
from f1graph.races.stages import Stage, stage_at
from f1graph.store.championships import ChampionshipTable

_RACES = "races"


@strawberry.type(description="A place where races are held.")
class Circuit(Node):
    slug: str = field(description="Readable and as stable as the id: `yas-marina`.")
    name: str = field(description="The short name.")
    full_name: str = field(description="The official name.")
    place: str = field(description="The town or area.")
    country: str = field(description="The country's name.")
    country_code: str = field(description="The country's three letters by ISO 3166-1.")
    latitude: float = field(description="In degrees, north is positive.")
    longitude: float = field(description="In degrees, east is positive.")
    time_zone: str = field(description="The IANA name of its zone: `Asia/Dubai`.")
    kind: str = field(description="`RACE` for a permanent circuit, `ROAD` or `STREET`.")
    length_km: float = field(description="Length of the newest layout in kilometres.")
    turns: int = field(description="Number of turns of the newest layout.")
    invented: bool = field(description="True for a circuit of the invented championship.")

    @classmethod
    def of(cls, record: records.Circuit) -> Circuit:
        return cls(
            id=strawberry.ID(global_id("Circuit", record.id)),
            slug=record.id,
            name=record.name,
            full_name=record.full_name,
            place=record.place,
            country=record.country,
            country_code=record.country_code,
            latitude=record.latitude,
            longitude=record.longitude,
            time_zone=record.time_zone,
            kind=record.kind,
            length_km=record.length_km,
            turns=record.turns,
            invented=record.invented,
        )

    @field(description="The races held here, those to come included.")
    async def races(
        self,
        info: Info,
        order: Annotated[
            RaceOrder, strawberry.argument(description="Which end comes first.")
        ] = RaceOrder.NEWEST_FIRST,
        first: First = 20,
        after: After = None,
    ) -> Connection[Race]:
        loaders = info.context.loaders
        asked = (page_size(first) + 1, read_race_cursor(after), order is RaceOrder.NEWEST_FIRST)
        found = await loaders.races_at_circuit.load((self.slug, asked)) or []

        async def count() -> int:
            return await loaders.count_races_at_circuit.load(self.slug) or 0

        return connection(found, first=first, after=after, node=Race.of, cursor=race_key, count=count)


@strawberry.type(description="One session of a race weekend.")
class Session:
    kind: SessionKind = field(description="What is driven.")
    starts_at: datetime | None = field(description="Start in UTC. Null where the time was never recorded.")
    ends_at: datetime | None = field(
        description="End in UTC by the schedule; interruptions may move it. Null where the time was never "
        "recorded."
    )
    circuit_id: strawberry.Private[str]
    race_id: strawberry.Private[str]

    @field(description="The circuit's zone, an IANA name: what to show local times in.")
    async def time_zone(self, info: Info) -> str:
        return present(await info.context.loaders.circuit.load(self.circuit_id)).time_zone

    @field(
        description="Start on the circuit's own clock; the local date may differ from the date in UTC. Null "
        "where "
        "the time was never recorded."
    )
    async def starts_at_local(self, info: Info) -> LocalDateTime | None:
        return await self._local(info, self.starts_at)

    @field(description="End on the circuit's own clock. Null where the time was never recorded.")
    async def ends_at_local(self, info: Info) -> LocalDateTime | None:
        return await self._local(info, self.ends_at)

    async def _local(self, info: Info, moment: datetime | None) -> LocalDateTime | None:
        if moment is None:
            return None
        circuit = present(await info.context.loaders.circuit.load(self.circuit_id))
        return LocalDateTime(moment.astimezone(ZoneInfo(circuit.time_zone)))

    @field(
        description="Laps by driver (in the order of the slugs) and number, from 2018 on. All pages are of "
        "the same revision, the one that was newest at the first. Null where none are recorded."
    )
    async def laps(
        self,
        info: Info,
        driver: DriverAsked = None,
        drivers: DriversAsked = None,
        from_lap: Annotated[
            int | None, strawberry.argument(description="Not before this lap. Empty: from the first.")
        ] = None,
        to_lap: Annotated[
            int | None, strawberry.argument(description="Not after this lap. Empty: to the last.")
        ] = None,
        first: FirstRows = 100,
        after: After = None,
        as_of: AsOf = None,
    ) -> Connection[Lap] | None:
        return await self._recorded(info, as_of).laps(
            await drivers_asked(info.context, driver, drivers),
            from_lap=lap_bound("fromLap", from_lap),
            to_lap=lap_bound("toLap", to_lap),
            first=first,
            after=after,
        )

    @field(
        description="The laps of each driver on one set of tyres, by driver and lap; at most a few per "
        "driver. Null where no laps are recorded."
    )
    async def stints(
        self, info: Info, driver: DriverAsked = None, drivers: DriversAsked = None, as_of: AsOf = None
    ) -> list[Stint] | None:
        asked = await drivers_asked(info.context, driver, drivers)
        return await self._recorded(info, as_of).stints(asked)

    @field(
        description="The weather, about one sample a minute, in the order of time. Null where none is "
        "recorded."
    )
    async def weather(
        self, info: Info, first: FirstRows = 100, after: After = None, as_of: AsOf = None
    ) -> Connection[WeatherSample] | None:
        return await self._recorded(info, as_of).weather(first=first, after=after)

    @field(
        description="What race control said, in the order in which it was sent. Null where none is recorded."
    )
    async def race_control(
        self, info: Info, first: FirstRows = 100, after: After = None, as_of: AsOf = None
    ) -> Connection[RaceControlMessage] | None:
        return await self._recorded(info, as_of).race_control(first=first, after=after)

    @field(
        description="When the track's status changed, in the order of time; a few dozen at most. Null where "
        "none is recorded."
    )
    async def track_status(self, info: Info, as_of: AsOf = None) -> list[TrackStatusChange] | None:
        return await self._recorded(info, as_of).track_status()

    @field(
        description="The newest weather forecast for the hours of this session. Null where none was fetched: "
        "it is asked for only at race weekends, and only where the service is set to."
    )
    async def weather_forecast(self, info: Info, as_of: AsOf = None) -> WeatherForecast | None:
        found = await known_weather_forecast(info.context, self.race_id, as_of)
        if found is None or self.starts_at is None or self.ends_at is None:
            return None
        during = found.between(self.starts_at, self.ends_at)
        return None if during is None else WeatherForecast.of(during)

    @field(
        description="Everything that was recorded of this session, and every correction, by part and "
        "revision; a handful per part at most, empty where nothing is."
    )
    async def recordings(self, info: Info, as_of: AsOf = None) -> list[RecordingRevision]:
        return [RecordingRevision.of(head) for head in await self._recorded(info, as_of).heads()]

    def _recorded(self, info: Info, as_of: datetime | None) -> Recorded:
        return Recorded(info.context, self.race_id, self.kind, as_of)


@strawberry.type(description="A race weekend: one Grand Prix with all its sessions.")
class Race(Node):
    slug: str = field(
        description="Season and Grand Prix, `2024-abu-dhabi`: as stable as the id. Rounds shift when a race "
        "is "
        "cancelled, this does not."
    )
    season_year: strawberry.Private[int]
    round: int = field(
        description="Number in the season's calendar, from 1. May change while races are moved."
    )
    name: str = field(description="The short name: `Abu Dhabi`.")
    official_name: str = field(description="The full name with sponsor and year.")
    date: date = field(
        description="Date of the start in UTC. Las Vegas starts on Saturday night there, on Sunday in UTC."
    )
    format: WeekendFormat = field(description="The order of the competitive sessions.")
    scheduled_laps: int | None = field(description="Laps as announced. Null where nobody recorded it.")
    distance_km: float | None = field(description="Length in kilometres as announced. Null where unknown.")
    is_cancelled: bool = field(description="A cancelled race stays in the calendar and gets no forecast.")
    invented: bool = field(
        description="True for a race of the invented championship, which never took place."
    )
    record: strawberry.Private[records.Race]

    @classmethod
    def of(cls, record: records.Race) -> Race:
        return cls(
            id=strawberry.ID(global_id("Race", record.id)),
            slug=record.id,
            season_year=record.season,
            round=record.round,
            name=record.name,
            official_name=record.official_name,
            date=record.date,
            format=record.format,
            scheduled_laps=record.scheduled_laps,
            distance_km=record.distance_km,
            is_cancelled=record.is_cancelled,
            invented=record.invented,
            record=record,
        )

    @field(description="The season's year.")
    def season(self) -> int:
        return self.season_year

    @field(description="Start of the race itself in UTC. Null where the time was never recorded.")
    def starts_at(self) -> datetime | None:
        return None if self.record.race_session.is_nominal else self.record.starts_at

    @field(
        description="Start of the race itself on the circuit's own clock. Null where it was never recorded."
    )
    async def starts_at_local(self, info: Info) -> LocalDateTime | None:
        race = _session(self.record.race_session, self.record)
        return await race._local(info, race.starts_at)

    @field(description="The sessions in the order in which they are driven; the last is the race.")
    def sessions(self) -> list[Session]:
        return [_session(session, self.record) for session in self.record.sessions]

    @field(description="One session of the weekend. Null where the weekend has no such session.")
    def session(
        self, kind: Annotated[SessionKind, strawberry.argument(description="What is driven.")]
    ) -> Session | None:
        found = self.record.session(kind)
        return None if found is None else _session(found, self.record)

    @field(description="Where it is held.")
    async def circuit(self, info: Info) -> Circuit:
        record = present(await info.context.loaders.circuit.load(self.record.circuit_id))
        return info.context.shown(Circuit.of, record)

    @field(
        description="The stage that forecasts of this race are at now: how much of the weekend they may "
        "know. Null "
        "from the start of the race on, and for a cancelled one."
    )
    def stage(self, info: Info) -> Stage | None:
        return stage_at(self.record, info.context.now)

    @field(
        description="When news of this race is next expected: the end of a session, or the daily refresh at "
        "12:00 "
        "UTC before it. Null once the race is over, or cancelled."
    )
    def next_update_at(self, info: Info) -> datetime | None:
        return next_update(self.record, info.context.now)

    @field(
        description="The newest weather forecast for the weekend, from its publication to the end of the "
        "race. Null where none was fetched: it is asked for only at race weekends, and only where the "
        "service is set to."
    )
    async def weather_forecast(self, info: Info, as_of: AsOf = None) -> WeatherForecast | None:
        found = await known_weather_forecast(info.context, self.slug, as_of)
        return None if found is None else WeatherForecast.of(found)

    @field(description="The classification of the race: who finished where. Null until it is known.")
    async def results(self, info: Info, as_of: AsOf = None) -> list[ClassificationLine] | None:
        return await self._lines(info, ClassificationKind.RACE, as_of)

    @field(description="Qualifying in its own order, before penalties. Null until it is known.")
    async def qualifying(self, info: Info, as_of: AsOf = None) -> list[ClassificationLine] | None:
        return await self._lines(info, ClassificationKind.QUALIFYING, as_of)

    @field(description="A free practice, by best lap. Null until it is known, and where there was none.")
    async def practice(
        self,
        info: Info,
        number: Annotated[int, strawberry.argument(description="Which one, from 1 to 4.")],
        as_of: AsOf = None,
    ) -> list[ClassificationLine] | None:
        if not 1 <= number <= len(PRACTICE_KINDS):
            raise RequestError(f"there is no practice {number}; they are numbered from 1 to 4")
        return await self._lines(info, PRACTICE_KINDS[number - 1], as_of)

    @field(
        description="The classification of the sprint. Null until it is known, and on weekends without one."
    )
    async def sprint(self, info: Info, as_of: AsOf = None) -> list[ClassificationLine] | None:
        return await self._lines(info, ClassificationKind.SPRINT, as_of)

    @field(description="The starting grid, penalties applied. Null until it is known.")
    async def grid(self, info: Info, as_of: AsOf = None) -> list[ClassificationLine] | None:
        return await self._lines(info, ClassificationKind.GRID, as_of)

    @field(description="Every pit stop of the race, in the published order. Null where unknown.")
    async def pit_stops(self, info: Info, as_of: AsOf = None) -> list[ClassificationLine] | None:
        return await self._lines(info, ClassificationKind.PIT_STOPS, as_of)

    @field(description="Each driver's fastest lap of the race, the fastest first. Null where unknown.")
    async def fastest_laps(self, info: Info, as_of: AsOf = None) -> list[ClassificationLine] | None:
        return await self._lines(info, ClassificationKind.FASTEST_LAPS, as_of)

    @field(
        description="Any list of the weekend, with its revision and source. Null until it is known, and "
        "where "
        "there is none."
    )
    async def classification(
        self,
        info: Info,
        kind: Annotated[ClassificationKind, strawberry.argument(description="Which list.")],
        as_of: AsOf = None,
    ) -> Classification | None:
        key = (self.slug, kind, info.context.known_at(as_of))
        record = await info.context.loaders.classification.load(key)
        return None if record is None else info.context.shown(Classification.of, record)

    async def _lines(
        self, info: Info, kind: ClassificationKind, as_of: datetime | None
    ) -> list[ClassificationLine] | None:
        key = (self.slug, kind, info.context.known_at(as_of))
        record = await info.context.loaders.classification.load(key)
        return None if record is None else info.context.shown(lines_of, record)

    @field(
        description="Everything that was published about this weekend, and every correction, in the order "
        "in which "
        "it became known; a few dozen at most."
    )
    async def revisions(self, info: Info, as_of: AsOf = None) -> list[Revision]:
        moment = info.context.known_at(as_of)
        found = await info.context.loaders.revisions.load((self.slug, moment)) or ()
        return [revision(stored) for stored in found]

    @field(description="The drivers' championship after this race. Null until its result is known.")
    async def driver_standings(self, info: Info, as_of: AsOf = None) -> DriverStandings | None:
        table = await info.context.loaders.standings.load(
            (self.slug, StandingsKind.DRIVERS, info.context.known_at(as_of))
        )
        return None if table is None else driver_standings(table)

    @field(
        description="The constructors' championship after this race. Null until its result is known, and "
        "before "
        "1958, when there was none."
    )
    async def constructor_standings(self, info: Info, as_of: AsOf = None) -> ConstructorStandings | None:
        table = await info.context.loaders.standings.load(
            (self.slug, StandingsKind.CONSTRUCTORS, info.context.known_at(as_of))
        )
        return None if table is None else constructor_standings(table)

    @field(
        description="The forecast of this race that knows most, made by the moment asked for: what did you "
        "say on Friday? One made before the start comes before any back-test. Null where there is none; "
        "`forecastUnavailableReason` says why."
    )
    async def forecast(self, info: Info, stage: StageAsked = None, as_of: AsOf = None) -> Forecast | None:
        moment = info.context.known_at(as_of)
        head = await info.context.loaders.latest_forecast.load((self.slug, (stage, moment)))
        return None if head is None else info.context.shown(Forecast.of, head)

    @field(description="Why `forecast` with the same arguments is null. Null where there is one.")
    async def forecast_unavailable_reason(
        self, info: Info, stage: StageAsked = None, as_of: AsOf = None
    ) -> ForecastUnavailableReason | None:
        moment, asked = info.context.moment(as_of), (stage, info.context.known_at(as_of))
        if await info.context.loaders.latest_forecast.load((self.slug, asked)) is not None:
            return None
        if self.is_cancelled:
            return ForecastUnavailableReason.CANCELLED
        begun = True if stage is None else has_begun(self.record, stage, moment)
        if begun is None:
            return ForecastUnavailableReason.NO_SUCH_STAGE
        return ForecastUnavailableReason.NOT_MADE if begun else ForecastUnavailableReason.NOT_DUE_YET

    @field(description="All forecasts of this race that were published, newest first.")
    async def forecasts(
        self,
        info: Info,
        stage: StageAsked = None,
        as_of: AsOf = None,
        first: First = 20,
        after: After = None,
    ) -> Connection[Forecast]:
        loaders, moment = info.context.loaders, info.context.known_at(as_of)
        asked = (stage, moment, page_size(first) + 1, read_forecast_cursor(after))
        heads = await loaders.forecasts_of_race.load((self.slug, asked)) or []

        async def count() -> int:
            return await loaders.count_forecasts_of_race.load((self.slug, (stage, moment))) or 0

        return connection(heads, first=first, after=after, node=Forecast.of, cursor=forecast_key, count=count)


def _session(session: records.Session, race: records.Race) -> Session:
    return Session(
        kind=session.kind,
        starts_at=None if session.is_nominal else session.starts_at,
        ends_at=None if session.is_nominal else session.ends_at,
        circuit_id=race.circuit_id,
        race_id=race.id,
    )


@strawberry.type(description="A championship year.")
class Season(Node):
    year: int = field(description="The year, from 1950.")

    @classmethod
    def of(cls, year: int) -> Season:
        return cls(id=strawberry.ID(global_id("Season", str(year))), year=year)

    @field(description="All races by round, cancelled ones included; at most a calendar.")
    async def races(self, info: Info) -> list[Race]:
        found = await info.context.loaders.races_of_season.load(self.year)
        return [Race.of(record) for record in found or ()]

    @field(
        description="The drivers' championship after the last race whose result is known. Null before the "
        "first."
    )
    async def driver_standings(self, info: Info, as_of: AsOf = None) -> DriverStandings | None:
        table = await self._standings(info.context, StandingsKind.DRIVERS, as_of)
        return None if table is None else driver_standings(table)

    @field(
        description="The constructors' championship after the last race whose result is known. Null before "
        "the "
        "first, and before 1958."
    )
    async def constructor_standings(self, info: Info, as_of: AsOf = None) -> ConstructorStandings | None:
        table = await self._standings(info.context, StandingsKind.CONSTRUCTORS, as_of)
        return None if table is None else constructor_standings(table)

    async def _standings(
        self, context: Context, kind: StandingsKind, as_of: datetime | None
    ) -> ChampionshipTable | None:
        moment = context.known_at(as_of)
        last_race = await context.loaders.last_race_with_result.load((self.year, moment))
        if last_race is None:
            return None
        return await context.loaders.standings.load((last_race, kind, moment))


def race_key(record: records.Race) -> str:
    return cursor(_RACES, record.starts_at, record.id)


def read_race_cursor(text: str | None) -> tuple[datetime, str] | None:
    if text is None:
        return None
    starts_at, race_id = read_cursor(text, _RACES, (datetime, str))
    return starts_at, race_id
