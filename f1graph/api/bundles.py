"""Trained models: what their manifests say, and which is in use."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import strawberry
from strawberry import field

from f1graph.api.forecast import Library
from f1graph.api.ids import global_id
from f1graph.api.node import Node
from f1graph.races.measures import Direction, Measure
from f1graph.races.stages import Stage
from f1graph.store.bundles import BundleRow, BundleStatus


@strawberry.type(
    description="How a model did while it was trained, on past races, each forecast from earlier races only. "
    "It is what decides whether a newly trained one takes the place of the one in use."
)
class WalkScore:
    measure: Measure = field(description="Which measure.")
    title: str = field(description="The measure's name for a reader.")
    definition: str = field(description="What is measured, with unit, rule and who is left out.")
    direction: Direction = field(description="Whether low or high is good.")
    value: float = field(description="The mean over the races, in the unit that the definition tells.")
    races: int = field(description="How many races.")
    low: float | None = field(
        description="Lower end of the 95 % bootstrap interval of the mean, over races. Null with fewer than "
        "two."
    )
    high: float | None = field(description="Upper end of that interval; null with it.")


@strawberry.type(
    description="A trained model on disk. Of each model and stage one is ACTIVE. A newly trained one is a "
    "CANDIDATE, and becomes ACTIVE by itself only where none is, or where its ranked probability score is "
    "not worse on the races that both were tried on. RETIRED was in use before, or was trained for a "
    "forecast of the past."
)
class Bundle(Node):
    key: str = field(description="Its id, as the command line uses it.")
    model: str = field(description="The model's name.")
    version: str = field(
        description="Model, its version, and the season and round up to which it was trained: "
        "`ultra-1.0+2024.24`."
    )
    stage: Stage = field(description="The stage whose forecasts it makes.")
    status: BundleStatus = field(description="Whether it is in use.")
    cutoff: datetime = field(description="Nothing learned later was used in training.")
    trained_at: datetime = field(description="When it was trained.")
    activated_at: datetime | None = field(description="When it was put to use last. Null if it never was.")
    is_pinned: bool = field(
        description="It was put to use by hand, so no newer one takes its place by itself."
    )
    checksum: str = field(description="SHA-256 of weights and manifest: what receipts name.")
    invented: bool = field(description="Trained on the invented championship.")
    races: int = field(description="How many past races it learned from.")
    seed: str = field(description="Of the training. As text, because it may not fit into 32 bits.")
    training_time: timedelta | None = field(
        description="How long the training took, in seconds. Null where nobody took the time."
    )
    code_version: str = field(description="The version of f1graph that trained it.")
    libraries: list[Library] = field(description="Libraries whose numbers matter; a handful.")
    members: list[str] = field(
        description="The models it is made of, by name; empty for one that is no ensemble."
    )
    feature_names: list[str] = field(
        description="What it was trained on, in the order of its inputs; at most a few hundred."
    )
    feature_fingerprint: str = field(
        description="SHA-256 of these names: it forecasts from exactly these, or not at all."
    )
    scores: list[WalkScore] = field(
        description="How it did on the way; a handful. Empty for a model that does not keep count."
    )

    @classmethod
    def of(cls, row: BundleRow) -> Bundle:
        manifest = row.manifest
        return cls(
            id=strawberry.ID(global_id("Bundle", row.id)),
            key=row.id,
            model=row.model,
            version=row.version,
            stage=row.stage,
            status=row.status,
            cutoff=row.cutoff,
            trained_at=row.trained_at,
            activated_at=row.activated_at,
            is_pinned=row.is_pinned,
            checksum=row.checksum,
            invented=row.invented,
            races=manifest["races"],
            seed=str(manifest["seed"]),
            training_time=_duration(manifest.get("training_seconds")),
            code_version=manifest["code_version"],
            libraries=[
                Library(name=name, version=version) for name, version in manifest["libraries"].items()
            ],
            members=sorted(name for name in manifest.get("parts", {}) if name),
            feature_names=manifest["feature_names"],
            feature_fingerprint=manifest["feature_fingerprint"],
            scores=[_score(score) for score in manifest.get("walk_forward", [])],
        )


def _duration(seconds: float | None) -> timedelta | None:
    return None if seconds is None else timedelta(seconds=seconds)


def _score(score: dict[str, Any]) -> WalkScore:
    measure = Measure(score["measure"])
    definition = measure.definition
    return WalkScore(
        measure=measure,
        title=definition.title,
        definition=definition.sentence,
        direction=definition.direction,
        value=score["value"],
        races=score["count"],
        low=score["low"],
        high=score["high"],
    )
