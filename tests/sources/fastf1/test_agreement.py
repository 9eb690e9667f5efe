"""Pages of two sessions in one answer: told by what they say, and nothing made of both is kept."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from f1graph.races.calendar import Session, SessionKind, WeekendFormat
from f1graph.races.laps import SessionPart
from f1graph.races.results import ClassificationKind
from f1graph.sources.fastf1 import Part, ProblemCode, SessionAnswer
from f1graph.sources.fastf1.process import Answer
from f1graph.sources.fastf1.reading import read_session
from tests.sources.fastf1.hand_made import (
    CARS,
    DRIVERS,
    KNOWN,
    LAPS,
    NOW,
    RACE,
    STARTS_AT,
    an_answer,
    an_event,
    laps,
    results,
)

NUMBERS = [str(car) for car in range(1, CARS + 1)]
LISTED: dict[str, list[Any]] = {"DriverNumber": NUMBERS, "Line": list(range(1, CARS + 1))}
SCREEN: dict[str, list[Any]] = {
    "DriverNumber": NUMBERS,
    "Early": list(range(1, CARS + 1)),
    "Last": list(range(CARS, 0, -1)),
}
# The first car leaves its garage a minute into the hour, and again after each quarter of it.
EXITS: dict[str, list[Any]] = {
    "DriverNumber": ["1"] * 4,
    "LapNumber": [1.0, 5.0, 10.0, 15.0],
    "Time": [minute * 60_000 for minute in (61, 75, 90, 105)],
}
PRACTICED: dict[str, list[Any]] = {"Time": [60 * 60_000, 120 * 60_000], "Status": ["Started", "Finished"]}
RACED: dict[str, list[Any]] = {"Time": [60 * 60_000, 135 * 60_000], "Status": ["Started", "Finished"]}
PRACTICE = replace(
    RACE,
    sessions=(Session(SessionKind.PRACTICE_1, STARTS_AT, STARTS_AT.replace(hour=14)), *RACE.sessions),
)
SPRINT_QUALIFYING = replace(
    RACE,
    format=WeekendFormat.SPRINT_BEFORE_QUALIFYING,
    sessions=(Session(SessionKind.SPRINT_QUALIFYING, STARTS_AT, STARTS_AT.replace(hour=14)), *RACE.sessions),
)


def tyre_laps(time: int = 90_000) -> dict[str, list[Any]]:
    return {"DriverNumber": NUMBERS, "LapTime": [time] * CARS}


def a_race(**frames: Any) -> Answer:
    """All of whose pages are its own."""
    own: dict[str, Any] = {
        "driver_list": LISTED,
        "screen": SCREEN,
        "tyre_laps": tyre_laps(),
        "session_status": RACED,
    }
    return an_answer(**(own | frames))


def a_practice(**frames: Any) -> Answer:
    """The same laps, driven in an hour's practice: who was fastest is first."""
    times: dict[str, list[Any]] = {
        "Time": [90_000] * CARS,
        "Position": [float(place) for place in range(1, CARS + 1)],
    }
    own: dict[str, Any] = {
        "results": results(**times),
        "driver_list": LISTED,
        "screen": SCREEN,
        "tyre_laps": tyre_laps(),
        "session_status": PRACTICED,
        "pit_exits": EXITS,
    }
    event = an_event(sessions=[["Practice 1", "2030-06-02T13:00:00"], ["Race", "2030-06-03T13:00:00"]])
    return an_answer(event=event, **(own | frames))


def read(answer: Answer, race: Any = RACE, session: SessionKind = SessionKind.RACE) -> SessionAnswer:
    return read_session(answer, race, session, known=KNOWN, now=NOW)


def read_practice(answer: Answer) -> SessionAnswer:
    return read(answer, PRACTICE, SessionKind.PRACTICE_1)


def kept(answer: SessionAnswer) -> set[str]:
    lists = {listed.kind.value for listed in answer.facts.classifications}
    return lists | {recording.part.value for recording in answer.facts.recordings}


def reasons(answer: SessionAnswer, part: Part) -> list[str]:
    return [problem.reason for problem in answer.problems if problem.part is part]


OTHERS = {"WEATHER", "TRACK_STATUS", "RACE_CONTROL"}


def test_pages_of_one_session_agree() -> None:
    race, practice = read(a_race()), read_practice(a_practice())

    assert (race.problems, practice.problems) == ((), ())
    assert kept(race) == {"RACE", "GRID", "LAPS"} | OTHERS
    assert kept(practice) == {"PRACTICE_1", "LAPS"} | OTHERS


def test_tyres_of_another_session_are_told_by_their_lap_times() -> None:
    """S5: compounds and stints would be put to laps on which nobody drove them."""
    others = tyre_laps(91_234)
    race, practice = read(a_race(tyre_laps=others)), read_practice(a_practice(tyre_laps=others))

    (reason,) = reasons(race, Part.LAPS)
    assert reason.startswith("of 20 lap times on the page of the tyres 0 are in the timing")
    assert kept(race) == {"RACE", "GRID"} | OTHERS
    # Whose laps made the race is told by Ergast; who had the fastest lap would be told by the timing.
    assert not any(row.fastest_lap for row in race.facts.classifications[0].rows)
    # The order of a practice is made of the laps themselves.
    assert kept(practice) == OTHERS
    assert {problem.code for problem in practice.problems} == {ProblemCode.CONTRADICTION}


def test_a_list_of_drivers_in_another_order_is_another_sessions() -> None:
    """S5: numbers, names and teams of another weekend; Ergast has its own of a race."""
    others = LISTED | {"Line": [*range(2, CARS + 1), 1]}
    race, practice = read(a_race(driver_list=others)), read_practice(a_practice(driver_list=others))

    (reason,) = reasons(race, Part.LAPS)
    assert reason.startswith("the list of drivers has 2 of 20 cars where the timing has them")
    assert kept(race) == {"RACE", "GRID"} | OTHERS
    assert kept(practice) == OTHERS


def test_a_list_is_in_the_order_of_an_hour_in_or_of_the_end() -> None:
    at_the_end = LISTED | {"Line": list(range(CARS, 0, -1))}
    assert read(a_race(driver_list=at_the_end)).problems == ()


def test_whoever_drove_is_in_the_list_of_drivers() -> None:
    """S5, S9: FastF1 leaves the laps of a guest out whom another session's list does not have."""
    without = {"DriverNumber": NUMBERS[1:], "Line": list(range(2, CARS + 1))}
    race, practice = read(a_race(driver_list=without)), read_practice(a_practice(driver_list=without))

    assert reasons(race, Part.LAPS) == ["car 1 drove and is not in the list of drivers"]
    # It also takes her place and grid away, which Ergast had given.
    assert kept(race) == kept(practice) == OTHERS


def test_somebody_who_did_not_start_need_not_be_in_the_list() -> None:
    without = {"DriverNumber": NUMBERS[:-1], "Line": list(range(1, CARS))}
    absent = results(
        ClassifiedPosition=[*(str(place) for place in range(1, CARS)), "W"],
        Laps=[*[float(LAPS)] * (CARS - 1), 0.0],
        Status=[*["Finished"] * (CARS - 1), "Did not start"],
        GridPosition=[*(float(place) for place in range(1, CARS - 1)), 0.0, None],
    )
    screen = {column: values[:-1] for column, values in SCREEN.items()}
    answer = read(a_race(driver_list=without, results=absent, screen=screen, laps=laps(cars=CARS - 1)))

    assert answer.problems == ()


def test_a_list_that_calls_the_cars_otherwise_than_ergast_is_not_believed() -> None:
    """S5, S9: the car is the same, who drives it and for whom is another season's."""
    swapped = [DRIVERS[1], DRIVERS[0], *DRIVERS[2:]]
    names = results(
        Abbreviation=[driver.code for driver in swapped], LastName=[driver.last_name for driver in swapped]
    )
    answer = read(a_race(results=names))

    assert answer.facts.classifications == ()
    (problem, *_) = [one for one in answer.problems if one.part is Part.CLASSIFICATION]
    assert problem.code is ProblemCode.UNKNOWN_ID
    assert "say ada-aberg or ada-bberg" in problem.reason


@pytest.mark.parametrize(
    ("minutes", "reason"),
    [
        ((62, 122), "1 of 4 times a car left the pits while the session did not run, the first at 1:01:00"),
        ((60, 100), "1 of 4 times a car left the pits while the session did not run, the first at 1:45:00"),
    ],
)
def test_cars_leave_the_pits_while_the_session_runs(minutes: tuple[int, int], reason: str) -> None:
    """S5: by the start and end of another session FastF1 makes laps up and takes pit exits away."""
    others = PRACTICED | {"Time": [minute * 60_000 for minute in minutes]}
    answer = read_practice(a_practice(session_status=others))

    assert reasons(answer, Part.LAPS) == [reason]
    # The order of the best laps does not depend on it.
    assert kept(answer) == {"PRACTICE_1"} | OTHERS


def test_the_winner_finishes_the_race() -> None:
    """S5: the same of a race, where cars are on the grid when it starts."""
    others = RACED | {"Time": [60 * 60_000, 137 * 60_000]}
    answer = read(a_race(session_status=others))

    assert reasons(answer, Part.LAPS) == [
        "the winner crossed the line at 2:15:00, and the race finished at 2:17:00"
    ]
    assert kept(answer) == {"RACE", "GRID"} | OTHERS


def test_no_part_of_a_qualifying_runs_for_an_hour() -> None:
    """S5: which laps were of the first part and which of the last would be a practice's word."""
    parts: dict[str, list[Any]] = {f"Q{part}": [90_000 + car for car in range(CARS)] for part in (1, 2, 3)}
    event = an_event(
        format="sprint_qualifying",
        sessions=[["Sprint Qualifying", "2030-06-02T13:00:00"], ["Race", "2030-06-03T13:00:00"]],
    )
    frames: dict[str, Any] = {"results": results(**parts), "session_status": PRACTICED, "pit_exits": EXITS}
    answer = read(an_answer(event=event, **frames), SPRINT_QUALIFYING, SessionKind.SPRINT_QUALIFYING)

    assert reasons(answer, Part.LAPS) == ["a part of the qualifying ran for 1:00:00"]
    assert kept(answer) == OTHERS


CHEQUERED: dict[str, list[Any]] = {
    "Time": ["2030-06-02T13:05:00", "2030-06-02T14:15:00"],
    "Category": ["Flag", "Flag"],
    "Message": ["GREEN LIGHT", "CHEQUERED FLAG"],
    "Lap": [1.0, float(LAPS)],
}


@pytest.mark.parametrize(
    ("race_laps", "messages", "is_told"),
    [
        (LAPS, CHEQUERED, False),
        (LAPS - 1, CHEQUERED, True),
        (LAPS + 1, CHEQUERED, True),
        # Without race control the timing tells, which may have counted the lap back to the pits.
        (LAPS - 2, {}, False),
        (LAPS + 1, {}, True),
    ],
)
def test_the_laps_of_another_race_are_told_by_the_chequered_flag(
    race_laps: int, messages: dict[str, Any], is_told: bool
) -> None:
    """S5: FastF1 gives a lap more to who stopped before the last one."""
    answer = a_race(race_control_messages=messages)
    read_so = read(replace(answer, body=answer.body | {"total_laps": race_laps}))

    assert (SessionPart.LAPS.value in kept(read_so)) is not is_told
    if is_told:
        assert reasons(read_so, Part.LAPS) == [
            f"a race of {race_laps} laps finished after {LAPS}: the count of the laps is another session's"
        ]


def test_a_race_that_runs_out_of_time_finishes_early() -> None:
    """Monaco 2022: two hours were over after 64 of 77 laps."""
    slow = laps() | {"Time": [9 * time // 5 - 2_880_000 for time in laps()["Time"]]}
    course = RACED | {"Time": [60 * 60_000, 195 * 60_000]}
    answer = a_race(laps=slow, session_status=course, race_control_messages=CHEQUERED)

    assert read(replace(answer, body=answer.body | {"total_laps": LAPS + 13})).problems == ()


@pytest.mark.parametrize("hour", [9, 17])
def test_messages_of_the_same_days_other_session_are_not_this_ones(hour: int) -> None:
    """S5: what race control took away in the morning was not driven in the afternoon."""
    deleted = laps()
    deleted["Deleted"] = [True] * len(deleted["LapNumber"])
    others = CHEQUERED | {"Time": [f"2030-06-02T{hour:02}:05:00", f"2030-06-02T{hour:02}:45:00"]}
    answer = read(a_race(race_control_messages=others, laps=deleted))

    assert {(one.part, one.code) for one in answer.problems} == {
        (Part.RACE_CONTROL, ProblemCode.CONTRADICTION)
    }
    (driven,) = [one for one in answer.facts.recordings if one.part is SessionPart.LAPS]
    assert {getattr(lap, "deleted", 0) for lap in driven.rows} == {None}
    assert answer.facts.classifications[0].kind is ClassificationKind.RACE
