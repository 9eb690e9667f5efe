"""What a newly announced schedule changes in the calendar: sessions moved, races cancelled. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from f1graph.races.calendar import SESSION_LENGTHS, Race, Session, SessionKind
from f1graph.races.facts import Facts
from f1graph.sources.fastf1 import Part, ProblemCode, ScheduledRace
from f1graph.sources.identity import fold

# A schedule that lacks more of the races to come than this, or one that was held, is half an answer, and
# cancels nothing.
_CANCELLED_AT_ONCE = 2
_SAME_WEEKEND = timedelta(days=3)


@dataclass(frozen=True, slots=True)
class Changes:
    """Races that are not as stored, as they are now; and what could not be used, as the ledger keeps it."""

    races: tuple[Race, ...]
    problems: tuple[dict[str, Any], ...]


def rescheduled(stored: Sequence[Race], announced: Sequence[ScheduledRace], *, now: datetime) -> Changes:
    """What changes in the races to come; those that have begun stay as they are.

    Races are recognised by name or days, never by their round, which shifts when one is cancelled.
    """
    pairs = _pairs(stored, announced)
    to_come = [race for race in stored if race.weekend_starts_at > now]
    lacking = [race for race in stored if pairs[race.id] is None and not race.is_cancelled]
    gone = [race for race in lacking if race in to_come]
    problems: list[dict[str, Any]] = []
    changed = [
        new for race in to_come if (one := pairs[race.id]) is not None and (new := _moved(race, one)) != race
    ]
    if len(lacking) > len(gone):
        names = ", ".join(race.name for race in lacking if race not in gone)
        problems.append(_problem(ProblemCode.CONTRADICTION, f"it lacks races that were held: {names}"))
    elif len(gone) <= _CANCELLED_AT_ONCE:
        changed += [replace(race, is_cancelled=True) for race in gone]
    else:
        names = ", ".join(race.name for race in gone)
        problems.append(_problem(ProblemCode.CONTRADICTION, f"it lacks {len(gone)} races to come: {names}"))
    problems += [
        _problem(ProblemCode.UNKNOWN_ID, f"no race of ours is the {one.name}: a newer F1DB release has it")
        for one in announced
        if one not in pairs.values()
    ]
    return Changes(tuple(changed), tuple(problems))


def _pairs(stored: Sequence[Race], announced: Sequence[ScheduledRace]) -> dict[str, ScheduledRace | None]:
    """A race may be renamed or moved, not both at once: by its name, else by its days.

    Where a country has two races, the name of the one may be given to the other: Madrid 2026 is the Spanish
    Grand Prix, which was Barcelona's. If a race's days are announced under a name that nobody had, and its
    name for the days of a race that has lost its own, then names have moved, not races.
    """
    by_name = {race.id: next((one for one in announced if _has_name(race, one)), None) for race in stored}
    by_days = {race.id: next((one for one in announced if _has_days(race, one)), None) for race in stored}
    named = [one for one in by_name.values() if one is not None]
    renamed = [one for id_, one in by_days.items() if by_name[id_] is None]
    pairs = {}
    for race in stored:
        name, days = by_name[race.id], by_days[race.id]
        has_lent_its_name = name in renamed and days is not None and days not in named
        pairs[race.id] = days if name is None or has_lent_its_name else name
    return pairs


def _has_name(race: Race, announced: ScheduledRace) -> bool:
    return fold(announced.name) in {fold(race.name), fold(race.official_name)}


def _has_days(race: Race, announced: ScheduledRace) -> bool:
    starts = announced.session(SessionKind.RACE)
    return starts is not None and abs(starts.starts_at.date() - race.date) < _SAME_WEEKEND


def _moved(race: Race, announced: ScheduledRace) -> Race:
    """The race with the announced sessions; lengths stay, and so does what the schedule does not speak of."""
    if not announced.sessions:
        return race
    sessions: list[Session] = []
    for one in announced.sessions:
        old = race.session(one.kind)
        if old is not None and old.starts_at == one.starts_at and not old.is_nominal:
            sessions.append(old)
        else:
            length = old.ends_at - old.starts_at if old is not None else SESSION_LENGTHS[one.kind]
            sessions.append(Session(one.kind, one.starts_at, one.starts_at + length))
    sessions.sort(key=lambda session: session.starts_at)
    if race.race_session.kind not in {session.kind for session in sessions}:
        return race
    moved = replace(
        race,
        round=announced.round,
        format=announced.format,
        sessions=tuple(sessions),
        is_cancelled=False,
    )
    return replace(moved, date=moved.starts_at.date())


def as_facts(races: Sequence[Race], *, source: str, now: datetime) -> Facts:
    """Races alone, to be stored."""
    return Facts(
        source=source,
        version=f"schedule of {now:%Y-%m-%d %H:%M}",
        content_hash=hashlib.sha256(repr(tuple(races)).encode()).hexdigest(),
        circuits=(),
        drivers=(),
        constructors=(),
        races=tuple(races),
        classifications=(),
    )


def _problem(code: ProblemCode, reason: str) -> dict[str, Any]:
    return {"part": Part.SCHEDULE.value, "code": code.value, "reason": reason, "host": None}
