"""Asking how good models have been, and which there are."""

# Strawberry's decorator is typed as Any without its plugin for mypy.
# mypy: disallow-untyped-decorators=False

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import strawberry
from strawberry import argument, field

from f1graph.api.bundles import Bundle
from f1graph.api.comparing import ModelComparison, compare_models
from f1graph.api.context import Context, Info
from f1graph.api.ids import cursor, page_size, read_cursor, short_text
from f1graph.api.lists import After, Connection, First, connection
from f1graph.api.track_record import Calibration, ModelMetric
from f1graph.errors import UnknownError
from f1graph.races.measures import Measure
from f1graph.races.stages import Stage
from f1graph.store import track_record
from f1graph.store.bundles import count_bundles, load_bundles, trained_bundle

_METRICS = "metrics"
_BUNDLES = "models"

ModelAsked = Annotated[str | None, argument(description="Only of this model: `rating`. Empty: of all.")]


@strawberry.type
class TrackRecordQuestions:
    @field(description="How good models have been: one figure per model, stage, span and measure.")
    async def model_metrics(
        self,
        info: Info,
        model: ModelAsked = None,
        stage: Annotated[Stage | None, argument(description="Only at this stage. Empty: at all.")] = None,
        measure: Annotated[
            Measure | None, argument(description="Only by this measure. Empty: by all.")
        ] = None,
        season: Annotated[
            int | None,
            argument(description="Only figures of this season alone, by its year. Empty: of every span."),
        ] = None,
        first: First = 20,
        after: After = None,
    ) -> Connection[ModelMetric]:
        store = info.context.store
        wanted = track_record.MetricFilter(
            info.context.now, model=model_asked(model), stage=stage, measure=measure, season=season
        )
        limit, place = page_size(first) + 1, _read_metric_cursor(after)
        async with store.read() as read:
            found = await track_record.metrics_known(read, wanted, limit=limit, after=place)

        async def count() -> int:
            async with store.read() as read:
                return await track_record.count_metrics(read, wanted)

        return connection(
            found,
            first=first,
            after=after,
            node=ModelMetric.of,
            cursor=lambda computed: cursor(_METRICS, *track_record.metric_key(computed)),
            count=count,
        )

    @field(description="Whether a model's probabilities come true, per span of seasons.")
    async def calibration(
        self,
        info: Info,
        model: Annotated[str, argument(description="The model's name: `rating`.")],
        stage: Annotated[Stage, argument(description="The stage of the forecasts.")],
        first: First = 20,
    ) -> list[Calibration]:
        async with info.context.store.read() as read:
            found = await track_record.calibration_known(
                read,
                info.context.now,
                model=short_text("a model's name", model),
                stage=stage,
                limit=page_size(first),
            )
        return [Calibration.of(stored) for stored in found]

    @field(
        description="One model beside others, paired by race. Null, with an error, where no forecast of the "
        "first was judged."
    )
    async def compare_models(
        self,
        info: Info,
        models: Annotated[
            list[str],
            argument(
                description='The model, then those it is compared with, by name: `["ultra", "rating", '
                '"grid"]`. From 2 to 6; baselines (`uniform`, `grid`, `championship`) too.'
            ),
        ],
        stage: Annotated[Stage, argument(description="The stage of the forecasts.")],
        seasons: Annotated[
            list[int] | None,
            argument(description="Only races of these seasons, by their years; at most 100. Empty: of all."),
        ] = None,
        measure: Annotated[
            Measure,
            argument(description="By which measure. By default the one that trained models are chosen by."),
        ] = Measure.RANKED_PROBABILITY,
    ) -> ModelComparison | None:
        return await compare_models(info.context, models, stage=stage, seasons=seasons, measure=measure)

    @field(description="The trained models on disk, newest first.")
    async def models(
        self,
        info: Info,
        model: ModelAsked = None,
        stage: Annotated[Stage | None, argument(description="Only for this stage. Empty: for all.")] = None,
        first: First = 20,
        after: After = None,
    ) -> Connection[Bundle]:
        store, now, name = info.context.store, info.context.now, model_asked(model)
        limit, place = page_size(first) + 1, _read_bundle_cursor(after)
        async with store.read() as read:
            found = await load_bundles(
                read, limit=limit, model=name, stage=stage, trained_by=now, after=place
            )

        async def count() -> int:
            async with store.read() as read:
                return await count_bundles(read, model=name, stage=stage, trained_by=now)

        return connection(
            found,
            first=first,
            after=after,
            node=Bundle.of,
            cursor=lambda row: cursor(_BUNDLES, row.trained_at, row.cutoff, row.id),
            count=count,
        )


async def find_bundle(context: Context, asked: str) -> Bundle:
    async with context.store.read() as read:
        row = await trained_bundle(read, asked, trained_by=context.now)
    if row is None:
        raise UnknownError(f"there is no trained model {asked!r}")
    return Bundle.of(row)


def model_asked(model: str | None) -> str | None:
    return None if model is None else short_text("a model's name", model)


def _read_metric_cursor(text: str | None) -> track_record.MetricKey | None:
    if text is None:
        return None
    invented, model, stage, first, last, measure = read_cursor(text, _METRICS, (int, str, str, int, int, str))
    return invented, model, stage, first, last, measure


def _read_bundle_cursor(text: str | None) -> tuple[datetime, datetime, str] | None:
    if text is None:
        return None
    trained_at, cutoff, bundle_id = read_cursor(text, _BUNDLES, (datetime, datetime, str))
    return trained_at, cutoff, bundle_id
