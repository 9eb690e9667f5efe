"""What was forecast of the weather at a race's circuit, append-only."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

# In the order in which they may be dropped.
TABLES = ("weather_forecast_hours", "weather_forecasts")


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


def upgrade() -> None:
    counter = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "weather_forecasts",
        sa.Column("id", counter, autoincrement=True, nullable=False),
        sa.Column("race_id", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("known_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("latitude", sa.Float(), nullable=False),
        sa.Column("longitude", sa.Float(), nullable=False),
        sa.Column("content_hash", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["race_id"], ["races.id"], name=op.f("fk_weather_forecasts_race_id_races")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_weather_forecasts")),
    )
    with op.batch_alter_table("weather_forecasts", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_weather_forecasts_race_id_known_at"), ["race_id", "known_at"], unique=False
        )
    op.create_table(
        "weather_forecast_hours",
        sa.Column("forecast_id", counter, nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("rain_probability", sa.Float(), nullable=True),
        sa.Column("precipitation", sa.Float(), nullable=True),
        sa.Column("temperature", sa.Float(), nullable=True),
        sa.Column("wind_speed", sa.Float(), nullable=True),
        sa.ForeignKeyConstraint(
            ["forecast_id"],
            ["weather_forecasts.id"],
            name=op.f("fk_weather_forecast_hours_forecast_id_weather_forecasts"),
        ),
        sa.PrimaryKeyConstraint("forecast_id", "ends_at", name=op.f("pk_weather_forecast_hours")),
    )
    _make_append_only()


def downgrade() -> None:
    # The triggers and the index go with their tables.
    for table in TABLES:
        op.drop_table(table)
