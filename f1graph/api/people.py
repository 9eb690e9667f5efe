"""Drivers and constructors."""

# Strawberry's decorator is typed as Any without its plugin for mypy.
# mypy: disallow-untyped-decorators=False

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

import strawberry
from strawberry import field

import f1graph.races.entries as records
from f1graph.api.competitor_results import (
    CircuitOfResults,
    CompetitorResult,
    KindOfResults,
    OrderOfResults,
    SeasonYear,
    UpToPosition,
    competitor_results,
    kinds_asked,
)
from f1graph.api.context import Info
from f1graph.api.enums import RaceOrder
from f1graph.api.ids import asked_key, cursor, global_id, read_cursor
from f1graph.api.lists import After, AsOf, Connection, First
from f1graph.api.node import Node, present
from f1graph.store.people import SeasonTally
from f1graph.store.results import LineFilter


@strawberry.type(
    description="What a driver did in all, added up from the results that are known now. A result that was "
    "revised counts in its newest revision: who was disqualified keeps the start and loses the rest."
)
class Career:
    starts: int = field(
        description="Grands Prix in which the driver took the start; sprints do not count. Who retired, was "
        "not classified or was disqualified did start; who did not start or qualify did not."
    )
    wins: int = field(
        description="Grands Prix in which the driver was classified first, shared cars included."
    )
    podiums: int = field(description="Grands Prix in which the driver was classified in the first three.")
    poles: int = field(
        description="Grands Prix started from the first place of the grid, after penalties. Not always the "
        "fastest of qualifying."
    )
    points: float = field(
        description="Points scored in races and sprints. Before 1991 only a driver's best results counted "
        "for "
        "the championship; here all of them do."
    )
    championships: int = field(
        description="Seasons that the driver finished as champion. Counts a season once the result of its "
        "last "
        "race is known."
    )


@strawberry.type(description="A driver's season, from the results that are known now.")
class DriverSeason:
    year: int = field(description="The season's year.")
    starts: int = field(description="Grands Prix in which the driver took the start.")
    wins: int = field(description="Grands Prix in which the driver was classified first.")
    podiums: int = field(description="Grands Prix in which the driver was classified in the first three.")
    poles: int = field(description="Grands Prix started from the first place of the grid, after penalties.")
    points: float | None = field(
        description="Points that count for the championship, after the last race known. Null where there is "
        "no "
        "table or the driver is not on it."
    )
    position: int | None = field(
        description="Place in the championship after the last race known; final where `isComplete`. Null "
        "for who "
        "is not on the table or was excluded."
    )
    is_complete: bool = field(description="Whether the result of the season's last race is known.")
    constructor_ids: strawberry.Private[tuple[str, ...]]

    @field(description="The teams the driver raced for, the first of the season first.")
    async def constructors(self, info: Info) -> list[Constructor]:
        found = await info.context.loaders.constructor.load_many(self.constructor_ids)
        return [Constructor.of(present(record)) for record in found]


def _season(tally: SeasonTally) -> DriverSeason:
    return DriverSeason(
        year=tally.season,
        starts=tally.starts,
        wins=tally.wins,
        podiums=tally.podiums,
        poles=tally.poles,
        points=tally.counted_points,
        position=tally.position,
        is_complete=tally.is_complete,
        constructor_ids=tally.constructor_ids,
    )


@strawberry.type(
    description="A person who drives. Team and car number belong to an entry of a race, not to the driver."
)
class Driver(Node):
    slug: str = field(description="Readable and as stable as the id: `max-verstappen`.")
    name: str = field(description="The name as commonly written: `Max Verstappen`.")
    first_name: str = field(description="Given names. May be empty.")
    last_name: str = field(description="Family name.")
    code: str = field(description="Three letters: `VER`. Not unique over history.")
    number: str | None = field(
        description="The permanent car number, as text, because `07` is not `7`. Null where there is none; "
        "the "
        "number actually driven stands in the result."
    )
    nationality: str = field(description="Country that the driver races for, as the source writes it.")
    date_of_birth: date | None = field(description="Null where unknown.")
    invented: bool = field(description="True for somebody of the invented championship, who does not exist.")

    @classmethod
    def of(cls, record: records.Driver) -> Driver:
        return cls(
            id=strawberry.ID(global_id("Driver", record.id)),
            slug=record.id,
            name=record.name,
            first_name=record.first_name,
            last_name=record.last_name,
            code=record.code,
            number=record.permanent_number,
            nationality=record.nationality,
            date_of_birth=record.date_of_birth,
            invented=record.invented,
        )

    @field(description="Everything added up.")
    async def career(self, info: Info, as_of: AsOf = None) -> Career:
        seasons = await self._seasons(info, as_of)
        return Career(
            starts=sum(season.starts for season in seasons),
            wins=sum(season.wins for season in seasons),
            podiums=sum(season.podiums for season in seasons),
            poles=sum(season.poles for season in seasons),
            points=sum(season.points for season in seasons),
            championships=sum(season.is_complete and season.position == 1 for season in seasons),
        )

    @field(description="Every season with a race or sprint of this driver, newest first; at most a career.")
    async def seasons(self, info: Info, as_of: AsOf = None) -> list[DriverSeason]:
        return [_season(tally) for tally in reversed(await self._seasons(info, as_of))]

    async def _seasons(self, info: Info, as_of: datetime | None) -> list[SeasonTally]:
        moment = info.context.known_at(as_of)
        return await info.context.loaders.driver_seasons.load((self.slug, moment)) or []

    @field(
        description="Results of races and sprints, each in the newest revision known when the first page was "
        "read."
    )
    async def results(
        self,
        info: Info,
        season: SeasonYear = None,
        circuit: CircuitOfResults = None,
        constructor: Annotated[
            strawberry.ID | None,
            strawberry.argument(description="Only for this team: an id or slug, `ferrari`. Empty: for any."),
        ] = None,
        kind: KindOfResults = None,
        up_to_position: UpToPosition = None,
        as_of: AsOf = None,
        order: OrderOfResults = RaceOrder.NEWEST_FIRST,
        first: First = 20,
        after: After = None,
    ) -> Connection[CompetitorResult]:
        wanted = LineFilter(
            by="driver_id",
            known_by=info.context.moment(as_of),
            kinds=kinds_asked(kind),
            season=season,
            circuit_id=asked_key("Circuit", circuit),
            constructor_id=asked_key("Constructor", constructor),
            up_to_position=up_to_position,
        )
        return await competitor_results(info, self.slug, wanted, order=order, first=first, after=after)


@strawberry.type(description="A team in the sense of the championship.")
class Constructor(Node):
    slug: str = field(description="Readable and as stable as the id: `red-bull`.")
    name: str = field(description="The short name: `Red Bull`.")
    full_name: str = field(description="The registered name.")
    country: str = field(description="Where the team is licensed, as the source writes it.")
    lineage: str = field(
        description="The first slug in the team's line of renames, or its own: teams with the same lineage "
        "are the same people under another name."
    )
    invented: bool = field(description="True for a team of the invented championship, which does not exist.")

    @classmethod
    def of(cls, record: records.Constructor) -> Constructor:
        return cls(
            id=strawberry.ID(global_id("Constructor", record.id)),
            slug=record.id,
            name=record.name,
            full_name=record.full_name,
            country=record.country,
            lineage=record.lineage_id,
            invented=record.invented,
        )

    @field(
        description="Results of the team's cars in races and sprints, each in the newest revision known when "
        "the first page was read."
    )
    async def results(
        self,
        info: Info,
        season: SeasonYear = None,
        circuit: CircuitOfResults = None,
        driver: Annotated[
            strawberry.ID | None,
            strawberry.argument(
                description="Only of this driver: an id or slug, `max-verstappen`. Empty: of all."
            ),
        ] = None,
        kind: KindOfResults = None,
        up_to_position: UpToPosition = None,
        as_of: AsOf = None,
        order: OrderOfResults = RaceOrder.NEWEST_FIRST,
        first: First = 20,
        after: After = None,
    ) -> Connection[CompetitorResult]:
        wanted = LineFilter(
            by="constructor_id",
            known_by=info.context.moment(as_of),
            kinds=kinds_asked(kind),
            season=season,
            circuit_id=asked_key("Circuit", circuit),
            driver_id=asked_key("Driver", driver),
            up_to_position=up_to_position,
        )
        return await competitor_results(info, self.slug, wanted, order=order, first=first, after=after)


def driver_key(record: records.Driver) -> str:
    return cursor("drivers", record.last_name, record.id)


def constructor_key(record: records.Constructor) -> str:
    return cursor("constructors", record.name, record.id)


def read_people_cursor(text: str | None, order: str) -> tuple[str, str] | None:
    if text is None:
        return None
    name, record_id = read_cursor(text, order, (str, str))
    return name, record_id
