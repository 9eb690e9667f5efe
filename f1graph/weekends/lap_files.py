"""Taking in lap files: who was entered and who drove is read from the store, the file is read and checked
with no transaction open, then stored in one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from f1graph.errors import BadSourceDataError
from f1graph.races.results import Classification, ClassificationKind
from f1graph.sources.laps import (
    SOURCE,
    KnownDriver,
    KnownSeason,
    LapFile,
    lap_files,
    read_laps,
    seasons_in,
)
from f1graph.store.calendar import races_of_seasons
from f1graph.store.engine import Read, Store
from f1graph.store.facts import record_facts, was_imported
from f1graph.store.identities import Identity, told_identities
from f1graph.store.past import load_classifications_of
from f1graph.store.people import drivers_by_id

_SESSIONS = {
    ClassificationKind.PRACTICE_1,
    ClassificationKind.PRACTICE_2,
    ClassificationKind.PRACTICE_3,
    ClassificationKind.QUALIFYING,
    ClassificationKind.SPRINT_QUALIFYING,
    ClassificationKind.SPRINT,
    ClassificationKind.RACE,
}
_RACES = (ClassificationKind.SPRINT, ClassificationKind.RACE)

OnFile = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class LapsTaken:
    """What became of a lap file.

    Attributes:
        sessions, laps: What was read and found in order.
        new: How many sessions of them were new or changed.
        partial: Sessions of which something is missing, with what.
        problems: Why sessions were held back, or the whole file.
    """

    file: str
    sessions: int = 0
    laps: int = 0
    new: int = 0
    partial: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()


async def take_in_laps(
    store: Store, location: Path, *, now: datetime, on_file: OnFile | None = None
) -> list[LapsTaken]:
    """Reads a lap file, or every one of a folder, and stores what is new, file by file.

    Args:
        on_file: Is told the file that is being read, how many are done, and of how many.

    Raises:
        SourceUnavailableError: There is no such file.
        StoreError: The store holds the invented championship.
    """
    paths = lap_files(location)
    taken = []
    for done, path in enumerate(paths):
        if on_file is not None:
            on_file(path.name, done, len(paths))
        try:
            taken.append(await _take_in(store, path, now=now))
        except BadSourceDataError as error:
            taken.append(LapsTaken(path.name, problems=(str(error),)))
    if on_file is not None:
        on_file("Laps", len(paths), len(paths))
    return taken


async def _take_in(store: Store, path: Path, *, now: datetime) -> LapsTaken:
    seasons = await asyncio.to_thread(seasons_in, path)
    async with store.read() as read:
        known = await known_seasons(read, seasons)
    found = await asyncio.to_thread(read_laps, path, known)
    return LapsTaken(
        file=found.name,
        sessions=len(found.recordings),
        laps=sum(len(one.rows) for one in found.recordings),
        new=await _record(store, found, now=now),
        partial=tuple(
            f"{one.race_id} {one.session}: {one.missing}" for one in found.recordings if one.missing
        ),
        problems=tuple(str(problem) for problem in found.problems),
    )


async def _record(store: Store, found: LapFile, *, now: datetime) -> int:
    facts = found.facts
    async with store.write() as write:
        if not facts.recordings or await was_imported(write, SOURCE, facts.content_hash, version=found.name):
            return 0
        recorded = await record_facts(write, facts, now=now)
    return len(recorded.new_recordings)


async def known_seasons(read: Read, seasons: Collection[int]) -> dict[int, KnownSeason]:
    """Races, entries and participants of some seasons, as the newest lists have them."""
    found = {}
    told = await told_identities(read)
    for season, races in (await races_of_seasons(read, seasons)).items():
        ids = [race.id for race in races]
        lists = await load_classifications_of(read, ids, kinds={ClassificationKind.ENTRY_LIST, *_SESSIONS})
        newest = {(one.race_id, one.kind): one for one in lists}
        codes = await drivers_by_id(read, {row.driver_id for one in newest.values() for row in one.rows})
        entered = {
            KnownDriver(one.race_id, row.driver_id, codes[row.driver_id].code, row.car_number)
            for one in newest.values()
            for row in one.rows
        }
        found[season] = KnownSeason(
            races={race.round: race for race in races},
            drivers=sorted(entered, key=lambda one: (one.race_id, one.driver_id, one.car_number or "")),
            drove={
                (race_id, kind.session): _drove(one)
                for (race_id, kind), one in newest.items()
                if kind in _SESSIONS
            },
            told=_told(told, season),
        )
    return found


def _told(identities: Sequence[Identity], season: int) -> dict[str, str]:
    """Drivers by FastF1's code; what was said of the one season is over what was said of every."""
    of_source = [one for one in identities if (one.subject, one.source) == ("driver", "fastf1")]
    return {one.their_id: one.our_id for when in (None, season) for one in of_source if one.season == when}


def _drove(one: Classification) -> dict[str, int | None]:
    """Who took part, with the laps of a race; of other sessions whoever has a time."""
    if one.kind in _RACES:
        return {row.driver_id: row.laps for row in one.rows if row.started}
    return {row.driver_id: None for row in one.rows if row.time is not None or row.q1 is not None}
