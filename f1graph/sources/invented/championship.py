"""The invented championship as a source: all that would be known at a moment, and the truth behind it."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from f1graph.errors import RequestError
from f1graph.races.calendar import Race
from f1graph.races.facts import Facts
from f1graph.races.results import Classification
from f1graph.races.times import require_utc
from f1graph.sources.invented.calendar import MOST_RACES, all_circuits, season_calendar
from f1graph.sources.invented.seasons import FIRST_SEASON, MOST_TEAMS, all_seasons
from f1graph.sources.invented.truth import Truth, race_truth
from f1graph.sources.invented.weekend import SOURCE, entry_list, weekend_lists


@dataclass(frozen=True)
class InventedChampionship:
    """A championship that never was.

    Attributes:
        facts: All that is known at `now`, and nothing more.
        truth: The parameters it was drawn from, which no forecast may see.
    """

    facts: Facts
    truth: Truth


class InventedSource:
    """The invented championship as a source of facts."""

    name = SOURCE

    def __init__(self, seed: int, seasons: int) -> None:
        self._seed = seed
        self._seasons = seasons

    async def fetch(self, *, now: datetime) -> Facts:
        """All that is known at `now`; asked again later, it has the same and more."""
        made = await asyncio.to_thread(championship, seed=self._seed, seasons=self._seasons, now=now)
        return made.facts


def championship(
    *, seed: int, seasons: int, now: datetime, races_per_season: int = 20, teams: int = 10
) -> InventedChampionship:
    """Invents the seasons that end with the one of `now`, with a next race ahead of it.

    The same seed, number of races and teams give the same world whatever `now` and `seasons`: a later `now`
    only adds facts, and only leaves out the seasons that are then too old. When the last race of a year is
    over, next year's calendar and the entry list of its first race are known at once.
    `Facts.classifications` also has second revisions of a few race results, known days after the first.

    Args:
        seasons: How many, the running one included.
        now: In UTC. Only lists published by then are in the facts.

    Raises:
        RequestError: A number is out of range, or the first season would be before the world begins.
    """
    require_utc(now, "now")
    _check("seasons", seasons, 1, now.year - FIRST_SEASON + 1)
    _check("races_per_season", races_per_season, 1, MOST_RACES)
    _check("teams", teams, 2, MOST_TEAMS)
    version = f"seed {seed}"
    years = list(range(now.year - seasons + 1, now.year + 1))
    calendars = {year: season_calendar(seed, year, races=races_per_season) for year in years}
    if calendars[now.year][-1].ends_at <= now:
        years.append(now.year + 1)
        calendars[now.year + 1] = season_calendar(seed, now.year + 1, races=races_per_season)
    truth = Truth(
        seed=seed,
        seasons={
            season.season: season
            for season in all_seasons(seed, last=years[-1], teams=teams, rounds=races_per_season)
            if season.season in calendars
        },
        races={race.id: race for year in years for race in calendars[year]},
        circuits={circuit.circuit.id: circuit for circuit in all_circuits(seed)},
    )
    previous_end = season_calendar(seed, years[0] - 1, races=races_per_season)[-1].ends_at
    lists = _lists_known_at(now, truth, previous_end, version)
    return InventedChampionship(_facts(truth, lists, version), truth)


def _check(what: str, value: int, least: int, most: int) -> None:
    if not least <= value <= most:
        raise RequestError(f"{what} of an invented championship must be from {least} to {most}, not {value}")


def _lists_known_at(
    now: datetime, truth: Truth, previous_end: datetime, version: str
) -> tuple[Classification, ...]:
    """Race by race; an entry list is known when the race before it is over."""
    lists: list[Classification] = []
    for race in truth.races.values():
        if previous_end > now:
            break
        made = race_truth(
            truth.seed, race, season=truth.seasons[race.season], circuit=truth.circuits[race.circuit_id]
        )
        lists.append(entry_list(made.entries, race, known_at=previous_end, version=version))
        if race.weekend_starts_at <= now:
            lists += (
                fact for fact in weekend_lists(truth.seed, made, version=version) if fact.known_at <= now
            )
        previous_end = race.ends_at
    return tuple(lists)


def _facts(truth: Truth, lists: tuple[Classification, ...], version: str) -> Facts:
    """Everybody and everything that the calendar and the published lists name."""
    races = tuple(truth.races.values())
    seen_drivers = {row.driver_id for fact in lists for row in fact.rows}
    seen_teams = {row.constructor_id for fact in lists for row in fact.rows}
    seen_circuits = {race.circuit_id for race in races}
    drivers = {id_: made.driver for season in truth.seasons.values() for id_, made in season.drivers.items()}
    teams = {team.id: team for season in truth.seasons.values() for team in season.teams}
    return Facts(
        source=SOURCE,
        version=version,
        content_hash=_content_hash(races, lists),
        circuits=tuple(
            made.circuit for circuit_id, made in truth.circuits.items() if circuit_id in seen_circuits
        ),
        drivers=tuple(drivers[driver_id] for driver_id in sorted(seen_drivers)),
        constructors=tuple(teams[team_id] for team_id in sorted(seen_teams)),
        races=races,
        classifications=lists,
        invented=True,
    )


def _content_hash(races: Iterable[Race], lists: Iterable[Classification]) -> str:
    digest = hashlib.sha256()
    for race in races:
        digest.update(repr(race).encode())
    for fact in lists:
        digest.update(
            f"{fact.race_id} {fact.kind} {fact.revision} {fact.known_at} {fact.content_hash}\n".encode()
        )
    return digest.hexdigest()
