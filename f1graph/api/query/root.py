"""Everything that can be asked for: the roots of the graph, and anything by its id."""

# Strawberry's decorator is typed as Any without its plugin for mypy.
# mypy: disallow-untyped-decorators=False

from __future__ import annotations

from typing import Annotated

import strawberry
from strawberry import argument, field

from f1graph.api.context import Info
from f1graph.api.ids import split_global_id
from f1graph.api.node import Node
from f1graph.api.query.circuits import CircuitQuestions, find_circuit
from f1graph.api.query.forecasts import ForecastQuestions, find_forecast
from f1graph.api.query.people import PeopleQuestions, find_constructor, find_driver
from f1graph.api.query.races import RaceQuestions, find_race, find_season
from f1graph.api.query.service import ServiceQuestions
from f1graph.api.query.track_record import TrackRecordQuestions
from f1graph.api.query.updates import UpdateQuestions
from f1graph.errors import UnknownError


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
        found = split_global_id(id)
        if found is None or found[0] not in _NODES:
            raise UnknownError(f"{id!r} is not the id of anything")
        return await _NODES[found[0]](info.context, found[1])


_NODES = {
    "Race": find_race,
    "Season": find_season,
    "Driver": find_driver,
    "Constructor": find_constructor,
    "Circuit": find_circuit,
    "Forecast": find_forecast,
}
