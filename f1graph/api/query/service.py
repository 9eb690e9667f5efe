"""Asking what the service did, and how it is."""

# Strawberry's decorator is typed as Any without its plugin for mypy.
# mypy: disallow-untyped-decorators=False

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import strawberry
from strawberry import argument, field

from f1graph import __version__
from f1graph.api.context import Info
from f1graph.api.ids import asked_key, cursor, page_size, read_cursor, short_text
from f1graph.api.lists import After, Connection, First, connection
from f1graph.api.service import HOSTS, UNOFFICIAL, Refresh, Service, refresh, sources, work
from f1graph.store import budget, calendar, freshness
from f1graph.store.events import newest_sequence

_WORK_SHOWN = 10
_FETCHES_LOOKED_AT = 200
_REFRESHES = "refreshes"


@strawberry.type
class ServiceQuestions:
    @field(
        description="What the service did, newest first: fetches with what they lacked, forecasts, scores, "
        "trainings. A failed or waiting unit is tried again, and comes first then."
    )
    async def refreshes(
        self,
        info: Info,
        kind: Annotated[
            str | None,
            argument(
                description="`FETCH`, `WEATHER`, `FORECAST`, `SCORE`, `METRICS`, `TRAIN` or `BACKTEST`. "
                "Empty: all."
            ),
        ] = None,
        race: Annotated[
            strawberry.ID | None, argument(description="Only for this race: an id or slug. Empty: for all.")
        ] = None,
        first: First = 20,
        after: After = None,
    ) -> Connection[Refresh]:
        context = info.context
        wanted = freshness.WorkFilter(
            known_by=context.now,
            kind=None if kind is None else short_text("`kind`", kind),
            race_id=asked_key("Race", race),
        )
        limit = page_size(first) + 1
        place = None if after is None else read_cursor(after, _REFRESHES, (datetime, str))
        async with context.store.read() as read:
            found = await freshness.work_page(
                read, wanted, limit=limit, after=None if place is None else (place[0], place[1])
            )

        async def count() -> int:
            async with context.store.read() as read:
                return await freshness.count_work(read, wanted)

        return connection(
            found,
            first=first,
            after=after,
            node=refresh,
            cursor=lambda row: cursor(_REFRESHES, row.claimed_at, row.key),
            count=count,
        )

    @field(description="The service itself: version, freshness of its data, and the terms of use.")
    async def service(self, info: Info) -> Service:
        now = info.context.now
        async with info.context.store.read() as read:
            return Service(
                version=__version__,
                now=now,
                database=read.dialect,
                schema_revision=await freshness.database_revision(read),
                data_version=await newest_sequence(read),
                invented=await freshness.is_invented(read),
                sources=sources(
                    await freshness.last_imports(read, now),
                    await freshness.last_fetches(read, now, limit=_FETCHES_LOOKED_AT),
                    await budget.spent(read, HOSTS, now=now),
                    info.context.calls_per_hour,
                ),
                last_work=[work(row) for row in await freshness.work_begun(read, now, limit=_WORK_SHOWN)],
                notice=UNOFFICIAL,
                newest=await calendar.last_race_with_result(read, now),
            )
