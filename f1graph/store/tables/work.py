"""Tables of the service's work: what is claimed by whom, what may be asked, and what happened."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    text,
)

from f1graph.store.tables.metadata import Counter, metadata
from f1graph.store.types import Json, UtcDateTime

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

backtests = Table(
    "backtests",
    metadata,
    # Of everything that its numbers depend on: who asks again goes on.
    Column("id", String, primary_key=True),
    # Only a worker of the same build may help: another one's numbers would not be the same.
    Column("build", String, nullable=False),
    Column("settings", Json, nullable=False),
    Column("legs", Json, nullable=False),
    Column("made_at", UtcDateTime, nullable=False),
    Column("asked_at", UtcDateTime, nullable=False),
    Column("is_wanted", Boolean, nullable=False),
)

backtest_forecasts = Table(
    "backtest_forecasts",
    metadata,
    # Until whoever asked has them all in a file.
    Column("backtest_id", ForeignKey("backtests.id"), primary_key=True),
    Column("race_id", String, primary_key=True),
    Column("stage", String, primary_key=True),
    Column("model", String, primary_key=True),
    Column("rows", String, nullable=False),
    # Text: Postgres would put the measures in another order.
    Column("seal", String, nullable=False),
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

events = Table(
    "events",
    metadata,
    Column("sequence", Counter, primary_key=True, autoincrement=True),
    Column("kind", String, nullable=False),
    Column("race_id", String),
    Column("forecast_id", String),
    # Of a published list: which, and which revision of it.
    Column("classification", String),
    Column("revision", Integer),
    Column("bundle_id", String),
    Column("cause", String, nullable=False),
    Column("happened_at", UtcDateTime, nullable=False),
    Index(None, "kind", "sequence"),
    Index(None, "happened_at"),
)
