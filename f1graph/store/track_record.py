"""How forecasts and models did, as it was known at a moment, always beside the baselines."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Integer, Row, and_, cast, func, or_, select

from f1graph.races.measures import CalibrationBin, Comparison, Measure, ModelMetric, Target
from f1graph.races.results import ClassificationKind
from f1graph.races.stages import Stage
from f1graph.store.engine import Read
from f1graph.store.results import newest_known
from f1graph.store.search import beyond
from f1graph.store.tables.facts import classifications
from f1graph.store.tables.forecasts import calibration_bins, forecasts, model_metrics, scores


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


@dataclass(frozen=True, slots=True)
class MetricFilter:
    """Which figures are asked for, as computed by `known_by`; None asks for all."""

    known_by: datetime
    model: str | None = None
    stage: Stage | None = None
    measure: Measure | None = None
    season: int | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        table = model_metrics.c
        asked = {table.model: self.model, table.stage: self.stage, table.measure: self.measure}
        found = [column == value for column, value in asked.items() if value is not None]
        if self.season is not None:
            found += [table.first_season == self.season, table.last_season == self.season]
        return [table.computed_at <= self.known_by, *found]


# Model, stage, first and last season, measure, and 1 for the invented championship.
MetricKey = tuple[int, str, str, int, int, str]


def metric_key(computed: ComputedMetric) -> MetricKey:
    """What figures are ordered by."""
    metric = computed.metric
    span = (metric.first_season, metric.last_season)
    return (int(computed.invented), metric.model, metric.stage, *span, metric.measure)


async def metrics_known(
    read: Read, wanted: MetricFilter, *, limit: int | None = None, after: MetricKey | None = None
) -> list[ComputedMetric]:
    """How models did, in a fixed order."""
    table = model_metrics.c
    statement = select(model_metrics).where(*wanted.conditions())
    order = (
        cast(table.invented, Integer),
        table.model,
        table.stage,
        table.first_season,
        table.last_season,
        table.measure,
    )
    if after is not None:
        statement = statement.where(beyond(order, after, descending=False))
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


async def count_metrics(read: Read, wanted: MetricFilter) -> int:
    statement = select(func.count()).select_from(model_metrics).where(*wanted.conditions())
    return int(await read.value(statement))


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
