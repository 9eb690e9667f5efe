"""Asking how good models have been, and which there are."""

# Strawberry's decorator is typed as Any without its plugin for mypy.
# mypy: disallow-untyped-decorators=False

from __future__ import annotations

from typing import Annotated

import strawberry
from strawberry import argument, field

from f1graph.api.bundles import Bundle
from f1graph.api.context import Info
from f1graph.api.ids import page_size
from f1graph.api.lists import First
from f1graph.api.track_record import Calibration, ModelMetric
from f1graph.races.measures import Measure
from f1graph.races.stages import Stage
from f1graph.store import track_record
from f1graph.store.bundles import load_bundles

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
        first: First = 100,
    ) -> list[ModelMetric]:
        async with info.context.store.read() as read:
            found = await track_record.metrics_known(
                read,
                info.context.now,
                limit=page_size(first),
                model=model,
                stage=stage,
                measure=measure,
            )
        return [ModelMetric.of(computed) for computed in found]

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
                read, info.context.now, model=model, stage=stage, limit=page_size(first)
            )
        return [Calibration.of(stored) for stored in found]

    @field(description="The trained models on disk, newest first.")
    async def models(
        self,
        info: Info,
        model: ModelAsked = None,
        stage: Annotated[Stage | None, argument(description="Only for this stage. Empty: for all.")] = None,
        first: First = 20,
    ) -> list[Bundle]:
        async with info.context.store.read() as read:
            found = await load_bundles(
                read, limit=page_size(first), model=model, stage=stage, trained_by=info.context.now
            )
        return [Bundle.of(row) for row in found]
