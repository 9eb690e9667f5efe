"""Asking for races and seasons."""

# Strawberry's decorator is typed as Any without its plugin for mypy.
# mypy: disallow-untyped-decorators=False

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import strawberry
from strawberry import argument, field

from f1graph.api.calendar import Race, Season, race_key, read_race_cursor
from f1graph.api.competitor_results import SeasonYear
from f1graph.api.context import Context, Info
from f1graph.api.enums import RaceOrder
from f1graph.api.ids import asked_key, cursor, key_of, page_size, read_cursor
from f1graph.api.lists import After, Connection, First, connection
from f1graph.errors import RequestError, UnknownError
from f1graph.store import calendar

_SEASONS = "seasons"
_FIRST_SEASON = 1950

DriverAsked = Annotated[
    strawberry.ID | None,
    argument(
        description="Only races this driver was entered for: an id or slug, `max-verstappen`. Empty: all."
    ),
]
ConstructorAsked = Annotated[
    strawberry.ID | None,
    argument(
        description="Only races this team was entered for: an id or slug, `ferrari`. With `driver`: by this "
        "team with this driver. Empty: all."
    ),
]
CircuitAsked = Annotated[
    strawberry.ID | None,
    argument(description="Only races at this circuit: an id or slug, `monza`. Empty: at all."),
]


@strawberry.type
class RaceQuestions:
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
            return await find_race(info.context, id)
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
        constructor: ConstructorAsked = None,
        starts_before: Annotated[
            datetime | None,
            argument(description="Only races that start before this moment. Empty: any time."),
        ] = None,
        starts_after: Annotated[
            datetime | None, argument(description="Only races that start after this moment. Empty: any time.")
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
            known_by=context.known_at(None),
            up_to_season=context.last_season,
            season=season,
            circuit_id=asked_key("Circuit", circuit),
            driver_id=asked_key("Driver", driver),
            constructor_id=asked_key("Constructor", constructor),
            starts_before=starts_before,
            starts_after=starts_after,
            has_result=has_result,
        )
        limit, place = page_size(first) + 1, read_race_cursor(after)
        newest_first = order is RaceOrder.NEWEST_FIRST
        found = await context.ask(
            "races",
            (wanted, limit, place, newest_first),
            lambda read: calendar.races_page(
                read, wanted, limit=limit, after=place, newest_first=newest_first
            ),
        )

        async def count() -> int:
            async with context.store.read() as read:
                return await calendar.count_races(read, wanted)

        return connection(
            found,
            first=first,
            after=after,
            node=lambda record: context.shown(Race.of, record),
            cursor=race_key,
            count=count,
        )

    @field(
        description="The first race that is not over yet; cancelled ones are passed over. Null: none is "
        "known."
    )
    async def next_race(self, info: Info) -> Race | None:
        moment = info.context.known_at(None)
        record = await info.context.ask("nextRace", moment, lambda read: calendar.race_not_over(read, moment))
        return None if record is None else info.context.shown(Race.of, record)

    @field(description="The last race whose classification is known. Null: none is.")
    async def latest_race(self, info: Info) -> Race | None:
        moment = info.context.known_at(None)
        record = await info.context.ask(
            "latestRace", moment, lambda read: calendar.last_race_with_result(read, moment)
        )
        return None if record is None else info.context.shown(Race.of, record)

    @field(description="A championship year. Null, with an error, if there is none.")
    async def season(
        self, info: Info, year: Annotated[int, argument(description="The year, from 1950.")]
    ) -> Season | None:
        return await find_season(info.context, str(year))

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
            after=after,
            node=Season.of,
            cursor=lambda year: cursor(_SEASONS, year),
            count=count,
        )


async def find_race(context: Context, asked: str) -> Race:
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


async def find_season(context: Context, asked: str) -> Season:
    year = int(asked) if asked.isascii() and asked.isdigit() and len(asked) == 4 else 0
    if _FIRST_SEASON <= year <= context.last_season and await context.loaders.races_of_season.load(year):
        return Season.of(year)
    raise UnknownError(f"there is no calendar of a {asked} season")
