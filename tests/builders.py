"""Small made-up races, results and histories, used by every test that needs some."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import numpy as np

from f1graph.races.calendar import (
    Circuit,
    Race,
    SessionKind,
    nominal_session,
    race_id,
    weekend_format,
)
from f1graph.races.entries import Constructor, Driver
from f1graph.races.laps import Compound, Lap, Recording, RecordingRow, SessionPart
from f1graph.races.past import History, Past
from f1graph.races.results import (
    Classification,
    ClassificationKind,
    ClassificationRow,
    KnownAtBasis,
    Status,
)
from f1graph.races.session_laps import in_columns
from f1graph.races.stages import GRID_KNOWN_BEFORE_START
from f1graph.races.weather import WeatherForecast, WeatherHour

DRIVERS = ("alonso", "bottas", "gasly", "hamilton", "leclerc", "norris", "russell", "verstappen")

_CONVENTIONAL = (
    SessionKind.PRACTICE_1,
    SessionKind.PRACTICE_2,
    SessionKind.PRACTICE_3,
    SessionKind.QUALIFYING,
    SessionKind.RACE,
)
_SPRINT = (
    SessionKind.PRACTICE_1,
    SessionKind.SPRINT_QUALIFYING,
    SessionKind.SPRINT,
    SessionKind.QUALIFYING,
    SessionKind.RACE,
)


def a_moment(text: str) -> datetime:
    """`2024-03-02` or `2024-03-02 15:00`, in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def a_circuit(circuit_id: str = "monza") -> Circuit:
    return Circuit(
        id=circuit_id,
        name=circuit_id.title(),
        full_name=f"Autodromo {circuit_id.title()}",
        place=circuit_id.title(),
        country="Italy",
        country_code="ITA",
        latitude=45.6,
        longitude=9.3,
        time_zone="Europe/Rome",
        kind="RACE",
        length_km=5.793,
        turns=11,
    )


def a_driver(driver_id: str = "hamilton") -> Driver:
    return Driver(
        id=driver_id,
        name=driver_id.title(),
        first_name="",
        last_name=driver_id.title(),
        code=driver_id[:3].upper(),
        nationality="British",
    )


def a_constructor(constructor_id: str = "mercedes", *, lineage_id: str | None = None) -> Constructor:
    return Constructor(
        id=constructor_id,
        name=constructor_id.title(),
        full_name=constructor_id.title(),
        country="Germany",
        lineage_id=lineage_id or constructor_id,
    )


def a_race(
    season: int = 2024,
    round: int = 1,  # noqa: A002 - the sport's word
    *,
    grand_prix_id: str | None = None,
    circuit_id: str = "monza",
    on: date | None = None,
    has_sprint: bool = False,
    is_cancelled: bool = False,
    invented: bool = False,
) -> Race:
    """A race of a season with one race every two weeks from the first Sunday of March on.

    A sprint weekend has the format of 2024: practice, sprint qualifying, sprint, qualifying.
    """
    first = date(season, 3, 1)
    first += timedelta(days=6 - first.weekday())
    race_date = on or first + timedelta(weeks=2 * (round - 1))
    weekend = weekend_format(max(season, 2024) if has_sprint else season, has_sprint=has_sprint)
    sessions = (
        nominal_session(kind, race_date=race_date, weekend=weekend)
        for kind in (_SPRINT if has_sprint else _CONVENTIONAL)
    )
    name = grand_prix_id or f"gp-{round}"
    return Race(
        id=race_id(season, name),
        season=season,
        round=round,
        grand_prix_id=name,
        name=name,
        official_name=f"Grand Prix {name} {season}",
        circuit_id=circuit_id,
        date=race_date,
        format=weekend,
        sessions=tuple(replace(session, is_nominal=False) for session in sessions),
        scheduled_laps=53,
        is_cancelled=is_cancelled,
        invented=invented,
    )


def team_of(driver_id: str, drivers: Sequence[str] = DRIVERS) -> str:
    """Two neighbours in the list of drivers drive for one team."""
    return f"team-{sorted(drivers).index(driver_id) // 2}" if driver_id in drivers else "team-guest"


def a_row(
    order: int,
    driver_id: str,
    *,
    status: Status = Status.CLASSIFIED,
    position: int | None = None,
    grid_position: int | None = None,
    time: timedelta | None = None,
    points: float | None = None,
    constructor_id: str | None = None,
) -> ClassificationRow:
    """A line; a classified one has the position of its order unless another is given."""
    classified = status is Status.CLASSIFIED
    return ClassificationRow(
        order=order,
        driver_id=driver_id,
        constructor_id=constructor_id or team_of(driver_id),
        status=status,
        position=position if position is not None or not classified else order,
        grid_position=grid_position,
        time=time,
        points=points,
    )


def a_list(
    race: Race,
    kind: ClassificationKind,
    rows: Iterable[ClassificationRow],
    *,
    known_at: datetime | None = None,
    revision: int = 1,
) -> Classification:
    """Any published list; known at the end of its session unless said otherwise."""
    if known_at is None:
        session = race.session(kind.session)
        assert session is not None, f"{race.id} has no {kind}"
        known_at = session.ends_at
    return Classification(
        race_id=race.id,
        kind=kind,
        rows=tuple(rows),
        known_at=known_at,
        known_at_basis=KnownAtBasis.RECORDED,
        source="made-up",
        source_version="1",
        revision=revision,
    )


def a_result(
    race: Race,
    order: Sequence[str] = DRIVERS,
    *,
    out: Sequence[str] = (),
    disqualified: Sequence[str] = (),
    void: Sequence[str] = (),
    known_at: datetime | None = None,
    revision: int = 1,
) -> Classification:
    """The race's classification: `order` classified, then retired, disqualified and non-starters."""
    statuses = (
        *((driver, Status.CLASSIFIED) for driver in order),
        *((driver, Status.DID_NOT_FINISH) for driver in out),
        *((driver, Status.DISQUALIFIED) for driver in disqualified),
        *((driver, Status.DID_NOT_START) for driver in void),
    )
    points = (25, 18, 15, 12, 10, 8, 6, 4, 2, 1)
    rows = (
        a_row(
            place,
            driver,
            status=status,
            points=points[place - 1] if status is Status.CLASSIFIED and place <= len(points) else 0,
        )
        for place, (driver, status) in enumerate(statuses, start=1)
    )
    return a_list(race, ClassificationKind.RACE, rows, known_at=known_at, revision=revision)


def an_entry_list(
    race: Race, drivers: Sequence[str] = DRIVERS, *, known_at: datetime | None = None, revision: int = 1
) -> Classification:
    """Known three days before the weekend unless said otherwise."""
    rows = (a_row(order, driver) for order, driver in enumerate(sorted(drivers), start=1))
    known_at = known_at or race.weekend_starts_at - timedelta(days=3)
    return a_list(race, ClassificationKind.ENTRY_LIST, rows, known_at=known_at, revision=revision)


def a_grid(race: Race, order: Sequence[str] = DRIVERS) -> Classification:
    """Known when the pit lane closes."""
    rows = (a_row(place, driver, grid_position=place) for place, driver in enumerate(order, start=1))
    known_at = race.starts_at - GRID_KNOWN_BEFORE_START
    return a_list(race, ClassificationKind.GRID, rows, known_at=known_at)


def a_timed_session(race: Race, kind: ClassificationKind, order: Sequence[str] = DRIVERS) -> Classification:
    """A practice or qualifying: the first in 80 s, each next a tenth later."""
    rows = (
        a_row(place, driver, time=timedelta(seconds=80, milliseconds=100 * (place - 1)))
        for place, driver in enumerate(order, start=1)
    )
    return a_list(race, kind, rows)


def a_lap(driver_id: str, number: int, *, seconds: float | None = 80.0, stint: int = 1) -> Lap:
    """A lap on the medium tyre; every lap of a driver takes 80 s unless said otherwise."""
    return Lap(
        driver_id=driver_id,
        number=number,
        at=timedelta(minutes=55, seconds=80 * number),
        time=None if seconds is None else timedelta(seconds=seconds),
        stint=stint,
        compound=Compound.MEDIUM,
        compound_name="C3",
        tyre_life=number,
        fresh_tyre=True,
        track_status="1",
        is_accurate=number > 1,
    )


def some_laps(drivers: Sequence[str] = DRIVERS, laps: int = 5, *, seconds: float = 80.0) -> list[Lap]:
    """So many laps of each driver."""
    return [a_lap(driver, number, seconds=seconds) for driver in drivers for number in range(1, laps + 1)]


def a_recording(
    race: Race,
    rows: Iterable[RecordingRow] | None = None,
    *,
    session: SessionKind = SessionKind.RACE,
    part: SessionPart = SessionPart.LAPS,
    missing: str | None = None,
    known_at: datetime | None = None,
    source: str = "made-up",
    revision: int = 1,
) -> Recording:
    """What was recorded of a session: five laps of everybody, known at its end, unless said otherwise."""
    if known_at is None:
        of_race = race.session(session)
        assert of_race is not None, f"{race.id} has no {session}"
        known_at = of_race.ends_at
    return Recording(
        race_id=race.id,
        session=session,
        part=part,
        rows=tuple(some_laps() if rows is None else rows),
        known_at=known_at,
        known_at_basis=KnownAtBasis.SESSION_END,
        source=source,
        source_version="1",
        missing=missing,
        revision=revision,
    )


def a_weekend(race: Race, drivers: Sequence[str] = DRIVERS, *, seed: int = 0) -> list[Classification]:
    """All lists of a weekend. Drivers early in the alphabet are slower; now and then one retires."""
    generator = np.random.default_rng([seed, race.season, race.round])

    def an_order() -> list[str]:
        pace = np.arange(len(drivers)) + generator.normal(0, 2, len(drivers))
        return [sorted(drivers)[i] for i in np.argsort(-pace)]

    lists = [an_entry_list(race, drivers)]
    lists.extend(
        a_timed_session(race, ClassificationKind(session.kind.value), an_order())
        for session in race.sessions
        if session.kind not in (SessionKind.RACE, SessionKind.SPRINT)
    )
    grid, finish = an_order(), an_order()
    out = [driver for driver in finish if generator.random() < 0.15]
    result = a_result(race, [driver for driver in finish if driver not in out], out=out)
    starts = {driver: place for place, driver in enumerate(grid, start=1)}
    rows = tuple(replace(row, grid_position=starts[row.driver_id]) for row in result.rows)
    if race.has_sprint:
        sprint = (a_row(place, driver) for place, driver in enumerate(an_order(), start=1))
        lists.append(a_list(race, ClassificationKind.SPRINT, sprint))
    return [*lists, a_grid(race, grid), replace(result, rows=rows)]


def a_season(season: int = 2024, rounds: int = 4, *, sprints: Sequence[int] = ()) -> tuple[Race, ...]:
    """Races of one season; `sprints` are the rounds of sprint weekends."""
    circuits = ("monza", "spa", "suzuka")
    return tuple(
        a_race(season, number, circuit_id=circuits[number % 3], has_sprint=number in sprints)
        for number in range(1, rounds + 1)
    )


def a_history(
    races: Iterable[Race] | None = None,
    facts: Iterable[Classification] | None = None,
    *,
    recordings: Iterable[Recording] = (),
    weather_forecasts: Iterable[WeatherForecast] = (),
    drivers: Sequence[str] = DRIVERS,
    seed: int = 0,
) -> History:
    """A history of `races` (two short seasons by default) with whole weekends, or with just `facts`."""
    races = tuple(races) if races is not None else (*a_season(2023), *a_season(2024))
    if facts is None:
        facts = [fact for race in races for fact in a_weekend(race, drivers, seed=seed)]
    facts = tuple(facts)
    rows = [row for fact in facts for row in fact.rows]
    return History.of(
        races=races,
        classifications=facts,
        circuits=[a_circuit(circuit_id) for circuit_id in sorted({race.circuit_id for race in races})],
        drivers=[a_driver(driver_id) for driver_id in sorted({row.driver_id for row in rows} | set(drivers))],
        constructors=[
            a_constructor(constructor_id) for constructor_id in sorted({row.constructor_id for row in rows})
        ],
        recordings=[in_columns(recording) for recording in recordings],
        weather_forecasts=weather_forecasts,
    )


def a_weather_forecast(
    race: Race, known_at: datetime, *, rain: float = 0.2, first: datetime | None = None, hours: int = 6
) -> WeatherForecast:
    """Of the hours from one before the start of the race on, published five minutes before it is known."""
    begins = first or race.starts_at.replace(minute=0)
    return WeatherForecast(
        race_id=race.id,
        source="open-meteo",
        published_at=known_at - timedelta(minutes=5),
        known_at=known_at,
        latitude=45.625,
        longitude=9.25,
        hours=tuple(
            WeatherHour(begins + timedelta(hours=n), rain, 0.1 * n, 20.0 + n, None) for n in range(hours)
        ),
    )


def a_past(cutoff: datetime, history: History | None = None) -> Past:
    return (history or a_history()).as_of(cutoff)
