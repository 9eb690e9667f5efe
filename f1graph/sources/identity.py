"""One driver with three ids: F1DB's slug, Ergast's id, and FastF1's code and car number; teams likewise.

Pure: knows no source's files, no network, no database. An id that nobody can map for certain is an error that
says how to map it; a guess would split one driver's history in two.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from typing import TypeVar

from f1graph.errors import SourceError
from f1graph.races.entries import Constructor, Driver, Entry

# Of one driver four forms of the name are compared, and there were a thousand.
_NAMES_KEPT = 10_000


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


_Record = TypeVar("_Record", Driver, Constructor)


class UnknownIdentityError(SourceError):
    """Nobody, or more than one, could be meant; the text says how to map the id."""

    code = "UNKNOWN_ID"


# What no rule finds: Ergast kept a team's short id through its renames.
_BUILT_IN: IdentityMap = {
    ForeignId(Subject.CONSTRUCTOR, "ergast", season, foreign): ours
    for foreign, ours, seasons in (
        ("alfa", "alfa-romeo", range(2019, 2024)),
        ("sauber", "kick-sauber", range(2024, 2026)),
        ("rb", "racing-bulls", range(2025, 2027)),
    )
    for season in seasons
}


def driver_id(named: NamedDriver, *, season: int, known: Known) -> str:
    """Our id of the driver that FastF1 and Ergast speak of.

    What was told by hand decides; else the full name; else code and number of a driver of the season; else
    her last name or Ergast's id among the drivers of the season.

    Raises:
        UnknownIdentityError: Nobody fits, several do, or name, code and Ergast's id belong to different
            drivers.
    """
    keys = [
        ForeignId(Subject.DRIVER, source, season, foreign)
        for source, foreign in (("fastf1", named.code), ("ergast", named.ergast_id))
        if foreign
    ]
    if told := _told(keys, known):
        return told
    of_season = _drivers_of_season(known)
    # The entry list of the race itself counts for more than the season's: numbers and seats change hands.
    numbers = {(entry.driver_id, entry.car_number) for entry in (*known.season_entries, *known.entries)}
    names = _names(named)
    by_name = _ids(known.drivers, lambda driver: names & _names_of(driver))
    by_code = _ids(of_season, lambda driver: named.code is not None and driver.code == named.code)
    by_number = {driver for driver, number in numbers if named.number is not None and number == named.number}
    last_name = _last_name(named.last_name)
    by_last_name = _ids(of_season, lambda driver: last_name and _last_name(driver.last_name) == last_name)
    # A guest is in no entry list: code and last name together are enough for her.
    by_code_and_last_name = _ids(
        known.drivers,
        lambda driver: last_name and _last_name(driver.last_name) == last_name and driver.code == named.code,
    )
    by_ergast = _ids(of_season, lambda driver: _ergast_may_mean(named.ergast_id, driver))
    if len(by_name) == 1 and len(by_code) == 1 and by_name != by_code:
        raise _unknown(
            named.code or "", Subject.DRIVER, season, f"name and code say {_either(by_name | by_code)}"
        )
    anonymous = named.code is None and named.last_name is None and named.ergast_id is None
    rules = [
        by_name,
        by_code & by_number,
        by_code_and_last_name,
        by_code & by_ergast,
        by_last_name & by_number,
    ]
    rules += [by_ergast] if named.code is None and named.last_name is None else [by_last_name & by_ergast]
    rules += [by_number] if anonymous else []
    for found in rules:
        if len(found) != 1:
            continue
        if len(by_ergast) == 1 and by_ergast != found:
            reason = f"name or code and Ergast's {named.ergast_id} say {_either(found | by_ergast)}"
            raise _unknown(named.code or "", Subject.DRIVER, season, reason)
        return found.pop()
    possible = by_name | by_code | by_last_name | by_code_and_last_name | by_ergast
    reason = f"it could be {_either(possible)}" if possible else "no driver has that name, code and number"
    raise _unknown(
        named.code or named.ergast_id or named.number or "", Subject.DRIVER, season, _who(named, reason)
    )


def constructor_id(named: NamedTeam, *, season: int, known: Known) -> str:
    """Our id of the team that FastF1 and Ergast speak of.

    What was told by hand decides; else the same name or id among the season's teams; else the team all of
    whose id's words are in the name (`Red Bull Racing`, `Haas F1 Team`), the longest such id.

    Raises:
        UnknownIdentityError: No team fits, several do, or FastF1's name and Ergast's id are different teams'.
    """
    keys = [
        ForeignId(Subject.CONSTRUCTOR, source, season, foreign)
        for source, foreign in (("fastf1", named.name), ("ergast", named.ergast_id))
        if foreign
    ]
    if told := _told(keys, known):
        return told
    racing = {entry.constructor_id for entry in (*known.entries, *known.season_entries)}
    teams = [team for team in known.constructors if team.id in racing] or list(known.constructors)
    called = [_called(name, teams) for name in (named.name, named.ergast_id) if name]
    found = {team for ids in called if len(ids) == 1 for team in ids}
    if len(found) == 1:
        return found.pop()
    possible = found or {team for ids in called for team in ids}
    reason = f"it could be {_either(possible)}" if possible else "no team of the season has that name"
    raise _unknown(named.name or named.ergast_id or "", Subject.CONSTRUCTOR, season, reason)


def _called(name: str, teams: Sequence[Constructor]) -> set[str]:
    by_name = _ids(teams, lambda team: fold(name) in {fold(team.id), fold(team.name), fold(team.full_name)})
    if len(by_name) == 1:
        return by_name
    words = set(_words(name))
    within = [team for team in teams if set(_words(team.id)) <= words]
    longest = max((len(_words(team.id)) for team in within), default=0)
    by_words = {team.id for team in within if len(_words(team.id)) == longest}
    return by_words if len(by_words) == 1 else by_name | by_words


# One session asks some twenty times after the same thousand drivers.
@lru_cache(maxsize=_NAMES_KEPT)
def fold(name: str) -> str:
    """Letters and digits only, without accents and case: `Nico Hülkenberg` is `nicohulkenberg`."""
    return "".join(_words(name))


def _words(name: str) -> list[str]:
    plain = unicodedata.normalize("NFKD", name.replace("ø", "o").replace("ß", "ss").replace("ł", "l"))
    ascii_only = plain.encode("ascii", "ignore").decode().lower()
    return re.findall(r"[a-z0-9]+", ascii_only)


def _told(keys: list[ForeignId], known: Known) -> str | None:
    for mapping in (known.mapping, _BUILT_IN):
        for key in keys:
            for season in (key.season, None):
                ours = mapping.get(ForeignId(key.subject, key.source, season, key.id))
                if ours is not None and (mapping is known.mapping or _exists(ours, known)):
                    return ours
    return None


def _exists(ours: str, known: Known) -> bool:
    """The built-in table names teams by the ids of some release; another may not have them."""
    return any(team.id == ours for team in known.constructors)


def _drivers_of_season(known: Known) -> list[Driver]:
    racing = {entry.driver_id for entry in (*known.entries, *known.season_entries)}
    return [driver for driver in known.drivers if driver.id in racing]


def _ids(records: Iterable[_Record], fits: Callable[[_Record], object]) -> set[str]:
    return {record.id for record in records if fits(record)}


def _names(named: NamedDriver) -> set[str]:
    if not (named.first_name and named.last_name):
        return set()
    # Some lists put the family name first: Zhou Guanyu.
    return {fold(named.first_name + named.last_name), fold(named.last_name + named.first_name)}


def _names_of(driver: Driver) -> set[str]:
    return {fold(driver.name), fold(driver.id), fold(driver.first_name) + _last_name(driver.last_name)}


def _ergast_may_mean(ergast_id: str | None, driver: Driver) -> bool:
    return bool(ergast_id) and fold(ergast_id or "") in {fold(driver.id), _last_name(driver.last_name)}


@lru_cache(maxsize=_NAMES_KEPT)
def _last_name(name: str | None) -> str:
    """Carlos Sainz Jr. is called Carlos Sainz by everybody else."""
    return fold(re.sub(r"\s+jr\.?$", "", name or "", flags=re.IGNORECASE))


def _either(ids: set[str]) -> str:
    return " or ".join(sorted(ids))


def _who(named: NamedDriver, reason: str) -> str:
    name = " ".join(filter(None, (named.first_name, named.last_name)))
    said = [f"called {name}"] if name else []
    said += [f"in car {named.number}"] if named.number else []
    return f"{' '.join(said)}: {reason}" if said else reason


def _unknown(foreign: str, subject: Subject, season: int, reason: str) -> UnknownIdentityError:
    shown = f'"{foreign}"' if " " in foreign else foreign
    return UnknownIdentityError(
        f"The {subject.value} {shown} of {season} is not known ({reason}). Say who it is with: "
        f"f1graph identity {subject.value} fastf1 {season} {shown} some-slug"
    )
