"""Asking for circuits."""

# Strawberry's decorator is typed as Any without its plugin for mypy.
# mypy: disallow-untyped-decorators=False

from __future__ import annotations

from typing import Annotated

import strawberry
from strawberry import argument, field

from f1graph.api.calendar import Circuit
from f1graph.api.context import Context, Info
from f1graph.api.ids import cursor, key_of, page_size, short_text
from f1graph.api.lists import After, Connection, First, connection
from f1graph.api.people import read_people_cursor
from f1graph.errors import UnknownError
from f1graph.store import calendar

_CIRCUITS = "circuits"


@strawberry.type
class CircuitQuestions:
    @field(description="A circuit. Null, with an error, if there is none.")
    async def circuit(
        self,
        info: Info,
        id: Annotated[  # noqa: A002 - the graph's word
            strawberry.ID, argument(description="A global id or a slug: `monza`.")
        ],
    ) -> Circuit | None:
        return await find_circuit(info.context, id)

    @field(description="Circuits by name.")
    async def circuits(
        self,
        info: Info,
        search: Annotated[
            str | None,
            argument(
                description="A part of the name, the official name or the place, in any case, with or "
                "without accents. Empty: all."
            ),
        ] = None,
        country: Annotated[
            str | None,
            argument(
                description="Only in this country: its name or its three letters by ISO 3166-1, in any case. "
                "Empty: anywhere."
            ),
        ] = None,
        first: First = 20,
        after: After = None,
    ) -> Connection[Circuit]:
        context = info.context
        wanted = calendar.CircuitFilter(
            search=None if search is None else short_text("`search`", search),
            country=None if country is None else short_text("`country`", country),
        )
        limit, place = page_size(first) + 1, read_people_cursor(after, _CIRCUITS)
        async with context.store.read() as read:
            found = await calendar.circuits_page(read, wanted, limit=limit, after=place)

        async def count() -> int:
            async with context.store.read() as read:
                return await calendar.count_circuits(read, wanted)

        return connection(
            found,
            first=first,
            after=after,
            node=Circuit.of,
            cursor=lambda record: cursor(_CIRCUITS, record.name, record.id),
            count=count,
        )


async def find_circuit(context: Context, asked: str) -> Circuit:
    record = await context.loaders.circuit.load(key_of("Circuit", asked))
    if record is None:
        raise UnknownError(f"there is no circuit {asked!r}; a slug looks like monza")
    return Circuit.of(record)
