"""Forecasts, appended once and read back whole."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, insert, select

from f1graph.errors import UnknownError
from f1graph.races.forecast import (
    Consensus,
    EntryForecast,
    Forecast,
    MemberEntry,
    MemberView,
    Receipt,
)
from f1graph.races.stages import Stage
from f1graph.store.engine import Read, Write
from f1graph.store.events import EventKind, publish
from f1graph.store.explanations import load_explanations, store_explanation
from f1graph.store.tables.forecasts import forecast_draws, forecast_entries, forecast_members, forecasts

_ENTRY_COLUMNS = tuple(
    column for column in forecast_entries.columns if column.name not in ("forecast_id", "order")
)


async def store_forecast(write: Write, forecast: Forecast, *, is_served: bool, now: datetime) -> bool:
    """Appends a forecast with its draws and its explanation, and publishes it, in one transaction.

    Args:
        is_served: It is what users are given; baselines are only kept to be scored.

    Returns:
        False if this very forecast is there already: its id is made of its content.
    """
    if await write.value(select(forecasts.c.sequence).where(forecasts.c.id == forecast.id)) is not None:
        return False
    await write.execute(
        insert(forecasts),
        {
            "id": forecast.id,
            "race_id": forecast.race_id,
            "stage": forecast.stage,
            "cutoff": forecast.cutoff,
            "made_at": forecast.made_at,
            "model": forecast.model,
            "model_version": forecast.model_version,
            "is_served": is_served,
            "retrospective": forecast.retrospective,
            "invented": forecast.invented,
            "cause": forecast.cause,
            "previous_id": forecast.previous_id,
            "consensus": None if forecast.consensus is None else asdict(forecast.consensus),
            "missing_inputs": [list(missing) for missing in forecast.missing_inputs],
            "missing_members": [list(missing) for missing in forecast.missing_members],
            "inputs_fingerprint": forecast.receipt.inputs_fingerprint,
            "receipt": asdict(forecast.receipt),
        },
    )
    by_expectation = sorted(
        forecast.entries, key=lambda entry: (entry.expected_position, -entry.win, entry.driver_id)
    )
    await write.execute(
        insert(forecast_entries),
        [
            {
                "forecast_id": forecast.id,
                "order": order,
                **asdict(entry),
                "position_probabilities": list(entry.position_probabilities),
            }
            for order, entry in enumerate(by_expectation, start=1)
        ],
    )
    members = [
        {
            "forecast_id": forecast.id,
            "model": member.model,
            "version": member.version,
            "is_baseline": member.is_baseline,
            "weight": member.weight,
            **asdict(entry),
        }
        for member in forecast.members
        for entry in member.entries
    ]
    if members:
        await write.execute(insert(forecast_members), members)
    await write.execute(insert(forecast_draws), {"forecast_id": forecast.id, "data": forecast.draws})
    if forecast.explanation is not None:
        await store_explanation(write, forecast.id, forecast.explanation)
    if is_served:
        await publish(
            write,
            EventKind.FORECAST_PUBLISHED,
            cause=forecast.cause or forecast.stage,
            race_id=forecast.race_id,
            forecast_id=forecast.id,
            now=now,
        )
    return True


async def load_forecast(read: Read, forecast_id: str) -> Forecast:
    """One forecast, whole.

    Raises:
        UnknownError: There is none with this id.
    """
    found = await load_forecasts(read, [forecast_id])
    if not found:
        raise UnknownError(f"there is no forecast {forecast_id!r}")
    return found[0]


async def load_forecasts(read: Read, ids: Collection[str]) -> list[Forecast]:
    """Forecasts by id, in the order of publication; five statements however many there are."""
    wanted = list(ids)
    heads = await read.rows(
        select(forecasts).where(forecasts.c.id.in_(wanted)).order_by(forecasts.c.sequence)
    )
    entries: dict[str, list[EntryForecast]] = {}
    for row in await read.rows(
        select(forecast_entries.c.forecast_id, *_ENTRY_COLUMNS)
        .where(forecast_entries.c.forecast_id.in_(wanted))
        .order_by(forecast_entries.c.forecast_id, forecast_entries.c.driver_id)
    ):
        entries.setdefault(row.forecast_id, []).append(_entry(row))
    members: dict[str, dict[str, list[Row[Any]]]] = {}
    for row in await read.rows(
        select(forecast_members)
        .where(forecast_members.c.forecast_id.in_(wanted))
        .order_by(forecast_members.c.model, forecast_members.c.driver_id)
    ):
        members.setdefault(row.forecast_id, {}).setdefault(row.model, []).append(row)
    draws = {
        row.forecast_id: row.data
        for row in await read.rows(select(forecast_draws).where(forecast_draws.c.forecast_id.in_(wanted)))
    }
    explanations = await load_explanations(read, wanted)
    return [
        Forecast(
            id=head.id,
            race_id=head.race_id,
            stage=Stage(head.stage),
            cutoff=head.cutoff,
            made_at=head.made_at,
            model=head.model,
            model_version=head.model_version,
            invented=head.invented,
            retrospective=head.retrospective,
            missing_inputs=tuple((name, reason) for name, reason in head.missing_inputs),
            # In Python's order, which the draws are in: a database may sort text by another.
            entries=tuple(sorted(entries[head.id], key=lambda entry: entry.driver_id)),
            members=_members(members.get(head.id, {})),
            draws=draws[head.id],
            consensus=None if head.consensus is None else Consensus(**head.consensus),
            receipt=_receipt(head.receipt),
            previous_id=head.previous_id,
            cause=head.cause,
            missing_members=tuple((name, reason) for name, reason in head.missing_members),
            explanation=explanations.get(head.id),
        )
        for head in heads
    ]


def _entry(row: Row[Any]) -> EntryForecast:
    values = dict(row._mapping)
    del values["forecast_id"]
    values["position_probabilities"] = tuple(values["position_probabilities"])
    return EntryForecast(**values)


def _members(rows: dict[str, list[Row[Any]]]) -> tuple[MemberView, ...]:
    views = [
        MemberView(
            model=model,
            version=of_model[0].version,
            is_baseline=of_model[0].is_baseline,
            weight=of_model[0].weight,
            entries=tuple(
                MemberEntry(
                    row.driver_id, row.win, row.podium, row.points, row.retirement, row.expected_position
                )
                for row in of_model
            ),
        )
        for model, of_model in rows.items()
    ]
    return tuple(sorted(views, key=lambda view: (view.is_baseline, -(view.weight or 0), view.model)))


def _receipt(stored: dict[str, Any]) -> Receipt:
    libraries = tuple((name, version) for name, version in stored["libraries"])
    return Receipt(**{**stored, "libraries": libraries})


def _of_race(race_id: str, *, model: str | None, stage: Stage | None) -> Select[Any]:
    statement = select(forecasts.c.id).where(forecasts.c.race_id == race_id)
    statement = statement.where(
        forecasts.c.is_served.is_(True) if model is None else forecasts.c.model == model
    )
    if stage is not None:
        statement = statement.where(forecasts.c.stage == stage)
    return statement.order_by(forecasts.c.sequence.desc())


async def latest_forecast_id(
    read: Read,
    race_id: str,
    *,
    stage: Stage | None = None,
    model: str | None = None,
    as_of: datetime | None = None,
    cutoff: datetime | None = None,
) -> str | None:
    """The newest forecast of a race; of the served model unless another is named.

    Args:
        as_of: Only those made by then: what did you say on Friday?
        cutoff: Only those that know nothing later: a forecast made for the record years later does not
            follow one that knew the grid.
    """
    statement = _of_race(race_id, model=model, stage=stage)
    if as_of is not None:
        statement = statement.where(forecasts.c.made_at <= as_of)
    if cutoff is not None:
        statement = statement.where(forecasts.c.cutoff <= cutoff)
    found = await read.value(statement.limit(1))
    return None if found is None else str(found)


async def forecast_stages_of_races(read: Read, race_ids: Collection[str]) -> set[tuple[str, Stage]]:
    """For which stages of some races a served forecast is stored."""
    found = await read.rows(
        select(forecasts.c.race_id, forecasts.c.stage)
        .where(forecasts.c.race_id.in_(list(race_ids)), forecasts.c.is_served.is_(True))
        .distinct()
    )
    return {(row.race_id, Stage(row.stage)) for row in found}
