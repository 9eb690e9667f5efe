"""Championship tables."""

# Strawberry's decorator is typed as Any without its plugin for mypy.
# mypy: disallow-untyped-decorators=False

from __future__ import annotations

from typing import Any

import strawberry
from strawberry import field

from f1graph.api.context import Info
from f1graph.api.enums import StandingsBasis
from f1graph.api.node import LazyRace, present
from f1graph.api.people import Constructor, Driver
from f1graph.races.facts import StandingsRow
from f1graph.store.championships import ChampionshipTable


@strawberry.type(description="A driver's place in the championship after a race.")
class DriverStanding:
    order: int = field(description="1, 2, 3 … as published.")
    position: int | None = field(
        description="Place in the championship. Equal points are decided by more wins, then more second "
        "places "
        "and so on, sprints left out; who is equal there too shares the place. Null: excluded."
    )
    points: float = field(description="Points that count so far.")
    wins: int | None = field(
        description="Grands Prix won so far; null where the published table does not say."
    )
    driver_id: strawberry.Private[str]

    @field(description="Whose place it is.")
    async def driver(self, info: Info) -> Driver:
        return Driver.of(present(await info.context.loaders.driver.load(self.driver_id)))


@strawberry.type(description="A constructor's place in the championship after a race.")
class ConstructorStanding:
    order: int = field(description="1, 2, 3 … as published.")
    position: int | None = field(description="Place in the championship, by the same rules. Null: excluded.")
    points: float = field(description="Points that count so far.")
    wins: int | None = field(
        description="Grands Prix won so far; null where the published table does not say."
    )
    engine: str | None = field(
        description="Slug of the engine. One chassis with two engines was two competitors. Null where "
        "unknown."
    )
    constructor_id: strawberry.Private[str]

    @field(description="Whose place it is.")
    async def constructor(self, info: Info) -> Constructor:
        return Constructor.of(present(await info.context.loaders.constructor.load(self.constructor_id)))


@strawberry.type(description="The drivers' championship after a race.")
class DriverStandings:
    basis: StandingsBasis = field(description="Computed from the results, or as published.")
    lines: list[DriverStanding] = field(description="By place; as many as scored or were classified.")
    race_id: strawberry.Private[str]

    @field(description="The race after which the table stood like this.")
    async def after(self, info: Info) -> LazyRace:
        return await _race(info, self.race_id)


@strawberry.type(description="The constructors' championship after a race.")
class ConstructorStandings:
    basis: StandingsBasis = field(description="Computed from the results, or as published.")
    lines: list[ConstructorStanding] = field(description="By place; as many as scored or were classified.")
    race_id: strawberry.Private[str]

    @field(description="The race after which the table stood like this.")
    async def after(self, info: Info) -> LazyRace:
        return await _race(info, self.race_id)


async def _race(info: Info, race_id: str) -> LazyRace:
    from f1graph.api.calendar import Race

    return Race.of(present(await info.context.loaders.race.load(race_id)))


def driver_standings(table: ChampionshipTable) -> DriverStandings:
    return DriverStandings(
        basis=StandingsBasis(table.basis),
        race_id=table.race_id,
        lines=[DriverStanding(driver_id=row.competitor_id, **_place(row)) for row in table.rows],
    )


def constructor_standings(table: ChampionshipTable) -> ConstructorStandings:
    return ConstructorStandings(
        basis=StandingsBasis(table.basis),
        race_id=table.race_id,
        lines=[
            ConstructorStanding(constructor_id=row.competitor_id, engine=row.engine_id, **_place(row))
            for row in table.rows
        ],
    )


def _place(row: StandingsRow) -> dict[str, Any]:
    return {"order": row.order, "position": row.position, "points": row.points, "wins": row.wins}
