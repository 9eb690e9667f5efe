"""How good the models have been, always beside the baselines."""

from __future__ import annotations

from datetime import datetime

import strawberry
from strawberry import field

import f1graph.races.measures as records
from f1graph.api.scalars import Probability
from f1graph.races.measures import Direction, Measure, Target
from f1graph.races.stages import Stage
from f1graph.store.track_record import Calibration as StoredCalibration
from f1graph.store.track_record import ComputedMetric


@strawberry.type(description="The seasons that a figure is about.")
class Span:
    first_season: int = field(description="The first season's year.")
    last_season: int = field(description="The last season's year; the same for a single season.")


@strawberry.type(description="A model beside a baseline, on the races that both have forecast.")
class Comparison:
    model: str = field(description="The baseline's name.")
    value: float = field(description="The baseline's mean on these races.")
    difference: float = field(
        description="The model's mean minus the baseline's. Below zero the model is better where lower is "
        "better."
    )
    low: float | None = field(
        description="Lower end of the 95 % bootstrap interval of the difference, over races. Null with "
        "fewer than "
        "two races."
    )
    high: float | None = field(
        description="Upper end of that interval; null with it. If zero lies inside, nothing is shown."
    )
    races: int = field(description="How many races both have forecast.")


@strawberry.type(
    description="A measure of a model at one stage over a span of seasons. Each race counts once, by its "
    "last "
    "forecast of the stage."
)
class ModelMetric:
    model: str = field(description="The model's name.")
    stage: Stage = field(description="The stage of the forecasts.")
    measure: Measure = field(description="Which measure.")
    title: str = field(description="The measure's name for a reader.")
    definition: str = field(description="What is measured, with unit, rule and who is left out.")
    direction: Direction = field(description="Whether low or high is good.")
    span: Span = field(description="Which seasons.")
    races: int = field(description="How many races were judged.")
    retrospective_races: int = field(
        description="How many of them were forecast afterwards, in a back-test, from what was known before."
    )
    value: float = field(description="The mean over the races.")
    low: float | None = field(
        description="Lower end of the 95 % bootstrap interval of the mean, over races. Null with fewer than "
        "two."
    )
    high: float | None = field(description="Upper end of that interval; null with it.")
    baselines: list[Comparison] = field(description="The same measure of the simple guesses; a handful.")
    invented: bool = field(description="True for races of the invented championship.")
    computed_at: datetime = field(description="When it was computed.")

    @classmethod
    def of(cls, computed: ComputedMetric) -> ModelMetric:
        metric = computed.metric
        definition = metric.measure.definition
        return cls(
            model=metric.model,
            stage=metric.stage,
            measure=metric.measure,
            title=definition.title,
            definition=definition.sentence,
            direction=definition.direction,
            span=Span(first_season=metric.first_season, last_season=metric.last_season),
            races=metric.races,
            retrospective_races=metric.retrospective_races,
            value=metric.value,
            low=metric.low,
            high=metric.high,
            baselines=[_comparison(baseline) for baseline in metric.baselines],
            invented=computed.invented,
            computed_at=computed.computed_at,
        )


def _comparison(record: records.Comparison) -> Comparison:
    return Comparison(
        model=record.model,
        value=record.value,
        difference=record.difference,
        low=record.low,
        high=record.high,
        races=record.races,
    )


@strawberry.type(description="The forecasts between two probabilities, and how often it really happened.")
class CalibrationBin:
    target: Target = field(description="The question that was answered.")
    from_probability: Probability = field(description="Lower edge; belongs to the bin.")
    to_probability: Probability = field(description="Upper edge; belongs to the next bin, and 1 to the last.")
    count: int = field(description="How many forecasts of one driver in one race lie in it.")
    forecast: Probability = field(description="Their mean probability.")
    observed: Probability = field(description="The share of them in which it happened.")
    low: Probability = field(description="Lower end of the 95 % Wilson interval of `observed`.")
    high: Probability = field(description="Upper end of that interval.")
    is_few: bool = field(description="Fewer than 10 forecasts: too few to tell anything.")


@strawberry.type(
    description="Whether what was given 30 % happens in 30 % of the cases, for one model, stage and span."
)
class Calibration:
    model: str = field(description="The model's name.")
    stage: Stage = field(description="The stage of the forecasts.")
    span: Span = field(description="Which seasons.")
    invented: bool = field(description="True for races of the invented championship.")
    bins: list[CalibrationBin] = field(description="By question and probability; a few dozen at most.")

    @classmethod
    def of(cls, stored: StoredCalibration) -> Calibration:
        return cls(
            model=stored.model,
            stage=stored.stage,
            span=Span(first_season=stored.first_season, last_season=stored.last_season),
            invented=stored.invented,
            bins=[_bin(record) for record in stored.bins],
        )


def _bin(record: records.CalibrationBin) -> CalibrationBin:
    return CalibrationBin(
        target=record.target,
        from_probability=Probability(record.from_probability),
        to_probability=Probability(record.to_probability),
        count=record.count,
        forecast=Probability(record.forecast),
        observed=Probability(record.observed),
        low=Probability(record.low),
        high=Probability(record.high),
        is_few=record.is_few,
    )
