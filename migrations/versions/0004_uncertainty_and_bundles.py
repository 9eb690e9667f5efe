"""What a forecast knows of its own uncertainty and its members, and how long a bundle is in use."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_OF_ENTRIES = (
    "mechanical",
    "accident",
    "other",
    "aleatoric",
    "epistemic",
    "confidence",
    "divergence_bits",
)


def upgrade() -> None:
    # Not in batches: SQLite would copy these tables, and lose the triggers that make them append-only.
    op.add_column(
        "forecasts",
        sa.Column(
            "missing_members",
            sa.JSON().with_variant(postgresql.JSONB(), "postgresql"),
            nullable=False,
            server_default=sa.text("'[]'"),
        ),
    )
    for name in _OF_ENTRIES:
        op.add_column("forecast_entries", sa.Column(name, sa.Float(), nullable=True))
    op.add_column("forecast_members", sa.Column("weight", sa.Float(), nullable=True))
    op.add_column("bundles", sa.Column("activated_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("bundles", sa.Column("is_pinned", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.execute("UPDATE bundles SET activated_at = trained_at WHERE status = 'ACTIVE'")


def downgrade() -> None:
    op.drop_column("bundles", "is_pinned")
    op.drop_column("bundles", "activated_at")
    op.drop_column("forecast_members", "weight")
    for name in reversed(_OF_ENTRIES):
        op.drop_column("forecast_entries", name)
    op.drop_column("forecasts", "missing_members")
