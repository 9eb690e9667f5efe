"""Reads a whole F1DB CSV release into `Facts`: everything is checked before anything is returned."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from f1graph.races.calendar import Race, SessionKind
from f1graph.races.facts import Facts
from f1graph.races.results import Classification, ClassificationKind, ClassificationRow, KnownAtBasis
from f1graph.races.stages import GRID_KNOWN_BEFORE_START
from f1graph.sources.f1db.archive import Release, open_release
from f1graph.sources.f1db.calendar import (
    CALENDAR_FILES,
    ListedRace,
    RaceNumber,
    as_race,
    read_calendar,
)
from f1graph.sources.f1db.classifications import CLASSIFICATION_FILES, Lists, read_lists
from f1graph.sources.f1db.entry_lists import (
    ENTRY_FILES,
    announced_entry_list,
    entry_list_of,
    read_announced,
)
from f1graph.sources.f1db.official_standings import STANDINGS_FILES, read_official_standings
from f1graph.sources.f1db.reference import REFERENCE_FILES, Reference, read_reference

SOURCE = "f1db"
NEEDED_FILES = (*REFERENCE_FILES, *CALENDAR_FILES, *CLASSIFICATION_FILES, *ENTRY_FILES, *STANDINGS_FILES)

_HASH_DIGITS = 12
# The files inside a release do not say which one it is; a downloaded one keeps its tag in its name.
_VERSION_IN_NAME = re.compile(r"^f1db-csv-(v?\d+(?:\.\d+)+)\.zip$")

_GRIDS = (ClassificationKind.GRID, ClassificationKind.SPRINT_GRID)


def read_release(path: Path, *, version: str | None = None) -> Facts:
    """Everything in an official F1DB CSV release.

    Args:
        path: The zip.
        version: The release's tag, where the caller knows it. Else it is taken from the file's name
            (`f1db-csv-v2024.24.0.zip`), else it is the start of the content's hash.

    Raises:
        SourceUnavailableError: The file cannot be read.
        BadSourceDataError: It is no release, incomplete, or contradicts itself: file, row and value are in
            the text. Nothing is returned then.
    """
    with open_release(path) as release:
        release.require_files(NEEDED_FILES)
        reference = read_reference(release)
        listed = read_calendar(release, reference)
        lists = dict(read_lists(release, listed, reference))
        races = _races(listed, lists, reference)
        entry_lists = _entry_lists(release, listed, lists[ClassificationKind.RACE], reference)
        standings = read_official_standings(release, listed, reference)
        version = version or _version(path, release.content_hash)
        classifications = [
            *_announced_before_the_race(races, entry_lists, version),
            *_published_in_sessions(races, lists, version),
        ]
        return Facts(
            source=SOURCE,
            version=version,
            content_hash=release.content_hash,
            circuits=tuple(reference.circuits.values()),
            drivers=tuple(reference.drivers.values()),
            constructors=tuple(reference.constructors.values()),
            races=tuple(sorted(races.values(), key=lambda race: (race.season, race.round))),
            classifications=tuple(classifications),
            official_standings=tuple(standings),
        )


def name_of_release(path: Path, content_hash: str, *, version: str | None = None) -> Facts:
    """A release without any of its facts, for who has them already."""
    return Facts(
        source=SOURCE,
        version=version or _version(path, content_hash),
        content_hash=content_hash,
        circuits=(),
        drivers=(),
        constructors=(),
        races=(),
        classifications=(),
    )


def _version(path: Path, content_hash: str) -> str:
    named = _VERSION_IN_NAME.match(path.name)
    return named[1] if named else content_hash[:_HASH_DIGITS]


def _races(
    listed: Mapping[RaceNumber, ListedRace], lists: Mapping[ClassificationKind, Lists], reference: Reference
) -> dict[RaceNumber, Race]:
    with_results: dict[RaceNumber, set[SessionKind]] = {}
    for kind, rows_by_race in lists.items():
        for number in rows_by_race:
            with_results.setdefault(number, set()).add(kind.session)
    return {
        number: as_race(race, reference, with_results=with_results.get(number, set()))
        for number, race in listed.items()
    }


def _entry_lists(
    release: Release, listed: Mapping[RaceNumber, ListedRace], results: Lists, reference: Reference
) -> Lists:
    announced = read_announced(release, listed, reference)
    lists: Lists = {}
    for number, race in listed.items():
        if number in results:
            lists[number] = entry_list_of(results[number])
        elif entries := announced.get((race.season, race.round)):
            lists[number] = announced_entry_list(entries, reference)
    return lists


def _announced_before_the_race(
    races: Mapping[RaceNumber, Race], entry_lists: Lists, version: str
) -> Iterable[Classification]:
    """The entry lists, known since the race before: when they were published, nobody recorded."""
    known_at: dict[str, datetime] = {}
    before: Race | None = None
    for race in sorted(races.values(), key=lambda race: (race.season, race.round)):
        follows_another = before is not None and before.season == race.season
        published = before.ends_at if before and follows_another else datetime(race.season, 1, 1, tzinfo=UTC)
        # Some weekends began before that: South Africa was on New Year's Day 1965, and the Netherlands of
        # 1959 practised on the day of Indianapolis.
        known_at[race.id] = min(published, race.weekend_starts_at)
        before = race
    for number, rows in entry_lists.items():
        race = races[number]
        yield _classification(
            race, ClassificationKind.ENTRY_LIST, rows, known_at[race.id], KnownAtBasis.NOMINAL, version
        )


def _published_in_sessions(
    races: Mapping[RaceNumber, Race], lists: Mapping[ClassificationKind, Lists], version: str
) -> Iterable[Classification]:
    for kind, rows_by_race in lists.items():
        for number, rows in rows_by_race.items():
            race = races[number]
            session = race.session(kind.session)
            assert session is not None, "every session with results is in the race"
            known_at = session.starts_at - GRID_KNOWN_BEFORE_START if kind in _GRIDS else session.ends_at
            basis = KnownAtBasis.NOMINAL if session.is_nominal else KnownAtBasis.SESSION_END
            yield _classification(race, kind, rows, known_at, basis, version)


def _classification(
    race: Race,
    kind: ClassificationKind,
    rows: tuple[ClassificationRow, ...],
    known_at: datetime,
    basis: KnownAtBasis,
    version: str,
) -> Classification:
    return Classification(
        race_id=race.id,
        kind=kind,
        rows=rows,
        known_at=known_at,
        known_at_basis=basis,
        source=SOURCE,
        source_version=version,
    )
