"""Asking for what was published since last time."""

# Strawberry's decorator is typed as Any without its plugin for mypy.
# mypy: disallow-untyped-decorators=False

from __future__ import annotations

from typing import Annotated

import strawberry
from strawberry import argument, field

from f1graph.api.context import Info
from f1graph.api.ids import page_size
from f1graph.api.lists import First
from f1graph.api.updates import KindsAsked, Updates, kinds_of, read_update_cursor, update, update_cursor
from f1graph.api.weekend import ask_again
from f1graph.store import calendar, publications


@strawberry.type
class UpdateQuestions:
    @field(
        description="What was published since last time: cheap to ask often, and nothing is missed. Without "
        "`after`: the last updates there are."
    )
    async def updates(
        self,
        info: Info,
        after: Annotated[
            str | None, argument(description="The `nextCursor` of the last answer. Empty at the first time.")
        ] = None,
        first: First = 20,
        kinds: KindsAsked = None,
    ) -> Updates:
        limit, now, wanted = page_size(first), info.context.now, kinds_of(kinds)
        # In one transaction: an update and the forecast that it tells of must agree.
        async with info.context.store.read() as read:
            if after is None:
                news = await publications.published_last(read, limit=limit, moment=now, kinds=wanted)
            else:
                place = await read_update_cursor(read, after)
                news = await publications.published_after(read, place, limit=limit, moment=now, kinds=wanted)
            race = await calendar.race_not_over(read, now)
        more_wait = after is not None and news.is_full
        return Updates(
            next_cursor=update_cursor(news.last),
            ask_again_at=now if more_wait else ask_again(race, now),
            updates=[update(one) for one in news.publications],
        )
