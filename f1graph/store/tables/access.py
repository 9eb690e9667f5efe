"""Tables of who may write: API keys, what was written with them, and the refreshes that were asked for."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, String, Table

from f1graph.store.tables.metadata import Counter, metadata
from f1graph.store.types import Json, UtcDateTime

api_keys = Table(
    "api_keys",
    metadata,
    # Public: it stands in the key, in the list of keys and in the audit.
    Column("id", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("secret_hash", String, nullable=False),
    Column("scopes", Json, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime),
    # A key is never deleted: the audit names it.
    Column("revoked_at", UtcDateTime),
    # To the hour.
    Column("last_used_at", UtcDateTime),
)

audit = Table(
    "audit",
    metadata,
    Column("sequence", Counter, primary_key=True, autoincrement=True),
    Column("happened_at", UtcDateTime, nullable=False),
    Column("action", String, nullable=False),
    Column("arguments", Json, nullable=False),
    # What came of it: DONE, or the code of the error.
    Column("outcome", String, nullable=False),
    # Null for who is at the command line; the name as it was then.
    Column("key_id", ForeignKey("api_keys.id")),
    Column("key_name", String),
    Column("address", String),
)

refresh_requests = Table(
    "refresh_requests",
    metadata,
    # Of the unit of work in the ledger, which does it: there stands what became of it.
    Column("unit", String, primary_key=True),
    # Null for everything.
    Column("race_id", ForeignKey("races.id")),
    Column("session", String),
    Column("asked_at", UtcDateTime, nullable=False),
    Column("key_id", ForeignKey("api_keys.id"), nullable=False),
    Index(None, "asked_at"),
)
