"""Conditions that several questions share: parts of names, and places in an order."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_


def plain(text: str) -> str:
    """Lower case without accents: what slugs are made of."""
    decomposed = unicodedata.normalize("NFKD", text)
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter)).lower().strip()


def has_part(names: Sequence[ColumnElement[Any]], slug: ColumnElement[Any], part: str) -> ColumnElement[bool]:
    """That a name has a part, in any case, with or without accents."""
    # SQLite lowers ASCII only; the slug has the name without accents.
    return or_(
        *(_like(name, part.lower()) for name in names),
        _like(slug, plain(part).replace(" ", "-")),
    )


def is_spelt(column: ColumnElement[Any], word: str) -> ColumnElement[bool]:
    """That a word is this one, in any case."""
    return or_(column == word, func.lower(column) == word.strip().lower())


def _like(column: ColumnElement[Any], part: str) -> ColumnElement[bool]:
    escaped = part.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return func.lower(column).like(f"%{escaped}%", escape="\\")


def beyond(
    columns: Sequence[ColumnElement[Any]], values: Sequence[Any], *, descending: bool
) -> ColumnElement[bool]:
    """Past a place in an order by some columns; written out, because SQLite's row values miss the type."""
    ways = []
    for place, (column, value) in enumerate(zip(columns, values, strict=True)):
        before = [column == value for column, value in zip(columns[:place], values[:place], strict=True)]
        ways.append(and_(*before, column < value if descending else column > value))
    return or_(*ways)
