"""Asking for forecasts."""

# Strawberry's decorator is typed as Any without its plugin for mypy.
# mypy: disallow-untyped-decorators=False

from __future__ import annotations

from typing import Annotated

import strawberry
from strawberry import argument, field

from f1graph.api.context import Context, Info
from f1graph.api.forecast import (
    Forecast,
    StageAsked,
    forecast_key,
    read_forecast_cursor,
)
from f1graph.api.ids import asked_key, key_of, page_size
from f1graph.api.lists import After, AsOf, Connection, First, connection
from f1graph.errors import UnknownError
from f1graph.store import published


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
            race_id=asked_key("Race", race),
            stage=stage,
        )
        limit, place = page_size(first) + 1, read_forecast_cursor(after)
        async with context.store.read() as read:
            found = await published.forecasts_page(read, wanted, limit=limit, before=place)

        async def count() -> int:
            async with context.store.read() as read:
                return await published.count_forecasts(read, wanted)

        return connection(found, first=first, after=after, node=Forecast.of, cursor=forecast_key, count=count)

    @field(
        description="The forecast that was published last, of any race; back-tests come only where there is "
        "nothing "
        "else. Null: none was made."
    )
    async def latest_forecast(self, info: Info, as_of: AsOf = None) -> Forecast | None:
        moment = info.context.known_at(as_of)
        head = await info.context.ask(
            "latestForecast", moment, lambda read: published.latest_forecast(read, moment)
        )
        return None if head is None else info.context.shown(Forecast.of, head)


async def find_forecast(context: Context, asked: str) -> Forecast:
    head = await context.loaders.forecast.load(key_of("Forecast", asked))
    if head is None:
        raise UnknownError(f"there is no forecast {asked!r}")
    return Forecast.of(head)
