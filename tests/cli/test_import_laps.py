"""`f1graph import laps`, as a user runs it."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.test_commands import f1graph
from tests.sources.laps.lap_file import a_lap_row, write_laps


def test_laps_of_an_unknown_season_are_held_back_with_one_line_and_an_exit_code(tmp_path: Path) -> None:
    path = write_laps(tmp_path, [a_lap_row()])

    done = f1graph(tmp_path / "data", "import", "laps", str(path))
    for_machines = f1graph(tmp_path / "data", "import", "laps", str(path), "--json")

    words = "race_laps_2024.parquet, row 1: Season 2024 is not in the database: import its calendar first"
    assert done.returncode == for_machines.returncode == 1
    assert f"Held back {words}" in done.stderr
    assert "race_laps_2024.parquet" in done.stdout
    assert json.loads(for_machines.stdout)[0]["problems"] == [words]
    assert "Traceback" not in done.stderr


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    done = f1graph(tmp_path / "data", "import", "laps", str(tmp_path / "nowhere"))

    assert done.returncode == 1
    assert "SOURCE_UNAVAILABLE" in done.stderr
    assert "nowhere is neither a parquet file nor a folder with one" in done.stderr
