"""What is made of FastF1's answer: checked against the race asked, itself, and the rules of the sport."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from f1graph.races.calendar import Session, SessionKind
from f1graph.races.laps import SessionPart
from f1graph.races.results import ClassificationKind, Status
from f1graph.sources.fastf1 import Failure, Host, Part, ProblemCode, SessionAnswer
from f1graph.sources.fastf1.process import Answer
from f1graph.sources.fastf1.reading import read_session
from tests.sources.fastf1.hand_made import (
    CARS,
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

_ALL_PARTS = set(SessionPart)
_SATURDAY = STARTS_AT - timedelta(days=1)
QUALIFYING_TOO = replace(
    RACE,
    sessions=(Session(SessionKind.QUALIFYING, _SATURDAY, _SATURDAY + timedelta(hours=1)), *RACE.sessions),
)


def read(answer: Answer) -> SessionAnswer:
    return read_session(answer, RACE, SessionKind.RACE, known=KNOWN, now=NOW)


def parts_of(answer: SessionAnswer) -> set[SessionPart]:
    return {recording.part for recording in answer.facts.recordings}


def named(answer: SessionAnswer) -> set[tuple[Part, ProblemCode]]:
    return {(problem.part, problem.code) for problem in answer.problems}


def test_a_sound_race_is_read_whole() -> None:
    answer = read(an_answer())

    assert answer.problems == ()
    race, grid = answer.facts.classifications
    assert (race.kind, grid.kind) == (ClassificationKind.RACE, ClassificationKind.GRID)
    assert race.known_at == NOW
    assert race.rows[-1].status is Status.DID_NOT_FINISH
    assert race.rows[-1].reason_retired == "Engine"
    assert race.rows[0].engine_id == "engine"
    assert [row.car_number for row in grid.rows if row.status is Status.PIT_LANE] == ["19"]
    assert parts_of(answer) == _ALL_PARTS
    assert all(recording.missing is None for recording in answer.facts.recordings)


@pytest.mark.parametrize(
    "event",
    [
        an_event(round=4),
        an_event(season=2029),
        an_event(sessions=[["Qualifying", "2029-06-02T13:00:00"], ["Race", "2029-06-03T13:00:00"]]),
        an_event(
            name="Lemuria Grand Prix",
            sessions=[["Qualifying", "2030-06-15T13:00:00"], ["Race", "2030-06-16T13:00:00"]],
        ),
    ],
)
def test_another_race_than_the_one_asked_gives_nothing(event: dict[str, Any]) -> None:
    """S5: a source answers about another race than the one asked for."""
    answer = read(an_answer(event=event))

    assert named(answer) == {(Part.SESSION, ProblemCode.WRONG_RACE)}
    assert answer.facts.classifications == ()
    assert answer.facts.recordings == ()


@pytest.mark.parametrize(
    "info",
    [
        {"Meeting": {"Name": "Lemuria Grand Prix"}, "Name": "Race"},
        {"Meeting": {"Name": "Atlantis Grand Prix"}, "Name": "Qualifying"},
        {"Meeting": {"Name": "Atlantis Grand Prix"}, "Name": "Race", "StartDate": "2029-06-03T15:00:00"},
    ],
)
def test_an_archive_that_describes_another_session_gives_nothing(info: dict[str, Any]) -> None:
    """S5: a source answers about another race than the one asked for."""
    assert named(read(an_answer(info=info))) == {(Part.SESSION, ProblemCode.WRONG_RACE)}


def test_a_renamed_race_is_known_by_its_days() -> None:
    assert read(an_answer(event=an_event(name="Grand Prix of the Sunken Isle"))).problems == ()


_TWICE_FIFTEENTH = [*range(1, 16), 15, *range(17, CARS + 1)]


@pytest.mark.parametrize(
    "columns",
    [
        {"Position": [0.0] * CARS},
        {"Position": [float(place) for place in (1, 1, *range(3, CARS + 1))]},
        # Where there are no points nothing else tells.
        {
            "Position": [float(place) for place in _TWICE_FIFTEENTH],
            "ClassifiedPosition": [*(str(place) for place in _TWICE_FIFTEENTH[:-1]), "R"],
        },
        {"Points": [0.0] * CARS},
        {"Points": [None] * CARS},
        {"TeamName": ["Team 1"] * CARS},
        {"Time": [5_400_000, 9_000, *(number * 1000 for number in range(2, CARS - 1)), None]},
        {"Laps": [0.0] * CARS},
        {"ClassifiedPosition": [*(str(number) for number in range(1, CARS)), "?"]},
    ],
)
def test_a_result_that_cannot_be_is_refused_and_the_laps_go_on(columns: dict[str, list[Any]]) -> None:
    """S4: a source hides its errors and gives partial data."""
    answer = read(an_answer(results=results(**columns)))

    assert answer.facts.classifications == ()
    assert named(answer) == {
        (Part.CLASSIFICATION, ProblemCode.CONTRADICTION),
        (Part.GRID, ProblemCode.CONTRADICTION),
    }
    assert parts_of(answer) == _ALL_PARTS


@pytest.mark.parametrize("milliseconds", [10**30, 86_400_001, -1])
def test_a_time_that_is_none_holds_its_part_back_and_ends_nothing(milliseconds: int) -> None:
    """S4: more than Python counts, a day and more, or less than nothing."""
    times = {"Time": [5_400_000, milliseconds, *(number * 1000 for number in range(2, CARS - 1)), None]}
    driven = laps()
    driven["Time"][0] = milliseconds
    answer = read(an_answer(results=results(**times), laps=driven))

    assert {part for part, _ in named(answer)} == {Part.CLASSIFICATION, Part.GRID, Part.LAPS}
    assert parts_of(answer) == _ALL_PARTS - {SessionPart.LAPS}


def test_two_cars_on_one_grid_place_cost_the_grid_only() -> None:
    answer = read(an_answer(results=results(GridPosition=[1.0] * CARS)))

    assert named(answer) == {(Part.GRID, ProblemCode.CONTRADICTION)}
    assert [listed.kind for listed in answer.facts.classifications] == [ClassificationKind.RACE]


def test_five_laps_of_fifty_are_not_kept() -> None:
    """S7: fresh sessions are empty or half empty."""
    answer = read(an_answer(laps=laps(last=5)))

    assert named(answer) == {(Part.LAPS, ProblemCode.INCOMPLETE)}
    assert parts_of(answer) == _ALL_PARTS - {SessionPart.LAPS}


def test_a_race_that_lacks_its_last_laps_is_kept_and_says_so() -> None:
    """S7: fresh sessions are empty or half empty."""
    answer = read(an_answer(laps=laps(last=LAPS - 2)))

    (kept,) = [recording for recording in answer.facts.recordings if recording.part is SessionPart.LAPS]
    assert kept.missing is not None
    assert kept.missing.startswith("38 of 960 laps")
    assert named(answer) == {(Part.LAPS, ProblemCode.INCOMPLETE)}


# An hour from the tenth minute on: eighteen minutes, fifteen and twelve, with pauses.
_THREE_PARTS = {
    "Time": [minute * 60_000 for minute in (10, 28, 35, 50, 58, 70)],
    "Status": ["Started", "Finished"] * 3,
}


@pytest.mark.parametrize("minutes", [5, 25])
def test_a_qualifying_with_its_first_laps_only_is_not_kept(minutes: int) -> None:
    """S7: nobody publishes how many laps a qualifying had, so its own start and end are what tells."""
    driven = laps(last=1, cars=CARS - 1) | {"Time": [600_000 + minutes * 60_000] * (CARS - 1)}
    answer = read_session(
        an_answer(laps=driven, session_status=_THREE_PARTS),
        QUALIFYING_TOO,
        SessionKind.QUALIFYING,
        known=KNOWN,
        now=NOW,
    )

    assert (Part.LAPS, ProblemCode.INCOMPLETE) in named(answer)
    assert SessionPart.LAPS not in parts_of(answer)
    (reason,) = [one.reason for one in answer.problems if one.part is Part.LAPS]
    assert reason == f"the last lap ends after {minutes} of 60 minutes: too few to keep"


def test_a_qualifying_that_rain_ended_is_kept() -> None:
    """S7: fresh sessions are empty or half empty."""
    driven = laps(last=1, cars=CARS - 1) | {"Time": [600_000 + 31 * 60_000] * (CARS - 1)}
    answer = read_session(
        an_answer(laps=driven, session_status=_THREE_PARTS),
        QUALIFYING_TOO,
        SessionKind.QUALIFYING,
        known=KNOWN,
        now=NOW,
    )

    assert SessionPart.LAPS in parts_of(answer)


def a_qualifying(**columns: list[Any]) -> Answer:
    times = {f"Q{part}": [80_000 + car for car in range(CARS)] for part in (1, 2, 3)}
    return an_answer(results=results(**(times | columns)))


@pytest.mark.parametrize(
    ("placed", "is_kept"), [(CARS, True), (CARS - 3, True), (CARS - 4, False), (5, False)]
)
def test_the_first_places_of_a_qualifying_are_not_kept_for_all(placed: int, is_kept: bool) -> None:
    """S7: the beginning of a list looks like a whole one."""
    places = [float(place) if place <= placed else None for place in range(1, CARS + 1)]
    answer = read_session(
        a_qualifying(Position=places), QUALIFYING_TOO, SessionKind.QUALIFYING, known=KNOWN, now=NOW
    )

    assert [one.kind for one in answer.facts.classifications] == [ClassificationKind.QUALIFYING] * is_kept
    reasons = [one.reason for one in answer.problems if one.part is Part.CLASSIFICATION]
    assert reasons == ([] if is_kept else [f"{placed} of {CARS} cars have a place"])


def test_a_page_that_costs_nothing_is_named_too() -> None:
    """S4: without the page that tells how long a race is, its laps are kept, and the failure is named."""
    failure = Failure(Host.LIVE_TIMING, "http://host/LapCount.jsonStream", ProblemCode.BLOCKED)
    answer = read(replace(an_answer(), failures=(failure,)))

    assert named(answer) == {(Part.LAPS, ProblemCode.BLOCKED)}
    assert parts_of(answer) == _ALL_PARTS


def test_laps_of_a_longer_session_are_not_those_of_the_race() -> None:
    """S5, S7: what the archive has under the race's address may be another session's timing."""
    answer = read(an_answer(laps=laps(last=LAPS + 3)))

    assert named(answer) == {(Part.LAPS, ProblemCode.CONTRADICTION)}
    assert parts_of(answer) == _ALL_PARTS - {SessionPart.LAPS}


def test_the_first_nine_of_a_race_are_not_the_race() -> None:
    """S4, S7: places, points and laps go together, and half of the field is missing."""
    nine = {column: values[:9] for column, values in results().items()}
    answer = read(an_answer(results=nine, laps=laps(cars=9)))

    assert answer.facts.classifications == ()
    reasons = {one.reason for one in answer.problems if one.part is Part.CLASSIFICATION}
    assert reasons == {"9 cars are classified; a session has 10 to 26"}


def test_thirty_drivers_are_refused() -> None:
    """S7: fresh sessions are empty or half empty."""
    thirty = results()
    thirty = {column: [*values, *values[:10]] for column, values in thirty.items()}

    assert (Part.CLASSIFICATION, ProblemCode.CONTRADICTION) in named(read(an_answer(results=thirty)))


def test_an_unknown_driver_holds_results_and_laps_back_and_says_how_to_map_her() -> None:
    """S9: drivers change team, number and name inside a season."""
    stranger = results()
    for column, value in (("Abbreviation", "ZZZ"), ("LastName", "Nobody"), ("DriverId", "nobody")):
        stranger[column][0] = value
    stranger["DriverNumber"][0] = "99"
    answer = read(an_answer(results=stranger))

    reason = next(problem.reason for problem in answer.problems if problem.part is Part.CLASSIFICATION)
    assert "f1graph identity driver fastf1 2030 ZZZ some-slug" in reason
    assert (Part.CLASSIFICATION, ProblemCode.UNKNOWN_ID) in named(answer)


@pytest.mark.parametrize(
    ("frame", "columns", "part"),
    [
        ("weather_data", {"Time": [120_000, 60_000]}, Part.WEATHER),
        ("weather_data", {"Time": [60_000], "AirTemp": [400.0]}, Part.WEATHER),
        ("race_control_messages", {"Time": ["2029-06-02T13:00:00"]}, Part.RACE_CONTROL),
        ("race_control_messages", {"Time": ["2030-06-02T13:00:00+02:00"]}, Part.RACE_CONTROL),
        ("laps", {"DriverNumber": ["1", "1"], "LapNumber": [1.0, 1.0]}, Part.LAPS),
        (
            "laps",
            {"DriverNumber": ["1", "1"], "LapNumber": [1.0, 2.0], "Time": [9_000_000, 90_000]},
            Part.LAPS,
        ),
    ],
)
def test_a_part_outside_its_session_or_out_of_order_is_refused_alone(
    frame: str, columns: dict[str, list[Any]], part: Part
) -> None:
    answer = read(an_answer(**{frame: columns}))

    assert named(answer) == {(part, ProblemCode.CONTRADICTION)}
    assert parts_of(answer) == _ALL_PARTS - {SessionPart(part.value)}


def test_flags_that_are_none_cost_the_laps_too() -> None:
    """S4: the laps carry the flags that were shown on them."""
    answer = read(an_answer(track_status={"Time": [0], "Status": ["9"]}))

    lost = {Part.TRACK_STATUS, Part.LAPS}
    assert named(answer) == {(part, ProblemCode.CONTRADICTION) for part in lost}
    assert parts_of(answer) == _ALL_PARTS - {SessionPart(part.value) for part in lost}


# Started, stopped after twenty minutes for ten, finished with the last lap, closed five minutes later.
_COURSE = {
    "Time": [minute * 60_000 for minute in (60, 80, 90, 135, 140)],
    "Status": ["Started", "Aborted", "Started", "Finished", "Finalised"],
}
_WEATHER = {"Time": [minute * 60_000 for minute in range(140)]}
_FLAGS: dict[str, list[Any]] = {
    "Time": [minute * 60_000 for minute in (0, 70, 75, 80, 90)],
    "Status": ["1", "4", "1", "5", "1"],
}
_ANNOUNCED: dict[str, list[Any]] = {
    "Time": ["2030-06-02T13:10:00", "2030-06-02T13:20:00", "2030-06-02T14:15:00"],
    "Category": ["SafetyCar", "Flag", "Flag"],
    "Message": ["SAFETY CAR DEPLOYED", "RED FLAG", "CHEQUERED FLAG"],
    "Lap": [5.0, 15.0, 50.0],
}


def the_course_of_a_race(**frames: Any) -> Answer:
    told: dict[str, Any] = {
        "session_status": _COURSE,
        "weather_data": _WEATHER,
        "track_status": _FLAGS,
        "race_control_messages": _ANNOUNCED,
    }
    return an_answer(**(told | frames))


def test_weather_and_flags_that_fit_the_session_are_kept() -> None:
    answer = read(the_course_of_a_race())

    assert named(answer) == set()
    assert parts_of(answer) == _ALL_PARTS


@pytest.mark.parametrize("minutes", [130, 143])
def test_the_weather_of_another_session_is_told_by_its_end(minutes: int) -> None:
    """S5: the page does not say whose it is, but the station measures until the session is closed."""
    others = {"Time": [minute * 60_000 for minute in range(minutes)]}
    answer = read(the_course_of_a_race(weather_data=others))

    assert named(answer) == {(Part.WEATHER, ProblemCode.CONTRADICTION)}
    assert parts_of(answer) == _ALL_PARTS - {SessionPart.WEATHER}


@pytest.mark.parametrize(
    ("minutes", "codes", "reason"),
    [
        ((0, 70, 75), "141", "the session was interrupted at 1:20:00 without a red flag"),
        ((0, 70, 75, 80, 90, 100), "141515", "a red flag at 1:40:00 did not interrupt the session"),
        ((0, 80, 90), "151", "a safety car was announced at 1:10:00 and never shown"),
        (
            (0, 70, 75, 80, 90, 120),
            "141516",
            "a virtual safety car was shown at 2:00:00 that nobody announced",
        ),
        (
            (0, 70, 75, 80, 90, 100, 101, 110, 111),
            "141512121",
            "2 yellow flags were shown that nobody announced, the first at 1:40:00",
        ),
        ((0, 70, 75, 80, 90, 170), "141512", "the flags go on until 2:50:00, the session ends at 2:20:00"),
    ],
)
def test_the_flags_of_another_session_are_told_by_what_happened_in_this_one(
    minutes: tuple[int, ...], codes: str, reason: str
) -> None:
    """S5: the page does not say whose it is, but red flags interrupt, and safety cars are announced."""
    others = {"Time": [minute * 60_000 for minute in minutes], "Status": list(codes)}
    answer = read(the_course_of_a_race(track_status=others))

    # The laps carry the flags that were shown on them.
    lost = (Part.TRACK_STATUS, Part.LAPS)
    assert [(one.part, one.reason) for one in answer.problems] == [(part, reason) for part in lost]
    assert parts_of(answer) == _ALL_PARTS - {SessionPart(part.value) for part in lost}


_TWO_YELLOWS: dict[str, list[Any]] = {
    "Time": [*_ANNOUNCED["Time"][:2], "2030-06-02T13:40:00", "2030-06-02T13:50:00", _ANNOUNCED["Time"][2]],
    "Category": ["SafetyCar", *["Flag"] * 4],
    "Message": [
        *_ANNOUNCED["Message"][:2],
        "YELLOW IN TRACK SECTOR 5",
        "DOUBLE YELLOW IN TRACK SECTOR 7",
        _ANNOUNCED["Message"][2],
    ],
    "Flag": [None, "RED", "YELLOW", "DOUBLE YELLOW", "CHEQUERED"],
    "Lap": [5.0, 15.0, 25.0, 30.0, 50.0],
}


def test_yellow_flags_are_shown_where_they_are_announced() -> None:
    """S5: a quiet session's flags are those of many; the corners where cars went off tell them apart."""
    shown = {
        "Time": [*_FLAGS["Time"], *(minute * 60_000 for minute in (100, 101, 110, 111))],
        "Status": [*_FLAGS["Status"], *"2121"],
    }
    told = read(the_course_of_a_race(race_control_messages=_TWO_YELLOWS, track_status=shown))
    others = read(the_course_of_a_race(race_control_messages=_TWO_YELLOWS))

    assert told.problems == ()
    reason = "2 yellow flags were announced and 0 of them shown, the first announced at 1:40:00"
    assert [(one.part, one.reason) for one in others.problems] == [
        (part, reason) for part in (Part.TRACK_STATUS, Part.LAPS)
    ]


def test_a_race_that_begins_again_behind_the_safety_car_needs_no_announcement() -> None:
    again = {"Time": [*_FLAGS["Time"], 91 * 60_000], "Status": [*_FLAGS["Status"], "4"]}

    assert named(read(the_course_of_a_race(track_status=again))) == set()


def test_a_race_without_ergasts_part_has_no_result() -> None:
    # FastF1 then fills the places from the laps, and leaves status, grid and points empty.
    """S4: a source hides its errors and gives partial data."""
    answer = read(an_answer(results=results(DriverId=[None] * CARS, Points=[None] * CARS)))

    assert answer.facts.classifications == ()
    assert {part for part, _ in named(answer)} == {Part.CLASSIFICATION, Part.GRID}
