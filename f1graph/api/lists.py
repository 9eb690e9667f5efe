"""Lists in pages: bounded, with keyset cursors, and counted only for those who ask."""

# Strawberry's decorator is typed as Any without its plugin for mypy.
# mypy: disallow-untyped-decorators=False

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Annotated, Generic, TypeVar

import strawberry
from strawberry import field

T = TypeVar("T")
R = TypeVar("R")

First = Annotated[
    int,
    strawberry.argument(description="How many items at most, from 1 to 100."),
]
After = Annotated[
    str | None,
    strawberry.argument(
        description="Go on after this place: the `endCursor` of the page before, or any item's `cursor`."
    ),
]
AsOf = Annotated[
    datetime | None,
    strawberry.argument(
        description="Only what was known at this moment. Empty: now. A moment to come is refused."
    ),
]


@strawberry.type(description="Where a page of a list begins and ends.")
class PageInfo:
    has_next_page: bool = field(description="Whether more items follow.")
    has_previous_page: bool = field(
        description="Whether items come before: true of every page but the first. Lists are read forwards "
        "only."
    )
    start_cursor: str | None = field(description="The cursor of the first item. Null on an empty page.")
    end_cursor: str | None = field(description="Give it as `after` for the next page. Null on an empty page.")


@strawberry.type(description="An item of a list with its place.")
class Edge(Generic[T]):
    cursor: str = field(description="The item's place: opaque, and good as `after` of the same list.")
    node: T = field(description="The item.")


@strawberry.type(
    description="A page of a list. Paging neither skips nor repeats an item, also while new ones come in."
)
class Connection(Generic[T]):
    nodes: list[T] = field(description="The items of this page, at most `first`.")
    edges: list[Edge[T]] = field(description="The same items, each with its cursor.")
    page_info: PageInfo = field(description="Where this page begins and ends.")
    count: strawberry.Private[Callable[[], Awaitable[int]]]

    @field(description="How many items the whole list has, all pages together. Counted only when asked for.")
    async def total_count(self) -> int:
        return await self.count()


def connection(
    records: Sequence[R],
    *,
    first: int,
    after: str | None,
    node: Callable[[R], T],
    cursor: Callable[[R], str],
    count: Callable[[], Awaitable[int]],
) -> Connection[T]:
    """A page of `records`, of which there is one more than `first` where more follow."""
    edges = [Edge(cursor=cursor(record), node=node(record)) for record in records[:first]]
    return Connection(
        nodes=[edge.node for edge in edges],
        edges=edges,
        page_info=PageInfo(
            has_next_page=len(records) > first,
            has_previous_page=after is not None,
            start_cursor=edges[0].cursor if edges else None,
            end_cursor=edges[-1].cursor if edges else None,
        ),
        count=count,
    )
