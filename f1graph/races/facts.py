"""What a source gives: a checked set of facts, ready to be stored in one go or not at all."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, TypeVar

from f1graph.races.calendar import Circuit, Race
from f1graph.races.entries import Constructor, Driver
from f1graph.races.laps import Recording
from f1graph.races.results import Classification

Fact = TypeVar("Fact", Classification, Recording)


def with_the_same_rows(fact: Fact, **changed: Any) -> Fact:
    """A copy that differs in something else: the hash of its rows, which takes long for laps, is kept."""
    copy = replace(fact, **changed)
    copy.__dict__["content_hash"] = fact.content_hash
    return copy


class StandingsKind(StrEnum):
    DRIVERS = "DRIVERS"
    CONSTRUCTORS = "CONSTRUCTORS"


@dataclass(frozen=True, slots=True)
class StandingsRow:
    """One line of a championship table.

    Attributes:
        order: 1, 2, 3 … as published.
        position: None where excluded from the championship.
        competitor_id: A driver's or a constructor's id.
        engine_id: Of a constructor: before the nineties one chassis with two engines was two competitors.
        wins: None where the source does not say.
    """

    order: int
    position: int | None
    competitor_id: str
    points: float
    engine_id: str | None = None
    wins: int | None = None


@dataclass(frozen=True, slots=True)
class Standings:
    """A championship table after a race."""

    race_id: str
    kind: StandingsKind
    rows: tuple[StandingsRow, ...]


@dataclass(frozen=True)
class Facts:
    """Everything one source says, already checked against itself.

    It may speak of a part of the world only (FastF1: of one session); what it does not speak of stays.

    Attributes:
        source: `f1db`, `fastf1`, `invented`.
        version: The release or run, in the source's own words where it has any.
        content_hash: SHA-256 of what was read, so that the same file is recognised at once.
        classifications: First revisions, with the `known_at` that history gets; the store decides
            whether one is new, changed or already there. A source that saw a correction being published
            gives it as a further item of the same race and kind, after the first, with `revision=2`.
        official_standings: As published, to check the computed ones against. May be empty.
    """

    source: str
    version: str
    content_hash: str
    circuits: tuple[Circuit, ...]
    drivers: tuple[Driver, ...]
    constructors: tuple[Constructor, ...]
    races: tuple[Race, ...]
    classifications: tuple[Classification, ...]
    official_standings: tuple[Standings, ...] = ()
    recordings: tuple[Recording, ...] = ()
    invented: bool = False
