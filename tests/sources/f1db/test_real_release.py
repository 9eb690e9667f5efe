"""What a real release says is what happened. Counts and facts are of the finished seasons 1950 to 2024."""

from __future__ import annotations

import dataclasses
import math
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from functools import cache

import pytest

from f1graph.races.calendar import Race, WeekendFormat, local_date
from f1graph.races.facts import StandingsKind
from f1graph.races.results import Classification, ClassificationKind, ClassificationRow, Status
from tests.real_data import f1db_facts

pytestmark = pytest.mark.real_data

LAST_COUNTED_SEASON = 2024


@cache
def _races() -> dict[str, Race]:
    return {race.id: race for race in f1db_facts().races if race.season <= LAST_COUNTED_SEASON}


@cache
def _lists() -> dict[tuple[str, ClassificationKind], Classification]:
    return {(c.race_id, c.kind): c for c in f1db_facts().classifications if c.race_id in _races()}


def _rows(kind: ClassificationKind) -> Iterator[tuple[Race, ClassificationRow]]:
    for (race_id, of_kind), classification in _lists().items():
        if of_kind is kind:
            for row in classification.rows:
                yield _races()[race_id], row


def _race_rows(driver_id: str) -> list[tuple[Race, ClassificationRow]]:
    return [(race, row) for race, row in _rows(ClassificationKind.RACE) if row.driver_id == driver_id]


def _wins(driver_id: str) -> int:
    return sum(row.position == 1 for _, row in _race_rows(driver_id))


def _points(driver_id: str, season: int) -> float:
    return sum(
        row.points or 0.0
        for kind in (ClassificationKind.RACE, ClassificationKind.SPRINT)
        for race, row in _rows(kind)
        if race.season == season and row.driver_id == driver_id
    )


def test_every_list_of_seventy_five_seasons_is_there() -> None:
    races = Counter(kind for _, kind in _lists())
    rows = Counter(kind for kind in ClassificationKind for _ in _rows(kind))

    assert {kind.value: (races[kind], rows[kind]) for kind in ClassificationKind if kind != "ENTRY_LIST"} == {
        "PRE_QUALIFYING": (79, 647),
        "PRACTICE_1": (674, 15356),
        "PRACTICE_2": (659, 14999),
        "PRACTICE_3": (396, 8310),
        "PRACTICE_4": (36, 706),
        "QUALIFYING_1": (292, 7707),
        "QUALIFYING_2": (293, 7541),
        "QUALIFYING": (1125, 26236),
        "SPRINT_QUALIFYING": (12, 240),
        "SPRINT_GRID": (18, 359),
        "SPRINT": (18, 360),
        "GRID": (1125, 25048),
        "WARM_UP": (324, 7683),
        "RACE": (1125, 26811),
        "FASTEST_LAPS": (1124, 16392),
        "PIT_STOPS": (573, 21297),
    }
    assert races[ClassificationKind.ENTRY_LIST] == 1125


@pytest.mark.parametrize(
    ("what", "value", "expected"),
    [
        ("Hamilton's wins", lambda: _wins("lewis-hamilton"), 105),
        ("Schumacher's wins", lambda: _wins("michael-schumacher"), 91),
        ("Fangio's wins, one in a shared car", lambda: _wins("juan-manuel-fangio"), 24),
        ("Verstappen's points in 2024, sprints included", lambda: _points("max-verstappen", 2024), 437.0),
        ("Verstappen's points in 2021, half of Spa included", lambda: _points("max-verstappen", 2021), 395.5),
        ("races of the longest season", lambda: sum(r.season == 2024 for r in _races().values()), 24),
        (
            "Alonso's entries, two of them without a start",
            lambda: (
                len(_race_rows("fernando-alonso")),
                sum(row.started for _, row in _race_rows("fernando-alonso")),
            ),
            (404, 402),
        ),
        (
            "Ferrari's wins",
            lambda: len(
                {
                    race.id
                    for race, row in _rows(ClassificationKind.RACE)
                    if row.constructor_id == "ferrari" and row.position == 1
                }
            ),
            248,
        ),
        (
            "cars that finished in Monaco 1996",
            lambda: sum(
                row.status is Status.CLASSIFIED and row.reason_retired is None
                for race, row in _rows(ClassificationKind.RACE)
                if race.id == "1996-monaco"
            ),
            3,
        ),
        (
            "Verstappen's grid position in São Paulo 2024, which he won",
            lambda: _lists()["2024-sao-paulo", ClassificationKind.RACE].rows[0].grid_position,
            17,
        ),
    ],
)
def test_known_facts(what: str, value: Callable[[], object], expected: object) -> None:
    assert value() == expected, what


def test_las_vegas_is_on_saturday_there_and_on_sunday_in_utc() -> None:
    """S11: local date and UTC date differ, and data frames hold naive times, NaT and NaN."""
    race = _races()["2024-las-vegas"]
    circuit = next(circuit for circuit in f1db_facts().circuits if circuit.id == race.circuit_id)

    assert race.starts_at == datetime(2024, 11, 24, 6, tzinfo=UTC)
    assert race.date == date(2024, 11, 24)
    assert race.date.strftime("%A") == "Sunday"
    assert circuit.time_zone == "America/Los_Angeles"
    assert local_date(race.starts_at, circuit.time_zone).strftime("%A") == "Saturday"


@pytest.mark.parametrize(
    ("circuit_id", "time_zone"),
    [
        ("monaco", "Europe/Monaco"),
        ("interlagos", "America/Sao_Paulo"),
        ("melbourne", "Australia/Melbourne"),
        ("suzuka", "Asia/Tokyo"),
        ("silverstone", "Europe/London"),
        ("indianapolis", "America/Indiana/Indianapolis"),
    ],
)
def test_a_circuit_lies_in_its_own_time_zone(circuit_id: str, time_zone: str) -> None:
    zones = {circuit.id: circuit.time_zone for circuit in f1db_facts().circuits}

    assert zones[circuit_id] == time_zone


PLAIN = (str, bool, int, date, timedelta, type(None))


def test_no_value_is_naive_or_not_a_number() -> None:
    # Millions of values: the walk keeps to itself what it needs of each type.
    """S11: local date and UTC date differ, and data frames hold naive times, NaT and NaN."""
    names: dict[type, tuple[str, ...]] = {}
    waiting: list[object] = [f1db_facts()]
    while waiting:
        value = waiting.pop()
        if isinstance(value, datetime):
            assert value.tzinfo is UTC
        elif isinstance(value, float):
            assert math.isfinite(value)
        elif isinstance(value, tuple):
            waiting.extend(value)
        elif dataclasses.is_dataclass(value):
            if type(value) not in names:
                names[type(value)] = tuple(field.name for field in dataclasses.fields(value))
            waiting.extend(getattr(value, name) for name in names[type(value)])
        else:
            assert isinstance(value, PLAIN), value


@pytest.mark.parametrize(
    ("race_id", "weekend", "sessions"),
    [
        (
            "2021-great-britain",
            WeekendFormat.SPRINT_SETS_GRID,
            ["PRACTICE_1", "QUALIFYING", "PRACTICE_2", "SPRINT", "RACE"],
        ),
        (
            "2022-austria",
            WeekendFormat.SPRINT_SETS_GRID,
            ["PRACTICE_1", "QUALIFYING", "PRACTICE_2", "SPRINT", "RACE"],
        ),
        (
            "2023-qatar",
            WeekendFormat.SPRINT_AFTER_QUALIFYING,
            ["PRACTICE_1", "QUALIFYING", "SPRINT_QUALIFYING", "SPRINT", "RACE"],
        ),
        (
            "2024-qatar",
            WeekendFormat.SPRINT_BEFORE_QUALIFYING,
            ["PRACTICE_1", "SPRINT_QUALIFYING", "SPRINT", "QUALIFYING", "RACE"],
        ),
        (
            "2024-monaco",
            WeekendFormat.CONVENTIONAL,
            ["PRACTICE_1", "PRACTICE_2", "PRACTICE_3", "QUALIFYING", "RACE"],
        ),
    ],
)
def test_each_weekend_has_the_format_of_its_year(
    race_id: str, weekend: WeekendFormat, sessions: list[str]
) -> None:
    """S8: three sprint formats in four years."""
    race = _races()[race_id]

    assert race.format is weekend
    assert [session.kind.value for session in race.sessions] == sessions


def test_there_were_eighteen_sprints_until_2024() -> None:
    """S8: three sprint formats in four years."""
    assert Counter(race.season for race in _races().values() if race.has_sprint) == {
        2021: 3,
        2022: 3,
        2023: 6,
        2024: 6,
    }


@pytest.mark.parametrize(
    ("driver_id", "season", "stints"),
    [
        # Team and number of the entry, in the order of the races.
        ("pierre-gasly", 2019, [("red-bull", "10"), ("toro-rosso", "10")]),
        ("alexander-albon", 2019, [("toro-rosso", "23"), ("red-bull", "23")]),
        ("george-russell", 2020, [("williams", "63"), ("mercedes", "63"), ("williams", "63")]),
        ("oliver-bearman", 2024, [("ferrari", "38"), ("haas", "50")]),
    ],
)
def test_a_swapped_driver_keeps_earlier_results_with_the_old_team(
    driver_id: str, season: int, stints: list[tuple[str, str]]
) -> None:
    """S9: drivers change team, number and name inside a season."""
    driven = sorted(
        ((race.round, row) for race, row in _race_rows(driver_id) if race.season == season),
        key=lambda driven: driven[0],
    )
    teams = [(row.constructor_id, row.car_number) for _, row in driven]

    assert [team for index, team in enumerate(teams) if index == 0 or team != teams[index - 1]] == stints


def test_a_seat_changes_hands_within_a_season() -> None:
    """S9: drivers change team, number and name inside a season."""

    def drivers(race_id: str, constructor_id: str) -> set[str]:
        entries = _lists()[race_id, ClassificationKind.ENTRY_LIST].entries()
        return {entry.driver_id for entry in entries if entry.constructor_id == constructor_id}

    assert drivers("2024-netherlands", "williams") == {"alexander-albon", "logan-sargeant"}
    assert drivers("2024-italy", "williams") == {"alexander-albon", "franco-colapinto"}
    assert drivers("2024-singapore", "rb") == {"yuki-tsunoda", "daniel-ricciardo"}
    assert drivers("2024-united-states", "rb") == {"yuki-tsunoda", "liam-lawson"}


def test_a_race_is_known_by_season_and_grand_prix_not_by_its_round() -> None:
    """S10: a cancelled or renamed race shifts round numbers."""
    ids = [race.id for race in f1db_facts().races]

    assert len(set(ids)) == len(ids)
    assert all(race.id == f"{race.season}-{race.grand_prix_id}" for race in f1db_facts().races)
    # Three Grands Prix in the United States in one year are three races.
    assert {"2024-miami", "2024-united-states", "2024-las-vegas"} <= set(ids)


def test_p1_nothing_is_known_before_its_session_and_the_order_of_a_weekend_holds() -> None:
    for (race_id, kind), classification in _lists().items():
        race = _races()[race_id]
        session = race.session(kind.session)
        assert session is not None
        if kind in (ClassificationKind.GRID, ClassificationKind.SPRINT_GRID):
            assert classification.known_at < session.starts_at
        elif kind is ClassificationKind.ENTRY_LIST:
            assert classification.known_at <= race.weekend_starts_at
        else:
            assert classification.known_at == session.ends_at


def test_the_next_season_is_a_calendar_with_entries_but_no_results() -> None:
    facts = f1db_facts()
    coming = {race.id for race in facts.races if race.season == LAST_COUNTED_SEASON + 1}
    if not coming:
        pytest.skip("this release ends with the counted seasons")
    with_results = {c.race_id for c in facts.classifications if c.kind is ClassificationKind.RACE}
    if coming & with_results:
        pytest.skip("this release has results of the season after the counted ones")

    entries = [c for c in facts.classifications if c.race_id in coming]

    assert {c.kind for c in entries} == {ClassificationKind.ENTRY_LIST}
    assert {len(c.rows) for c in entries} == {20}


def test_official_standings_cover_every_race_and_constructors_since_1958() -> None:
    tables = Counter(table.kind for table in f1db_facts().official_standings if table.race_id in _races())

    assert tables == {StandingsKind.DRIVERS: 1125, StandingsKind.CONSTRUCTORS: 1061}
