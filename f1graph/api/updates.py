"""News: what was published, each piece with the cursor from which a reader goes on."""

# Strawberry's decorator is typed as Any without its plugin for mypy.
# mypy: disallow-untyped-decorators=False

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import strawberry
from strawberry import argument, field

from f1graph.api.bundles import Bundle
from f1graph.api.context import Info
from f1graph.api.enums import UpdateKind
from f1graph.api.forecast import Forecast
from f1graph.api.ids import cursor, read_cursor
from f1graph.api.node import LazyRace, present
from f1graph.errors import CursorError
from f1graph.races.results import ClassificationKind
from f1graph.store.engine import Read
from f1graph.store.events import EventKind, newest_sequence
from f1graph.store.publications import Publication

_ORDER = "updates"


KindsAsked = Annotated[
    list[UpdateKind] | None, argument(description="Only news of these kinds. Empty: of all.")
]
FromCursor = Annotated[
    str | None,
    argument(
        description="A `nextCursor` or an update's `cursor`: what was published after it comes first, "
        "nothing is missed and nothing told twice. Empty: only what is published from now on."
    ),
]


async def _race_if_any(root: Update, info: Info) -> LazyRace | None:
    return None if root.publication.race_id is None else await _race(root, info)


async def _race(root: Update, info: Info) -> LazyRace:
    from f1graph.api.calendar import Race

    race_id = present(root.publication.race_id)
    return Race.of(present(await info.context.loaders.race.load(race_id)))


@strawberry.interface(description="Something that was published.")
class Update:
    cursor: str = field(description="Its place among all news: give it as `after` to go on from here.")
    kind: UpdateKind = field(description="What was published.")
    at: datetime = field(description="When it was published.")
    cause: str = field(description="Why: what happened, or who told it.")
    publication: strawberry.Private[Publication]

    race: LazyRace | None = field(
        resolver=_race_if_any, description="The race that it is about. Null for a model."
    )


@strawberry.type(description="A forecast was published.")
class ForecastPublished(Update):
    race: LazyRace = field(resolver=_race, description="The race that it is about.")

    @field(description="The forecast.")
    def forecast(self) -> Forecast:
        return Forecast.of(present(self.publication.forecast))


@strawberry.type(description="A list of a weekend was published, or corrected.")
class ResultPublished(Update):
    race: LazyRace = field(resolver=_race, description="The race of that weekend.")

    @field(description="Which list.")
    def classification(self) -> ClassificationKind:
        return present(self.publication.classification)

    @field(description="Which revision of it: 1 is the first word, a later one a correction.")
    def revision(self) -> int:
        return present(self.publication.revision)


@strawberry.type(description="The forecasts of a race were judged by its classification.")
class ScoresPublished(Update):
    race: LazyRace = field(resolver=_race, description="The race that was forecast.")

    @field(description="The revision of the race's classification that they were judged by.")
    def revision(self) -> int:
        return present(self.publication.revision)


@strawberry.type(
    description="A trained model was put to use: the next forecasts of its stage are made by it."
)
class ModelActivated(Update):
    @field(description="The trained model. Null where it was deleted since.")
    def bundle(self) -> Bundle | None:
        bundle = self.publication.bundle
        return None if bundle is None else Bundle.of(bundle)


@strawberry.type(
    description="A race that is not over is new in the calendar, or its times, sessions, name or place "
    "changed."
)
class CalendarChanged(Update):
    race: LazyRace = field(resolver=_race, description="The race.")


@strawberry.type(
    description="What was published since a cursor, oldest first. Whoever goes on from `nextCursor` misses "
    "nothing and gets nothing twice."
)
class Updates:
    next_cursor: str = field(description="Give it as `after` next time.")
    ask_again_at: datetime = field(
        description="When news is next expected: asking earlier gains nothing. Between a minute and an hour "
        "from now, or now when more updates than `first` are waiting."
    )
    updates: list[Update] = field(description="At most `first`.")


_TYPES: dict[EventKind, type[Update]] = {
    EventKind.FORECAST_PUBLISHED: ForecastPublished,
    EventKind.RESULT_PUBLISHED: ResultPublished,
    EventKind.SCORES_PUBLISHED: ScoresPublished,
    EventKind.MODEL_ACTIVATED: ModelActivated,
    EventKind.CALENDAR_CHANGED: CalendarChanged,
}
# Nothing in the schema refers to them but their interface.
UPDATE_TYPES: tuple[Any, ...] = tuple(_TYPES.values())


def update(publication: Publication) -> Update:
    return _TYPES[publication.kind](
        cursor=update_cursor(publication.sequence),
        kind=UpdateKind(publication.kind.value),
        at=publication.published_at,
        cause=publication.cause,
        publication=publication,
    )


def kinds_of(asked: list[UpdateKind] | None) -> list[EventKind]:
    return [EventKind(kind.value) for kind in asked] if asked else list(_TYPES)


def update_cursor(sequence: int) -> str:
    return cursor(_ORDER, sequence)


async def read_update_cursor(read: Read, text: str) -> int:
    """The number after which to go on.

    Raises:
        CursorError: It is no cursor of updates, or of news that are not there: of another database.
    """
    sequence = int(read_cursor(text, _ORDER, (int,))[0])
    if sequence > await newest_sequence(read):
        raise CursorError(
            f"{text!r} is ahead of all news: it was given out by another database, or by this one before "
            "it was put back; ask without `after`"
        )
    return sequence
