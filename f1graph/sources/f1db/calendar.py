"""The calendar: each race of each season with the sessions of its weekend."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from f1graph.races.calendar import (
    SESSION_LENGTHS,
    Race,
    Session,
    SessionKind,
    nominal_session,
    race_id,
    weekend_format,
)
from f1graph.races.times import utc
from f1graph.sources.f1db.archive import Release, Row
from f1graph.sources.f1db.reference import Reference, known

RACES = "f1db-races.csv"
CALENDAR_FILES = (RACES,)

# The columns that hold a session's date and time begin like this.
_SESSION_COLUMNS: dict[SessionKind, str] = {
    SessionKind.PRE_QUALIFYING: "preQualifying",
    SessionKind.PRACTICE_1: "freePractice1",
    SessionKind.PRACTICE_2: "freePractice2",
    SessionKind.PRACTICE_3: "freePractice3",
    SessionKind.PRACTICE_4: "freePractice4",
    SessionKind.QUALIFYING_1: "qualifying1",
    SessionKind.QUALIFYING_2: "qualifying2",
    SessionKind.QUALIFYING: "qualifying",
    SessionKind.SPRINT_QUALIFYING: "sprintQualifying",
    SessionKind.SPRINT: "sprintRace",
    SessionKind.WARM_UP: "warmingUp",
}
_COLUMNS = (
    "id", "year", "round", "date", "time", "grandPrixId", "officialName", "qualifyingFormat",
    "sprintQualifyingFormat", "circuitId", "laps", "distance", "scheduledLaps", "scheduledDistance",
    *(f"{prefix}Date" for prefix in _SESSION_COLUMNS.values()),
    *(f"{prefix}Time" for prefix in _SESSION_COLUMNS.values()),
)  # fmt: skip
# The championship began in 1950; the other end only has to be far away and within what a date can hold.
_SEASONS = range(1950, 2200)
# A weekend with all its sessions takes four days, even where it was spread over a week long ago.
_LONGEST_WEEKEND = timedelta(days=14)
# Race files point to a race by this number; our own ids are made of season and Grand Prix.
RaceNumber = int


@dataclass(frozen=True, slots=True)
class ListedRace:
    """A line of the calendar, before it is known which sessions have results.

    Attributes:
        recorded: The sessions whose time the release tells.
    """

    row: Row
    id: str
    season: int
    round: int
    date: date
    has_sprint: bool
    recorded: Mapping[SessionKind, datetime]


def read_calendar(release: Release, reference: Reference) -> dict[RaceNumber, ListedRace]:
    """The races by the number that the other files use for them.

    Raises:
        BadSourceDataError: A race twice (by number, by season and round, by season and Grand Prix), an
            unknown circuit or Grand Prix, a date or time that is none.
    """
    races: dict[RaceNumber, ListedRace] = {}
    places: dict[object, int] = {}
    for row in release.rows(RACES, _COLUMNS):
        number, season, round_ = row.count("id"), row.count("year"), row.count("round")
        grand_prix = known(row, "grandPrixId", reference.grands_prix, "Grand Prix")
        known(row, "circuitId", reference.circuits, "circuit")
        for what, key in (
            (f"id {number}", number),
            (f"{season} round {round_}", (season, round_)),
            (f"{season} {grand_prix!r}", (season, grand_prix)),
        ):
            if key in places:
                raise row.error(f"{what} is already in row {places[key]}")
            places[key] = row.number
        races[number] = _listed(row, race_id(season, grand_prix), season, round_)
    return races


def _listed(row: Row, id_: str, season: int, round_: int) -> ListedRace:
    if season not in _SEASONS:
        raise row.error(f"year is {season}, not one of the championship")
    race_date = row.optional_date("date")
    if race_date is None:
        raise row.error("date is empty")
    if race_date.year != season:
        raise row.error(f"date is {race_date}, but year is {season}")
    recorded = {
        kind: moment
        for kind, prefix in _SESSION_COLUMNS.items()
        if (moment := _moment(row, f"{prefix}Date", f"{prefix}Time")) is not None
    }
    for kind, moment in recorded.items():
        if abs(moment.date() - race_date) > _LONGEST_WEEKEND:
            raise row.error(
                f"{_SESSION_COLUMNS[kind]} is on {moment.date()}, far from the race on {race_date}"
            )
    if (starts_at := _moment(row, "date", "time")) is not None:
        recorded[SessionKind.RACE] = starts_at
        for kind, moment in recorded.items():
            if moment > starts_at:
                raise row.error(f"{_SESSION_COLUMNS[kind]} begins at {moment}, after the race at {starts_at}")
    has_sprint = SessionKind.SPRINT in recorded or bool(
        row.cell("sprintQualifyingFormat") or row.cell("qualifyingFormat") == "SPRINT_RACE"
    )
    return ListedRace(row, id_, season, round_, race_date, has_sprint, recorded)


def _moment(row: Row, date_column: str, time_column: str) -> datetime | None:
    """Date and time of one session in UTC; None where the time is not recorded, with a date or without."""
    day, clock_time = row.optional_date(date_column), row.optional_time(time_column)
    if clock_time is None:
        return None
    if day is None:
        raise row.error(f"{time_column} is {row.cell(time_column)!r}, but {date_column} is empty")
    return utc(datetime.combine(day, clock_time.replace(tzinfo=None)))


def as_race(listed: ListedRace, reference: Reference, *, with_results: Set[SessionKind]) -> Race:
    """The race with every session that has a time or results.

    Args:
        with_results: Sessions of this race that the release has results of.
    """
    row = listed.row
    weekend = weekend_format(
        listed.season, has_sprint=listed.has_sprint or SessionKind.SPRINT in with_results
    )
    race_nominal = nominal_session(SessionKind.RACE, race_date=listed.date, weekend=weekend)
    race_starts_at = listed.recorded.get(SessionKind.RACE, race_nominal.starts_at)
    # A session without a time keeps its usual distance to a race whose time is recorded.
    shift = race_starts_at - race_nominal.starts_at
    sessions = []
    for kind in {SessionKind.RACE, *listed.recorded, *with_results}:
        if (starts_at := listed.recorded.get(kind)) is not None:
            sessions.append(Session(kind, starts_at, starts_at + SESSION_LENGTHS[kind]))
            continue
        nominal = nominal_session(kind, race_date=listed.date, weekend=weekend)
        sessions.append(Session(kind, nominal.starts_at + shift, nominal.ends_at + shift, is_nominal=True))
    order = {kind: index for index, kind in enumerate(SessionKind)}
    grand_prix = row.text("grandPrixId")
    return Race(
        id=listed.id,
        season=listed.season,
        round=listed.round,
        grand_prix_id=grand_prix,
        name=reference.grands_prix[grand_prix],
        official_name=row.text("officialName"),
        circuit_id=row.text("circuitId"),
        date=listed.date,
        format=weekend,
        sessions=tuple(sorted(sessions, key=lambda session: (session.starts_at, order[session.kind]))),
        # F1DB names the scheduled laps only where the race was shortened, or else changed.
        scheduled_laps=row.optional_count("scheduledLaps") or row.optional_count("laps"),
        distance_km=row.optional_decimal("scheduledDistance") or row.optional_decimal("distance"),
    )
