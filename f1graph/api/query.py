"""Everything that can be asked for: the roots of the graph."""

# Strawberry's decorator is typed as Any without its plugin for mypy.
# mypy: disallow-untyped-decorators=False

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import strawberry
from strawberry import argument, field

from f1graph import __version__
from f1graph.api.calendar import Circuit, Race, Season, race_key, read_race_cursor
from f1graph.api.context import Context, Info
from f1graph.api.enums import RaceOrder
from f1graph.api.forecast import (
    Forecast,
    ForecastUpdate,
    ForecastUpdates,
    StageAsked,
    forecast_key,
    read_forecast_cursor,
)
from f1graph.api.ids import cursor, key_of, page_size, read_cursor, split_global_id
from f1graph.api.lists import After, AsOf, Connection, First, connection
from f1graph.api.node import Node
from f1graph.api.people import (
    Constructor,
    Driver,
    SeasonYear,
    constructor_key,
    driver_key,
    read_people_cursor,
)
from f1graph.api.service import HOSTS, UNOFFICIAL, Refresh, Service, refresh, sources, work
from f1graph.api.track_record import Bundle, Calibration, ModelMetric
from f1graph.api.weekend import ask_again
from f1graph.errors import RequestError, UnknownError
from f1graph.races.measures import Measure
from f1graph.races.stages import Stage
from f1graph.store import budget, calendar, freshness, people, published
from f1graph.store.engine import Read
from f1graph.store.events import newest_sequence

_UPDATES, _SEASONS, _CIRCUITS = "updates", "seasons", "circuits"
_WORK_SHOWN = 10
_FETCHES_LOOKED_AT = 200
_REFRESHES = "refreshes"
_LONGEST_SEARCH = 100
_FIRST_SEASON = 1950

DriverAsked = Annotated[
    str | None, argument(description="Races this driver was entered for: an id or slug, `max-verstappen`.")
]
CircuitAsked = Annotated[str | None, argument(description="Races at this circuit: an id or slug, `monza`.")]
Search = Annotated[
    str | None,
    argument(description="A part of the name, in any case, with or without accents; or the whole code."),
]
TakingPart = Annotated[
    int | None, argument(description="Only those on a list of a race of this season. Empty: all ever.")
]
ModelAsked = Annotated[str | None, argument(description="Only of this model: `rating`. Empty: of all.")]


@strawberry.type(
    description="Formula 1 facts, forecasts and their scores. Nothing is shown that was learned after "
    "`service.now`. Ids are accepted both as global ids and as plain slugs."
)
class Query:
    @field(
        description="A race weekend, by id or slug, or by season and round. Null, with an error, if there "
        "is none."
    )
    async def race(
        self,
        info: Info,
        id: Annotated[  # noqa: A002 - the graph's word
            strawberry.ID | None, argument(description="A global id or a slug: `2024-abu-dhabi`.")
        ] = None,
        season: Annotated[int | None, argument(description="The year; needs `round`.")] = None,
        round: Annotated[  # noqa: A002 - the sport's word
            int | None, argument(description="The round in that season, from 1; needs `season`.")
        ] = None,
    ) -> Race | None:
        if id is not None and season is None and round is None:
            return await _race(info.context, id)
        if id is None and season is not None and round is not None:
            return await _race_of_round(info.context, season, round)
        raise RequestError("ask for a race either by `id` or by `season` and `round`")

    @field(description="Races by start, of all seasons whose calendar is published.")
    async def races(
        self,
        info: Info,
        season: SeasonYear = None,
        circuit: CircuitAsked = None,
        driver: DriverAsked = None,
        starts_before: Annotated[
            datetime | None, argument(description="Only races that start before this moment.")
        ] = None,
        starts_after: Annotated[
            datetime | None, argument(description="Only races that start after this moment.")
        ] = None,
        has_result: Annotated[
            bool | None,
            argument(
                description="True: only races whose result is known; false: only the others. Empty: all."
            ),
        ] = None,
        order: Annotated[RaceOrder, argument(description="Which end comes first.")] = RaceOrder.OLDEST_FIRST,
        first: First = 20,
        after: After = None,
    ) -> Connection[Race]:
        context = info.context
        wanted = calendar.RaceFilter(
            known_by=context.now,
            up_to_season=context.last_season,
            season=season,
            circuit_id=None if circuit is None else key_of("Circuit", circuit),
            driver_id=None if driver is None else key_of("Driver", driver),
            starts_before=starts_before,
            starts_after=starts_after,
            has_result=has_result,
        )
        limit, place = page_size(first) + 1, read_race_cursor(after)
        newest_first = order is RaceOrder.NEWEST_FIRST
        async with context.store.read() as read:
            found = await calendar.races_page(
                read, wanted, limit=limit, after=place, newest_first=newest_first
            )

        async def count() -> int:
            async with context.store.read() as read:
                return await calendar.count_races(read, wanted)

        return connection(found, first=first, node=Race.of, cursor=race_key, count=count)

    @field(
        description="The first race that is not over yet; cancelled ones are passed over. Null: none is "
        "known."
    )
    async def next_race(self, info: Info) -> Race | None:
        async with info.context.store.read() as read:
            record = await calendar.race_not_over(read, info.context.now)
        return None if record is None else Race.of(record)

    @field(description="The last race whose classification is known. Null: none is.")
    async def latest_race(self, info: Info) -> Race | None:
        async with info.context.store.read() as read:
            record = await calendar.last_race_with_result(read, info.context.now)
        return None if record is None else Race.of(record)

    @field(description="A championship year. Null, with an error, if there is none.")
    async def season(
        self, info: Info, year: Annotated[int, argument(description="The year, from 1950.")]
    ) -> Season | None:
        return await _season(info.context, str(year))

    @field(description="All seasons with a calendar, newest first.")
    async def seasons(self, info: Info, first: First = 20, after: After = None) -> Connection[Season]:
        context = info.context
        limit = page_size(first) + 1
        before = None if after is None else int(read_cursor(after, _SEASONS, (int,))[0])
        async with context.store.read() as read:
            years = await calendar.seasons_page(
                read, up_to_season=context.last_season, limit=limit, before=before
            )

        async def count() -> int:
            async with context.store.read() as read:
                return await calendar.count_seasons(read, up_to_season=context.last_season)

        return connection(
            years,
            first=first,
            node=Season.of,
            cursor=lambda year: cursor(_SEASONS, year),
            count=count,
        )

    @field(description="A driver. Null, with an error, if there is none.")
    async def driver(
        self,
        info: Info,
        id: Annotated[  # noqa: A002 - the graph's word
            strawberry.ID, argument(description="A global id or a slug: `max-verstappen`.")
        ],
    ) -> Driver | None:
        return await _driver(info.context, id)

    @field(description="Drivers by family name.")
    async def drivers(
        self,
        info: Info,
        search: Search = None,
        season: TakingPart = None,
        first: First = 20,
        after: After = None,
    ) -> Connection[Driver]:
        context, wanted = info.context, _people(info.context, search, season)
        limit, place = page_size(first) + 1, read_people_cursor(after, "drivers")
        async with context.store.read() as read:
            found = await people.drivers_page(read, wanted, limit=limit, after=place)

        async def count() -> int:
            async with context.store.read() as read:
                return await people.count_drivers(read, wanted)

        return connection(found, first=first, node=Driver.of, cursor=driver_key, count=count)

    @field(description="A constructor. Null, with an error, if there is none.")
    async def constructor(
        self,
        info: Info,
        id: Annotated[  # noqa: A002 - the graph's word
            strawberry.ID, argument(description="A global id or a slug: `red-bull`.")
        ],
    ) -> Constructor | None:
        return await _constructor(info.context, id)

    @field(description="Constructors by name.")
    async def constructors(
        self,
        info: Info,
        search: Search = None,
        season: TakingPart = None,
        first: First = 20,
        after: After = None,
    ) -> Connection[Constructor]:
        context, wanted = info.context, _people(info.context, search, season)
        limit, place = page_size(first) + 1, read_people_cursor(after, "constructors")
        async with context.store.read() as read:
            found = await people.constructors_page(read, wanted, limit=limit, after=place)

        async def count() -> int:
            async with context.store.read() as read:
                return await people.count_constructors(read, wanted)

        return connection(found, first=first, node=Constructor.of, cursor=constructor_key, count=count)

    @field(description="A circuit. Null, with an error, if there is none.")
    async def circuit(
        self,
        info: Info,
        id: Annotated[  # noqa: A002 - the graph's word
            strawberry.ID, argument(description="A global id or a slug: `monza`.")
        ],
    ) -> Circuit | None:
        return await _circuit(info.context, id)

    @field(description="Circuits by name.")
    async def circuits(self, info: Info, first: First = 20, after: After = None) -> Connection[Circuit]:
        context = info.context
        limit, place = page_size(first) + 1, read_people_cursor(after, _CIRCUITS)
        async with context.store.read() as read:
            found = await calendar.circuits_page(read, limit=limit, after=place)

        async def count() -> int:
            async with context.store.read() as read:
                return await calendar.count_circuits(read)

        return connection(
            found,
            first=first,
            node=Circuit.of,
            cursor=lambda record: cursor(_CIRCUITS, record.name, record.id),
            count=count,
        )

    @field(description="A forecast. Null, with an error, if there is none.")
    async def forecast(
        self,
        info: Info,
        id: Annotated[  # noqa: A002 - the graph's word
            strawberry.ID, argument(description="A global id, or the key as in the receipt.")
        ],
    ) -> Forecast | None:
        return await _forecast(info.context, id)

    @field(description="Forecasts that were published, newest first.")
    async def forecasts(
        self,
        info: Info,
        race: Annotated[
            strawberry.ID | None, argument(description="Only of this race: an id or slug. Empty: of all.")
        ] = None,
        stage: StageAsked = None,
        as_of: AsOf = None,
        first: First = 20,
        after: After = None,
    ) -> Connection[Forecast]:
        context = info.context
        wanted = published.ForecastFilter(
            known_by=context.moment(as_of),
            race_id=None if race is None else key_of("Race", race),
            stage=stage,
        )
        limit, place = page_size(first) + 1, read_forecast_cursor(after)
        async with context.store.read() as read:
            found = await published.forecasts_page(read, wanted, limit=limit, before=place)

        async def count() -> int:
            async with context.store.read() as read:
                return await published.count_forecasts(read, wanted)

        return connection(found, first=first, node=Forecast.of, cursor=forecast_key, count=count)

    @field(
        description="The forecast that was published last, of any race; back-tests come only where there is "
        "nothing "
        "else. Null: none was made."
    )
    async def latest_forecast(self, info: Info) -> Forecast | None:
        async with info.context.store.read() as read:
            head = await published.latest_forecast(read, info.context.now)
        return None if head is None else Forecast.of(head)

    @field(
        description="What was published since last time: cheap to ask often, and nothing is missed. Without "
        "`after`: the last updates there are."
    )
    async def forecast_updates(
        self,
        info: Info,
        after: Annotated[
            str | None, argument(description="The `nextCursor` of the last answer. Empty at the first time.")
        ] = None,
        first: First = 20,
    ) -> ForecastUpdates:
        limit = page_size(first)
        place = None if after is None else int(read_cursor(after, _UPDATES, (int,))[0])
        async with info.context.store.read() as read:
            return await _updates(read, place, limit, info.context.now)

    @field(description="How good models have been: one figure per model, stage, span and measure.")
    async def model_metrics(
        self,
        info: Info,
        model: ModelAsked = None,
        stage: Annotated[Stage | None, argument(description="Only at this stage. Empty: at all.")] = None,
        measure: Annotated[
            Measure | None, argument(description="Only by this measure. Empty: by all.")
        ] = None,
        first: First = 100,
    ) -> list[ModelMetric]:
        async with info.context.store.read() as read:
            found = await published.metrics_known(
                read,
                info.context.now,
                limit=page_size(first),
                model=model,
                stage=stage,
                measure=measure,
            )
        return [ModelMetric.of(computed) for computed in found]

    @field(description="Whether a model's probabilities come true, per span of seasons.")
    async def calibration(
        self,
        info: Info,
        model: Annotated[str, argument(description="The model's name: `rating`.")],
        stage: Annotated[Stage, argument(description="The stage of the forecasts.")],
        first: First = 20,
    ) -> list[Calibration]:
        async with info.context.store.read() as read:
            found = await published.calibration_known(
                read, info.context.now, model=model, stage=stage, limit=page_size(first)
            )
        return [Calibration.of(stored) for stored in found]

    @field(description="The trained models on disk, newest first.")
    async def models(
        self,
        info: Info,
        model: ModelAsked = None,
        stage: Annotated[Stage | None, argument(description="Only for this stage. Empty: for all.")] = None,
        first: First = 20,
    ) -> list[Bundle]:
        async with info.context.store.read() as read:
            found = await freshness.bundles_known(
                read, info.context.now, limit=page_size(first), model=model, stage=stage
            )
        return [Bundle.of(row) for row in found]

    @field(
        description="What the service did, newest first: fetches with what they lacked, forecasts, scores. "
        "A failed or waiting unit is tried again."
    )
    async def refreshes(
        self,
        info: Info,
        kind: Annotated[
            str | None, argument(description="`FETCH`, `FORECAST`, `SCORE` or `METRICS`. Empty: all.")
        ] = None,
        race: Annotated[
            strawberry.ID | None, argument(description="Only for this race: an id or slug. Empty: for all.")
        ] = None,
        first: First = 20,
        after: After = None,
    ) -> Connection[Refresh]:
        context = info.context
        wanted = freshness.WorkFilter(
            known_by=context.now, kind=kind, race_id=None if race is None else key_of("Race", race)
        )
        limit = page_size(first) + 1
        place = None if after is None else read_cursor(after, _REFRESHES, (datetime, str))
        async with context.store.read() as read:
            found = await freshness.work_page(
                read, wanted, limit=limit, after=None if place is None else (place[0], place[1])
            )

        async def count() -> int:
            async with context.store.read() as read:
                return await freshness.count_work(read, wanted)

        return connection(
            found,
            first=first,
            node=refresh,
            cursor=lambda row: cursor(_REFRESHES, row.claimed_at, row.key),
            count=count,
        )

    @field(description="The service itself: version, freshness of its data, and the terms of use.")
    async def service(self, info: Info) -> Service:
        now = info.context.now
        async with info.context.store.read() as read:
            return Service(
                version=__version__,
                now=now,
                database=read.dialect,
                schema_revision=await freshness.database_revision(read),
                data_version=await newest_sequence(read),
                invented=await freshness.is_invented(read),
                sources=sources(
                    await freshness.last_imports(read, now),
                    await freshness.last_fetches(read, now, limit=_FETCHES_LOOKED_AT),
                    await budget.spent(read, HOSTS, now=now),
                    info.context.calls_per_hour,
                ),
                last_work=[work(row) for row in await freshness.work_begun(read, now, limit=_WORK_SHOWN)],
                notice=UNOFFICIAL,
                newest=await calendar.last_race_with_result(read, now),
            )

    @field(description="Anything that has an id. Null, with an error, if there is none.")
    async def node(
        self,
        info: Info,
        id: Annotated[strawberry.ID, argument(description="A global id.")],  # noqa: A002 - the graph's word
    ) -> Node | None:
        found = split_global_id(id)
        if found is None or found[0] not in _NODES:
            raise UnknownError(f"{id!r} is not the id of anything")
        return await _NODES[found[0]](info.context, found[1])


def _people(context: Context, search: str | None, season: int | None) -> people.PeopleFilter:
    if search is not None and (len(search) > _LONGEST_SEARCH or "\0" in search):
        raise RequestError(f"`search` may have at most {_LONGEST_SEARCH} characters")
    return people.PeopleFilter(known_by=context.now, search=search, season=season)


async def _updates(read: Read, after: int | None, limit: int, now: datetime) -> ForecastUpdates:
    if after is None:
        happened = await published.published_last(read, limit=limit, moment=now)
    else:
        happened = await published.published_after(read, after, limit=limit, moment=now)
    heads = await published.forecasts_by_id(read, [one.forecast_id for one in happened], now)
    last = happened[-1].sequence if happened else after or 0
    more_wait = after is not None and len(happened) == limit
    race = await calendar.race_not_over(read, now)
    return ForecastUpdates(
        next_cursor=cursor(_UPDATES, last),
        ask_again_at=now if more_wait else ask_again(race, now),
        updates=[
            ForecastUpdate(
                cause=one.cause,
                published_at=one.published_at,
                forecast=Forecast.of(heads[one.forecast_id]),
            )
            for one in happened
            if one.forecast_id in heads
        ],
    )


async def _race(context: Context, asked: str) -> Race:
    record = await context.loaders.race.load(key_of("Race", asked))
    if record is None or record.season > context.last_season:
        raise UnknownError(f"there is no race {asked!r}; a slug looks like 2024-abu-dhabi")
    return Race.of(record)


async def _race_of_round(context: Context, season: int, number: int) -> Race:
    async with context.store.read() as read:
        found = await calendar.races_by_round(read, [(season, number)])
        lengths = {} if found else await calendar.season_lengths(read, [season])
    record = found.get((season, number))
    if record is not None and season <= context.last_season:
        return Race.of(record)
    if season not in lengths or season > context.last_season:
        raise UnknownError(f"there is no calendar of a {season} season")
    raise UnknownError(
        f"{season} round {number} does not exist; the {season} season has {lengths[season]} rounds"
    )


async def _season(context: Context, asked: str) -> Season:
    year = int(asked) if asked.isascii() and asked.isdigit() and len(asked) == 4 else 0
    if _FIRST_SEASON <= year <= context.last_season and await context.loaders.races_of_season.load(year):
        return Season.of(year)
    raise UnknownError(f"there is no calendar of a {asked} season")


async def _driver(context: Context, asked: str) -> Driver:
    record = await context.loaders.driver.load(key_of("Driver", asked))
    if record is None:
        raise UnknownError(f"there is no driver {asked!r}; a slug looks like max-verstappen")
    return Driver.of(record)


async def _constructor(context: Context, asked: str) -> Constructor:
    record = await context.loaders.constructor.load(key_of("Constructor", asked))
    if record is None:
        raise UnknownError(f"there is no constructor {asked!r}; a slug looks like red-bull")
    return Constructor.of(record)


async def _circuit(context: Context, asked: str) -> Circuit:
    record = await context.loaders.circuit.load(key_of("Circuit", asked))
    if record is None:
        raise UnknownError(f"there is no circuit {asked!r}; a slug looks like monza")
    return Circuit.of(record)


async def _forecast(context: Context, asked: str) -> Forecast:
    head = await context.loaders.forecast.load(key_of("Forecast", asked))
    if head is None:
        raise UnknownError(f"there is no forecast {asked!r}")
    return Forecast.of(head)


_NODES = {
    "Race": _race,
    "Season": _season,
    "Driver": _driver,
    "Constructor": _constructor,
    "Circuit": _circuit,
    "Forecast": _forecast,
}
