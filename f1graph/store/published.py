"""Questions about published forecasts, part by part: a reader who asks for the heads gets no distributions.

Only what was made by a moment is seen, and of what was made only the forecasts that users are given; the
baselines that are kept to be judged appear in the scores.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, func, or_, select

from f1graph.races.forecast import Consensus, Receipt
from f1graph.races.measures import CalibrationBin, Comparison, Measure, ModelMetric, Target
from f1graph.races.results import ClassificationKind
from f1graph.races.stages import Stage
from f1graph.store.engine import Read
from f1graph.store.events import EventKind
from f1graph.store.results import newest_known
from f1graph.store.tables import (
    calibration_bins,
    classifications,
    events,
    forecast_entries,
    forecast_members,
    forecasts,
    model_metrics,
    scores,
)

# Two machines' clocks may differ a little. An event that seems to be of the next seconds is really of now,
# and is told as soon as our clock is there; one further ahead is of another time (a past lived again).
_CLOCKS_DIFFER = timedelta(minutes=1)


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


@dataclass(frozen=True, slots=True)
class ScoreRow:
    """A measure of a forecast against one revision of the result.

    Attributes:
        revision: Of the classification that it was judged by.
        baselines: The same measure of the baselines, for the same race, stage and revision.
    """

    measure: Measure
    value: float
    revision: int
    scored_at: datetime
    baselines: tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True)
class Publication:
    """That a forecast was published.

    Attributes:
        sequence: Of its event: what cursors are made of.
    """

    sequence: int
    forecast_id: str
    cause: str
    published_at: datetime


@dataclass(frozen=True, slots=True)
class ComputedMetric:
    metric: ModelMetric
    invented: bool
    computed_at: datetime


@dataclass(frozen=True, slots=True)
class Calibration:
    """The bins of one model, stage and span of seasons."""

    model: str
    stage: Stage
    first_season: int
    last_season: int
    invented: bool
    bins: tuple[CalibrationBin, ...]


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


async def scores_known(
    read: Read, forecast_ids: Collection[str], moment: datetime
) -> dict[str, list[ScoreRow]]:
    """How some forecasts did against the newest result known at `moment`, beside the baselines.

    A baseline's forecast is the one of the same race and stage, with the same cutoff where there is one,
    else the newest.
    """
    ours, others = forecasts.alias("ours"), forecasts.alias("others")
    judged = (
        select(
            ours.c.id.label("forecast_id"),
            others.c.id.label("judged_id"),
            others.c.model,
            func.row_number()
            .over(
                partition_by=(ours.c.id, others.c.model),
                order_by=((others.c.cutoff == ours.c.cutoff).desc(), others.c.sequence.desc()),
            )
            .label("place"),
        )
        .join(
            others,
            or_(
                others.c.id == ours.c.id,
                and_(
                    others.c.race_id == ours.c.race_id,
                    others.c.stage == ours.c.stage,
                    others.c.is_served.is_(False),
                    others.c.made_at <= moment,
                ),
            ),
        )
        .where(ours.c.id.in_(list(forecast_ids)))
        .subquery()
    )
    found = await read.rows(
        select(
            judged.c.forecast_id,
            judged.c.judged_id,
            judged.c.model,
            scores.c.measure,
            scores.c.value,
            scores.c.revision,
            scores.c.scored_at,
        )
        .join(scores, scores.c.forecast_id == judged.c.judged_id)
        .join(
            classifications,
            and_(
                classifications.c.race_id == scores.c.race_id,
                classifications.c.kind == scores.c.kind,
                classifications.c.revision == scores.c.revision,
            ),
        )
        .where(
            judged.c.place == 1,
            scores.c.kind == ClassificationKind.RACE,
            scores.c.scored_at <= moment,
            newest_known(moment),
        )
        .order_by(judged.c.forecast_id, judged.c.model)
    )
    baselines: dict[tuple[str, str], list[tuple[str, float]]] = {}
    own: dict[str, dict[str, Row[Any]]] = {}
    for row in found:
        if row.judged_id == row.forecast_id:
            own.setdefault(row.forecast_id, {})[row.measure] = row
        else:
            baselines.setdefault((row.forecast_id, row.measure), []).append((row.model, row.value))
    return {
        forecast_id: [
            ScoreRow(
                measure,
                of_measure[measure].value,
                of_measure[measure].revision,
                of_measure[measure].scored_at,
                tuple(baselines.get((forecast_id, measure), ())),
            )
            for measure in Measure
            if measure in of_measure
        ]
        for forecast_id, of_measure in own.items()
    }


async def published_after(read: Read, sequence: int, *, limit: int, moment: datetime) -> list[Publication]:
    """The next publications, oldest first, that had happened by `moment`."""
    found = await read.rows(
        select(events)
        .where(
            events.c.kind == EventKind.FORECAST_PUBLISHED,
            events.c.sequence > sequence,
            events.c.happened_at <= moment + _CLOCKS_DIFFER,
        )
        .order_by(events.c.sequence)
        .limit(limit)
    )
    happened: list[Publication] = []
    for row in found:
        if row.happened_at > moment:
            break
        happened.append(_publication(row))
    return happened


async def published_last(read: Read, *, limit: int, moment: datetime) -> list[Publication]:
    """The last publications that had happened by `moment`, oldest first."""
    found = await read.rows(
        select(events)
        .where(events.c.kind == EventKind.FORECAST_PUBLISHED, events.c.happened_at <= moment)
        .order_by(events.c.sequence.desc())
        .limit(limit)
    )
    return [_publication(row) for row in reversed(found)]


def _publication(row: Row[Any]) -> Publication:
    return Publication(row.sequence, str(row.forecast_id), row.cause, row.happened_at)


async def metrics_known(
    read: Read,
    moment: datetime,
    *,
    limit: int | None = None,
    model: str | None = None,
    stage: Stage | None = None,
    measure: Measure | None = None,
) -> list[ComputedMetric]:
    """How models did, as computed by `moment`, in a fixed order."""
    table = model_metrics.c
    asked = {table.model: model, table.stage: stage, table.measure: measure}
    statement = select(model_metrics).where(
        table.computed_at <= moment,
        *(column == value for column, value in asked.items() if value is not None),
    )
    order = (table.invented, table.model, table.stage, table.first_season, table.last_season, table.measure)
    return [
        ComputedMetric(
            ModelMetric(
                model=row.model,
                stage=Stage(row.stage),
                first_season=row.first_season,
                last_season=row.last_season,
                measure=Measure(row.measure),
                races=row.races,
                retrospective_races=row.retrospective_races,
                value=row.value,
                low=row.low,
                high=row.high,
                baselines=tuple(Comparison(**baseline) for baseline in row.baselines),
            ),
            row.invented,
            row.computed_at,
        )
        for row in await read.rows(statement.order_by(*order).limit(limit))
    ]


async def calibration_known(
    read: Read, moment: datetime, *, model: str, stage: Stage, limit: int
) -> list[Calibration]:
    """Calibration bins of a model at a stage, one group per span, as computed by `moment`."""
    table, metrics = calibration_bins.c, model_metrics.c
    was_computed = (
        select(metrics.model)
        .where(
            metrics.invented == table.invented,
            metrics.model == table.model,
            metrics.stage == table.stage,
            metrics.computed_at > moment,
        )
        .exists()
    )
    found = await read.rows(
        select(calibration_bins)
        .where(table.model == model, table.stage == stage, ~was_computed)
        .order_by(table.invented, table.first_season, table.last_season, table.target, table.from_probability)
    )
    groups: dict[tuple[bool, int, int], list[CalibrationBin]] = {}
    for row in found:
        groups.setdefault((row.invented, row.first_season, row.last_season), []).append(
            CalibrationBin(
                target=Target(row.target),
                from_probability=row.from_probability,
                to_probability=row.to_probability,
                count=row._mapping["count"],
                forecast=row.forecast,
                observed=row.observed,
                low=row.low,
                high=row.high,
            )
        )
    spans = [
        Calibration(model, stage, first, last, invented, tuple(bins))
        for (invented, first, last), bins in groups.items()
    ]
    return spans[:limit]
