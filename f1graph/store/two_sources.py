"""Two sources that tell of the same list: which word is news, and what it leaves of the other's. Pure.

The rule: a list becomes a further revision only if it says something new, that is, if it differs from the
newest revision in a field that both have, or has fields that the newest lacks. What a source repeats is not
news, whatever the other has said meanwhile. Of two that differ the later published wins, the more complete
before the less: the first word of a source with fewer fields does not overrule one with more, since it may
just as well be older; when it changes its mind afterwards, it does. Fields that the winner does not have are
kept from the revision before. A word that did not win is kept beside the revisions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from datetime import timedelta
from typing import Any

from f1graph.races.results import Classification, ClassificationKind, ClassificationRow

_DEFAULTS = {field.name: field.default for field in fields(ClassificationRow)}
# Whoever tells a list at all tells these.
_ALWAYS = frozenset({"order", "driver_id", "constructor_id", "status"})
_OPTIONAL = frozenset(_DEFAULTS) - _ALWAYS
_DESCRIPTIVE = ("engine_id", "car_number")
# Everybody sorts the entry list as he likes.
_UNORDERED = frozenset({ClassificationKind.ENTRY_LIST})


@dataclass(frozen=True, slots=True)
class OwnWord:
    """What a source has said last of a list, whether or not it became a revision."""

    content_hash: str


def news_beside_another(
    told: Classification, newest: Sequence[ClassificationRow], own_word: OwnWord | None
) -> Classification | None:
    """What becomes the next revision of a list of which another source has spoken; None if nothing does.

    Args:
        newest: The rows of the newest revision.
        own_word: None for a source that speaks of this list for the first time.
    """
    if own_word is not None and own_word.content_hash == told.content_hash:
        return None
    is_fuller = len(fields_had(told.rows)) >= len(fields_had(newest))
    told = replace(told, rows=_described(told.rows, newest))
    has, had = fields_had(told.rows), fields_had(newest)
    if _differ(told, newest, has & had):
        if own_word is None and not is_fuller:
            return None
    elif not has - had:
        return None
    return replace(told, rows=_completed(told.rows, newest, had - has))


def _described(
    rows: Sequence[ClassificationRow], before: Sequence[ClassificationRow]
) -> tuple[ClassificationRow, ...]:
    """The rows with what they leave open about an entry: a guest's engine is not taken back by silence."""
    known = {(row.driver_id, row.constructor_id): row for row in before}
    return tuple(
        replace(row, **{name: getattr(row, name) or getattr(old, name) for name in _DESCRIPTIVE})
        if (old := known.get((row.driver_id, row.constructor_id))) is not None
        else row
        for row in rows
    )


def fields_had(rows: Sequence[ClassificationRow]) -> frozenset[str]:
    """The fields that a list fills in at least one row, beside those that every list has."""
    return frozenset(name for name in _OPTIONAL if any(getattr(row, name) != _DEFAULTS[name] for row in rows))


def _differ(told: Classification, newest: Sequence[ClassificationRow], shared: frozenset[str]) -> bool:
    names = sorted(shared | (_ALWAYS - {"order"} if told.kind in _UNORDERED else _ALWAYS))

    def said(rows: Sequence[ClassificationRow]) -> list[list[Any]]:
        lines = [[_plain(getattr(row, name)) for name in names] for row in rows]
        return sorted(lines, key=repr) if told.kind in _UNORDERED else lines

    return said(told.rows) != said(newest)


def _completed(
    rows: Sequence[ClassificationRow], before: Sequence[ClassificationRow], names: frozenset[str]
) -> tuple[ClassificationRow, ...]:
    """The rows with what the revision before knew of the same driver in the same team."""
    known = {(row.driver_id, row.constructor_id): row for row in before}
    if len(known) != len(before) or not names:  # two lines of one driver: nobody knows which is which
        return tuple(rows)
    completed = []
    for row in rows:
        old = known.get((row.driver_id, row.constructor_id))
        kept = {name: getattr(old, name) for name in names} if old is not None else {}
        completed.append(replace(row, **kept))
    return tuple(completed)


def rows_as_json(rows: Sequence[ClassificationRow]) -> list[dict[str, Any]]:
    """What a source said, without what it did not say. Durations are milliseconds."""
    return [
        {
            name: _plain(getattr(row, name))
            for name, default in _DEFAULTS.items()
            if name in _ALWAYS or getattr(row, name) != default
        }
        for row in rows
    ]


def _plain(value: Any) -> Any:
    return value // timedelta(milliseconds=1) if isinstance(value, timedelta) else value
