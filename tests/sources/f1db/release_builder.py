"""A small release in F1DB's format with two invented seasons, and the means to break it.

The season of 1958 has one race with a shared car and a shared fastest lap, without session times. That of
2024 has a conventional weekend, a sprint weekend and a race that is still to come, with all times.
"""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

_RACE_KEYS = ["raceId", "year", "round", "positionDisplayOrder", "positionNumber", "positionText"]
_ENTRY = [
    *_RACE_KEYS, "driverNumber", "driverId", "constructorId", "engineManufacturerId", "tyreManufacturerId",
]  # fmt: skip
_PRACTICE = [*_ENTRY, "time", "timeMillis", "gap", "gapMillis", "interval", "intervalMillis", "laps"]
_QUALIFYING = [
    *_ENTRY, "time", "timeMillis", "q1", "q1Millis", "q2", "q2Millis", "q3", "q3Millis", "gap", "gapMillis",
    "interval", "intervalMillis", "laps",
]  # fmt: skip
_RACE = [
    *_ENTRY, "sharedCar", "laps", "time", "timeMillis", "timePenalty", "timePenaltyMillis", "gap",
    "gapMillis", "gapLaps", "interval", "intervalMillis", "reasonRetired", "points", "polePosition",
    "qualificationPositionNumber", "qualificationPositionText", "gridPositionNumber", "gridPositionText",
    "positionsGained", "pitStops", "fastestLap", "driverOfTheDay", "grandSlam",
]  # fmt: skip
_GRID = [
    *_ENTRY, "qualificationPositionNumber", "qualificationPositionText", "gridPenalty",
    "gridPenaltyPositions", "time", "timeMillis",
]  # fmt: skip
_SESSIONS = [
    "preQualifying", "freePractice1", "freePractice2", "freePractice3", "freePractice4", "qualifying1",
    "qualifying2", "qualifying", "sprintQualifying", "sprintRace", "warmingUp",
]  # fmt: skip
COLUMNS: dict[str, list[str]] = {
    "f1db-countries.csv": ["id", "alpha2Code", "alpha3Code", "iocCode", "name", "demonym", "continentId"],
    "f1db-circuits.csv": [
        "id", "name", "fullName", "previousNames", "type", "direction", "placeName", "countryId", "latitude",
        "longitude", "length", "turns",
    ],
    "f1db-drivers.csv": [
        "id", "name", "firstName", "lastName", "fullName", "abbreviation", "permanentNumber", "gender",
        "dateOfBirth", "nationalityCountryId",
    ],
    "f1db-constructors.csv": ["id", "name", "fullName", "countryId"],
    "f1db-constructors-chronology.csv": [
        "parentConstructorId", "positionDisplayOrder", "constructorId", "yearFrom", "yearTo",
    ],
    "f1db-engine-manufacturers.csv": ["id", "name", "countryId"],
    "f1db-grands-prix.csv": ["id", "name", "fullName", "countryId"],
    "f1db-races.csv": [
        "id", "year", "round", "date", "time", "grandPrixId", "officialName", "qualifyingFormat",
        "sprintQualifyingFormat", "circuitId", "laps", "distance", "scheduledLaps", "scheduledDistance",
        *(f"{session}{what}" for session in _SESSIONS for what in ("Date", "Time")),
    ],
    "f1db-seasons-entrants-drivers.csv": [
        "year", "entrantId", "constructorId", "engineManufacturerId", "driverId", "rounds", "roundsText",
        "testDriver",
    ],
    "f1db-races-pre-qualifying-results.csv": _QUALIFYING,
    "f1db-races-free-practice-1-results.csv": _PRACTICE,
    "f1db-races-free-practice-2-results.csv": _PRACTICE,
    "f1db-races-free-practice-3-results.csv": _PRACTICE,
    "f1db-races-free-practice-4-results.csv": _PRACTICE,
    "f1db-races-qualifying-1-results.csv": _QUALIFYING,
    "f1db-races-qualifying-2-results.csv": _QUALIFYING,
    "f1db-races-qualifying-results.csv": _QUALIFYING,
    "f1db-races-sprint-qualifying-results.csv": _QUALIFYING,
    "f1db-races-sprint-starting-grid-positions.csv": _GRID,
    "f1db-races-sprint-race-results.csv": _RACE,
    "f1db-races-starting-grid-positions.csv": _GRID,
    "f1db-races-warming-up-results.csv": _PRACTICE,
    "f1db-races-race-results.csv": _RACE,
    "f1db-races-fastest-laps.csv": [*_ENTRY, "lap", "time", "timeMillis", "gap", "gapMillis"],
    "f1db-races-pit-stops.csv": [*_ENTRY, "stop", "lap", "time", "timeMillis"],
    "f1db-races-driver-standings.csv": [*_RACE_KEYS, "driverId", "points", "positionsGained"],
    "f1db-races-constructor-standings.csv": [
        *_RACE_KEYS, "constructorId", "engineManufacturerId", "points", "positionsGained",
    ],
}  # fmt: skip

# Team, engine and car number of each driver.
_CARS = {
    "ada-abel": ("vela", "vela-power", "3"),
    "ben-brook": ("vela", "vela-power", "4"),
    "cleo-cruz": ("nova", "orion", "7"),
    "dan-dahl": ("nova", "orion", "8"),
}
_EARLIER_RACE, _CONVENTIONAL, _SPRINT_WEEKEND, _NEXT_RACE = 1, 2, 3, 4
_ROUNDS = {_EARLIER_RACE: (1958, 1), _CONVENTIONAL: (2024, 1), _SPRINT_WEEKEND: (2024, 2)}


class ReleaseBuilder:
    """A whole and consistent release until a test says otherwise.

    Rows are counted as an editor shows them: 1 is the header, 2 the first line of data.
    """

    def __init__(self) -> None:
        self.columns = {file: list(columns) for file, columns in COLUMNS.items()}
        self.rows: dict[str, list[dict[str, object]]] = {file: [] for file in COLUMNS}
        self._fill()

    def change(self, file: str, row: int, **values: object) -> ReleaseBuilder:
        self.rows[file][row - 2].update(values)
        return self

    def repeat(self, file: str, row: int, **values: object) -> ReleaseBuilder:
        """Adds a copy of a line at the end, with some values changed."""
        self.rows[file].append({**self.rows[file][row - 2], **values})
        return self

    def without_column(self, file: str, column: str) -> ReleaseBuilder:
        self.columns[file].remove(column)
        return self

    def without_file(self, file: str) -> ReleaseBuilder:
        del self.rows[file], self.columns[file]
        return self

    def last_row(self, file: str) -> int:
        return len(self.rows[file]) + 1

    def text(self, file: str) -> str:
        header = self.columns[file]
        lines = [",".join(f'"{column}"' for column in header)]
        lines += [",".join(_cell(row.get(column)) for column in header) for row in self.rows[file]]
        return "\n".join(lines) + "\n"

    def write(self, folder: Path, name: str = "f1db-csv.zip") -> Path:
        path = folder / name
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for file in self.rows:
                archive.writestr(file, self.text(file))
        return path

    def _add(self, file: str, **values: object) -> None:
        self.rows[f"f1db-{file}.csv"].append(values)

    def _fill(self) -> None:
        self._add("countries", id="italy", alpha3Code="ITA", name="Italy", demonym="Italian")
        self._add("circuits", id="hill", name="Hill", fullName="Hill Ring", type="RACE", placeName="Alba",
                  countryId="italy", latitude=45.6, longitude=9.28, length=5.1, turns=11)  # fmt: skip
        for driver, (_, _, number) in _CARS.items():
            first, last = driver.title().split("-")
            self._add("drivers", id=driver, name=f"{first} {last}", firstName=first, lastName=last,
                      abbreviation=last[:3].upper(), permanentNumber=number, dateOfBirth="1999-01-31",
                      nationalityCountryId="italy")  # fmt: skip
        for constructor in ("old-vela", "vela", "nova"):
            self._add("constructors", id=constructor, name=constructor.title(),
                      fullName=f"{constructor.title()} Racing", countryId="italy")  # fmt: skip
        for order, constructor in enumerate(("old-vela", "vela"), start=1):
            self._add("constructors-chronology", parentConstructorId="vela", positionDisplayOrder=order,
                      constructorId=constructor)  # fmt: skip
        for engine in ("vela-power", "orion"):
            self._add("engine-manufacturers", id=engine, name=engine.title(), countryId="italy")
        for grand_prix in ("alba", "brera", "como"):
            self._add("grands-prix", id=grand_prix, fullName=f"{grand_prix.title()} Grand Prix")
        self._fill_calendar()
        for driver, (constructor, engine, _) in _CARS.items():
            self._add("seasons-entrants-drivers", year=2024, constructorId=constructor, driverId=driver,
                      engineManufacturerId=engine, rounds="1;2;3", testDriver=False)  # fmt: skip
        self._fill_1958()
        for race in (_CONVENTIONAL, _SPRINT_WEEKEND):
            self._fill_weekend(race)
        self._fill_standings()

    def _fill_calendar(self) -> None:
        self._add("races", id=_EARLIER_RACE, year=1958, round=1, date="1958-07-06", grandPrixId="alba",
                  officialName="Gran Premio di Alba 1958", qualifyingFormat="TWO_SESSION", circuitId="hill",
                  laps=50, distance=255)  # fmt: skip
        usual = {"circuitId": "hill", "qualifyingFormat": "KNOCKOUT", "laps": 60, "distance": 306}
        self._add("races", id=_CONVENTIONAL, year=2024, round=1, date="2024-03-03", time="13:00",
                  grandPrixId="alba", officialName="Gran Premio di Alba 2024", **usual,
                  freePractice1Date="2024-03-01", freePractice1Time="10:30", freePractice2Date="2024-03-01",
                  freePractice2Time="14:00", freePractice3Date="2024-03-02", freePractice3Time="10:30",
                  qualifyingDate="2024-03-02", qualifyingTime="14:00")  # fmt: skip
        self._add("races", id=_SPRINT_WEEKEND, year=2024, round=2, date="2024-03-17", time="13:00",
                  grandPrixId="brera", officialName="Gran Premio di Brera 2024", **usual, scheduledLaps=62,
                  sprintQualifyingFormat="SPRINT_SHOOTOUT", freePractice1Date="2024-03-15",
                  freePractice1Time="10:30", sprintQualifyingDate="2024-03-15",
                  sprintQualifyingTime="14:30", sprintRaceDate="2024-03-16", sprintRaceTime="10:00",
                  qualifyingDate="2024-03-16", qualifyingTime="14:00")  # fmt: skip
        self._add("races", id=_NEXT_RACE, year=2024, round=3, date="2024-03-31", time="13:00",
                  grandPrixId="como", officialName="Gran Premio di Como 2024", **usual,
                  qualifyingDate="2024-03-30", qualifyingTime="14:00")  # fmt: skip

    def _fill_1958(self) -> None:
        race, qualifying = "races-race-results", "races-qualifying-results"
        for order, driver in enumerate(("ada-abel", "cleo-cruz"), start=1):
            self._place(qualifying, _EARLIER_RACE, order, driver, timeMillis=110_000 + order * 100)
            self._place("races-starting-grid-positions", _EARLIER_RACE, order, driver)
        self._place(race, _EARLIER_RACE, 1, "ada-abel", points=9, timeMillis=8_000_000, laps=50,
                    fastestLap=True)  # fmt: skip
        # Dan took over Cleo's car: both are second and share the points.
        self._place(race, _EARLIER_RACE, 2, "cleo-cruz", points=3, laps=50, sharedCar=False)
        self._place(race, _EARLIER_RACE, 3, "dan-dahl", position=2, points=3, laps=50, sharedCar=True,
                    driverNumber="7")  # fmt: skip
        for order, driver in enumerate(("ada-abel", "cleo-cruz"), start=1):
            self._place("races-fastest-laps", _EARLIER_RACE, order, driver, position=1, timeMillis=110_000)

    def _fill_weekend(self, race: int) -> None:
        is_sprint = race == _SPRINT_WEEKEND
        for order, driver in enumerate(_CARS, start=1):
            best, gap = 80_000 + order * 100, None if order == 1 else (order - 1) * 100
            self._place("races-free-practice-1-results", race, order, driver, timeMillis=best,
                        gapMillis=gap, laps=20)  # fmt: skip
            parts: dict[str, Any] = {"q1Millis": best, "q2Millis": best - 300, "q3Millis": best - 600}
            self._place("races-qualifying-results", race, order, driver, laps=15, **parts)
            if is_sprint:
                self._place("races-sprint-qualifying-results", race, order, driver, laps=9, **parts)
                self._place("races-sprint-starting-grid-positions", race, order, driver)
                self._place("races-sprint-race-results", race, order, driver, laps=20, points=9 - order)
            self._place("races-pit-stops", race, order, driver, stop=1, lap=20 + order, timeMillis=22_000)
            self._place("races-fastest-laps", race, order, driver, lap=50, timeMillis=best)
        # Cleo started from the pit lane, Dan was sent to the back of the grid.
        grid = "races-starting-grid-positions"
        self._place(grid, race, 1, "ada-abel", qualificationPositionNumber=1)
        self._place(grid, race, 2, "ben-brook", qualificationPositionNumber=2)
        self._place(grid, race, 3, "dan-dahl", qualificationPositionNumber=4, gridPenalty="SFB")
        self._place(grid, race, 4, "cleo-cruz", code="PL", qualificationPositionNumber=3)
        result = "races-race-results"
        self._place(result, race, 1, "ada-abel", points=26, laps=60, timeMillis=5_400_000,
                    gridPositionNumber=1, pitStops=1, fastestLap=True)  # fmt: skip
        self._place(result, race, 2, "ben-brook", points=18, laps=60, timeMillis=5_405_000, gapMillis=5_000,
                    timePenaltyMillis=5_000, gridPositionNumber=2, pitStops=1)  # fmt: skip
        self._place(result, race, 3, "cleo-cruz", points=15, laps=59, gapLaps=1, pitStops=1)
        self._place(result, race, 4, "dan-dahl", code="DNF", laps=12, reasonRetired="Gearbox",
                    gridPositionNumber=3, pitStops=0)  # fmt: skip

    def _fill_standings(self) -> None:
        drivers, constructors = "races-driver-standings", "races-constructor-standings"
        for order, (driver, points) in enumerate(
            (("ada-abel", 26), ("ben-brook", 18), ("cleo-cruz", 15)), start=1
        ):
            self._add(drivers, **_keys(_CONVENTIONAL, order), driverId=driver, points=points)
        for order, (constructor, engine, points) in enumerate(
            (("vela", "vela-power", 44), ("nova", "orion", 15)), start=1
        ):
            self._add(constructors, **_keys(_CONVENTIONAL, order), constructorId=constructor,
                      engineManufacturerId=engine, points=points)  # fmt: skip

    def _place(
        self,
        table: str,
        race: int,
        order: int,
        driver: str,
        *,
        position: int | None = None,
        code: str | None = None,
        **values: object,
    ) -> None:
        constructor, engine, number = _CARS[driver]
        where = position or order
        self._add(
            table,
            **{
                **_keys(race, order),
                "positionNumber": None if code else where,
                "positionText": code or str(where),
                "driverNumber": number,
                "driverId": driver,
                "constructorId": constructor,
                "engineManufacturerId": engine,
                **values,
            },
        )


def _keys(race: int, order: int) -> dict[str, object]:
    season, round_ = _ROUNDS[race]
    return {
        "raceId": race,
        "year": season,
        "round": round_,
        "positionDisplayOrder": order,
        "positionNumber": order,
        "positionText": str(order),
    }


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return '"' + value.replace('"', '""') + '"'
    return str(value)
