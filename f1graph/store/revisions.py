"""Which of the revisions that a source tells of a fact are news, and since when they are known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from f1graph.races.facts import Fact, with_the_same_rows
from f1graph.races.results import KnownAtBasis


@dataclass(frozen=True, slots=True)
class StoredRevision:
    """A revision in the store, without its rows.

    Attributes:
        size: Of a recording: how many rows it has.
        is_complete: False for a partial recording.
    """

    content_hash: str
    known_at: datetime
    source: str
    size: int = 0
    is_complete: bool = True


def not_yet_told(told: Sequence[Fact], history: Sequence[StoredRevision], *, now: datetime) -> Sequence[Fact]:
    """Of the revisions that a source tells of one fact those that are news.

    If it has no revision that is not stored, but its last is not the newest stored one, then it went back
    to what it had said before, and that is news as well.
    """
    # In a past weekend that is lived again a source does not know yet what the store knows of later.
    own_words: list[StoredRevision] = [
        one for one in history if one.source == told[-1].source and one.known_at <= now
    ]
    last_words: set[str] = {one.content_hash for one in (*history[-1:], *own_words[-1:])}
    if told[-1].content_hash in last_words:
        return ()
    both = list(zip(told, history, strict=False))
    same = next((i for i, (fact, one) in enumerate(both) if fact.content_hash != one.content_hash), len(both))
    return told[same:] or told[-1:]


def following(fact: Fact, history: Sequence[StoredRevision], *, now: datetime) -> Fact:
    """The fact as the next revision: known when its source saw it change, else from now on."""
    newest = history[-1].known_at
    is_recorded = fact.known_at_basis is KnownAtBasis.RECORDED and fact.known_at > newest
    return with_the_same_rows(
        fact,
        revision=len(history) + 1,
        known_at=fact.known_at if is_recorded else max(now, newest + timedelta(microseconds=1)),
        known_at_basis=KnownAtBasis.RECORDED,
    )
