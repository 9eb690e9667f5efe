"""Tables of what was recorded of sessions, and of the weather to come."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    UniqueConstraint,
)

from f1graph.store.tables.metadata import Counter, metadata
from f1graph.store.types import Duration, UtcDateTime

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

weather_forecasts = Table(
    "weather_forecasts",
    metadata,
    Column("id", Counter, primary_key=True, autoincrement=True),
    Column("race_id", ForeignKey("races.id"), nullable=False),
    Column("source", String, nullable=False),
    Column("published_at", UtcDateTime, nullable=False),
    Column("known_at", UtcDateTime, nullable=False),
    Column("latitude", Float, nullable=False),
    Column("longitude", Float, nullable=False),
    Column("content_hash", String, nullable=False),
    Index(None, "race_id", "known_at"),
)

weather_forecast_hours = Table(
    "weather_forecast_hours",
    metadata,
    Column("forecast_id", ForeignKey("weather_forecasts.id"), primary_key=True),
    Column("ends_at", UtcDateTime, primary_key=True),
    Column("rain_probability", Float),
    Column("precipitation", Float),
    Column("temperature", Float),
    Column("wind_speed", Float),
)
