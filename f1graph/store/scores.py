"""Scores, appended per revision of a result, and the metrics that are refreshed from them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, delete, func, insert, select, true

from f1graph.races.forecast import Score, ScoredForecast
from f1graph.races.measures import CalibrationBin, Measure, ModelMetric
from f1graph.races.results import ClassificationKind
from f1graph.races.stages import Stage
from f1graph.store.engine import Read, Write
from f1graph.store.tables.facts import classifications, races
from f1graph.store.tables.forecasts import calibration_bins, forecasts, model_metrics, scores


async def unscored_forecasts(read: Read, *, as_of: datetime | None = None) -> list[tuple[str, str, int]]:
    """Forecasts without a score against the newest result of their race: (forecast, race, revision).

    Args:
        as_of: Only results known by then: in a past weekend that is lived again the race is still ahead.
    """
    is_known = true() if as_of is None else classifications.c.known_at <= as_of
    newest = (
        select(classifications.c.race_id, func.max(classifications.c.revision).label("revision"))
        .where(classifications.c.kind == ClassificationKind.RACE, is_known)
        .group_by(classifications.c.race_id)
        .subquery()
    )
    scored = and_(
        scores.c.forecast_id == forecasts.c.id,
        scores.c.race_id == newest.c.race_id,
        scores.c.kind == ClassificationKind.RACE,
        scores.c.revision == newest.c.revision,
    )
    found = await read.rows(
        select(forecasts.c.id, newest.c.race_id, newest.c.revision)
        .join(newest, newest.c.race_id == forecasts.c.race_id)
        .where(~select(scores.c.forecast_id).where(scored).exists())
        .order_by(forecasts.c.sequence)
    )
    return [(row.id, row.race_id, row.revision) for row in found]


async def store_scores(write: Write, race_id: str, new: Sequence[Score], *, now: datetime) -> None:
    """Appends scores; those against earlier revisions stay."""
    if new:
        await write.execute(
            insert(scores),
            [
                {
                    "forecast_id": score.forecast_id,
                    "race_id": race_id,
                    "kind": ClassificationKind.RACE,
                    "revision": score.race_revision,
                    "measure": score.measure,
                    "value": score.value,
                    "scored_at": now,
                }
                for score in new
            ],
        )


@dataclass(frozen=True, slots=True)
class StoredBins:
    """Calibration of one model at one stage over a span of seasons."""

    model: str
    stage: Stage
    first_season: int
    last_season: int
    bins: tuple[CalibrationBin, ...]


async def replace_metrics(
    write: Write,
    metrics: Sequence[ModelMetric],
    bins: Sequence[StoredBins],
    *,
    invented: bool,
    now: datetime,
) -> None:
    """Puts freshly computed metrics in the place of the old ones: they are derived from scores."""
    for table in (model_metrics, calibration_bins):
        await write.execute(delete(table).where(table.c.invented.is_(invented)))
    if metrics:
        await write.execute(
            insert(model_metrics),
            [{**asdict(metric), "invented": invented, "computed_at": now} for metric in metrics],
        )
    rows = [
        {
            "invented": invented,
            "model": stored.model,
            "stage": stored.stage,
            "first_season": stored.first_season,
            "last_season": stored.last_season,
            **asdict(one),
        }
        for stored in bins
        for one in stored.bins
    ]
    if rows:
        await write.execute(insert(calibration_bins), rows)


@dataclass(frozen=True, slots=True)
class ScoresWanted:
    """Which scores are asked for; None asks for all."""

    models: Collection[str] | None = None
    stage: Stage | None = None
    seasons: Collection[int] | None = None
    measure: Measure | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        among = {forecasts.c.model: self.models, races.c.season: self.seasons}
        found = [column.in_(list(values)) for column, values in among.items() if values is not None]
        equal = {forecasts.c.stage: self.stage, scores.c.measure: self.measure}
        return found + [column == value for column, value in equal.items() if value is not None]


async def newest_scores(
    read: Read, *, invented: bool, as_of: datetime, wanted: ScoresWanted | None = None
) -> list[ScoredForecast]:
    """Scored forecasts of the real or of the invented championship, in the order of publication.

    Args:
        as_of: Only forecasts made by then, against the newest result known then: in a past weekend that is
            lived again the store may hold scores of later races.
    """
    asked = (ScoresWanted() if wanted is None else wanted).conditions()
    judged = (forecasts.c.invented.is_(invented), forecasts.c.made_at <= as_of, *asked)
    newest = (
        select(scores.c.forecast_id, func.max(scores.c.revision).label("revision"))
        .join(forecasts, forecasts.c.id == scores.c.forecast_id)
        .join(races, races.c.id == scores.c.race_id)
        .join(
            classifications,
            and_(
                classifications.c.race_id == scores.c.race_id,
                classifications.c.kind == scores.c.kind,
                classifications.c.revision == scores.c.revision,
            ),
        )
        .where(classifications.c.known_at <= as_of, *judged)
        .group_by(scores.c.forecast_id)
        .subquery()
    )
    values: dict[str, dict[Measure, float]] = {}
    found: list[ScoredForecast] = []
    statement = (
        select(forecasts, races.c.season, scores.c.revision, scores.c.measure, scores.c.value)
        .join(races, races.c.id == forecasts.c.race_id)
        .join(newest, newest.c.forecast_id == forecasts.c.id)
        .join(
            scores,
            and_(scores.c.forecast_id == forecasts.c.id, scores.c.revision == newest.c.revision),
        )
        .where(*judged)
        .order_by(forecasts.c.sequence)
    )
    async for some in read.partitions(statement):
        for row in some:
            if row.id not in values:
                values[row.id] = {}
                found.append(
                    ScoredForecast(
                        forecast_id=row.id,
                        race_id=row.race_id,
                        season=row.season,
                        stage=Stage(row.stage),
                        model=row.model,
                        model_version=row.model_version,
                        cutoff=row.cutoff,
                        made_at=row.made_at,
                        retrospective=row.retrospective,
                        values=values[row.id],
                        revision=row.revision,
                    )
                )
            values[row.id][Measure(row.measure)] = row.value
    return found
