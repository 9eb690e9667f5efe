"""Questions about published forecasts, part by part: a reader who asks for the heads gets no distributions.

Only what was made by a moment is seen, and of what was made only the forecasts that users are given; the
baselines that are kept to be judged appear in the scores.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, func, select

from f1graph.races.draws import DrawnOrders
from f1graph.races.forecast import Consensus, Receipt
from f1graph.races.stages import Stage
from f1graph.store.engine import Read
from f1graph.store.tables.forecasts import forecast_draws, forecast_entries, forecast_members, forecasts


@dataclass(frozen=True, slots=True)
class ForecastHead:
    """A forecast without its entries.

    Attributes:
        sequence: Counts up with publication.
        missing_inputs, missing_members: Name and reason.
    """

    sequence: int
    id: str
    race_id: str
    stage: Stage
    cutoff: datetime
    made_at: datetime
    model: str
    model_version: str
    retrospective: bool
    invented: bool
    cause: str | None
    previous_id: str | None
    consensus: Consensus | None
    missing_inputs: tuple[tuple[str, str], ...]
    missing_members: tuple[tuple[str, str], ...]
    receipt: Receipt


def _is_public(moment: datetime) -> list[ColumnElement[bool]]:
    return [forecasts.c.is_served.is_(True), forecasts.c.made_at <= moment]


def _head(row: Row[Any]) -> ForecastHead:
    libraries = tuple((name, version) for name, version in row.receipt["libraries"])
    return ForecastHead(
        sequence=row.sequence,
        id=row.id,
        race_id=row.race_id,
        stage=Stage(row.stage),
        cutoff=row.cutoff,
        made_at=row.made_at,
        model=row.model,
        model_version=row.model_version,
        retrospective=row.retrospective,
        invented=row.invented,
        cause=row.cause,
        previous_id=row.previous_id,
        consensus=None if row.consensus is None else Consensus(**row.consensus),
        missing_inputs=tuple((name, reason) for name, reason in row.missing_inputs),
        missing_members=tuple((name, reason) for name, reason in row.missing_members),
        receipt=Receipt(**{**row.receipt, "libraries": libraries}),
    )


async def forecasts_by_id(read: Read, ids: Collection[str], moment: datetime) -> dict[str, ForecastHead]:
    """Those of `ids` that were published by `moment`."""
    found = await read.rows(select(forecasts).where(forecasts.c.id.in_(list(ids)), *_is_public(moment)))
    return {row.id: _head(row) for row in found}


async def forecasts_after(read: Read, ids: Collection[str], moment: datetime) -> dict[str, ForecastHead]:
    """Of each forecast that was followed by another by `moment`: the first that followed it."""
    # By race, which has an index: the forecasts that follow are of the same one.
    races = select(forecasts.c.race_id).where(forecasts.c.id.in_(list(ids)))
    found: dict[str, ForecastHead] = {}
    for row in await read.rows(
        select(forecasts)
        .where(
            forecasts.c.race_id.in_(races),
            forecasts.c.previous_id.in_(list(ids)),
            *_is_public(moment),
        )
        .order_by(forecasts.c.sequence)
    ):
        found.setdefault(row.previous_id, _head(row))
    return found


async def latest_forecasts(
    read: Read, race_ids: Collection[str], stage: Stage | None, moment: datetime
) -> dict[str, ForecastHead]:
    """Of each race the forecast made by `moment` that knows most, of a stage or of any; one statement.

    One made before the start comes before any that was made for the record afterwards; an earlier stage
    that was forecast late does not take the place of a later one.
    """
    conditions = [forecasts.c.race_id.in_(list(race_ids)), *_is_public(moment)]
    if stage is not None:
        conditions.append(forecasts.c.stage == stage)
    table = forecasts.c
    place = func.row_number().over(
        partition_by=table.race_id,
        order_by=(table.retrospective, table.cutoff.desc(), table.sequence.desc()),
    )
    numbered = select(table.sequence, place.label("place")).where(*conditions).subquery()
    newest = select(numbered.c.sequence).where(numbered.c.place == 1)
    found = await read.rows(select(forecasts).where(table.sequence.in_(newest)))
    return {row.race_id: _head(row) for row in found}


async def latest_forecast(read: Read, moment: datetime) -> ForecastHead | None:
    """The forecast made last; one that was made before its race, where there is any.

    Not the last that was stored: a past weekend that is lived again is stored later.
    """
    for retrospective in (False, True):
        row = await read.row(
            select(forecasts)
            .where(*_is_public(moment), forecasts.c.retrospective.is_(retrospective))
            .order_by(forecasts.c.made_at.desc(), forecasts.c.sequence.desc())
            .limit(1)
        )
        if row is not None:
            return _head(row)
    return None


@dataclass(frozen=True, slots=True)
class ForecastFilter:
    """Which forecasts are asked for; None asks for all."""

    known_by: datetime
    race_id: str | None = None
    stage: Stage | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        found = _is_public(self.known_by)
        if self.race_id is not None:
            found.append(forecasts.c.race_id == self.race_id)
        if self.stage is not None:
            found.append(forecasts.c.stage == self.stage)
        return found


async def forecasts_page(
    read: Read, wanted: ForecastFilter, *, limit: int, before: int | None = None
) -> list[ForecastHead]:
    """The next forecasts, newest first, published before the one with this sequence."""
    statement = select(forecasts).where(*wanted.conditions())
    if before is not None:
        statement = statement.where(forecasts.c.sequence < before)
    found = await read.rows(statement.order_by(forecasts.c.sequence.desc()).limit(limit))
    return [_head(row) for row in found]


async def count_forecasts(read: Read, wanted: ForecastFilter) -> int:
    statement = select(func.count()).select_from(forecasts).where(*wanted.conditions())
    return int(await read.value(statement))


async def forecasts_of_races(
    read: Read,
    race_ids: Collection[str],
    stage: Stage | None,
    moment: datetime,
    *,
    limit: int,
    before: int | None,
) -> dict[str, list[ForecastHead]]:
    """Of each race the next forecasts, newest first; one statement for all of them."""
    conditions = [forecasts.c.race_id.in_(list(race_ids)), *_is_public(moment)]
    if stage is not None:
        conditions.append(forecasts.c.stage == stage)
    if before is not None:
        conditions.append(forecasts.c.sequence < before)
    place = func.row_number().over(partition_by=forecasts.c.race_id, order_by=forecasts.c.sequence.desc())
    numbered = select(forecasts, place.label("place")).where(*conditions).subquery()
    found = await read.rows(
        select(numbered).where(numbered.c.place <= limit).order_by(numbered.c.race_id, numbered.c.place)
    )
    of_race: dict[str, list[ForecastHead]] = {}
    for row in found:
        of_race.setdefault(row.race_id, []).append(_head(row))
    return of_race


async def count_forecasts_of_races(
    read: Read, race_ids: Collection[str], stage: Stage | None, moment: datetime
) -> dict[str, int]:
    conditions = [forecasts.c.race_id.in_(list(race_ids)), *_is_public(moment)]
    if stage is not None:
        conditions.append(forecasts.c.stage == stage)
    found = await read.rows(
        select(forecasts.c.race_id, func.count().label("number"))
        .where(*conditions)
        .group_by(forecasts.c.race_id)
    )
    return {row.race_id: row.number for row in found}


async def entries_of(read: Read, forecast_ids: Collection[str]) -> dict[str, list[Row[Any]]]:
    """The entries of some forecasts by expected position, as rows: they go out as they are."""
    found = await read.rows(
        select(forecast_entries)
        .where(forecast_entries.c.forecast_id.in_(list(forecast_ids)))
        .order_by(forecast_entries.c.forecast_id, forecast_entries.c.order)
    )
    of_forecast: dict[str, list[Row[Any]]] = {}
    for row in found:
        of_forecast.setdefault(row.forecast_id, []).append(row)
    return of_forecast


async def members_of(read: Read, forecast_ids: Collection[str]) -> dict[str, dict[str, list[Row[Any]]]]:
    """Every model's view of each driver in some forecasts, as rows: members by weight, then baselines."""
    table = forecast_members.c
    found = await read.rows(
        select(forecast_members)
        .where(table.forecast_id.in_(list(forecast_ids)))
        .order_by(table.forecast_id, table.is_baseline, func.coalesce(table.weight, 0.0).desc(), table.model)
    )
    views: dict[str, dict[str, list[Row[Any]]]] = {}
    for row in found:
        views.setdefault(row.forecast_id, {}).setdefault(row.driver_id, []).append(row)
    return views


async def draws_of(read: Read, forecast_ids: Collection[str]) -> dict[str, DrawnOrders]:
    """The drawn finishing orders of some forecasts, packed: some hundred kilobytes each."""
    wanted = list(forecast_ids)
    entered: dict[str, list[str]] = {}
    entries = forecast_entries.c
    for row in await read.rows(
        select(entries.forecast_id, entries.driver_id).where(entries.forecast_id.in_(wanted))
    ):
        entered.setdefault(row.forecast_id, []).append(row.driver_id)
    found = await read.rows(select(forecast_draws).where(forecast_draws.c.forecast_id.in_(wanted)))
    # In Python's order, which is the one they were drawn in: a database may sort text by another.
    return {row.forecast_id: DrawnOrders(tuple(sorted(entered[row.forecast_id])), row.data) for row in found}
