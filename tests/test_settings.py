"""Settings from the environment, and what is said of one that cannot be used."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import ValidationError

from f1graph.errors import SettingsError
from f1graph.settings import Settings, read_settings


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("F1GRAPH_"):
            monkeypatch.delenv(name)


def test_without_any_setting_everything_lies_in_one_folder() -> None:
    settings = read_settings()

    assert settings.store_url == f"sqlite+aiosqlite:///{Path('.f1graph/f1graph.db').absolute()}"
    assert settings.bundles_dir == Path(".f1graph/bundles")
    assert settings.now is None


def test_each_setting_is_read_from_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("F1GRAPH_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("F1GRAPH_DATABASE_TIMEOUT", "PT7S")
    monkeypatch.setenv("F1GRAPH_PORT", "0")
    settings = read_settings()

    assert settings.store_url == f"sqlite+aiosqlite:///{tmp_path}/f1graph.db"
    assert (settings.database_timeout, settings.port) == (timedelta(seconds=7), 0)


def test_a_child_gets_the_settings_that_are_not_the_defaults(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    settings = read_settings(
        data_dir=tmp_path, fastf1=False, job_timeout=timedelta(minutes=5), now="2024-12-05T12:00Z"
    )
    assert "F1GRAPH_PORT" not in settings.as_environment()

    for name, value in settings.as_environment().items():
        monkeypatch.setenv(name, value)

    assert read_settings().model_dump() == settings.model_dump()


def test_a_past_weekend_can_be_lived_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("F1GRAPH_NOW", "2024-12-05T16:00+04:00")
    settings = read_settings()

    assert settings.now == datetime(2024, 12, 5, 12, tzinfo=UTC)
    assert settings.now.utcoffset() == timedelta(0)
    shown = settings.clock()()
    assert timedelta(0) <= shown - settings.now < timedelta(minutes=1)


@pytest.mark.parametrize("value", ["2024-12-05T12:00", "2024-12-05"])
def test_a_time_without_a_zone_is_refused_with_its_name_and_value(
    monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("F1GRAPH_NOW", value)
    with pytest.raises(SettingsError, match=rf"F1GRAPH_NOW='{value}': .*a time needs a zone"):
        read_settings()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("F1GRAPH_NOW", "yesterday"),
        ("F1GRAPH_PORT", "70000"),
        ("F1GRAPH_DATABASE_POOL_SIZE", "0"),
        ("F1GRAPH_LOG_LEVEL", "loud"),
        ("F1GRAPH_TICK", "soon"),
        ("F1GRAPH_TICK", "PT0S"),
        ("F1GRAPH_JOB_TIMEOUT", "-PT1M"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named_with_its_value(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=f"{name}='{value}'"):
        read_settings()


def test_all_problems_are_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("F1GRAPH_PORT", "-1")
    monkeypatch.setenv("F1GRAPH_THREADS", "none")
    with pytest.raises(SettingsError, match=r"(?s)F1GRAPH_PORT.*F1GRAPH_THREADS"):
        read_settings()


def test_settings_do_not_change_while_the_process_runs() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        read_settings().port = 1  # type: ignore[misc]


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system knows no affinity")
def test_t1_torch_gets_the_cores_that_the_process_may_use() -> None:
    """T1: a container that is given one core of 64 must not start 64 threads."""
    program = (
        "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))}); "
        "from f1graph.settings import Settings; print(Settings().threads)"
    )
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert found.stdout.strip() == "1"
    assert 1 <= Settings().threads <= len(os.sched_getaffinity(0))
