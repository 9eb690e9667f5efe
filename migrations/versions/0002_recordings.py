"""What is recorded of sessions: laps, weather, race control and track status, append-only."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# In the order in which they may be dropped.
TABLES = ("laps", "weather_samples", "race_control_messages", "track_status_changes", "recordings")


def _make_append_only() -> None:
    for table in TABLES:
        if op.get_bind().dialect.name == "sqlite":
            for verb in ("UPDATE", "DELETE"):
                op.execute(
                    f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
                    f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
                )
        else:
            # The function is that of revision 0001.
            op.execute(
                f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
                "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
            )


def _recording_of(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["recording_id"], ["recordings.id"], name=op.f(f"fk_{table}_recording_id_recordings")
    )


def upgrade() -> None:
    op.create_table(
        "recordings",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("race_id", sa.String(), nullable=False),
        sa.Column("session", sa.String(), nullable=False),
        sa.Column("part", sa.String(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("known_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("known_at_basis", sa.String(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("source_version", sa.String(), nullable=False),
        sa.Column("content_hash", sa.String(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("missing", sa.String(), nullable=True),
        sa.Column("invented", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["race_id"], ["races.id"], name=op.f("fk_recordings_race_id_races")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recordings")),
        sa.UniqueConstraint(
            "race_id", "session", "part", "revision", name=op.f("uq_recordings_race_id_session_part_revision")
        ),
    )
    op.create_table(
        "laps",
        sa.Column("recording_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("driver_id", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=True),
        sa.Column("time", sa.BigInteger(), nullable=True),
        sa.Column("sector_1", sa.BigInteger(), nullable=True),
        sa.Column("sector_2", sa.BigInteger(), nullable=True),
        sa.Column("sector_3", sa.BigInteger(), nullable=True),
        sa.Column("stint", sa.Integer(), nullable=True),
        sa.Column("compound", sa.String(), nullable=True),
        sa.Column("compound_name", sa.String(), nullable=True),
        sa.Column("tyre_life", sa.Integer(), nullable=True),
        sa.Column("fresh_tyre", sa.Boolean(), nullable=True),
        sa.Column("pit_in_at", sa.BigInteger(), nullable=True),
        sa.Column("pit_out_at", sa.BigInteger(), nullable=True),
        sa.Column("track_status", sa.String(), nullable=True),
        sa.Column("position", sa.Integer(), nullable=True),
        sa.Column("is_personal_best", sa.Boolean(), nullable=True),
        sa.Column("is_accurate", sa.Boolean(), nullable=True),
        sa.Column("deleted", sa.Boolean(), nullable=True),
        sa.Column("deleted_reason", sa.String(), nullable=True),
        sa.Column("speed_1", sa.Float(), nullable=True),
        sa.Column("speed_2", sa.Float(), nullable=True),
        sa.Column("speed_finish", sa.Float(), nullable=True),
        sa.Column("speed_trap", sa.Float(), nullable=True),
        _recording_of("laps"),
        sa.ForeignKeyConstraint(["driver_id"], ["drivers.id"], name=op.f("fk_laps_driver_id_drivers")),
        sa.PrimaryKeyConstraint("recording_id", "driver_id", "number", name=op.f("pk_laps")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "weather_samples",
        sa.Column("recording_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("order", sa.Integer(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("air_temperature", sa.Float(), nullable=True),
        sa.Column("track_temperature", sa.Float(), nullable=True),
        sa.Column("humidity", sa.Float(), nullable=True),
        sa.Column("pressure", sa.Float(), nullable=True),
        sa.Column("rain", sa.Boolean(), nullable=True),
        sa.Column("wind_speed", sa.Float(), nullable=True),
        sa.Column("wind_direction", sa.Integer(), nullable=True),
        _recording_of("weather_samples"),
        sa.PrimaryKeyConstraint("recording_id", "order", name=op.f("pk_weather_samples")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "race_control_messages",
        sa.Column("recording_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("order", sa.Integer(), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("category", sa.String(), nullable=False),
        sa.Column("message", sa.String(), nullable=False),
        sa.Column("lap", sa.Integer(), nullable=True),
        sa.Column("flag", sa.String(), nullable=True),
        sa.Column("scope", sa.String(), nullable=True),
        sa.Column("sector", sa.Integer(), nullable=True),
        sa.Column("car_number", sa.String(), nullable=True),
        _recording_of("race_control_messages"),
        sa.PrimaryKeyConstraint("recording_id", "order", name=op.f("pk_race_control_messages")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "track_status_changes",
        sa.Column("recording_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("order", sa.Integer(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        _recording_of("track_status_changes"),
        sa.PrimaryKeyConstraint("recording_id", "order", name=op.f("pk_track_status_changes")),
        sqlite_with_rowid=False,
    )
    _make_append_only()


def downgrade() -> None:
    # The triggers go with their tables.
    for table in TABLES:
        op.drop_table(table)
