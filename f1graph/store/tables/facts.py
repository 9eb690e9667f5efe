"""Tables of the sport itself: circuits, people, calendar, lists and championships, and who told them."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    Date,
    Float,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    UniqueConstraint,
)

from f1graph.store.tables.metadata import Counter, metadata
from f1graph.store.types import Duration, Json, UtcDateTime

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
