"""Drivers, constructors, and who drives what for whom at a race."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Driver:
    """A person. Team and car number are not hers: they belong to the entry.

    Attributes:
        id: F1DB's slug (`max-verstappen`), stable over every season and source.
        code: Three letters (`VER`). Not unique over history.
        permanent_number: As text: `"07"` is not `"7"`.
    """

    id: str
    name: str
    first_name: str
    last_name: str
    code: str
    nationality: str
    permanent_number: str | None = None
    date_of_birth: date | None = None
    invented: bool = False


@dataclass(frozen=True, slots=True)
class Constructor:
    """A team in the sense of the championship.

    Attributes:
        lineage_id: The first name in the team's line of renames (`sauber` for Alfa Romeo of 2019 and for
            Kick Sauber), so that form survives a new name. Its own id if it never was renamed.
    """

    id: str
    name: str
    full_name: str
    country: str
    lineage_id: str
    invented: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """This driver, in this car, for this team, at this race."""

    race_id: str
    driver_id: str
    constructor_id: str
    engine_id: str | None = None
    car_number: str | None = None
