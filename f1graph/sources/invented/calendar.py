"""Where and when an invented season races: the circuits, and each season's Grands Prix with all sessions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from f1graph.races.calendar import (
    SESSION_LENGTHS,
    Circuit,
    Race,
    Session,
    SessionKind,
    WeekendFormat,
    race_id,
)
from f1graph.sources.invented.names import PLACES, Place
from f1graph.sources.invented.randomness import Stream, generator

MOST_RACES = len(PLACES)
SPRINT_WEEKENDS = 6
_RACE_DISTANCE_KM = 305.0

# Days before the race and local time. The race itself starts at 13, 14 or 15 o'clock, by circuit.
_CONVENTIONAL = (
    (SessionKind.PRACTICE_1, 2, time(12, 30)),
    (SessionKind.PRACTICE_2, 2, time(16, 0)),
    (SessionKind.PRACTICE_3, 1, time(11, 30)),
    (SessionKind.QUALIFYING, 1, time(15, 0)),
)
_SPRINT = (
    (SessionKind.PRACTICE_1, 2, time(12, 30)),
    (SessionKind.SPRINT_QUALIFYING, 2, time(16, 30)),
    (SessionKind.SPRINT, 1, time(11, 0)),
    (SessionKind.QUALIFYING, 1, time(15, 0)),
)


@dataclass(frozen=True, slots=True)
class CircuitTruth:
    """A circuit and what it does to a race.

    Attributes:
        place_cost: Seconds per lap that each place further back on the grid costs: how hard overtaking is.
        attrition: Factor on the risk of an accident.
        wet_chance: Of a session being wet.
        lap_time: Of an average car in the dry.
    """

    circuit: Circuit
    grand_prix: str
    place_cost: float
    attrition: float
    wet_chance: float
    lap_time: timedelta
    race_hour: int

    @property
    def laps(self) -> int:
        return -int(-_RACE_DISTANCE_KM // self.circuit.length_km)


def all_circuits(seed: int) -> tuple[CircuitTruth, ...]:
    """Every circuit of the world, in the order in which a season visits them."""
    return tuple(_circuit(seed, index, place) for index, place in enumerate(PLACES))


def _circuit(seed: int, index: int, place: Place) -> CircuitTruth:
    rng = generator(seed, Stream.CIRCUITS, round_=index)
    length_km = round(float(rng.uniform(4.2, 6.2)), 3)
    metres_per_second = float(rng.uniform(57, 66))
    is_street = place.kind == "STREET"
    return CircuitTruth(
        circuit=Circuit(
            id=f"invented-{place.slug}",
            name=place.circuit,
            full_name=f"{place.circuit}, {place.town} (invented)",
            place=place.town,
            country=place.country,
            country_code=place.country_code,
            latitude=place.latitude,
            longitude=place.longitude,
            time_zone=place.time_zone,
            kind=place.kind,
            length_km=length_km,
            turns=int(rng.integers(11, 23)),
            invented=True,
        ),
        grand_prix=place.grand_prix,
        place_cost=float(rng.uniform(0.045, 0.07) if is_street else rng.uniform(0.015, 0.045)),
        attrition=float(rng.uniform(1.2, 2.0) if is_street else rng.uniform(0.6, 1.3)),
        wet_chance=float(rng.uniform(0.04, 0.25)),
        lap_time=timedelta(seconds=length_km * 1000 / metres_per_second),
        race_hour=13 + index % 3,
    )


def season_calendar(seed: int, season: int, *, races: int) -> tuple[Race, ...]:
    """The Grands Prix of a season, one about every two weeks from mid-March to early December."""
    rng = generator(seed, Stream.CALENDAR, season)
    circuits = all_circuits(seed)
    visited = sorted(rng.choice(len(circuits), size=races, replace=False).tolist())
    sprints = set(rng.choice(races, size=min(SPRINT_WEEKENDS, races // 3), replace=False).tolist())
    return tuple(
        _race(season, index + 1, circuits[place], race_date, has_sprint=index in sprints)
        for index, (place, race_date) in enumerate(zip(visited, _race_sundays(season, races), strict=True))
    )


def _race_sundays(season: int, races: int) -> list[date]:
    first = _sunday_on_or_after(date(season, 3, 12))
    last = _sunday_on_or_after(date(season, 12, 1))
    weeks = (last - first).days // 7
    return [first + timedelta(weeks=round(index * weeks / max(races - 1, 1))) for index in range(races)]


def _sunday_on_or_after(day: date) -> date:
    return day + timedelta(days=6 - day.weekday())


def _race(season: int, round_: int, truth: CircuitTruth, sunday: date, *, has_sprint: bool) -> Race:
    zone = ZoneInfo(truth.circuit.time_zone)
    timetable = (*(_SPRINT if has_sprint else _CONVENTIONAL), (SessionKind.RACE, 0, time(truth.race_hour)))
    sessions = tuple(_session(kind, sunday - timedelta(days=days), at, zone) for kind, days, at in timetable)
    grand_prix_id = truth.circuit.id
    return Race(
        id=race_id(season, grand_prix_id),
        season=season,
        round=round_,
        grand_prix_id=grand_prix_id,
        name=f"{truth.grand_prix} Grand Prix",
        official_name=f"Invented {truth.grand_prix} Grand Prix {season}",
        circuit_id=truth.circuit.id,
        date=sessions[-1].starts_at.date(),
        # Every invented season sprints as the real one does since 2024.
        format=WeekendFormat.SPRINT_BEFORE_QUALIFYING if has_sprint else WeekendFormat.CONVENTIONAL,
        sessions=sessions,
        scheduled_laps=truth.laps,
        distance_km=round(truth.laps * truth.circuit.length_km, 3),
        invented=True,
    )


def _session(kind: SessionKind, day: date, local_start: time, zone: ZoneInfo) -> Session:
    starts_at = datetime.combine(day, local_start, tzinfo=zone).astimezone(UTC)
    return Session(kind, starts_at, starts_at + SESSION_LENGTHS[kind])
