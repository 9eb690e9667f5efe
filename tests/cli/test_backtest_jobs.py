"""A back-test by several processes, as a user of the terminal gets it."""

from __future__ import annotations

from pathlib import Path

import pytest

from f1graph.forecasts.backtest_file import read_journal
from tests.cli.test_commands import answer, f1graph

ASKED = (
    *("--seasons", "2023-2024", "--stages", "AFTER_QUALIFYING", "--refits", "1", "--draws", "40"),
    # Not as many races are over as `ultra` needs.
    *("--models", "rating,grid,uniform"),
)
# Few races of the second season are over.
NOW = "2024-05-01T12:00Z"


@pytest.fixture(scope="module")
def invented(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    answer(f1graph(folder, "import", "invented", "--json", now=NOW, seasons=3))
    return folder


@pytest.fixture(scope="module")
def by_one(invented: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("one") / "forecasts.csv"
    done = f1graph(invented, "backtest", *ASKED, "--out", str(out), now=NOW)
    assert done.returncode == 0, done.stderr
    return out


def test_two_processes_write_what_one_does(invented: Path, by_one: Path, tmp_path: Path) -> None:
    out = tmp_path / "forecasts.csv"

    done = f1graph(invented, "backtest", *ASKED, "--out", str(out), "--jobs", "2", now=NOW)

    assert done.returncode == 0, done.stderr
    assert out.read_bytes() == by_one.read_bytes()
    assert {row.split(",")[0] for row in out.read_text().splitlines()[1:]} == {"2023", "2024"}
    assert [seal.key for seal, _ in read_journal(out).seals] == [
        seal.key for seal, _ in read_journal(by_one).seals
    ]
    assert not list(tmp_path.glob("*.part-*"))


def test_a_part_that_cannot_be_gone_on_with_is_named(invented: Path, tmp_path: Path) -> None:
    out = tmp_path / "forecasts.csv"
    (tmp_path / "forecasts.csv.part-2024").write_text("my notes\n")

    done = f1graph(invented, "backtest", *ASKED, "--out", str(out), "--jobs", "2", now=NOW)

    assert done.returncode == 1
    assert "the process that walked forecasts.csv.part-2024 left with exit code 1" in done.stderr
    assert "is there already, but not its journal" in done.stderr
    assert (tmp_path / "forecasts.csv.part-2024").read_text() == "my notes\n"
