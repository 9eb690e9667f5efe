"""Fixtures for everybody."""

from __future__ import annotations

from tests.databases import migrated_postgres, migrated_sqlite, postgres_templates, sqlite_templates

__all__ = ["migrated_postgres", "migrated_sqlite", "postgres_templates", "sqlite_templates"]
