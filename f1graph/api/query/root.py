"""Everything that can be asked for: the roots of the graph, and anything by its id."""

# Strawberry's decorator is typed as Any without its plugin for mypy.
# mypy: disallow-untyped-decorators=False

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated, Any

import strawberry
from strawberry import argument, field

from f1graph.api.context import Context, Info
from f1graph.api.ids import MOST, short_text, split_global_id
from f1graph.api.node import Node
from f1graph.api.query.circuits import CircuitQuestions, find_circuit
from f1graph.api.query.forecasts import ForecastQuestions, find_forecast
from f1graph.api.query.people import PeopleQuestions, find_constructor, find_driver
from f1graph.api.query.races import RaceQuestions, find_race, find_season
from f1graph.api.query.service import ServiceQuestions
from f1graph.api.query.track_record import TrackRecordQuestions, find_bundle
from f1graph.api.query.updates import UpdateQuestions
from f1graph.errors import RequestError, UnknownError


@strawberry.type(
    description="Formula 1 facts, forecasts and their scores. Nothing is shown that was learned after "
    "`service.now`. Ids are accepted both as global ids and as plain slugs."
)
class Query(
    RaceQuestions,
    PeopleQuestions,
    CircuitQuestions,
    ForecastQuestions,
    TrackRecordQuestions,
    ServiceQuestions,
    UpdateQuestions,
):
    @field(description="Anything that has an id. Null, with an error, if there is none.")
    async def node(
        self,
        info: Info,
        id: Annotated[strawberry.ID, argument(description="A global id.")],  # noqa: A002 - the graph's word
    ) -> Node | None:
        return await _find_node(info.context, id)

    @field(
        description="Things by their ids, in the order asked: as many as `ids`. Null, with an error, in the "
        "place of an id of nothing."
    )
    async def nodes(
        self,
        info: Info,
        ids: Annotated[list[strawberry.ID], argument(description=f"Global ids, at most {MOST}.")],
    ) -> list[Node | None]:
        if len(ids) > MOST:
            raise RequestError(f"`ids` may be at most {MOST}, not {len(ids)}")
        # An exception in the place of an item is an error of that item alone.
        found: list[Any] = await asyncio.gather(
            *(_find_node(info.context, one) for one in ids), return_exceptions=True
        )
        return found


async def _find_node(context: Context, asked: str) -> Node:
    found = split_global_id(short_text("an id", asked))
    if found is None or found[0] not in _NODES:
        raise UnknownError(f"{asked!r} is not the id of anything")
    return await _NODES[found[0]](context, short_text("an id", found[1]))


_NODES: dict[str, Callable[[Context, str], Awaitable[Node]]] = {
    "Race": find_race,
    "Season": find_season,
    "Driver": find_driver,
    "Constructor": find_constructor,
    "Circuit": find_circuit,
    "Forecast": find_forecast,
    "Bundle": find_bundle,
}
