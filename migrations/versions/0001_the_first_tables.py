"""The first tables, and the triggers that make facts, forecasts and scores append-only."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


APPEND_ONLY = (
    "classifications",
    "classification_rows",
    "forecasts",
    "forecast_entries",
    "forecast_members",
    "forecast_draws",
    "scores",
    "events",
)


def _make_append_only() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for table in APPEND_ONLY:
            for verb in ("UPDATE", "DELETE"):
                op.execute(
                    f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
                    f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
                )
        return
    op.execute(
        "CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$ "
        "BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END $$"
    )
    for table in APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )


def upgrade() -> None:
    op.create_table(
        "bundles",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("version", sa.String(), nullable=False),
        sa.Column("stage", sa.String(), nullable=False),
        sa.Column("cutoff", sa.DateTime(timezone=True), nullable=False),
        sa.Column("trained_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("checksum", sa.String(), nullable=False),
        sa.Column("path", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("manifest", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("invented", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bundles")),
    )
    with op.batch_alter_table("bundles", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_bundles_model_stage_status"), ["model", "stage", "status"], unique=False
        )

    op.create_table(
        "calibration_bins",
        sa.Column("invented", sa.Boolean(), nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("stage", sa.String(), nullable=False),
        sa.Column("first_season", sa.Integer(), nullable=False),
        sa.Column("last_season", sa.Integer(), nullable=False),
        sa.Column("target", sa.String(), nullable=False),
        sa.Column("from_probability", sa.Float(), nullable=False),
        sa.Column("to_probability", sa.Float(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("forecast", sa.Float(), nullable=False),
        sa.Column("observed", sa.Float(), nullable=False),
        sa.Column("low", sa.Float(), nullable=False),
        sa.Column("high", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint(
            "invented",
            "model",
            "stage",
            "first_season",
            "last_season",
            "target",
            "from_probability",
            name=op.f("pk_calibration_bins"),
        ),
    )
    op.create_table(
        "circuits",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("full_name", sa.String(), nullable=False),
        sa.Column("place", sa.String(), nullable=False),
        sa.Column("country", sa.String(), nullable=False),
        sa.Column("country_code", sa.String(), nullable=False),
        sa.Column("latitude", sa.Float(), nullable=False),
        sa.Column("longitude", sa.Float(), nullable=False),
        sa.Column("time_zone", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("length_km", sa.Float(), nullable=False),
        sa.Column("turns", sa.Integer(), nullable=False),
        sa.Column("invented", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_circuits")),
    )
    op.create_table(
        "constructors",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("full_name", sa.String(), nullable=False),
        sa.Column("country", sa.String(), nullable=False),
        sa.Column("lineage_id", sa.String(), nullable=False),
        sa.Column("invented", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_constructors")),
    )
    with op.batch_alter_table("constructors", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_constructors_name_id"), ["name", "id"], unique=False)

    op.create_table(
        "drivers",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("first_name", sa.String(), nullable=False),
        sa.Column("last_name", sa.String(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("nationality", sa.String(), nullable=False),
        sa.Column("permanent_number", sa.String(), nullable=True),
        sa.Column("date_of_birth", sa.Date(), nullable=True),
        sa.Column("invented", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_drivers")),
    )
    with op.batch_alter_table("drivers", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_drivers_last_name_id"), ["last_name", "id"], unique=False)

    op.create_table(
        "events",
        sa.Column(
            "sequence",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("race_id", sa.String(), nullable=True),
        sa.Column("forecast_id", sa.String(), nullable=True),
        sa.Column("cause", sa.String(), nullable=False),
        sa.Column("happened_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("sequence", name=op.f("pk_events")),
    )
    with op.batch_alter_table("events", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_events_kind_sequence"), ["kind", "sequence"], unique=False)

    op.create_table(
        "imports",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("version", sa.String(), nullable=False),
        sa.Column("content_hash", sa.String(), nullable=False),
        sa.Column("imported_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("new_revisions", sa.Integer(), nullable=False),
        sa.Column("invented", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_imports")),
    )
    with op.batch_alter_table("imports", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_imports_source_content_hash"), ["source", "content_hash"], unique=False
        )

    op.create_table(
        "ledger",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("race_id", sa.String(), nullable=True),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("worker", sa.String(), nullable=False),
        sa.Column("claimed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("error", sa.String(), nullable=True),
        sa.Column(
            "detail",
            sa.JSON().with_variant(postgresql.JSONB(), "postgresql"),
            server_default=sa.text("'{}'"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_ledger")),
    )
    with op.batch_alter_table("ledger", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_ledger_kind_claimed_at"), ["kind", "claimed_at"], unique=False)

    op.create_table(
        "model_metrics",
        sa.Column("invented", sa.Boolean(), nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("stage", sa.String(), nullable=False),
        sa.Column("first_season", sa.Integer(), nullable=False),
        sa.Column("last_season", sa.Integer(), nullable=False),
        sa.Column("measure", sa.String(), nullable=False),
        sa.Column("races", sa.Integer(), nullable=False),
        sa.Column("retrospective_races", sa.Integer(), nullable=False),
        sa.Column("value", sa.Float(), nullable=False),
        sa.Column("low", sa.Float(), nullable=True),
        sa.Column("high", sa.Float(), nullable=True),
        sa.Column("baselines", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("computed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint(
            "invented",
            "model",
            "stage",
            "first_season",
            "last_season",
            "measure",
            name=op.f("pk_model_metrics"),
        ),
    )
    op.create_table(
        "races",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("season", sa.Integer(), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("grand_prix_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("official_name", sa.String(), nullable=False),
        sa.Column("circuit_id", sa.String(), nullable=False),
        sa.Column("date", sa.Date(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("format", sa.String(), nullable=False),
        sa.Column("scheduled_laps", sa.Integer(), nullable=True),
        sa.Column("distance_km", sa.Float(), nullable=True),
        sa.Column("is_cancelled", sa.Boolean(), nullable=False),
        sa.Column("invented", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["circuit_id"], ["circuits.id"], name=op.f("fk_races_circuit_id_circuits")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_races")),
    )
    with op.batch_alter_table("races", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_races_circuit_id_starts_at"), ["circuit_id", "starts_at"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_races_season_round"), ["season", "round"], unique=False)
        batch_op.create_index(batch_op.f("ix_races_starts_at_id"), ["starts_at", "id"], unique=False)

    op.create_table(
        "classifications",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("race_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("known_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("known_at_basis", sa.String(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("source_version", sa.String(), nullable=False),
        sa.Column("content_hash", sa.String(), nullable=False),
        sa.Column("invented", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["race_id"], ["races.id"], name=op.f("fk_classifications_race_id_races")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_classifications")),
        sa.UniqueConstraint(
            "race_id", "kind", "revision", name=op.f("uq_classifications_race_id_kind_revision")
        ),
    )
    with op.batch_alter_table("classifications", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_classifications_kind_known_at"), ["kind", "known_at"], unique=False
        )

    op.create_table(
        "forecasts",
        sa.Column(
            "sequence",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("race_id", sa.String(), nullable=False),
        sa.Column("stage", sa.String(), nullable=False),
        sa.Column("cutoff", sa.DateTime(timezone=True), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("model_version", sa.String(), nullable=False),
        sa.Column("is_served", sa.Boolean(), nullable=False),
        sa.Column("retrospective", sa.Boolean(), nullable=False),
        sa.Column("invented", sa.Boolean(), nullable=False),
        sa.Column("cause", sa.String(), nullable=True),
        sa.Column("previous_id", sa.String(), nullable=True),
        sa.Column("consensus", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=True),
        sa.Column("missing_inputs", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("inputs_fingerprint", sa.String(), nullable=False),
        sa.Column("receipt", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.ForeignKeyConstraint(["race_id"], ["races.id"], name=op.f("fk_forecasts_race_id_races")),
        sa.PrimaryKeyConstraint("sequence", name=op.f("pk_forecasts")),
        sa.UniqueConstraint("id", name=op.f("uq_forecasts_id")),
    )
    with op.batch_alter_table("forecasts", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_forecasts_made_at"), ["made_at"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_forecasts_model_is_served_sequence"),
            ["model", "is_served", "sequence"],
            unique=False,
        )
        batch_op.create_index(
            batch_op.f("ix_forecasts_race_id_stage_made_at"), ["race_id", "stage", "made_at"], unique=False
        )

    op.create_table(
        "sessions",
        sa.Column("race_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("is_nominal", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["race_id"], ["races.id"], name=op.f("fk_sessions_race_id_races")),
        sa.PrimaryKeyConstraint("race_id", "kind", name=op.f("pk_sessions")),
    )
    with op.batch_alter_table("sessions", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_sessions_ends_at"), ["ends_at"], unique=False)

    op.create_table(
        "standings",
        sa.Column("race_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("order", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=True),
        sa.Column("competitor_id", sa.String(), nullable=False),
        sa.Column("engine_id", sa.String(), nullable=True),
        sa.Column("points", sa.Float(), nullable=False),
        sa.Column("wins", sa.Integer(), nullable=True),
        sa.Column("basis", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["race_id"], ["races.id"], name=op.f("fk_standings_race_id_races")),
        sa.PrimaryKeyConstraint("race_id", "kind", "order", name=op.f("pk_standings")),
    )
    with op.batch_alter_table("standings", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_standings_competitor_id_kind"), ["competitor_id", "kind"], unique=False
        )

    op.create_table(
        "standings_mismatches",
        sa.Column("race_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("competitor", sa.String(), nullable=False),
        sa.Column("computed", sa.String(), nullable=False),
        sa.Column("official", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["race_id"], ["races.id"], name=op.f("fk_standings_mismatches_race_id_races")
        ),
        sa.PrimaryKeyConstraint("race_id", "kind", "competitor", name=op.f("pk_standings_mismatches")),
    )
    op.create_table(
        "classification_rows",
        sa.Column("classification_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("order", sa.Integer(), nullable=False),
        sa.Column("driver_id", sa.String(), nullable=False),
        sa.Column("constructor_id", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=True),
        sa.Column("engine_id", sa.String(), nullable=True),
        sa.Column("car_number", sa.String(), nullable=True),
        sa.Column("shared_car", sa.Boolean(), nullable=False),
        sa.Column("laps", sa.Integer(), nullable=True),
        sa.Column("time", sa.BigInteger(), nullable=True),
        sa.Column("time_penalty", sa.BigInteger(), nullable=True),
        sa.Column("gap", sa.BigInteger(), nullable=True),
        sa.Column("gap_laps", sa.Integer(), nullable=True),
        sa.Column("q1", sa.BigInteger(), nullable=True),
        sa.Column("q2", sa.BigInteger(), nullable=True),
        sa.Column("q3", sa.BigInteger(), nullable=True),
        sa.Column("points", sa.Float(), nullable=True),
        sa.Column("qualifying_position", sa.Integer(), nullable=True),
        sa.Column("grid_position", sa.Integer(), nullable=True),
        sa.Column("grid_penalty", sa.String(), nullable=True),
        sa.Column("reason_retired", sa.String(), nullable=True),
        sa.Column("pit_stops", sa.Integer(), nullable=True),
        sa.Column("fastest_lap", sa.Boolean(), nullable=False),
        sa.Column("lap", sa.Integer(), nullable=True),
        sa.Column("stop", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["classification_id"],
            ["classifications.id"],
            name=op.f("fk_classification_rows_classification_id_classifications"),
        ),
        sa.ForeignKeyConstraint(
            ["constructor_id"],
            ["constructors.id"],
            name=op.f("fk_classification_rows_constructor_id_constructors"),
        ),
        sa.ForeignKeyConstraint(
            ["driver_id"], ["drivers.id"], name=op.f("fk_classification_rows_driver_id_drivers")
        ),
        sa.PrimaryKeyConstraint("classification_id", "order", name=op.f("pk_classification_rows")),
    )
    with op.batch_alter_table("classification_rows", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_classification_rows_constructor_id_classification_id"),
            ["constructor_id", "classification_id"],
            unique=False,
        )
        batch_op.create_index(
            batch_op.f("ix_classification_rows_driver_id_classification_id"),
            ["driver_id", "classification_id"],
            unique=False,
        )

    op.create_table(
        "forecast_draws",
        sa.Column("forecast_id", sa.String(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["forecast_id"], ["forecasts.id"], name=op.f("fk_forecast_draws_forecast_id_forecasts")
        ),
        sa.PrimaryKeyConstraint("forecast_id", name=op.f("pk_forecast_draws")),
    )
    op.create_table(
        "forecast_entries",
        sa.Column("forecast_id", sa.String(), nullable=False),
        sa.Column("driver_id", sa.String(), nullable=False),
        sa.Column("constructor_id", sa.String(), nullable=False),
        sa.Column("order", sa.Integer(), nullable=False),
        sa.Column("grid", sa.Integer(), nullable=True),
        sa.Column("win", sa.Float(), nullable=False),
        sa.Column("podium", sa.Float(), nullable=False),
        sa.Column("points", sa.Float(), nullable=False),
        sa.Column("retirement", sa.Float(), nullable=False),
        sa.Column("expected_position", sa.Integer(), nullable=False),
        sa.Column("interval80_low", sa.Integer(), nullable=False),
        sa.Column("interval80_high", sa.Integer(), nullable=False),
        sa.Column("entropy_bits", sa.Float(), nullable=False),
        sa.Column(
            "position_probabilities", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False
        ),
        sa.ForeignKeyConstraint(
            ["constructor_id"],
            ["constructors.id"],
            name=op.f("fk_forecast_entries_constructor_id_constructors"),
        ),
        sa.ForeignKeyConstraint(
            ["driver_id"], ["drivers.id"], name=op.f("fk_forecast_entries_driver_id_drivers")
        ),
        sa.ForeignKeyConstraint(
            ["forecast_id"], ["forecasts.id"], name=op.f("fk_forecast_entries_forecast_id_forecasts")
        ),
        sa.PrimaryKeyConstraint("forecast_id", "driver_id", name=op.f("pk_forecast_entries")),
    )
    op.create_table(
        "forecast_members",
        sa.Column("forecast_id", sa.String(), nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("driver_id", sa.String(), nullable=False),
        sa.Column("version", sa.String(), nullable=False),
        sa.Column("is_baseline", sa.Boolean(), nullable=False),
        sa.Column("win", sa.Float(), nullable=False),
        sa.Column("podium", sa.Float(), nullable=False),
        sa.Column("points", sa.Float(), nullable=False),
        sa.Column("retirement", sa.Float(), nullable=False),
        sa.Column("expected_position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["driver_id"], ["drivers.id"], name=op.f("fk_forecast_members_driver_id_drivers")
        ),
        sa.ForeignKeyConstraint(
            ["forecast_id"], ["forecasts.id"], name=op.f("fk_forecast_members_forecast_id_forecasts")
        ),
        sa.PrimaryKeyConstraint("forecast_id", "model", "driver_id", name=op.f("pk_forecast_members")),
    )
    op.create_table(
        "scores",
        sa.Column("forecast_id", sa.String(), nullable=False),
        sa.Column("race_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("measure", sa.String(), nullable=False),
        sa.Column("value", sa.Float(), nullable=False),
        sa.Column("scored_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["forecast_id"], ["forecasts.id"], name=op.f("fk_scores_forecast_id_forecasts")
        ),
        sa.ForeignKeyConstraint(
            ["race_id", "kind", "revision"],
            ["classifications.race_id", "classifications.kind", "classifications.revision"],
            name=op.f("fk_scores_race_id_kind_revision_classifications"),
        ),
        sa.PrimaryKeyConstraint(
            "forecast_id", "race_id", "kind", "revision", "measure", name=op.f("pk_scores")
        ),
    )
    _make_append_only()


def downgrade() -> None:
    op.drop_table("scores")
    op.drop_table("forecast_members")
    op.drop_table("forecast_entries")
    op.drop_table("forecast_draws")
    with op.batch_alter_table("classification_rows", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_classification_rows_driver_id_classification_id"))
        batch_op.drop_index(batch_op.f("ix_classification_rows_constructor_id_classification_id"))

    op.drop_table("classification_rows")
    op.drop_table("standings_mismatches")
    with op.batch_alter_table("standings", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_standings_competitor_id_kind"))

    op.drop_table("standings")
    with op.batch_alter_table("sessions", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_sessions_ends_at"))

    op.drop_table("sessions")
    with op.batch_alter_table("forecasts", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_forecasts_race_id_stage_made_at"))
        batch_op.drop_index(batch_op.f("ix_forecasts_model_is_served_sequence"))
        batch_op.drop_index(batch_op.f("ix_forecasts_made_at"))

    op.drop_table("forecasts")
    with op.batch_alter_table("classifications", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_classifications_kind_known_at"))

    op.drop_table("classifications")
    with op.batch_alter_table("races", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_races_starts_at_id"))
        batch_op.drop_index(batch_op.f("ix_races_season_round"))
        batch_op.drop_index(batch_op.f("ix_races_circuit_id_starts_at"))

    op.drop_table("races")
    op.drop_table("model_metrics")
    with op.batch_alter_table("ledger", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_ledger_kind_claimed_at"))

    op.drop_table("ledger")
    with op.batch_alter_table("imports", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_imports_source_content_hash"))

    op.drop_table("imports")
    with op.batch_alter_table("events", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_events_kind_sequence"))

    op.drop_table("events")
    with op.batch_alter_table("drivers", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_drivers_last_name_id"))

    op.drop_table("drivers")
    with op.batch_alter_table("constructors", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_constructors_name_id"))

    op.drop_table("constructors")
    op.drop_table("circuits")
    op.drop_table("calibration_bins")
    with op.batch_alter_table("bundles", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_bundles_model_stage_status"))

    op.drop_table("bundles")
    # The triggers go with their tables; the function is Postgres' alone.
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION refuse_change()")
