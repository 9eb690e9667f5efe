"""A made-up weekend, small enough to write by hand: what FastF1's child would say of it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from f1graph.races.calendar import Race, Session, SessionKind, WeekendFormat
from f1graph.races.entries import Constructor, Driver, Entry
from f1graph.sources.fastf1.process import Answer
from f1graph.sources.identity import Known

STARTS_AT = datetime(2030, 6, 2, 13, tzinfo=UTC)
NOW = datetime(2030, 6, 2, 18, tzinfo=UTC)
LAPS = 50
CARS = 20

RACE = Race(
    id="2030-atlantis",
    season=2030,
    round=3,
    grand_prix_id="atlantis",
    name="Atlantis Grand Prix",
    official_name="GRAND PRIX OF ATLANTIS 2030",
    circuit_id="atlantis",
    date=date(2030, 6, 2),
    format=WeekendFormat.CONVENTIONAL,
    sessions=(Session(SessionKind.RACE, STARTS_AT, STARTS_AT + timedelta(hours=2)),),
    scheduled_laps=LAPS,
)
_POINTS = (25, 18, 15, 12, 10, 8, 6, 4, 2, 1)
_LETTERS = "ABCDEFGHIJKLMNOPQRST"
DRIVERS = tuple(
    Driver(f"ada-{x.lower()}berg", f"Ada {x}berg", "Ada", f"{x}berg", f"{x}BE", "Atlantean") for x in _LETTERS
)
TEAMS = tuple(
    Constructor(f"team-{number}", f"Team {number}", f"Team {number}", "Atlantis", f"team-{number}")
    for number in range(1, CARS // 2 + 1)
)
KNOWN = Known(
    DRIVERS,
    TEAMS,
    entries=tuple(
        Entry(RACE.id, driver.id, TEAMS[number // 2].id, "engine", str(number + 1))
        for number, driver in enumerate(DRIVERS)
    ),
)


def an_event(**changed: Any) -> dict[str, Any]:
    event: dict[str, Any] = {
        "season": 2030,
        "round": 3,
        "name": "Atlantis Grand Prix",
        "official_name": "",
        "country": "Atlantis",
        "place": "Poseidonis",
        "format": "conventional",
        "sessions": [["Qualifying", "2030-06-01T13:00:00"], ["Race", "2030-06-02T13:00:00"]],
    }
    return event | changed


def results(**columns: list[Any]) -> dict[str, list[Any]]:
    """The cars in the order of their numbers, car 20 out after ten laps and car 19 started from the pits."""
    finishers = CARS - 1
    columns_of_all: dict[str, list[Any]] = {
        "DriverNumber": [str(number) for number in range(1, CARS + 1)],
        "Abbreviation": [driver.code for driver in DRIVERS],
        "DriverId": [driver.last_name.lower() for driver in DRIVERS],
        "TeamName": [TEAMS[number // 2].name for number in range(CARS)],
        "TeamId": [None] * CARS,
        "FirstName": ["Ada"] * CARS,
        "LastName": [driver.last_name for driver in DRIVERS],
        "Position": [float(number) for number in range(1, CARS + 1)],
        "ClassifiedPosition": [*(str(number) for number in range(1, finishers + 1)), "R"],
        "GridPosition": [*(float(number) for number in range(1, CARS - 1)), 0.0, 19.0],
        "Time": [5_400_000, *(number * 1000 for number in range(1, finishers)), None],
        "Status": [*["Finished"] * finishers, "Engine"],
        "Points": [float(points) for points in _POINTS] + [0.0] * (CARS - len(_POINTS)),
        "Laps": [*[float(LAPS)] * finishers, 10.0],
    }
    return columns_of_all | columns


def laps(last: int = LAPS, cars: int = CARS) -> dict[str, list[Any]]:
    driven = [
        (str(car), lap) for car in range(1, cars + 1) for lap in range(1, (10 if car == CARS else last) + 1)
    ]
    return {
        "DriverNumber": [car for car, _ in driven],
        "LapNumber": [float(lap) for _, lap in driven],
        "Time": [3_600_000 + 90_000 * lap + 100 * int(car) for car, lap in driven],
        "LapTime": [None if lap == 1 else 90_000 for _, lap in driven],
        "Stint": [1.0] * len(driven),
        "Compound": ["MEDIUM"] * len(driven),
        "Position": [float(car) for car, _ in driven],
        "FastF1Generated": [False] * len(driven),
    }


def an_answer(*, event: dict[str, Any] | None = None, info: Any = None, **frames: Any) -> Answer:
    return Answer(
        body={
            "event": event or an_event(),
            "info": info,
            "frames": {
                "results": results(),
                "laps": laps(),
                "weather_data": {
                    "Time": [60_000, 120_000],
                    "AirTemp": [21.5, None],
                    "Rainfall": [False, True],
                },
                "track_status": {"Time": [0, 60_000], "Status": ["1", "4"]},
                "race_control_messages": {
                    "Time": ["2030-06-02T13:05:00"],
                    "Category": ["Flag"],
                    "Message": ["GREEN LIGHT"],
                    "Lap": [1.0],
                },
            }
            | frames,
            "starts_at": "2030-06-02T13:00:00",
            "started_after": 3_600_000,
            "total_laps": LAPS,
        },
        version="3.9.0",
    )
