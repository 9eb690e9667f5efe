"""Reading lap files: what is in them, and everything that may be wrong with one."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from f1graph.errors import BadSourceDataError, SourceUnavailableError
from f1graph.races.calendar import SessionKind
from f1graph.races.laps import Compound, Lap
from f1graph.races.results import KnownAtBasis
from f1graph.sources.laps import (
    KnownDriver,
    KnownSeason,
    LapFile,
    lap_files,
    missing_laps,
    read_laps,
    seasons_in,
)
from tests.sources.laps.lap_file import (
    CODES,
    RACE,
    SPRINT,
    a_known_season,
    a_lap_row,
    laps_of_everybody,
    write_laps,
)


def problem_of(path: Path, seasons: dict[int, KnownSeason] | None = None) -> str:
    """The one problem of a file, of which nothing may be given."""
    found = read_laps(path, seasons or a_known_season())
    assert found.recordings == ()
    (problem,) = found.problems
    assert problem.file == path.name
    return str(problem)


def read(path: Path, **known: Any) -> LapFile:
    found = read_laps(path, a_known_season(**known))
    assert found.problems == ()
    return found


def test_a_race_is_read_with_every_lap_of_every_driver(tmp_path: Path) -> None:
    (recording,) = read(write_laps(tmp_path, laps_of_everybody())).recordings

    assert (recording.race_id, recording.session) == (RACE.id, SessionKind.RACE)
    assert (recording.known_at, recording.known_at_basis) == (RACE.ends_at, KnownAtBasis.SESSION_END)
    assert (recording.source, recording.source_version) == ("lap-file", "race_laps_2024.parquet")
    assert recording.missing is None
    assert [(row.driver_id, row.number) for row in recording.rows if isinstance(row, Lap)] == [
        (driver, number) for driver in sorted(CODES) for number in (1, 2, 3)
    ]


def test_all_columns_of_a_lap_are_read_to_the_millisecond(tmp_path: Path) -> None:
    row = a_lap_row(
        7,
        LapTime=90.1234567,
        Sector1Time=30.1,
        Sector2Time=30.2,
        Sector3Time=29.8,
        SpeedI1=301.0,
        SpeedI2=302.0,
        SpeedFL=303.0,
        SpeedST=304.0,
        Compound="TEST_UNKNOWN",
        PitInTime=4001.5,
        PitOutTime=3911.25,
        TrackStatus="24",
        Deleted=True,
        DeletedReason="TRACK LIMITS AT TURN 4",
    )

    (recording,) = read(write_laps(tmp_path, [row])).recordings

    assert recording.rows == (
        Lap(
            driver_id="norris",
            number=7,
            at=timedelta(seconds=3930),
            time=timedelta(seconds=90, milliseconds=123),
            sector_1=timedelta(seconds=30.1),
            sector_2=timedelta(seconds=30.2),
            sector_3=timedelta(seconds=29.8),
            stint=1,
            compound=Compound.TEST,
            compound_name="C5",
            tyre_life=7,
            fresh_tyre=True,
            pit_in_at=timedelta(seconds=4001.5),
            pit_out_at=timedelta(seconds=3911.25),
            track_status="24",
            position=1,
            is_personal_best=False,
            is_accurate=True,
            deleted=True,
            deleted_reason="TRACK LIMITS AT TURN 4",
            speed_1=301.0,
            speed_2=302.0,
            speed_finish=303.0,
            speed_trap=304.0,
        ),
    )


def test_what_was_not_measured_is_unknown_and_not_zero(tmp_path: Path) -> None:
    empty: dict[str, Any] = dict.fromkeys(
        ("LapTime", "Time", "Stint", "TyreLife", "Position", "Compound", "TrackStatus")
    )
    rows = [a_lap_row(1, **empty), a_lap_row(2, LapTime=float("nan"), TrackStatus="")]

    (recording,) = read(write_laps(tmp_path, rows)).recordings

    first, second = recording.rows
    assert isinstance(first, Lap)
    assert isinstance(second, Lap)
    assert (first.time, first.at, first.stint, first.tyre_life, first.position) == (None,) * 5
    assert (first.compound, first.track_status) == (None, None)
    assert (second.time, second.track_status) == (None, None)


def test_practice_and_qualifying_say_of_which_session_each_lap_is(tmp_path: Path) -> None:
    rows = [
        a_lap_row(number, RoundNumber=2, Session=session)
        for session in ("FP1", "SQ", "S", "Q", "R")
        for number in (1, 2)
    ]

    found = read(write_laps(tmp_path, rows, name="practice_laps_2024.parquet")).recordings

    assert {one.session: one.known_at for one in found} == {
        session.kind: session.ends_at for session in SPRINT.sessions
    }


def test_a_sprint_file_tells_its_session_by_its_name(tmp_path: Path) -> None:
    rows = [a_lap_row(1, RoundNumber=2)]

    (recording,) = read(write_laps(tmp_path, rows, name="sprint_laps_2024.parquet")).recordings

    assert recording.session is SessionKind.SPRINT


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (
            {"Driver": "XYZ"},
            "row 2: nothing of 2024-gp-1 RACE was stored, because it is not certain who is meant by XYZ",
        ),
        ({"LapNumber": 1}, "row 2: LapNumber 1 of norris in 2024-gp-1 RACE stands in row 1 already"),
        ({"LapNumber": None}, "row 2: LapNumber None is missing"),
        ({"LapNumber": 0}, "row 2: LapNumber 0 is not between 1 and 200"),
        ({"LapTime": 12.5}, "row 2: LapTime 12.5 is not between 40 and 10800"),
        ({"LapTime": -90.0}, "row 2: LapTime -90.0 is not between"),
        ({"Time": 3000.0}, "row 2: Time 3000.0 is before the lap before it ended, 3390"),
        ({"Position": 99}, "row 2: Position 99 is not between 1 and 40"),
        ({"TyreLife": 2.5}, "row 2: TyreLife 2.5 is no whole number"),
        ({"Compound": "CHEESE"}, "row 2: Compound 'CHEESE' is none of"),
        ({"TrackStatus": "1;2"}, "row 2: TrackStatus '1;2' has other signs"),
        ({"PitInTime": 1e9}, "row 2: PitInTime 1000000000.0 is not between"),
    ],
)
def test_a_wrong_value_is_named_with_file_row_and_column(
    tmp_path: Path, row: dict[str, Any], words: str
) -> None:
    row = {"DriverNumber": "4", **row}
    path = write_laps(tmp_path, [a_lap_row(1), a_lap_row(2) | row])

    assert f"race_laps_2024.parquet, {words}" in problem_of(path)


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"Season": 1999}, "Season 1999 is not in the database: import its calendar first"),
        ({"RoundNumber": 25}, "RoundNumber 25 does not exist; 2024 has 2 rounds"),
        ({"Session": "FP9"}, "Session 'FP9' is none of FP1, FP2"),
        ({"Session": "S"}, "2024-gp-1 has no session SPRINT"),
    ],
)
def test_a_session_that_nobody_knows_is_named(tmp_path: Path, columns: dict[str, Any], words: str) -> None:
    assert words in problem_of(write_laps(tmp_path, [a_lap_row(1, **columns)]))


def test_a_stranger_holds_back_that_session_and_no_other(tmp_path: Path) -> None:
    """S9: a file had another series' codes in the practice of Hungary 2023, with the numbers of ours."""
    rows = [
        *(a_lap_row(number, Session="FP1") for number in (1, 2)),
        a_lap_row(1, "ARO", DriverNumber="44", Session="FP2"),
        a_lap_row(1, "BEG", DriverNumber="2", Session="FP2"),
        a_lap_row(1, Session="Q"),
    ]

    found = read_laps(write_laps(tmp_path, rows), a_known_season())

    assert [one.session for one in found.recordings] == [SessionKind.PRACTICE_1, SessionKind.QUALIFYING]
    (problem,) = found.problems
    assert (
        "nothing of 2024-gp-1 PRACTICE_2 was stored, because it is not certain who is meant by ARO in car 44 "
        "(hamilton has that number there), BEG in car 2 (nobody entered in 2024)" in str(problem)
    )
    assert "f1graph identity driver fastf1 2024 ARO some-slug" in str(problem)
    assert "f1graph fetch 2024 1 FP2" in str(problem)
    assert problem.row == 3


def test_a_code_of_the_season_in_somebody_elses_car_is_not_believed(tmp_path: Path) -> None:
    """S9: O'Sullivan, a guest in Abu Dhabi 2023, did not drive Ricciardo's car in Hungary."""
    known = a_known_season()[2024]
    guest = KnownDriver(SPRINT.id, "zak-osullivan", "OSU", "45")
    season = KnownSeason(known.races, [*known.drivers, guest], {})

    strange = problem_of(
        write_laps(tmp_path, [a_lap_row(1, "OSU", DriverNumber="44")]), seasons={2024: season}
    )

    assert "OSU in car 44 (hamilton has that number there)" in strange


def test_what_was_told_of_a_code_decides(tmp_path: Path) -> None:
    """S9: the user knows better than every rule."""
    season = replace(a_known_season()[2024], told={"ARO": "hamilton"})

    (recording,) = read_laps(
        write_laps(tmp_path, [a_lap_row(1, "ARO", DriverNumber="44")]), {2024: season}
    ).recordings

    assert {row.driver_id for row in recording.rows if isinstance(row, Lap)} == {"hamilton"}


def test_a_guest_who_was_entered_elsewhere_in_the_season_is_known_by_his_code(tmp_path: Path) -> None:
    known = a_known_season()
    rows = [a_lap_row(1, "BEA", DriverNumber="38")]
    guest = KnownSeason(
        known[2024].races,
        [*known[2024].drivers, type(known[2024].drivers[0])(SPRINT.id, "bearman", "BEA", "87")],
        {},
    )

    (recording,) = read_laps(write_laps(tmp_path, rows), {2024: guest}).recordings

    assert {row.driver_id for row in recording.rows if isinstance(row, Lap)} == {"bearman"}


def test_the_car_number_tells_two_drivers_of_one_code_apart(tmp_path: Path) -> None:
    codes = {"schumacher": ("MSC", "7"), "mick-schumacher": ("MSC", "47")}
    rows = [a_lap_row(1, "MSC", DriverNumber="47")]
    path = write_laps(tmp_path, rows)

    (recording,) = read(path, codes=codes).recordings
    unclear = problem_of(
        write_laps(tmp_path, [a_lap_row(1, "MSC", DriverNumber="1")]), a_known_season(codes=codes)
    )

    assert {row.driver_id for row in recording.rows if isinstance(row, Lap)} == {"mick-schumacher"}
    assert "may be any of mick-schumacher, schumacher" in unclear


def test_a_row_without_a_code_is_known_by_its_car_number(tmp_path: Path) -> None:
    rows = [a_lap_row(1), a_lap_row(1) | {"Driver": None, "DriverNumber": "44"}]

    (recording,) = read(write_laps(tmp_path, rows)).recordings

    assert {row.driver_id for row in recording.rows if isinstance(row, Lap)} == {"norris", "hamilton"}


def test_a_file_that_is_no_parquet_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "race_laps_2024.parquet"
    for content in (b"", b"<html>blocked</html>", b"PAR1" * 100):
        path.write_bytes(content)
        with pytest.raises(BadSourceDataError, match=r"race_laps_2024.parquet: is no whole parquet file"):
            seasons_in(path)


def test_a_truncated_or_damaged_file_is_refused(tmp_path: Path) -> None:
    path = write_laps(tmp_path, laps_of_everybody())
    whole = path.read_bytes()
    broken = whole[:-200], whole[:-300] + bytes(292) + whole[-8:], whole[:10] + bytes(500) + whole[510:]
    for content in broken:
        path.write_bytes(content)
        with pytest.raises(BadSourceDataError, match="is no whole parquet file"):
            read_laps(path, a_known_season())


def test_a_file_without_a_needed_column_is_refused_by_its_name(tmp_path: Path) -> None:
    rows = [{name: value for name, value in a_lap_row().items() if name not in ("Stint", "Driver")}]

    with pytest.raises(BadSourceDataError, match="has no column Driver, Stint"):
        read_laps(write_laps(tmp_path, rows), a_known_season())


def test_a_column_of_another_type_is_refused(tmp_path: Path) -> None:
    assert "LapTime '1:30' is no number" in problem_of(write_laps(tmp_path, [a_lap_row(LapTime="1:30")]))
    assert "Driver 44 is no text" in problem_of(write_laps(tmp_path, [a_lap_row() | {"Driver": 44}]))


def test_a_file_that_does_not_tell_its_session_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadSourceDataError, match="has no column Session, and is not called race_laps_"):
        read_laps(write_laps(tmp_path, [a_lap_row()], name="laps.parquet"), a_known_season())


def test_a_folder_gives_its_files_in_order_and_an_empty_one_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceUnavailableError, match="neither a parquet file nor a folder with one"):
        lap_files(tmp_path)
    later = write_laps(tmp_path, [a_lap_row()], name="sprint_laps.parquet")
    first = write_laps(tmp_path, [a_lap_row()])

    assert lap_files(tmp_path) == [first, later]
    assert lap_files(first) == [first]


def test_a_race_that_ends_too_early_says_so(tmp_path: Path) -> None:
    """Monaco 2024: the timing data ends at lap 77 of 78."""
    drove = {"norris": 4, "alonso": 4, "hamilton": 0}

    (recording,) = read(write_laps(tmp_path, laps_of_everybody(3)), drove=drove).recordings

    assert recording.missing == "ends at lap 3 of 4"


def test_laps_of_some_starters_only_say_whose_are_missing() -> None:
    laps = [Lap(driver_id="norris", number=number) for number in range(1, 58)]

    assert missing_laps(laps, {"norris": 57, "alonso": 57, "stroll": 12}) == (
        "laps of 1 of 3 drivers, none of alonso, stroll"
    )
    # Who did not complete a lap has none to be missing.
    assert missing_laps(laps, {"norris": 57, "stroll": 0}) is None
    assert missing_laps(laps, {"norris": None}) is None
    assert missing_laps(laps, {}) is None


def test_the_same_laps_in_the_same_file_have_the_same_hash(tmp_path: Path) -> None:
    rows = laps_of_everybody()
    one = read(write_laps(tmp_path, rows)).facts
    again = read(write_laps(tmp_path, list(reversed(rows)))).facts
    other = read(write_laps(tmp_path, laps_of_everybody(4))).facts

    assert one.content_hash == again.content_hash != other.content_hash
