"""What was published, told in columns: which list and revision, which trained model."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_TRIGGERS = [
    f"CREATE TRIGGER events_no_{verb.lower()} BEFORE {verb} ON events "
    "BEGIN SELECT RAISE(ABORT, 'events is append-only'); END"
    for verb in ("UPDATE", "DELETE")
]
_ACTIVATED, _TRAINED = " was put to use", " was trained"


def upgrade() -> None:
    _let_rows_change()
    op.add_column("events", sa.Column("classification", sa.String(), nullable=True))
    op.add_column("events", sa.Column("revision", sa.Integer(), nullable=True))
    op.add_column("events", sa.Column("bundle_id", sa.String(), nullable=True))
    op.create_index(op.f("ix_events_happened_at"), "events", ["happened_at"], unique=False)
    _tell_results()
    _tell_scores()
    _tell_models()
    _refuse_change()


def downgrade() -> None:
    _let_rows_change()
    # The version before knows nothing of these.
    op.execute("DELETE FROM events WHERE kind = 'CALENDAR_CHANGED'")
    op.execute(
        "DELETE FROM events WHERE kind = 'RESULT_PUBLISHED' AND (classification <> 'RACE' OR revision = 1)"
    )
    for new, old in (
        ("RESULT_PUBLISHED", "RESULT_REVISED"),
        ("SCORES_PUBLISHED", "SCORED"),
        ("MODEL_ACTIVATED", "MODEL_CHANGED"),
        ("MODEL_TRAINED", "MODEL_CHANGED"),
    ):
        op.execute(f"UPDATE events SET kind = '{old}' WHERE kind = '{new}'")
    op.drop_index(op.f("ix_events_happened_at"), "events")
    for column in ("classification", "revision", "bundle_id"):
        op.drop_column("events", column)
    _refuse_change()


def _tell_results() -> None:
    # The event and the revision were written in one transaction, with the same moment.
    op.execute(
        "UPDATE events SET kind = 'RESULT_PUBLISHED', classification = 'RACE', revision = coalesce("
        "(SELECT max(c.revision) FROM classifications AS c WHERE c.race_id = events.race_id "
        "AND c.kind = 'RACE' AND c.recorded_at = events.happened_at), "
        "(SELECT max(c.revision) FROM classifications AS c WHERE c.race_id = events.race_id "
        "AND c.kind = 'RACE'), 1) WHERE kind = 'RESULT_REVISED'"
    )


def _tell_scores() -> None:
    # "result of 2024-gp-1, revision 2"
    for sequence, cause in _causes("SCORED"):
        number = cause.rpartition("revision ")[2]
        values = {"sequence": sequence, "revision": int(number) if number.isdigit() else 1}
        op.get_bind().execute(
            sa.text(
                "UPDATE events SET kind = 'SCORES_PUBLISHED', classification = 'RACE', revision = :revision "
                "WHERE sequence = :sequence"
            ),
            values,
        )


def _tell_models() -> None:
    # "rating-1 was put to use"
    for sequence, cause in _causes("MODEL_CHANGED"):
        kind = "MODEL_ACTIVATED" if cause.endswith(_ACTIVATED) else "MODEL_TRAINED"
        bundle_id = cause.removesuffix(_ACTIVATED).removesuffix(_TRAINED)
        op.get_bind().execute(
            sa.text("UPDATE events SET kind = :kind, bundle_id = :bundle_id WHERE sequence = :sequence"),
            {"sequence": sequence, "kind": kind, "bundle_id": bundle_id},
        )


def _causes(kind: str) -> list[tuple[int, str]]:
    found = op.get_bind().execute(
        sa.text("SELECT sequence, cause FROM events WHERE kind = :kind"), {"kind": kind}
    )
    return [(row.sequence, row.cause) for row in found]


def _let_rows_change() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE events DISABLE TRIGGER events_append_only")
        return
    for verb in ("update", "delete"):
        op.execute(f"DROP TRIGGER events_no_{verb}")


def _refuse_change() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE events ENABLE TRIGGER events_append_only")
        return
    for trigger in _TRIGGERS:
        op.execute(trigger)
