"""What everything with an id has in common, and references between types whose modules need each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, TypeVar

import strawberry
from strawberry import field

if TYPE_CHECKING:
    from f1graph.api.calendar import Race

T = TypeVar("T")

# A field whose value depends on nothing but its object and what is known: it is not asked for again while
# nothing changes. Not for one that depends on the clock or on who asks.
LASTS = "lasts"
LASTING = {LASTS: True}

LazyRace = Annotated["Race", strawberry.lazy("f1graph.api.calendar")]


@strawberry.interface(description="Anything that can be asked for again by its id.")
class Node:
    id: strawberry.ID = field(
        description="Unique in the whole graph, opaque, and the same over every season and rename."
    )


def present(record: T | None) -> T:
    """A record that the database's foreign keys say must be there."""
    if record is None:
        raise LookupError("a referenced record is missing")
    return record
