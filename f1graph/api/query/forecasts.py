"""Asking for forecasts, and for what was published since last time."""

# Strawberry's decorator is typed as Any without its plugin for mypy.
# mypy: disallow-untyped-decorators=False

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import strawberry
from strawberry import argument, field

from f1graph.api.context import Context, Info
from f1graph.api.forecast import (
    Forecast,
    ForecastUpdate,
    ForecastUpdates,
    StageAsked,
    forecast_key,
    read_forecast_cursor,
)
from f1graph.api.ids import cursor, key_of, page_size, read_cursor
from f1graph.api.lists import After, AsOf, Connection, First, connection
from f1graph.api.weekend import ask_again
from f1graph.errors import UnknownError
from f1graph.store import calendar, publications, published
from f1graph.store.engine import Read

_UPDATES = "updates"


@strawberry.type
class ForecastQuestions:
    @field(description="A forecast. Null, with an error, if there is none.")
    async def forecast(
        self,
        info: Info,
        id: Annotated[  # noqa: A002 - the graph's word
            strawberry.ID, argument(description="A global id, or the key as in the receipt.")
        ],
    ) -> Forecast | None:
        return await find_forecast(info.context, id)

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


async def find_forecast(context: Context, asked: str) -> Forecast:
    head = await context.loaders.forecast.load(key_of("Forecast", asked))
    if head is None:
        raise UnknownError(f"there is no forecast {asked!r}")
    return Forecast.of(head)


async def _updates(read: Read, after: int | None, limit: int, now: datetime) -> ForecastUpdates:
    if after is None:
        happened = await publications.published_last(read, limit=limit, moment=now)
    else:
        happened = await publications.published_after(read, after, limit=limit, moment=now)
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
