"""Results of races and sprints, seen from a driver or a team."""

# Strawberry's decorator is typed as Any without its plugin for mypy.
# mypy: disallow-untyped-decorators=False

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any

import strawberry
from strawberry import argument, field

from f1graph.api.context import Info
from f1graph.api.enums import RaceOrder, ResultKind
from f1graph.api.ids import cursor, page_size, read_cursor
from f1graph.api.lists import Connection, connection
from f1graph.api.node import LazyRace, present
from f1graph.api.results import ClassificationLine, line_values
from f1graph.errors import RequestError
from f1graph.races.results import ClassificationKind
from f1graph.store.results import LineFilter, LinesAsked, RaceLine

_LINES = {RaceOrder.NEWEST_FIRST: "lines", RaceOrder.OLDEST_FIRST: "lines by age"}

SeasonYear = Annotated[int | None, argument(description="Only this season, by its year. Empty: all seasons.")]
CircuitOfResults = Annotated[
    strawberry.ID | None, argument(description="Only at this circuit: an id or slug, `monza`. Empty: at all.")
]
KindOfResults = Annotated[
    ResultKind | None, argument(description="Only of races, or only of sprints. Empty: of both.")
]
UpToPosition = Annotated[
    int | None,
    argument(
        description="Only those classified in this place or a better one: 1 for wins, 3 for podiums. Empty: "
        "all, the unclassified included."
    ),
]
OrderOfResults = Annotated[
    RaceOrder, argument(description="Which race comes first. Of one weekend the race is before the sprint.")
]


@strawberry.type(
    description="A line of the classification of a race or sprint, seen from a driver or team. What such a "
    "list does not have, and what nobody recorded, is null."
)
class CompetitorResult(ClassificationLine):
    kind: ResultKind = field(description="Whether it is of the race or of the sprint.")
    race_id: strawberry.Private[str]

    @field(description="The race weekend.")
    async def race(self, info: Info) -> LazyRace:
        from f1graph.api.calendar import Race

        return Race.of(present(await info.context.loaders.race.load(self.race_id)))


def kinds_asked(kind: ResultKind | None) -> tuple[ClassificationKind, ...]:
    return tuple(ClassificationKind(one) for one in (ResultKind if kind is None else (kind,)))


async def competitor_results(
    info: Info, slug: str, wanted: LineFilter, *, order: RaceOrder, first: int, after: str | None
) -> Connection[CompetitorResult]:
    """A page of the lines of one driver or team. All pages show what was known when the first was read.

    Raises:
        RequestError: There is no such place, or the cursor is none of this list.
    """
    if wanted.up_to_position is not None and wanted.up_to_position < 1:
        raise RequestError(f"`upToPosition` must be 1 or more, not {wanted.up_to_position}")
    loaders, list_name = info.context.loaders, _LINES[order]
    place: Any = None
    if after is not None:
        # A correction between two pages moves lines within a race: one would be repeated, another left out.
        begun, *place = read_cursor(after, list_name, (datetime, datetime, str, str, int))
        wanted, place = replace(wanted, known_by=min(begun, wanted.known_by)), tuple(place)
    newest_first = order is RaceOrder.NEWEST_FIRST
    asked = LinesAsked(wanted, page_size(first) + 1, place, newest_first)
    lines = await loaders.lines.load((slug, asked)) or []

    async def count() -> int:
        return await loaders.count_lines.load((slug, wanted)) or 0

    return connection(
        lines,
        first=first,
        after=after,
        node=_result,
        cursor=lambda line: cursor(
            list_name, wanted.known_by, line.starts_at, line.race_id, line.kind, line.row.order
        ),
        count=count,
    )


def _result(line: RaceLine) -> CompetitorResult:
    return CompetitorResult(kind=ResultKind(line.kind), race_id=line.race_id, **line_values(line.row))
