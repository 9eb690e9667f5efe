"""A whole release becomes facts that say what it says."""

from __future__ import annotations

import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from f1graph.races.calendar import SessionKind, WeekendFormat
from f1graph.races.facts import Facts
from f1graph.races.results import Classification, ClassificationKind, KnownAtBasis, Status
from f1graph.sources.f1db import read_release
from tests.sources.f1db.release_builder import ReleaseBuilder


@pytest.fixture
def facts(tmp_path: Path) -> Facts:
    return read_release(ReleaseBuilder().write(tmp_path))


def _list(facts: Facts, race_id: str, kind: ClassificationKind) -> Classification:
    return next(c for c in facts.classifications if (c.race_id, c.kind) == (race_id, kind))


def test_a_circuit_gets_its_time_zone_from_where_it_lies(facts: Facts) -> None:
    assert facts.circuits[0].time_zone == "Europe/Rome"
    assert (facts.circuits[0].country, facts.circuits[0].country_code) == ("Italy", "ITA")


def test_a_renamed_team_belongs_to_the_line_of_its_first_name(facts: Facts) -> None:
    lineages = {constructor.id: constructor.lineage_id for constructor in facts.constructors}

    assert lineages == {"vela": "old-vela", "old-vela": "old-vela", "nova": "nova"}


def test_recorded_session_times_are_taken_and_others_are_nominal(facts: Facts) -> None:
    earlier, recorded, *_ = facts.races

    assert recorded.starts_at == datetime(2024, 3, 3, 13, tzinfo=UTC)
    assert not any(session.is_nominal for session in recorded.sessions)
    assert all(session.is_nominal for session in earlier.sessions)
    assert [session.kind for session in earlier.sessions] == [SessionKind.QUALIFYING, SessionKind.RACE]


def test_a_session_without_a_time_keeps_its_distance_to_a_race_with_one(tmp_path: Path) -> None:
    release = ReleaseBuilder().change("f1db-races.csv", 3, time="20:00", qualifyingDate="", qualifyingTime="")

    race = read_release(release.write(tmp_path)).races[1]

    qualifying = race.session(SessionKind.QUALIFYING)
    assert qualifying is not None
    assert qualifying.is_nominal
    assert race.starts_at - qualifying.starts_at == timedelta(hours=23)


def test_a_sprint_weekend_has_its_sessions_in_the_order_in_which_they_are_driven(facts: Facts) -> None:
    weekend = facts.races[2]

    assert weekend.format is WeekendFormat.SPRINT_BEFORE_QUALIFYING
    assert [session.kind.value for session in weekend.sessions] == [
        "PRACTICE_1", "SPRINT_QUALIFYING", "SPRINT", "QUALIFYING", "RACE",
    ]  # fmt: skip


def test_a_shortened_race_keeps_the_laps_that_were_announced(facts: Facts) -> None:
    assert [race.scheduled_laps for race in facts.races] == [50, 60, 62, 60]


@pytest.mark.parametrize(
    ("kind", "known_at"),
    [
        (ClassificationKind.ENTRY_LIST, datetime(2024, 3, 3, 15, tzinfo=UTC)),
        (ClassificationKind.PRACTICE_1, datetime(2024, 3, 15, 11, 30, tzinfo=UTC)),
        (ClassificationKind.SPRINT_QUALIFYING, datetime(2024, 3, 15, 15, 15, tzinfo=UTC)),
        (ClassificationKind.SPRINT_GRID, datetime(2024, 3, 16, 9, 30, tzinfo=UTC)),
        (ClassificationKind.SPRINT, datetime(2024, 3, 16, 11, tzinfo=UTC)),
        (ClassificationKind.QUALIFYING, datetime(2024, 3, 16, 15, tzinfo=UTC)),
        (ClassificationKind.GRID, datetime(2024, 3, 17, 12, 30, tzinfo=UTC)),
        (ClassificationKind.RACE, datetime(2024, 3, 17, 15, tzinfo=UTC)),
        (ClassificationKind.FASTEST_LAPS, datetime(2024, 3, 17, 15, tzinfo=UTC)),
        (ClassificationKind.PIT_STOPS, datetime(2024, 3, 17, 15, tzinfo=UTC)),
    ],
)
def test_p1_a_list_is_known_when_it_could_be_published(
    facts: Facts, kind: ClassificationKind, known_at: datetime
) -> None:
    assert _list(facts, "2024-brera", kind).known_at == known_at


def test_the_basis_of_a_moment_says_whether_its_session_time_is_recorded(facts: Facts) -> None:
    assert _list(facts, "1958-alba", ClassificationKind.RACE).known_at_basis is KnownAtBasis.NOMINAL
    assert _list(facts, "2024-alba", ClassificationKind.RACE).known_at_basis is KnownAtBasis.SESSION_END
    assert _list(facts, "2024-alba", ClassificationKind.ENTRY_LIST).known_at_basis is KnownAtBasis.NOMINAL


def test_the_first_entry_list_of_a_season_is_known_on_new_years_day(facts: Facts) -> None:
    entry_list = _list(facts, "2024-alba", ClassificationKind.ENTRY_LIST)

    assert entry_list.known_at == datetime(2024, 1, 1, tzinfo=UTC)


def test_a_race_still_to_come_has_the_announced_drivers_but_no_test_drivers(tmp_path: Path) -> None:
    release = ReleaseBuilder().change("f1db-seasons-entrants-drivers.csv", 3, testDriver=True)

    facts = read_release(release.write(tmp_path))

    coming = _list(facts, "2024-como", ClassificationKind.ENTRY_LIST)
    assert [(row.driver_id, row.car_number) for row in coming.rows] == [
        ("cleo-cruz", "7"),
        ("dan-dahl", "8"),
        ("ada-abel", "3"),
    ]


def test_results_outrank_the_announcement_of_who_drives(tmp_path: Path) -> None:
    release = ReleaseBuilder().change("f1db-seasons-entrants-drivers.csv", 3, rounds="3")

    facts = read_release(release.write(tmp_path))

    entered = _list(facts, "2024-alba", ClassificationKind.ENTRY_LIST)
    assert "ben-brook" in {row.driver_id for row in entered.rows}


def test_a_race_result_holds_status_gap_points_and_stops(facts: Facts) -> None:
    winner, second, lapped, retired = _list(facts, "2024-alba", ClassificationKind.RACE).rows

    assert (winner.position, winner.points, winner.fastest_lap) == (1, 26.0, True)
    assert (second.gap, second.time_penalty) == (timedelta(seconds=5), timedelta(seconds=5))
    assert (lapped.gap_laps, lapped.grid_position, lapped.pit_stops) == (1, None, 1)
    assert (retired.status, retired.position, retired.reason_retired) == (
        Status.DID_NOT_FINISH,
        None,
        "Gearbox",
    )
    assert retired.points == 0.0


def test_a_grid_holds_penalties_and_pit_lane_starts(facts: Facts) -> None:
    grid = _list(facts, "2024-alba", ClassificationKind.GRID)

    assert [(row.driver_id, row.status.value, row.grid_penalty) for row in grid.rows[2:]] == [
        ("dan-dahl", "CLASSIFIED", "SFB"),
        ("cleo-cruz", "PIT_LANE", None),
    ]


def test_knock_out_qualifying_holds_the_times_of_its_three_parts(facts: Facts) -> None:
    pole = _list(facts, "2024-alba", ClassificationKind.QUALIFYING).rows[0]

    assert (pole.q1, pole.q2, pole.q3) == tuple(
        timedelta(milliseconds=time) for time in (80_100, 79_800, 79_500)
    )


def test_drivers_of_a_shared_car_share_its_place(facts: Facts) -> None:
    rows = _list(facts, "1958-alba", ClassificationKind.RACE).rows

    assert [(row.position, row.shared_car, row.car_number) for row in rows[1:]] == [
        (2, False, "7"),
        (2, True, "7"),
    ]


def test_official_standings_come_with_the_results(facts: Facts) -> None:
    drivers, constructors = facts.official_standings

    assert [(row.competitor_id, row.points) for row in drivers.rows] == [
        ("ada-abel", 26.0),
        ("ben-brook", 18.0),
        ("cleo-cruz", 15.0),
    ]
    assert [(row.competitor_id, row.engine_id) for row in constructors.rows] == [
        ("vela", "vela-power"),
        ("nova", "orion"),
    ]


def test_a_newer_minor_schema_with_more_files_and_columns_is_read(tmp_path: Path) -> None:
    release = ReleaseBuilder()
    release.columns["f1db-drivers.csv"].insert(1, "favouriteColour")
    release.columns["f1db-something-new.csv"] = ["id"]
    release.rows["f1db-something-new.csv"] = [{"id": "x"}]

    assert len(read_release(release.write(tmp_path)).drivers) == 4


def test_a_release_packed_with_its_folder_is_read(tmp_path: Path) -> None:
    release = ReleaseBuilder()
    with zipfile.ZipFile(tmp_path / "folder.zip", "w") as archive:
        for file in release.rows:
            archive.writestr(f"f1db-csv/{file}", release.text(file))

    assert len(read_release(tmp_path / "folder.zip").races) == 4


def test_the_version_is_the_tag_in_the_name_or_the_start_of_the_hash(tmp_path: Path) -> None:
    plain = read_release(ReleaseBuilder().write(tmp_path))
    tagged = read_release(ReleaseBuilder().write(tmp_path, "f1db-csv-v2024.24.0.zip"))
    told = read_release(tmp_path / "f1db-csv.zip", version="v9.9")

    assert plain.version == plain.content_hash[:12]
    assert tagged.version == "v2024.24.0"
    assert {c.source_version for c in told.classifications} == {"v9.9"}
