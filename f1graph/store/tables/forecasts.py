"""Tables of trained models, of what they forecast, and of how that did."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    Float,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    false,
    text,
)

from f1graph.store.tables.metadata import Counter, metadata
from f1graph.store.types import Json, UtcDateTime

bundles = Table(
    "bundles",
    metadata,
    Column("id", String, primary_key=True),
    Column("model", String, nullable=False),
    Column("version", String, nullable=False),
    Column("stage", String, nullable=False),
    Column("cutoff", UtcDateTime, nullable=False),
    Column("trained_at", UtcDateTime, nullable=False),
    Column("checksum", String, nullable=False),
    Column("path", String, nullable=False),
    Column("status", String, nullable=False),
    Column("manifest", Json, nullable=False),
    Column("invented", Boolean, nullable=False),
    # When it was put to use last: what a rollback goes back to.
    Column("activated_at", UtcDateTime),
    # Put to use by hand: no newer one takes its place by itself.
    Column("is_pinned", Boolean, nullable=False, server_default=false()),
    Index(None, "model", "stage", "status"),
)

forecasts = Table(
    "forecasts",
    metadata,
    # Counts up with publication: cursors are made of it.
    Column("sequence", Counter, primary_key=True, autoincrement=True),
    Column("id", String, nullable=False, unique=True),
    Column("race_id", ForeignKey("races.id"), nullable=False),
    Column("stage", String, nullable=False),
    Column("cutoff", UtcDateTime, nullable=False),
    Column("made_at", UtcDateTime, nullable=False),
    Column("model", String, nullable=False),
    Column("model_version", String, nullable=False),
    # What users are given as the forecast; the others are baselines, kept to be scored beside it.
    Column("is_served", Boolean, nullable=False),
    Column("retrospective", Boolean, nullable=False),
    Column("invented", Boolean, nullable=False),
    Column("cause", String),
    Column("previous_id", String),
    Column("consensus", Json),
    Column("missing_inputs", Json, nullable=False),
    Column("missing_members", Json, nullable=False, server_default=text("'[]'")),
    Column("inputs_fingerprint", String, nullable=False),
    Column("receipt", Json, nullable=False),
    Index(None, "race_id", "stage", "made_at"),
    Index(None, "made_at"),
    Index(None, "model", "is_served", "sequence"),
)

forecast_entries = Table(
    "forecast_entries",
    metadata,
    Column("forecast_id", ForeignKey("forecasts.id"), primary_key=True),
    Column("driver_id", ForeignKey("drivers.id"), primary_key=True),
    Column("constructor_id", ForeignKey("constructors.id"), nullable=False),
    Column("order", Integer, nullable=False),
    Column("grid", Integer),
    Column("win", Float, nullable=False),
    Column("podium", Float, nullable=False),
    Column("points", Float, nullable=False),
    Column("retirement", Float, nullable=False),
    Column("expected_position", Integer, nullable=False),
    Column("interval80_low", Integer, nullable=False),
    Column("interval80_high", Integer, nullable=False),
    Column("entropy_bits", Float, nullable=False),
    Column("position_probabilities", Json, nullable=False),
    # Null where the model does not tell.
    Column("mechanical", Float),
    Column("accident", Float),
    Column("other", Float),
    Column("aleatoric", Float),
    Column("epistemic", Float),
    Column("confidence", Float),
    Column("divergence_bits", Float),
)

forecast_members = Table(
    "forecast_members",
    metadata,
    Column("forecast_id", ForeignKey("forecasts.id"), primary_key=True),
    Column("model", String, primary_key=True),
    Column("driver_id", ForeignKey("drivers.id"), primary_key=True),
    Column("version", String, nullable=False),
    Column("is_baseline", Boolean, nullable=False),
    Column("win", Float, nullable=False),
    Column("podium", Float, nullable=False),
    Column("points", Float, nullable=False),
    Column("retirement", Float, nullable=False),
    Column("expected_position", Integer, nullable=False),
    Column("weight", Float),
)

forecast_draws = Table(
    "forecast_draws",
    metadata,
    Column("forecast_id", ForeignKey("forecasts.id"), primary_key=True),
    Column("data", LargeBinary, nullable=False),
)

forecast_explanations = Table(
    "forecast_explanations",
    metadata,
    Column("forecast_id", ForeignKey("forecasts.id"), primary_key=True),
    # Of all entries together, since it is always read whole: see `store.explanations`.
    Column("content", Json, nullable=False),
)

scores = Table(
    "scores",
    metadata,
    Column("forecast_id", ForeignKey("forecasts.id"), primary_key=True),
    Column("race_id", String, primary_key=True),
    Column("kind", String, primary_key=True),
    Column("revision", Integer, primary_key=True),
    Column("measure", String, primary_key=True),
    Column("value", Float, nullable=False),
    Column("scored_at", UtcDateTime, nullable=False),
    ForeignKeyConstraint(
        ["race_id", "kind", "revision"],
        ["classifications.race_id", "classifications.kind", "classifications.revision"],
    ),
)

model_metrics = Table(
    "model_metrics",
    metadata,
    Column("invented", Boolean, primary_key=True),
    Column("model", String, primary_key=True),
    Column("stage", String, primary_key=True),
    Column("first_season", Integer, primary_key=True),
    Column("last_season", Integer, primary_key=True),
    Column("measure", String, primary_key=True),
    Column("races", Integer, nullable=False),
    Column("retrospective_races", Integer, nullable=False),
    Column("value", Float, nullable=False),
    Column("low", Float),
    Column("high", Float),
    Column("baselines", Json, nullable=False),
    Column("computed_at", UtcDateTime, nullable=False),
)

calibration_bins = Table(
    "calibration_bins",
    metadata,
    Column("invented", Boolean, primary_key=True),
    Column("model", String, primary_key=True),
    Column("stage", String, primary_key=True),
    Column("first_season", Integer, primary_key=True),
    Column("last_season", Integer, primary_key=True),
    Column("target", String, primary_key=True),
    Column("from_probability", Float, primary_key=True),
    Column("to_probability", Float, nullable=False),
    Column("count", Integer, nullable=False),
    Column("forecast", Float, nullable=False),
    Column("observed", Float, nullable=False),
    Column("low", Float, nullable=False),
    Column("high", Float, nullable=False),
)
