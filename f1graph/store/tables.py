"""Every table. Core tables, not mapped classes: a row becomes a record, never a half-loaded object.

Those in `APPEND_ONLY` have triggers, made by the migrations, that refuse to change or delete a row.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    Float,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    UniqueConstraint,
    false,
    text,
)

from f1graph.store.types import Duration, Json, UtcDateTime

# SQLite cannot drop what has no name, so every constraint has one from the first migration on.
metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# SQLite counts up only for INTEGER; Postgres wants room for more.
Counter = BigInteger().with_variant(Integer, "sqlite")

circuits = Table(
    "circuits",
    metadata,
    Column("id", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("full_name", String, nullable=False),
    Column("place", String, nullable=False),
    Column("country", String, nullable=False),
    Column("country_code", String, nullable=False),
    Column("latitude", Float, nullable=False),
    Column("longitude", Float, nullable=False),
    Column("time_zone", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("length_km", Float, nullable=False),
    Column("turns", Integer, nullable=False),
    Column("invented", Boolean, nullable=False),
)

drivers = Table(
    "drivers",
    metadata,
    Column("id", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("first_name", String, nullable=False),
    Column("last_name", String, nullable=False),
    Column("code", String, nullable=False),
    Column("nationality", String, nullable=False),
    Column("permanent_number", String),
    Column("date_of_birth", Date),
    Column("invented", Boolean, nullable=False),
    Index(None, "last_name", "id"),
)

constructors = Table(
    "constructors",
    metadata,
    Column("id", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("full_name", String, nullable=False),
    Column("country", String, nullable=False),
    Column("lineage_id", String, nullable=False),
    Column("invented", Boolean, nullable=False),
    Index(None, "name", "id"),
)

races = Table(
    "races",
    metadata,
    Column("id", String, primary_key=True),
    Column("season", Integer, nullable=False),
    Column("round", Integer, nullable=False),
    Column("grand_prix_id", String, nullable=False),
    Column("name", String, nullable=False),
    Column("official_name", String, nullable=False),
    Column("circuit_id", ForeignKey("circuits.id"), nullable=False),
    Column("date", Date, nullable=False),
    Column("starts_at", UtcDateTime, nullable=False),
    Column("ends_at", UtcDateTime, nullable=False),
    Column("format", String, nullable=False),
    Column("scheduled_laps", Integer),
    Column("distance_km", Float),
    Column("is_cancelled", Boolean, nullable=False),
    Column("invented", Boolean, nullable=False),
    Index(None, "season", "round"),
    Index(None, "starts_at", "id"),
    Index(None, "circuit_id", "starts_at"),
)

sessions = Table(
    "sessions",
    metadata,
    Column("race_id", ForeignKey("races.id"), primary_key=True),
    Column("kind", String, primary_key=True),
    Column("starts_at", UtcDateTime, nullable=False),
    Column("ends_at", UtcDateTime, nullable=False),
    Column("is_nominal", Boolean, nullable=False),
    Index(None, "ends_at"),
)

classifications = Table(
    "classifications",
    metadata,
    Column("id", Counter, primary_key=True, autoincrement=False),
    Column("race_id", ForeignKey("races.id"), nullable=False),
    Column("kind", String, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("known_at", UtcDateTime, nullable=False),
    Column("known_at_basis", String, nullable=False),
    Column("recorded_at", UtcDateTime, nullable=False),
    Column("source", String, nullable=False),
    Column("source_version", String, nullable=False),
    Column("content_hash", String, nullable=False),
    Column("invented", Boolean, nullable=False),
    UniqueConstraint("race_id", "kind", "revision"),
    Index(None, "kind", "known_at"),
)

classification_rows = Table(
    "classification_rows",
    metadata,
    Column("classification_id", ForeignKey("classifications.id"), primary_key=True),
    Column("order", Integer, primary_key=True),
    Column("driver_id", ForeignKey("drivers.id"), nullable=False),
    Column("constructor_id", ForeignKey("constructors.id"), nullable=False),
    Column("status", String, nullable=False),
    Column("position", Integer),
    Column("engine_id", String),
    Column("car_number", String),
    Column("shared_car", Boolean, nullable=False),
    Column("laps", Integer),
    Column("time", Duration),
    Column("time_penalty", Duration),
    Column("gap", Duration),
    Column("gap_laps", Integer),
    Column("q1", Duration),
    Column("q2", Duration),
    Column("q3", Duration),
    Column("points", Float),
    Column("qualifying_position", Integer),
    Column("grid_position", Integer),
    Column("grid_penalty", String),
    Column("reason_retired", String),
    Column("pit_stops", Integer),
    Column("fastest_lap", Boolean, nullable=False),
    Column("lap", Integer),
    Column("stop", Integer),
    Index(None, "driver_id", "classification_id"),
    Index(None, "constructor_id", "classification_id"),
)

recordings = Table(
    "recordings",
    metadata,
    Column("id", Counter, primary_key=True, autoincrement=False),
    Column("race_id", ForeignKey("races.id"), nullable=False),
    # Not a foreign key: a session may be taken off the calendar, what was recorded stays.
    Column("session", String, nullable=False),
    Column("part", String, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("known_at", UtcDateTime, nullable=False),
    Column("known_at_basis", String, nullable=False),
    Column("recorded_at", UtcDateTime, nullable=False),
    Column("source", String, nullable=False),
    Column("source_version", String, nullable=False),
    Column("content_hash", String, nullable=False),
    # How many rows it has, so that two of them can be compared without reading any.
    Column("size", Integer, nullable=False),
    Column("missing", String),
    Column("invented", Boolean, nullable=False),
    UniqueConstraint("race_id", "session", "part", "revision"),
)

# The rows of recordings lie in the order of their key, which is how they are asked for: SQLite keeps
# them in the key's own tree, and one driver's race is a few pages of it.
laps = Table(
    "laps",
    metadata,
    Column("recording_id", ForeignKey("recordings.id"), primary_key=True),
    Column("driver_id", ForeignKey("drivers.id"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("at", Duration),
    Column("time", Duration),
    Column("sector_1", Duration),
    Column("sector_2", Duration),
    Column("sector_3", Duration),
    Column("stint", Integer),
    Column("compound", String),
    Column("compound_name", String),
    Column("tyre_life", Integer),
    Column("fresh_tyre", Boolean),
    Column("pit_in_at", Duration),
    Column("pit_out_at", Duration),
    Column("track_status", String),
    Column("position", Integer),
    Column("is_personal_best", Boolean),
    Column("is_accurate", Boolean),
    Column("deleted", Boolean),
    Column("deleted_reason", String),
    Column("speed_1", Float),
    Column("speed_2", Float),
    Column("speed_finish", Float),
    Column("speed_trap", Float),
    sqlite_with_rowid=False,
)

weather_samples = Table(
    "weather_samples",
    metadata,
    Column("recording_id", ForeignKey("recordings.id"), primary_key=True),
    Column("order", Integer, primary_key=True),
    Column("at", Duration, nullable=False),
    Column("air_temperature", Float),
    Column("track_temperature", Float),
    Column("humidity", Float),
    Column("pressure", Float),
    Column("rain", Boolean),
    Column("wind_speed", Float),
    Column("wind_direction", Integer),
    sqlite_with_rowid=False,
)

race_control_messages = Table(
    "race_control_messages",
    metadata,
    Column("recording_id", ForeignKey("recordings.id"), primary_key=True),
    Column("order", Integer, primary_key=True),
    Column("sent_at", UtcDateTime, nullable=False),
    Column("category", String, nullable=False),
    Column("message", String, nullable=False),
    Column("lap", Integer),
    Column("flag", String),
    Column("scope", String),
    Column("sector", Integer),
    Column("car_number", String),
    sqlite_with_rowid=False,
)

track_status_changes = Table(
    "track_status_changes",
    metadata,
    Column("recording_id", ForeignKey("recordings.id"), primary_key=True),
    Column("order", Integer, primary_key=True),
    Column("at", Duration, nullable=False),
    Column("status", String, nullable=False),
    sqlite_with_rowid=False,
)

standings = Table(
    "standings",
    metadata,
    Column("race_id", ForeignKey("races.id"), primary_key=True),
    Column("kind", String, primary_key=True),
    Column("order", Integer, primary_key=True),
    Column("position", Integer),
    Column("competitor_id", String, nullable=False),
    Column("engine_id", String),
    Column("points", Float, nullable=False),
    Column("wins", Integer),
    # COMPUTED by us from results, or OFFICIAL where the rules of the time are not modelled (before 1991).
    Column("basis", String, nullable=False),
    Index(None, "competitor_id", "kind"),
)

standings_mismatches = Table(
    "standings_mismatches",
    metadata,
    Column("race_id", ForeignKey("races.id"), primary_key=True),
    Column("kind", String, primary_key=True),
    Column("competitor", String, primary_key=True),
    Column("computed", String, nullable=False),
    Column("official", String, nullable=False),
    Column("reason", String, nullable=False),
)

imports = Table(
    "imports",
    metadata,
    Column("id", Counter, primary_key=True, autoincrement=True),
    Column("source", String, nullable=False),
    Column("version", String, nullable=False),
    Column("content_hash", String, nullable=False),
    Column("imported_at", UtcDateTime, nullable=False),
    Column("new_revisions", Integer, nullable=False),
    Column("invented", Boolean, nullable=False),
    Index(None, "source", "content_hash"),
)

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

ledger = Table(
    "ledger",
    metadata,
    # One row per unit of work: two workers cannot both insert it.
    Column("key", String, primary_key=True),
    Column("kind", String, nullable=False),
    Column("race_id", String),
    Column("status", String, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("worker", String, nullable=False),
    Column("claimed_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("finished_at", UtcDateTime),
    Column("error", String),
    Column("detail", Json, nullable=False, server_default=text("'{}'")),
    Index(None, "kind", "claimed_at"),
)

budget_reservations = Table(
    "budget_reservations",
    metadata,
    Column("id", Counter, primary_key=True, autoincrement=False),
    Column("host", String, nullable=False),
    # Reserved calls, until it is settled; then those that were made.
    Column("calls", Integer, nullable=False),
    Column("is_settled", Boolean, nullable=False),
    Column("reserved_at", UtcDateTime, nullable=False),
    # The last moment at which one of the calls can have been made.
    Column("ends_at", UtcDateTime, nullable=False),
    Index(None, "host", "ends_at"),
)

identities = Table(
    "identities",
    metadata,
    Column("id", Counter, primary_key=True, autoincrement=False),
    Column("subject", String, nullable=False),
    Column("source", String, nullable=False),
    # Null: in every season.
    Column("season", Integer),
    Column("their_id", String, nullable=False),
    Column("our_id", String, nullable=False),
    Column("told_at", UtcDateTime, nullable=False),
)

source_words = Table(
    "source_words",
    metadata,
    # What a source said last of a list of which another source's word is the newest revision.
    Column("race_id", ForeignKey("races.id"), primary_key=True),
    Column("kind", String, primary_key=True),
    Column("source", String, primary_key=True),
    Column("content_hash", String, nullable=False),
    Column("told_at", UtcDateTime, nullable=False),
    Column("rows", Json, nullable=False),
)

events = Table(
    "events",
    metadata,
    Column("sequence", Counter, primary_key=True, autoincrement=True),
    Column("kind", String, nullable=False),
    Column("race_id", String),
    Column("forecast_id", String),
    Column("cause", String, nullable=False),
    Column("happened_at", UtcDateTime, nullable=False),
    Index(None, "kind", "sequence"),
)

APPEND_ONLY = (
    classifications,
    classification_rows,
    recordings,
    laps,
    weather_samples,
    race_control_messages,
    track_status_changes,
    forecasts,
    forecast_entries,
    forecast_members,
    forecast_draws,
    forecast_explanations,
    scores,
    events,
)
