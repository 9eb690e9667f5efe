"""Whatever is wrong with a release is said with file, row and value, and nothing is returned."""

from __future__ import annotations

import contextlib
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from f1graph.errors import BadSourceDataError, SourceUnavailableError
from f1graph.sources.f1db import archive, read_release
from tests.sources.f1db.release_builder import COLUMNS, ReleaseBuilder

RACES = "f1db-races.csv"
RESULTS = "f1db-races-race-results.csv"
QUALIFYING = "f1db-races-qualifying-results.csv"
SPRINT = "f1db-races-sprint-race-results.csv"
GRID = "f1db-races-starting-grid-positions.csv"
PRACTICE = "f1db-races-free-practice-1-results.csv"
FASTEST_LAPS = "f1db-races-fastest-laps.csv"
PIT_STOPS = "f1db-races-pit-stops.csv"
DRIVERS = "f1db-drivers.csv"
ENTRANTS = "f1db-seasons-entrants-drivers.csv"
DRIVER_STANDINGS = "f1db-races-driver-standings.csv"
CONSTRUCTOR_STANDINGS = "f1db-races-constructor-standings.csv"


def _error(path: Path) -> BadSourceDataError:
    with pytest.raises(BadSourceDataError) as caught:
        read_release(path)
    return caught.value


def _assert_refused(release: ReleaseBuilder, folder: Path, *, file: str, row: int, value: str) -> None:
    error = _error(release.write(folder))
    assert (error.file, error.row) == (file, row)
    assert value in error.problem
    assert str(error).startswith(f"{file}, row {row}: ")


# Each: file, row, the cells that are wrong there, and what the error must name.
WRONG_CELLS: dict[str, tuple[str, int, dict[str, object], str]] = {
    "an unknown driver": (RESULTS, 5, {"driverId": "nobody"}, "driverId is 'nobody'"),
    "an unknown constructor": (RESULTS, 5, {"constructorId": "none"}, "constructorId is 'none'"),
    "an unknown engine": (RESULTS, 5, {"engineManufacturerId": "none"}, "engineManufacturerId is 'none'"),
    "no driver": (QUALIFYING, 4, {"driverId": ""}, "driverId is empty"),
    "an unknown race": (RESULTS, 5, {"raceId": 99}, "raceId is 99"),
    "an unknown circuit": (RACES, 3, {"circuitId": "moon"}, "circuitId is 'moon'"),
    "an unknown Grand Prix": (RACES, 3, {"grandPrixId": "moon"}, "grandPrixId is 'moon'"),
    "an unknown country": (DRIVERS, 2, {"nationalityCountryId": "moon"}, "'moon'"),
    "an entrant of an unknown driver": (ENTRANTS, 2, {"driverId": "nobody"}, "'nobody'"),
    "an entrant for a round that is none": (ENTRANTS, 2, {"rounds": "1;9"}, "'9'"),
    "a round that is another race's": (RESULTS, 5, {"round": 2}, "year 2024 round 2 contradicts raceId 2"),
    "a year that is another race's": (RESULTS, 5, {"year": 2023}, "year 2023 round 1 contradicts raceId 2"),
    "a number that is none": (RESULTS, 5, {"laps": "many"}, "laps is 'many'"),
    "a number with an underscore": (RESULTS, 5, {"laps": "6_0"}, "laps is '6_0'"),
    "a number without end": (RESULTS, 5, {"laps": "9" * 5000}, "laps is"),
    "points that are not a number": (RESULTS, 5, {"points": "nan"}, "points is 'nan'"),
    "points below zero": (RESULTS, 5, {"points": "-1"}, "points is -1"),
    "a time below zero": (PIT_STOPS, 2, {"timeMillis": "-5"}, "timeMillis is -5"),
    "a truth that is none": (RESULTS, 5, {"fastestLap": "perhaps"}, "fastestLap is 'perhaps'"),
    "a date that is none": (RACES, 3, {"date": "2024-02-30"}, "date is '2024-02-30'"),
    "a date of another year": (RACES, 3, {"date": "2023-03-03"}, "2023-03-03"),
    "no date": (RACES, 3, {"date": ""}, "date is empty"),
    "a time of day that is none": (RACES, 3, {"time": "25:00"}, "time is '25:00'"),
    "a session's time without its date": (RACES, 3, {"qualifyingDate": ""}, "qualifyingDate is empty"),
    "a session after its race": (RACES, 3, {"qualifyingDate": "2024-03-04"}, "after the race"),
    "a session in another month": (RACES, 5, {"qualifyingDate": "2024-01-30"}, "far from the race"),
    "a season before the first": (RACES, 2, {"year": 1949, "date": "1949-07-06"}, "year is 1949"),
    "a birthday that is none": (DRIVERS, 2, {"dateOfBirth": "31.01.1999"}, "'31.01.1999'"),
    "a place beyond the pole": ("f1db-circuits.csv", 2, {"latitude": 91}, "latitude 91.0"),
    "an unknown status": (RESULTS, 8, {"positionText": "LOST"}, "positionText is 'LOST'"),
    "a status beside a position": (RESULTS, 5, {"positionText": "DNF"}, "positionText is 'DNF'"),
    "a gap in the order": (RESULTS, 8, {"positionDisplayOrder": 5}, "positionDisplayOrder is 5"),
    "an order twice": (RESULTS, 7, {"positionDisplayOrder": 2}, "positionDisplayOrder is 2"),
    "a position twice": (RESULTS, 6, {"positionNumber": 1, "positionText": "1"}, "position 1 of 2024-alba"),
    "a position below a better one": (
        QUALIFYING,
        5,
        {"positionNumber": 9, "positionText": "9"},
        "position 3 is listed below position 9",
    ),
    "a driver twice": (RESULTS, 6, {"driverId": "ada-abel"}, "'ada-abel' of 2024-alba is already in row 5"),
    "a driver twice on the grid": (GRID, 5, {"driverId": "ada-abel"}, "'ada-abel'"),
    "a driver twice in a sprint": (SPRINT, 3, {"driverId": "ada-abel"}, "'ada-abel'"),
    "a shared fastest lap with two times": (FASTEST_LAPS, 3, {"timeMillis": 110_100}, "position 1"),
    "a shared car with two numbers": (RESULTS, 4, {"driverNumber": "8"}, "position 2 of 1958-alba"),
    "a driver twice in the standings": (DRIVER_STANDINGS, 3, {"driverId": "ada-abel"}, "'ada-abel'"),
    "an unknown driver in the standings": (DRIVER_STANDINGS, 3, {"driverId": "nobody"}, "'nobody'"),
    "an unknown code in the standings": (
        DRIVER_STANDINGS,
        3,
        {"positionNumber": None, "positionText": "DNF"},
        "'DNF'",
    ),
    "negative points in the standings": (CONSTRUCTOR_STANDINGS, 2, {"points": "-3"}, "points is -3"),
}


@pytest.mark.parametrize("what", WRONG_CELLS)
def test_a_wrong_cell_is_named_with_file_row_and_value(tmp_path: Path, what: str) -> None:
    file, row, cells, value = WRONG_CELLS[what]

    _assert_refused(
        ReleaseBuilder().change(file, row, **cells), tmp_path, file=file, row=_row_of(what, row), value=value
    )


def _row_of(what: str, row: int) -> int:
    # The line that cannot be placed is the one after the gap, or the second of two.
    return {"a position below a better one": 6}.get(what, row)


@pytest.mark.parametrize(
    ("file", "id_"),
    [
        (DRIVERS, "ada-abel"),
        ("f1db-constructors.csv", "old-vela"),
        ("f1db-circuits.csv", "hill"),
        ("f1db-countries.csv", "italy"),
    ],
)
def test_an_id_given_twice_is_refused(tmp_path: Path, file: str, id_: str) -> None:
    release = ReleaseBuilder().repeat(file, 2)

    _assert_refused(release, tmp_path, file=file, row=release.last_row(file), value=f"{id_!r} is already")


@pytest.mark.parametrize(
    ("changes", "value"),
    [
        ({}, "id 2 is already in row 3"),
        ({"id": 9}, "2024 round 1 is already in row 3"),
        ({"id": 9, "round": 9}, "2024 'alba' is already in row 3"),
    ],
)
def test_a_race_given_twice_is_refused(tmp_path: Path, changes: dict[str, object], value: str) -> None:
    release = ReleaseBuilder().repeat(RACES, 3, **changes)

    _assert_refused(release, tmp_path, file=RACES, row=release.last_row(RACES), value=value)


def test_a_pit_stop_given_twice_is_refused(tmp_path: Path) -> None:
    release = ReleaseBuilder().repeat(
        PIT_STOPS, 2, positionDisplayOrder=5, positionNumber=5, positionText="5"
    )

    _assert_refused(release, tmp_path, file=PIT_STOPS, row=release.last_row(PIT_STOPS), value="'ada-abel'")


def test_a_driver_may_stop_several_times(tmp_path: Path) -> None:
    release = ReleaseBuilder().repeat(
        PIT_STOPS, 2, positionDisplayOrder=5, positionNumber=5, positionText="5", stop=2
    )

    read_release(release.write(tmp_path))


def test_cars_were_shared_until_1964_only(tmp_path: Path) -> None:
    release = ReleaseBuilder().change(
        RESULTS, 6, positionNumber=1, positionText="1", sharedCar=True, driverNumber="3"
    )

    _assert_refused(release, tmp_path, file=RESULTS, row=6, value="position 1")


@pytest.mark.parametrize("file", COLUMNS)
def test_a_missing_file_is_named(tmp_path: Path, file: str) -> None:
    assert file in str(_error(ReleaseBuilder().without_file(file).write(tmp_path)))


@pytest.mark.parametrize(
    ("file", "column"),
    [
        (RACES, "date"),
        (RACES, "sprintRaceTime"),
        (RESULTS, "points"),
        (RESULTS, "reasonRetired"),
        (QUALIFYING, "q3Millis"),
        (PRACTICE, "laps"),
        (GRID, "gridPenalty"),
        (PIT_STOPS, "stop"),
        (DRIVERS, "abbreviation"),
        (ENTRANTS, "testDriver"),
        (DRIVER_STANDINGS, "points"),
    ],
)
def test_a_missing_column_is_named(tmp_path: Path, file: str, column: str) -> None:
    release = ReleaseBuilder().without_column(file, column)

    _assert_refused(release, tmp_path, file=file, row=1, value=f"lacks the column {column}")


def _with_text(folder: Path, file: str, change: Callable[[str], bytes]) -> Path:
    release = ReleaseBuilder()
    path = folder / "f1db-csv.zip"
    with zipfile.ZipFile(path, "w") as packed:
        for name in release.rows:
            text = release.text(name)
            packed.writestr(name, change(text) if name == file else text.encode())
    return path


@pytest.mark.parametrize("ending", ["", ",,,,,\n", ",1,2\n"])
def test_a_line_with_too_few_or_too_many_cells_is_refused(tmp_path: Path, ending: str) -> None:
    def change(text: str) -> bytes:
        complete = text.removesuffix("\n")
        return (complete + ending if ending else complete.rsplit(",", 3)[0]).encode()

    error = _error(_with_text(tmp_path, RESULTS, change))

    assert (error.file, error.row) == (RESULTS, ReleaseBuilder().last_row(RESULTS))
    assert "but the header has" in error.problem


def test_a_file_that_breaks_off_within_a_name_is_refused(tmp_path: Path) -> None:
    error = _error(_with_text(tmp_path, DRIVERS, lambda text: text[: text.rindex("Dahl")].encode()))

    assert error.file == DRIVERS


def test_a_quote_that_never_ends_is_refused(tmp_path: Path) -> None:
    error = _error(_with_text(tmp_path, DRIVERS, lambda text: (text + '"eve').encode()))

    assert error.file == DRIVERS
    assert "CSV" in error.problem


def test_text_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    error = _error(_with_text(tmp_path, DRIVERS, lambda text: text.replace("Ada", "Adé").encode("latin-1")))

    assert error.file == DRIVERS
    assert "UTF-8" in error.problem


def test_a_column_twice_is_refused(tmp_path: Path) -> None:
    release = ReleaseBuilder()
    release.columns[DRIVERS].append("name")

    _assert_refused(release, tmp_path, file=DRIVERS, row=1, value="name twice")


def test_a_truncated_zip_is_refused(tmp_path: Path) -> None:
    path = ReleaseBuilder().write(tmp_path)
    path.write_bytes(path.read_bytes()[:-3000])

    assert "download it again" in str(_error(path))


@pytest.mark.parametrize("content", [b"", b"<html>Not found</html>", b"PK\x03\x04 and then nothing"])
def test_a_file_that_is_no_zip_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "f1db-csv.zip"
    path.write_bytes(content)

    assert "not a complete zip" in str(_error(path))


def test_a_zip_with_a_flipped_byte_is_refused(tmp_path: Path) -> None:
    path = ReleaseBuilder().write(tmp_path)
    content = bytearray(path.read_bytes())
    content[len(content) // 3] ^= 0xFF
    path.write_bytes(content)

    assert "damaged" in str(_error(path))


def test_a_zip_of_something_else_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "holiday.zip"
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("beach.jpg", b"")

    assert "beach.jpg" in str(_error(path))


def test_a_file_twice_in_the_zip_is_refused(tmp_path: Path) -> None:
    path = ReleaseBuilder().write(tmp_path)
    with zipfile.ZipFile(path, "a") as packed:
        packed.writestr(f"more/{DRIVERS}", "id\n")

    assert (_error(path).file, "twice" in _error(path).problem) == (DRIVERS, True)


def test_a_decompression_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "f1db-csv.zip"
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed,
        packed.open("f1db-drivers.csv", "w", force_zip64=True) as member,
    ):
        block = bytes(1 << 24)
        for _ in range(archive.MAX_UNPACKED_BYTES // len(block) + 1):
            member.write(block)

    assert "would unpack to" in str(_error(path))


def test_a_packing_without_a_limit_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "f1db-csv.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as packed:
        packed.writestr("f1db-drivers.csv", b"id\n")

    assert _error(path).file == "f1db-drivers.csv"


def test_a_file_that_is_not_there_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(SourceUnavailableError, match="give the path"):
        read_release(tmp_path / "nowhere.zip")


NASTY = st.one_of(
    st.text(max_size=12),
    st.sampled_from(
        ["", "-1", "0", "1e9", "nan", "inf", "9" * 400, "٣", "1.5", "2024-13-01", "24:00", "\x00"]
    ),
    st.integers(-5, 5).map(str),
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_stands_in_a_cell_the_release_is_read_or_refused_in_our_words(
    tmp_path: Path, data: st.DataObject
) -> None:
    release = ReleaseBuilder()
    file = data.draw(st.sampled_from([file for file, rows in release.rows.items() if rows]))
    row = data.draw(st.integers(2, release.last_row(file)))
    column = data.draw(st.sampled_from(release.columns[file]))
    release.change(file, row, **{column: data.draw(NASTY)})

    with contextlib.suppress(BadSourceDataError):
        read_release(release.write(tmp_path))


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(position=st.floats(0, 1, exclude_max=True), flip=st.integers(1, 255))
def test_whichever_byte_is_flipped_the_release_is_read_or_refused_in_our_words(
    tmp_path: Path, position: float, flip: int
) -> None:
    path = ReleaseBuilder().write(tmp_path)
    content = bytearray(path.read_bytes())
    content[int(position * len(content))] ^= flip
    path.write_bytes(content)

    with contextlib.suppress(BadSourceDataError):
        read_release(path)
