"""A made-up weekend of two days, small enough to write by hand, as the three hosts of FastF1 would serve it.

Twenty cars in the order of their numbers; practice and qualifying have four laps, the race has five.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from f1graph.races.calendar import SESSION_LENGTHS, Session, SessionKind
from f1graph.races.facts import Facts
from f1graph.races.results import ClassificationKind, ClassificationRow
from tests.builders import a_circuit, a_list
from tests.sources.fastf1.hand_made import DRIVERS, KNOWN, TEAMS
from tests.sources.fastf1.hand_made import RACE as ITS_RACE

RACE_LAPS = 5
_OTHER_LAPS = 4
_POINTS = (25, 18, 15, 12, 10, 8, 6, 4, 2, 1)
# What the schedule and the archive call each session, and when it begins.
SESSIONS = {
    SessionKind.PRACTICE_1: ("Practice 1", datetime(2030, 6, 1, 10, tzinfo=UTC)),
    SessionKind.QUALIFYING: ("Qualifying", datetime(2030, 6, 1, 14, tzinfo=UTC)),
    SessionKind.RACE: ("Race", datetime(2030, 6, 2, 13, tzinfo=UTC)),
}
RACE = replace(
    ITS_RACE,
    round=1,
    scheduled_laps=RACE_LAPS,
    sessions=tuple(
        Session(kind, starts_at, starts_at + SESSION_LENGTHS[kind])
        for kind, (_, starts_at) in SESSIONS.items()
    ),
)
ENTRY_LIST = a_list(
    RACE,
    ClassificationKind.ENTRY_LIST,
    [
        ClassificationRow(
            order=order,
            driver_id=entry.driver_id,
            constructor_id=entry.constructor_id,
            engine_id=entry.engine_id,
            car_number=entry.car_number,
        )
        for order, entry in enumerate(KNOWN.entries, start=1)
    ],
    known_at=RACE.weekend_starts_at - timedelta(days=3),
)


@dataclass(frozen=True)
class Release:
    """F1DB knows who is entered, and says no more for a month."""

    name: str = "f1db"

    async def fetch(self, *, now: datetime) -> Facts:
        return Facts(
            source=self.name,
            version="2030.05",
            content_hash="the release of May 2030",
            circuits=(a_circuit(RACE.circuit_id),),
            drivers=DRIVERS,
            constructors=TEAMS,
            races=(RACE,),
            classifications=(ENTRY_LIST,),
        )


def address(kind: SessionKind, page: str) -> str:
    """Where the archive has a page of a session."""
    name, starts_at = SESSIONS[kind]
    session = f"{starts_at:%Y-%m-%d}_{name.replace(' ', '_')}"
    return f"/static/2030/{RACE.date}_Atlantis_Grand_Prix/{session}/{page}.jsonStream"


def ergast(page: str) -> str:
    return f"/ergast/f1/2030/1/{page}.json"


def everything() -> dict[str, str]:
    """What the hosts serve when all is well, by path."""
    served = {
        "/schedule/schedule_2030.json": json.dumps(_schedule()),
        ergast("results"): race_result(),
        ergast("qualifying"): _ergast("QualifyingResults", [_qualified(place) for place in range(1, 21)]),
    }
    for kind in SESSIONS:
        for page, content in _recorded(kind):
            served[address(kind, page)] = content
    return served


def race_result(*, disqualified: str = "") -> str:
    """The race by Ergast; who is disqualified is listed last, and everybody behind her gains a place."""
    cars = [str(number) for number in range(1, 21) if str(number) != disqualified]
    rows = [_finished(car, place) for place, car in enumerate(cars, start=1)]
    if disqualified:
        out = _finished(disqualified, 20)
        rows.append(out | {"positionText": "D", "points": "0", "status": "Disqualified"})
    return _ergast("Results", rows)


def _schedule() -> dict[str, dict[str, Any]]:
    row: dict[str, Any] = {
        "round_number": 1,
        "country": "Atlantis",
        "location": "Poseidonis",
        "official_event_name": RACE.official_name,
        "event_date": f"{RACE.date}T00:00:00",
        "event_name": RACE.name,
        "event_format": "conventional",
        "gmt_offset": "00:00",
        "f1_api_support": True,
    }
    for number, (name, starts_at) in enumerate(SESSIONS.values(), start=1):
        row |= {f"session{number}": name, f"session{number}_date": f"{starts_at:%Y-%m-%dT%H:%M:%S}"}
    for number in range(len(SESSIONS) + 1, 6):
        row |= {f"session{number}": None, f"session{number}_date": None}
    return {column: {"0": value} for column, value in row.items()}


def _ergast(key: str, rows: list[dict[str, Any]]) -> str:
    race = {
        "season": "2030", "round": "1", "raceName": RACE.name, "date": str(RACE.date), key: rows,
        "Circuit": {"circuitId": "a", "circuitName": "A", "Location": {"country": "Atlantis"}},
    }  # fmt: skip
    table = {"season": "2030", "round": "1", "Races": [race]}
    return json.dumps({"MRData": {"limit": "30", "offset": "0", "total": "20", "RaceTable": table}})


def _who(car: str) -> dict[str, Any]:
    driver, team = DRIVERS[int(car) - 1], TEAMS[(int(car) - 1) // 2]
    return {
        "number": car,
        "Driver": {
            "driverId": driver.last_name.lower(),
            "code": driver.code,
            "givenName": driver.first_name,
            "familyName": driver.last_name,
        },
        "Constructor": {"constructorId": "t", "name": team.name},
    }


def _finished(car: str, place: int) -> dict[str, Any]:
    gap = "7:30.000" if place == 1 else f"+{place}.000"
    return _who(car) | {
        "position": str(place),
        "positionText": str(place),
        "points": str(_POINTS[place - 1] if place <= len(_POINTS) else 0),
        "grid": car,
        "laps": str(RACE_LAPS),
        "status": "Finished",
        "Time": {"millis": str(450_000 + (0 if place == 1 else 1000 * place)), "time": gap},
    }


def _qualified(place: int) -> dict[str, Any]:
    parts = ((1, 20), (2, 15), (3, 10))
    times = {f"Q{part}": f"1:2{part}.{100 + place}" for part, last in parts if place <= last}
    return _who(str(place)) | {"position": str(place)} | times


def _recorded(kind: SessionKind) -> Iterator[tuple[str, str]]:
    name, starts_at = SESSIONS[kind]
    laps = RACE_LAPS if kind is SessionKind.RACE else _OTHER_LAPS
    # No two recordings are equally long when their session begins.
    begun = 600 + list(SESSIONS).index(kind)
    yield "SessionInfo", _stream((0, {
        "Meeting": {"Name": RACE.name}, "Name": name, "GmtOffset": "00:00:00",
        "StartDate": f"{starts_at:%Y-%m-%dT%H:%M:%S}", "EndDate": f"{starts_at:%Y-%m-%dT23:00:00}",
        "Type": name.split()[0],
    }))  # fmt: skip
    yield "DriverList", _stream((0, {
        str(number): {
            "RacingNumber": str(number), "Tla": driver.code, "Line": number, "TeamColour": "ffffff",
            "TeamName": TEAMS[(number - 1) // 2].name, "Reference": driver.code,
            "FirstName": driver.first_name, "LastName": driver.last_name,
            "BroadcastName": driver.name, "FullName": driver.name,
        }
        for number, driver in enumerate(DRIVERS, start=1)
    }))  # fmt: skip
    yield "SessionStatus", _stream(
        (0, {"Status": "Inactive"}), (begun, {"Status": "Started"}),
        (begun + laps * _lap_of(1), {"Status": "Finished"}), (1500, {"Status": "Ends"}),
    )  # fmt: skip
    yield "TrackStatus", _stream((0, {"Status": "1", "Message": "AllClear"}))
    yield "TimingData", _stream(*_timing(begun, laps))
    yield "TimingAppData", _stream(
        (begun + 1, {"Lines": {
            str(number): {"Stints": {"0": {
                "LapFlags": 0, "Compound": "MEDIUM", "New": "true", "TyresNotChanged": "0", "TotalLaps": 0,
                "StartLaps": 0,
            }}}
            for number in range(1, 21)
        }}),
    )  # fmt: skip
    yield "WeatherData", _stream(*((at, {
        "AirTemp": "21.5", "Humidity": "50.0", "Pressure": "1010.0", "Rainfall": "0",
        "TrackTemp": "30.0", "WindDirection": "180", "WindSpeed": "1.0",
    }) for at in (60, 120, 900)))  # fmt: skip
    message = {
        "Utc": f"{starts_at:%Y-%m-%dT%H:%M:%S}", "Category": "Flag", "Flag": "GREEN", "Scope": "Track",
        "Message": "GREEN LIGHT",
    }  # fmt: skip
    yield "RaceControlMessages", _stream((begun, {"Messages": [message]}))
    if kind is SessionKind.RACE:
        yield "LapCount", _stream((0, {"CurrentLap": 1, "TotalLaps": laps}))


def _lap_of(car: int) -> float:
    return 90 + 3 * car / 10


def _timing(begun: int, laps: int) -> Iterator[tuple[float, Any]]:
    cars = range(1, 21)
    yield 1, {"Lines": {str(car): {"Line": car, "Position": str(car), "InPit": True} for car in cars}}
    yield begun, {"Lines": {str(car): {"InPit": False, "PitOut": True} for car in cars}}
    for lap in range(1, laps + 1):
        for car in cars:
            took = _lap_of(car)
            at = begun + lap * took
            for sector in (0, 1, 2):
                value = {"Sectors": {str(sector): {"Value": f"{took / 3:.3f}"}}}
                yield at - (2 - sector) * took / 3, {"Lines": {str(car): value}}
            minutes, seconds = divmod(took, 60)
            done = {"NumberOfLaps": lap, "LastLapTime": {"Value": f"{minutes:.0f}:{seconds:06.3f}"}}
            yield at + 0.01, {"Lines": {str(car): done}}


def _stream(*entries: tuple[float, Any]) -> str:
    """Lines as the archive has them: the time since its recording began, and what is new."""
    lines = []
    for at, entry in sorted(entries, key=lambda one: one[0]):
        minutes, seconds = divmod(at, 60)
        lines.append(f"{minutes // 60:02.0f}:{minutes % 60:02.0f}:{seconds:06.3f}{json.dumps(entry)}\r\n")
    return "".join(lines)
