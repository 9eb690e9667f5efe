"""What all tables have in common: how constraints are named, and what counts up."""

from __future__ import annotations

from sqlalchemy import BigInteger, Integer, MetaData

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
