"""What FastF1 calls the sessions of a weekend, which changed with the format, and whose answer it is."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from f1graph.errors import BadSourceDataError
from f1graph.races.calendar import Race, SessionKind, WeekendFormat
from f1graph.sources.fastf1.answers import ScheduledRace, ScheduledSession
from f1graph.sources.fastf1.values import moment
from f1graph.sources.identity import fold

_FORMATS = {
    "conventional": WeekendFormat.CONVENTIONAL,
    "sprint": WeekendFormat.SPRINT_SETS_GRID,
    "sprint_shootout": WeekendFormat.SPRINT_AFTER_QUALIFYING,
    "sprint_qualifying": WeekendFormat.SPRINT_BEFORE_QUALIFYING,
}
_NAMES = {
    SessionKind.PRACTICE_1: ("Practice 1",),
    SessionKind.PRACTICE_2: ("Practice 2",),
    SessionKind.PRACTICE_3: ("Practice 3",),
    SessionKind.QUALIFYING: ("Qualifying",),
    SessionKind.RACE: ("Race",),
}
# Two races of a calendar are at least this far apart; a race is moved within its weekend by less.
_SAME_WEEKEND = timedelta(days=3)
_SAME_SESSION = timedelta(hours=36)


def names_of(session: SessionKind, season: int) -> tuple[str, ...]:
    """What the schedule may call it: "Sprint Qualifying" was the sprint of 2021, and no longer is."""
    if session is SessionKind.SPRINT:
        return ("Sprint", "Sprint Qualifying") if season <= 2021 else ("Sprint",)
    if session is SessionKind.SPRINT_QUALIFYING:
        return () if season <= 2022 else ("Sprint Shootout",) if season == 2023 else ("Sprint Qualifying",)
    return _NAMES.get(session, ())


def scheduled_race(event: dict[str, Any]) -> ScheduledRace:
    """Raises:
    BadSourceDataError: The weekend contradicts itself.
    """
    season, name = int(event["season"]), str(event["name"])
    weekend = _FORMATS.get(str(event["format"]))
    if weekend is None:
        raise BadSourceDataError(f"{season} {name} has the unknown format {event['format']!r}")
    kinds = {called: kind for kind in SessionKind for called in names_of(kind, season)}
    sessions = []
    for called, starts_at in event["sessions"]:
        if called is None or starts_at is None:
            continue
        if called not in kinds:
            raise BadSourceDataError(f"{season} {name} has the unknown session {called!r}")
        sessions.append(ScheduledSession(kinds[called], moment(starts_at, f"the start of {called}")))
    kinds_found = [session.kind for session in sessions]
    starts = [session.starts_at for session in sessions]
    if SessionKind.RACE not in kinds_found or len(set(kinds_found)) != len(kinds_found):
        raise BadSourceDataError(f"{season} {name} needs one race and no session twice, not {kinds_found}")
    if starts != sorted(starts):
        raise BadSourceDataError(f"the sessions of {season} {name} are not in the order of their start")
    return ScheduledRace(
        season=season,
        round=int(event["round"]),
        name=name,
        official_name=str(event["official_name"] or ""),
        country=str(event["country"] or ""),
        place=str(event["place"] or ""),
        format=weekend,
        sessions=tuple(sessions),
    )


def why_another_race(event: ScheduledRace, race: Race) -> str | None:
    """Why the schedule's weekend is not the race that was meant; None if it is.

    A race may be renamed or moved, not both at once: same name or same days.
    """
    described = f"{event.season} round {event.round} is {event.name}"
    asked = f"{race.id} ({race.name}, round {race.round}, {race.date})"
    if (event.season, event.round) != (race.season, race.round):
        return f"{described}, but {asked} was asked for"
    starts = event.session(SessionKind.RACE)
    if starts is not None and starts.starts_at.year != race.season:
        # Last year's race may have had the same name and round.
        return f"{described} in {starts.starts_at.year}, but {asked} was asked for"
    if fold(event.name) in {fold(race.name), fold(race.official_name)}:
        return None
    if starts is not None and abs(starts.starts_at.date() - race.date) < _SAME_WEEKEND:
        return None
    return f"{described} on other days, but {asked} was asked for"


def why_another_season(races: Sequence[ScheduledRace], season: int) -> str | None:
    """Why a schedule is another year's; None if it is the season's own."""
    years = sorted({session.starts_at.year for race in races for session in race.sessions} - {season})
    return f"the schedule of {season} has sessions in {years[0]}" if years else None


def why_another_session(info: dict[str, Any], event: ScheduledRace, session: SessionKind) -> str | None:
    """Why the timing archive's own description is of something else; None if it fits or says nothing."""
    meeting = info.get("Meeting") or {}
    if meeting.get("Name") and fold(str(meeting["Name"])) != fold(event.name):
        return f"the archive describes {meeting['Name']}, not {event.name}"
    called = info.get("Name")
    if called and called not in names_of(session, event.season):
        return f"the archive describes {called!r}, not the {session.value.lower()} of {event.name}"
    starts_at, scheduled = info.get("StartDate"), event.session(session)
    if starts_at and scheduled:
        local = moment(starts_at, "the start of the session")
        utc_start = local - timedelta(milliseconds=info.get("GmtOffset") or 0)
        if abs(utc_start - scheduled.starts_at) > _SAME_SESSION:
            return f"the archive describes a session of {utc_start}, not of {scheduled.starts_at}"
    return None
