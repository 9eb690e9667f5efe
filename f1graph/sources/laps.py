"""Lap files: laps in FastF1's columns as parquet, one row per driver and lap, a season or so per file.

Knows the files and how to check them. Races and entries are handed in: who is meant by `VER` depends on
who was entered.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from os import SEEK_END
from pathlib import Path
from typing import Any

import arro3.io

from f1graph.errors import BadSourceDataError, SourceUnavailableError
from f1graph.races.calendar import Race, SessionKind
from f1graph.races.facts import Facts
from f1graph.races.laps import Compound, Lap, Recording, SessionPart
from f1graph.races.results import KnownAtBasis

SOURCE = "lap-file"

_SESSIONS = {
    "FP1": SessionKind.PRACTICE_1,
    "FP2": SessionKind.PRACTICE_2,
    "FP3": SessionKind.PRACTICE_3,
    "SQ": SessionKind.SPRINT_QUALIFYING,
    "S": SessionKind.SPRINT,
    "Q": SessionKind.QUALIFYING,
    "R": SessionKind.RACE,
}
_CODES = {kind: code for code, kind in _SESSIONS.items()}
# Files of one kind of session have no column for it: their name tells.
_SESSION_OF_NAME = {"race_laps": "R", "sprint_laps": "S"}
_COMPOUNDS: Mapping[str, Compound] = {one.value: one for one in Compound} | {
    # A tyre that is being developed, driven in practice.
    "TEST_UNKNOWN": Compound.TEST
}
_KEY = ("Season", "RoundNumber", "Driver", "LapNumber")
_NEEDED = (
    *_KEY,
    *("DriverNumber", "LapTime", "Time", "Stint", "Compound", "CompoundName", "TyreLife", "FreshTyre"),
    *("PitInTime", "PitOutTime", "TrackStatus", "Position", "IsPersonalBest", "IsAccurate"),
)
_OPTIONAL = (
    *("Session", "Sector1Time", "Sector2Time", "Sector3Time", "Deleted", "DeletedReason"),
    *("SpeedI1", "SpeedI2", "SpeedFL", "SpeedST"),
)
# The shortest lap of a Grand Prix took 53 s (Sakhir 2020); in and out laps of a red flag take an hour.
_SHORTEST_LAP, _LONGEST_LAP = 40.0, 10_800.0
_LONGEST_RECORDING = 43_200.0
_FASTEST = 450.0
_MOST_LAPS = 200
_MOST_CARS = 40
_ROWS_AT_ONCE = 65_536
_MAGIC = b"PAR1"

# Code and car number, as a row has them.
_Named = tuple[str | None, str | None]


@dataclass(frozen=True, slots=True)
class KnownDriver:
    """Somebody entered at a race of the season.

    Attributes:
        race_id: At which race; one driver is there once for each.
        code: Three letters; not unique over history, but within the entries of a race nearly always.
    """

    race_id: str
    driver_id: str
    code: str
    car_number: str | None = None


@dataclass(frozen=True)
class KnownSeason:
    """What the store knows of a season, so that a file's drivers and sessions can be recognised.

    Attributes:
        races: By round.
        drove: Of each session that is classified: who took part in it, with the laps where they are known.
        told: Driver ids by FastF1's code, where `f1graph identity` was told; over every rule.
    """

    races: Mapping[int, Race]
    drivers: Sequence[KnownDriver]
    drove: Mapping[tuple[str, SessionKind], Mapping[str, int | None]]
    told: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class LapFile:
    """What was read of a file.

    Attributes:
        problems: Why sessions were held back, one each: nothing of those is in `recordings`.
    """

    name: str
    recordings: tuple[Recording, ...]
    problems: tuple[BadSourceDataError, ...]

    @property
    def facts(self) -> Facts:
        hashes = "".join(f"{one.race_id}{one.session}{one.content_hash}" for one in self.recordings)
        return Facts(
            source=SOURCE,
            version=self.name,
            content_hash=hashlib.sha256(f"{self.name}{hashes}".encode()).hexdigest(),
            circuits=(),
            drivers=(),
            constructors=(),
            races=(),
            classifications=(),
            recordings=self.recordings,
        )


def lap_files(location: Path) -> list[Path]:
    """The file, or every parquet file of the folder.

    Raises:
        SourceUnavailableError: There is none.
    """
    if location.is_file():
        return [location]
    found = sorted(location.glob("*.parquet")) if location.is_dir() else []
    if not found:
        raise SourceUnavailableError(f"{location} is neither a parquet file nor a folder with one")
    return found


def seasons_in(path: Path) -> list[int]:
    """The seasons a file speaks of.

    Raises:
        BadSourceDataError: It is no parquet file, or has no such column.
    """
    table = _Table.read(path, ("Season",))
    return sorted({table.whole("Season", row, 1950, 2200) for row in range(table.size)})


def read_laps(path: Path, seasons: Mapping[int, KnownSeason]) -> LapFile:
    """Reads and checks a file; a session with a problem is held back, the others are given.

    Raises:
        BadSourceDataError: The file is no parquet, lacks a column, or speaks of an unknown season or race.
    """
    table = _Table.read(path, _NEEDED)
    code_of_all = _session_code(table)
    rows_of: dict[tuple[int, int, str], list[int]] = {}
    for row in range(table.size):
        session = code_of_all or table.text("Session", row) or ""
        key = (table.whole("Season", row, 1950, 2200), table.whole("RoundNumber", row, 1, 40), session)
        rows_of.setdefault(key, []).append(row)
    recordings, problems = [], []
    for (season, number, code), rows in sorted(rows_of.items()):
        try:
            race, kind = _session(table, rows[0], seasons, season, number, code)
            recordings.append(_recording(table, rows, seasons[season], race, kind))
        except BadSourceDataError as error:
            problems.append(error)
    return LapFile(path.name, tuple(recordings), tuple(problems))


class _Table:
    """A file's columns. A row is counted as an editor of tables would: the first is 1."""

    def __init__(self, name: str, columns: Mapping[str, Sequence[Any]], size: int) -> None:
        self.name = name
        self.size = size
        self._columns = columns

    @classmethod
    def read(cls, path: Path, needed: Collection[str]) -> _Table:
        _check_ends(path)
        try:
            read = arro3.io.read_parquet(path, batch_size=_ROWS_AT_ONCE).read_all()
        except BaseException as error:
            # A broken footer is a Rust panic to the library, which is no Exception and in no module.
            if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
                raise
            raise BadSourceDataError(f"is no whole parquet file: {error}", file=path.name) from error
        missing = [name for name in needed if name not in read.column_names]
        if missing:
            raise BadSourceDataError(f"has no column {', '.join(missing)}", file=path.name)
        columns: dict[str, Any] = {
            name: read.column(name).to_pylist() for name in (*needed, *_OPTIONAL) if name in read.column_names
        }
        return cls(path.name, columns, read.num_rows)

    def has(self, column: str) -> bool:
        return column in self._columns

    def bad(self, row: int, column: str, problem: str) -> BadSourceDataError:
        return BadSourceDataError(
            f"{column} {self._columns[column][row]!r} {problem}", file=self.name, row=row + 1
        )

    def text(self, column: str, row: int) -> str | None:
        values = self._columns.get(column)
        found = None if values is None else values[row]
        if found is None or isinstance(found, str):
            return found or None
        raise self.bad(row, column, "is no text")

    def flag(self, column: str, row: int) -> bool | None:
        values = self._columns.get(column)
        found = None if values is None else values[row]
        if found is None or isinstance(found, bool):
            return found
        raise self.bad(row, column, "is neither true nor false")

    def number(self, column: str, row: int, low: float, high: float) -> float | None:
        values = self._columns.get(column)
        found = None if values is None else values[row]
        if found is None or found != found:  # NaN, which is no number of anything
            return None
        if isinstance(found, bool) or not isinstance(found, int | float):
            raise self.bad(row, column, "is no number")
        if not low <= found <= high:
            raise self.bad(row, column, f"is not between {low:g} and {high:g}")
        return float(found)

    def whole(self, column: str, row: int, low: int, high: int) -> int:
        found = self.whole_or_none(column, row, low, high)
        if found is None:
            raise self.bad(row, column, "is missing")
        return found

    def whole_or_none(self, column: str, row: int, low: int, high: int) -> int | None:
        found = self.number(column, row, low, high)
        if found is not None and found != int(found):
            raise self.bad(row, column, "is no whole number")
        return None if found is None else int(found)

    def duration(self, column: str, row: int, low: float, high: float) -> timedelta | None:
        found = self.number(column, row, low, high)
        # To the millisecond: that is what is measured, the rest is what a float makes of it.
        return None if found is None else timedelta(milliseconds=round(1000 * found))


def _check_ends(path: Path) -> None:
    """That a file begins and ends as every parquet file does: what was cut off does not."""
    try:
        with path.open("rb") as file:
            begins = file.read(len(_MAGIC))
            file.seek(-min(len(_MAGIC), path.stat().st_size), SEEK_END)
            ends = file.read()
    except OSError as error:
        raise SourceUnavailableError(f"{path} cannot be read: {error.strerror}") from error
    if begins != _MAGIC or ends != _MAGIC:
        raise BadSourceDataError("is no whole parquet file", file=path.name)


def _session_code(table: _Table) -> str | None:
    """The session of all rows, where the file has no column for it."""
    if table.has("Session"):
        return None
    for prefix, code in _SESSION_OF_NAME.items():
        if table.name.startswith(prefix):
            return code
    names = " or ".join(f"{prefix}_….parquet" for prefix in _SESSION_OF_NAME)
    raise BadSourceDataError(
        f"has no column Session, and is not called {names} to tell which it is of", file=table.name
    )


def _session(
    table: _Table, row: int, seasons: Mapping[int, KnownSeason], season: int, number: int, code: str
) -> tuple[Race, SessionKind]:
    known = seasons.get(season)
    if known is None or not known.races:
        raise table.bad(row, "Season", "is not in the database: import its calendar first")
    race = known.races.get(number)
    if race is None:
        raise table.bad(row, "RoundNumber", f"does not exist; {season} has {max(known.races)} rounds")
    kind = _SESSIONS.get(code)
    if kind is None:
        raise table.bad(row, "Session", f"is none of {', '.join(_SESSIONS)}")
    if race.session(kind) is None:
        raise BadSourceDataError(f"{race.id} has no session {kind}", file=table.name, row=row + 1)
    return race, kind


def _recording(
    table: _Table, rows: Sequence[int], season: KnownSeason, race: Race, kind: SessionKind
) -> Recording:
    session = race.session(kind)
    assert session is not None
    who = _Identities(season, race, kind)
    who.recognise(table, rows)
    laps: dict[tuple[str, int], tuple[int, Lap]] = {}
    for row in rows:
        lap = _lap(table, row, who.driver_id(table, row))
        key = (lap.driver_id, lap.number)
        if key in laps:
            raise table.bad(
                row,
                "LapNumber",
                f"of {lap.driver_id} in {race.id} {kind} stands in row {laps[key][0] + 1} already",
            )
        laps[key] = (row, lap)
    in_order = [laps[key] for key in sorted(laps)]
    _check_order(table, in_order)
    ordered = tuple(lap for _, lap in in_order)
    return Recording(
        race_id=race.id,
        session=kind,
        part=SessionPart.LAPS,
        rows=ordered,
        known_at=session.ends_at,
        known_at_basis=KnownAtBasis.NOMINAL if session.is_nominal else KnownAtBasis.SESSION_END,
        source=SOURCE,
        source_version=table.name,
        missing=missing_laps(ordered, season.drove.get((race.id, kind), {})),
        invented=race.invented,
    )


class _Identities:
    """Who is meant by a code and a car number at one race.

    What was told by hand decides; else the code: first among those entered at the race, then among those of
    the season, for a guest. The number decides between two with one code, and where a row has no code. It
    never stands in for an unknown code: a file of another series has the numbers of ours.
    """

    def __init__(self, season: KnownSeason, race: Race, kind: SessionKind) -> None:
        self._race = race
        self._kind = kind
        self._where = f"{race.id} {kind}"
        self._told = season.told
        self._drivers = season.drivers
        self._here = [driver for driver in season.drivers if driver.race_id == race.id]
        self._found: dict[_Named, set[str]] = {}

    def recognise(self, table: _Table, rows: Sequence[int]) -> None:
        """Finds everybody in some rows.

        Raises:
            BadSourceDataError: Somebody cannot be mapped for certain; names all of them and says how to.
        """
        seen: dict[_Named, int] = {}
        for row in rows:
            seen.setdefault(_named(table, row), row)
        self._found = {named: self._meant(*named) for named in seen}
        unclear = [named for named in seen if len(self._found[named]) != 1]
        if unclear:
            raise BadSourceDataError(self._held_back(unclear), file=table.name, row=seen[unclear[0]] + 1)

    def driver_id(self, table: _Table, row: int) -> str:
        (found,) = self._found[_named(table, row)]
        return found

    def _meant(self, code: str | None, number: str | None) -> set[str]:
        if code is None:
            return self._in_car(number)
        if code in self._told:
            return {self._told[code]}
        # A guest has a number of her own: in somebody else's car the code is another series'.
        guests = [] if self._in_car(number) else self._drivers
        return _called(self._here, code, number) or _called(guests, code, number)

    def _in_car(self, number: str | None) -> set[str]:
        return {one.driver_id for one in self._here if number is not None and one.car_number == number}

    def _held_back(self, unclear: Sequence[_Named]) -> str:
        season, number = self._race.season, self._race.round
        code = min((code for code, _ in unclear if code is not None), default="CODE")
        return (
            f"nothing of {self._where} was stored, because it is not certain who is meant by "
            f"{', '.join(sorted(self._in_words(*named) for named in unclear))}. Say who each is with: "
            f"f1graph identity driver fastf1 {season} {code} some-slug, and import the file again; or get "
            f"the session itself: f1graph fetch {season} {number} {_CODES[self._kind]}. Who was never "
            "entered in Formula 1 has no slug, and a session with such a driver stays out"
        )

    def _in_words(self, code: str | None, number: str | None) -> str:
        who = f"{code or 'a driver without a code'} in car {number or 'without a number'}"
        if found := self._found[code, number]:
            return f"{who} (may be any of {', '.join(sorted(found))})"
        if here := self._in_car(number):
            return f"{who} ({', '.join(sorted(here))} has that number there)"
        return f"{who} (nobody entered in {self._race.season})"


def _named(table: _Table, row: int) -> _Named:
    return table.text("Driver", row), table.text("DriverNumber", row)


def _called(drivers: Sequence[KnownDriver], code: str, number: str | None) -> set[str]:
    called = [one for one in drivers if one.code == code]
    found = {one.driver_id for one in called}
    if len(found) > 1:
        found = {one.driver_id for one in called if one.car_number == number} or found
    return found


def _lap(table: _Table, row: int, driver_id: str) -> Lap:
    compound = table.text("Compound", row)
    if compound is not None and compound not in _COMPOUNDS:
        raise table.bad(row, "Compound", f"is none of {', '.join(_COMPOUNDS)}")
    status = table.text("TrackStatus", row)
    if status is not None and not set(status) <= set("012345678"):
        raise table.bad(row, "TrackStatus", "has other signs than the codes 0 to 8")
    recorded = (0.0, _LONGEST_RECORDING)
    sector = (0.001, _LONGEST_LAP)
    speed = (0.0, _FASTEST)
    return Lap(
        driver_id=driver_id,
        number=table.whole("LapNumber", row, 1, _MOST_LAPS),
        at=table.duration("Time", row, *recorded),
        time=table.duration("LapTime", row, _SHORTEST_LAP, _LONGEST_LAP),
        sector_1=table.duration("Sector1Time", row, *sector),
        sector_2=table.duration("Sector2Time", row, *sector),
        sector_3=table.duration("Sector3Time", row, *sector),
        stint=table.whole_or_none("Stint", row, 1, 50),
        compound=None if compound is None else _COMPOUNDS[compound],
        compound_name=table.text("CompoundName", row),
        tyre_life=table.whole_or_none("TyreLife", row, 0, _MOST_LAPS),
        fresh_tyre=table.flag("FreshTyre", row),
        pit_in_at=table.duration("PitInTime", row, *recorded),
        pit_out_at=table.duration("PitOutTime", row, *recorded),
        track_status=status,
        position=table.whole_or_none("Position", row, 1, _MOST_CARS),
        is_personal_best=table.flag("IsPersonalBest", row),
        is_accurate=table.flag("IsAccurate", row),
        deleted=table.flag("Deleted", row),
        deleted_reason=table.text("DeletedReason", row),
        speed_1=table.number("SpeedI1", row, *speed),
        speed_2=table.number("SpeedI2", row, *speed),
        speed_finish=table.number("SpeedFL", row, *speed),
        speed_trap=table.number("SpeedST", row, *speed),
    )


def _check_order(table: _Table, laps: Sequence[tuple[int, Lap]]) -> None:
    """That nobody ends a lap before the one before it."""
    driver, last = "", timedelta(0)
    for row, lap in laps:
        if lap.driver_id != driver:
            driver, last = lap.driver_id, timedelta(0)
        if lap.at is None:
            continue
        if lap.at < last:
            raise table.bad(
                row, "Time", f"is before the lap before it ended, {last / timedelta(seconds=1):g}"
            )
        last = lap.at


def missing_laps(laps: Sequence[Lap], drove: Mapping[str, int | None]) -> str | None:
    """What a recording lacks beside who took part in the session and how far; None for nothing.

    A driver who is known to have driven no lap lacks none. That one or two laps of a driver are missing
    or too many is usual (a lap on which a car retires) and not told.
    """
    drivers = {lap.driver_id for lap in laps}
    expected = {driver_id for driver_id, number in drove.items() if number != 0}
    absent = sorted(expected - drivers)
    last = max((lap.number for lap in laps), default=0)
    end = max((number or 0 for number in drove.values()), default=0)
    problems = list(_in_words(absent, len(expected), last, end))
    return "; ".join(problems) or None


def _in_words(absent: Sequence[str], expected: int, last: int, end: int) -> Iterator[str]:
    if absent:
        yield f"laps of {expected - len(absent)} of {expected} drivers, none of {', '.join(absent)}"
    if last < end:
        yield f"ends at lap {last} of {end}"
