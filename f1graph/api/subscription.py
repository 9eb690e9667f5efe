"""What can be subscribed to: news as they are published, from a cursor on or from now on."""

# Strawberry's decorator is typed as Any without its plugin for mypy.
# mypy: disallow-untyped-decorators=False

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import dataclass, fields
from typing import Annotated, Any

import strawberry
from strawberry import argument

from f1graph.api.context import Context
from f1graph.api.forecast import StageAsked
from f1graph.api.ids import key_of
from f1graph.api.news.feed import Feed
from f1graph.api.query.races import find_race
from f1graph.api.updates import (
    ForecastPublished,
    FromCursor,
    KindsAsked,
    Update,
    kinds_of,
    read_update_cursor,
    update,
)
from f1graph.store.events import EventKind
from f1graph.store.publications import Publication


@dataclass(frozen=True, kw_only=True)
class SubscriberContext(Context):
    """One subscription.

    Attributes:
        last_event_id: The cursor that an event stream was broken off at; it is later than any `after`.
    """

    feed: Feed
    last_event_id: str | None = None

    @classmethod
    def following(cls, context: Context, feed: Feed, last_event_id: str | None) -> SubscriberContext:
        """The context of a request that subscribes."""
        given = {one.name: getattr(context, one.name) for one in fields(context) if one.init}
        return cls(**given, feed=feed, last_event_id=last_event_id)

    async def place(self, after: str | None) -> int:
        """After which number to begin.

        Raises:
            CursorError: See `read_update_cursor`.
        """
        cursor = self.last_event_id or after
        if cursor is None:
            return await self.feed.newest()
        async with self.store.read() as read:
            return await read_update_cursor(read, cursor)


_Info = strawberry.Info[SubscriberContext, None]


@strawberry.type(description="News as they are published. Each event is sent once, and in order.")
class Subscription:
    @strawberry.subscription(description="Each forecast when it is published.")
    async def forecast_published(
        self,
        info: _Info,
        race: Annotated[
            strawberry.ID | None, argument(description="Only of this race: an id or slug. Empty: of all.")
        ] = None,
        stage: StageAsked = None,
        after: FromCursor = None,
    ) -> AsyncIterator[ForecastPublished]:
        race_id = None
        if race is not None:
            await find_race(info.context, race)
            race_id = key_of("Race", race)

        def is_wanted(one: Publication) -> bool:
            return (
                one.forecast is not None
                and race_id in (None, one.race_id)
                and stage in (None, one.forecast.stage)
            )

        return _told(info.context.feed, await info.context.place(after), is_wanted)

    @strawberry.subscription(description="Everything when it is published.")
    async def updates(
        self, info: _Info, after: FromCursor = None, kinds: KindsAsked = None
    ) -> AsyncIterator[Update]:
        wanted = frozenset[EventKind](kinds_of(kinds))
        place = await info.context.place(after)
        return _told(info.context.feed, place, lambda one: one.kind in wanted)


async def _told(feed: Feed, place: int, is_wanted: Callable[[Publication], bool]) -> AsyncIterator[Any]:
    async with aclosing(feed.follow(place)) as followed:
        async for publication in followed:
            if is_wanted(publication):
                yield update(publication)
