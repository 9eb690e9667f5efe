"""Where a real F1DB release lies beside the project; tests that need one are skipped where it is absent."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from f1graph.races.facts import Facts
from f1graph.sources.f1db import read_release

_PLACE = Path("shared") / "data" / "f1db-csv.zip"
_LAPS = Path("shared") / "data" / "laps"


def f1db_release() -> Path:
    """The release; skips the calling test if there is none in a folder above the repository."""
    repository = Path(__file__).resolve().parent.parent
    for folder in repository.parents:
        if (folder / _PLACE).is_file():
            return folder / _PLACE
    pytest.skip(f"needs an official F1DB CSV release as {repository.parent / _PLACE}")


def lap_folder() -> Path:
    """Lap files by season; skips the calling test if there are none in a folder above the repository."""
    repository = Path(__file__).resolve().parent.parent
    for folder in repository.parents:
        if (folder / _LAPS).is_dir():
            return folder / _LAPS
    pytest.skip(f"needs lap files, such as race_laps_2024.parquet, in {repository.parent / _LAPS}")


def f1db_facts() -> Facts:
    """Everything in the release, read once per test process."""
    return _read(f1db_release())


@cache
def _read(path: Path) -> Facts:
    return read_release(path)
