"""One driver with three ids: F1DB's slug, Ergast's id, and FastF1's code and car number; teams likewise.

Pure: knows no source's files, no network, no database. An id that nobody can map for certain is an error that
says how to map it; a guess would split one driver's history in two.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from f1graph.errors import SourceError
from f1graph.races.entries import Constructor, Driver, Entry


class Subject(StrEnum):
    """Whose id it is."""

    DRIVER = "driver"
    CONSTRUCTOR = "constructor"


@dataclass(frozen=True, slots=True)
class ForeignId:
    """How a source calls somebody in a season.

    Attributes:
        source: `fastf1` or `ergast`.
        season: None holds in every season.
        id: Of a driver FastF1's code (`VER`) or Ergast's id (`max_verstappen`); of a team FastF1's name or
            Ergast's id.
    """

    subject: Subject
    source: str
    season: int | None
    id: str


IdentityMap = Mapping[ForeignId, str]


@dataclass(frozen=True)
class Known:
    """Whom an answer may speak of.

    Attributes:
        drivers, constructors: Everybody with an id of ours; those of long ago do no harm.
        entries: The race's entry list, where it is known. May be empty.
        season_entries: Entries of the season's other races, which tell codes and numbers apart. May be empty.
        mapping: What `f1graph identity` was told, over every rule.
    """

    drivers: tuple[Driver, ...]
    constructors: tuple[Constructor, ...]
    entries: tuple[Entry, ...] = ()
    season_entries: tuple[Entry, ...] = ()
    mapping: IdentityMap = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NamedDriver:
    """A driver as FastF1 and Ergast present her in one session; what a source does not say is None."""

    code: str | None = None
    number: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    ergast_id: str | None = None


@dataclass(frozen=True, slots=True)
class NamedTeam:
    """A team as FastF1 and Ergast present it."""

    name: str | None = None
    ergast_id: str | None = None


class UnknownIdentityError(SourceError):
    """Nobody, or more than one, could be meant; the text says how to map the id."""

    code = "UNKNOWN_ID"
