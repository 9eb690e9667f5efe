"""Asking for drivers and constructors."""

# Strawberry's decorator is typed as Any without its plugin for mypy.
# mypy: disallow-untyped-decorators=False

from __future__ import annotations

from typing import Annotated

import strawberry
from strawberry import argument, field

from f1graph.api.context import Context, Info
from f1graph.api.ids import asked_key, key_of, page_size, short_text
from f1graph.api.lists import After, Connection, First, connection
from f1graph.api.people import Constructor, Driver, constructor_key, driver_key, read_people_cursor
from f1graph.errors import UnknownError
from f1graph.store import people

Search = Annotated[
    str | None,
    argument(description="A part of the name, in any case, with or without accents; or the whole code."),
]
TakingPart = Annotated[
    int | None, argument(description="Only those on a list of a race of this season. Empty: all ever.")
]


@strawberry.type
class PeopleQuestions:
    @field(description="A driver. Null, with an error, if there is none.")
    async def driver(
        self,
        info: Info,
        id: Annotated[  # noqa: A002 - the graph's word
            strawberry.ID, argument(description="A global id or a slug: `max-verstappen`.")
        ],
    ) -> Driver | None:
        return await find_driver(info.context, id)

    @field(description="Drivers by family name.")
    async def drivers(
        self,
        info: Info,
        search: Search = None,
        season: TakingPart = None,
        nationality: Annotated[
            str | None,
            argument(
                description="Only those who race for this country, named as `Driver.nationality` is, in any "
                "case. Empty: for any."
            ),
        ] = None,
        constructor: Annotated[
            strawberry.ID | None,
            argument(
                description="Only those on a list of a race for this team, of that `season` where it is "
                "given: an id or slug, `ferrari`. Empty: for any."
            ),
        ] = None,
        first: First = 20,
        after: After = None,
    ) -> Connection[Driver]:
        context = info.context
        wanted = _people(
            context, search, season, nationality, constructor_id=asked_key("Constructor", constructor)
        )
        limit, place = page_size(first) + 1, read_people_cursor(after, "drivers")
        async with context.store.read() as read:
            found = await people.drivers_page(read, wanted, limit=limit, after=place)

        async def count() -> int:
            async with context.store.read() as read:
                return await people.count_drivers(read, wanted)

        return connection(found, first=first, after=after, node=Driver.of, cursor=driver_key, count=count)

    @field(description="A constructor. Null, with an error, if there is none.")
    async def constructor(
        self,
        info: Info,
        id: Annotated[  # noqa: A002 - the graph's word
            strawberry.ID, argument(description="A global id or a slug: `red-bull`.")
        ],
    ) -> Constructor | None:
        return await find_constructor(info.context, id)

    @field(description="Constructors by name.")
    async def constructors(
        self,
        info: Info,
        search: Search = None,
        season: TakingPart = None,
        country: Annotated[
            str | None,
            argument(
                description="Only those licensed there, named as `Constructor.country` is, in any case. "
                "Empty: anywhere."
            ),
        ] = None,
        first: First = 20,
        after: After = None,
    ) -> Connection[Constructor]:
        context, wanted = info.context, _people(info.context, search, season, country)
        limit, place = page_size(first) + 1, read_people_cursor(after, "constructors")
        async with context.store.read() as read:
            found = await people.constructors_page(read, wanted, limit=limit, after=place)

        async def count() -> int:
            async with context.store.read() as read:
                return await people.count_constructors(read, wanted)

        return connection(
            found, first=first, after=after, node=Constructor.of, cursor=constructor_key, count=count
        )


async def find_driver(context: Context, asked: str) -> Driver:
    record = await context.loaders.driver.load(key_of("Driver", asked))
    if record is None:
        raise UnknownError(f"there is no driver {asked!r}; a slug looks like max-verstappen")
    return Driver.of(record)


async def find_constructor(context: Context, asked: str) -> Constructor:
    record = await context.loaders.constructor.load(key_of("Constructor", asked))
    if record is None:
        raise UnknownError(f"there is no constructor {asked!r}; a slug looks like red-bull")
    return Constructor.of(record)


def _people(
    context: Context,
    search: str | None,
    season: int | None,
    country: str | None,
    *,
    constructor_id: str | None = None,
) -> people.PeopleFilter:
    return people.PeopleFilter(
        known_by=context.now,
        search=None if search is None else short_text("`search`", search),
        season=season,
        country=None if country is None else short_text("a country", country),
        constructor_id=constructor_id,
    )
