"""Who may import whom: the contracts stand in pyproject.toml."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_data_flows_one_way() -> None:
    linter = Path(sys.executable).parent / "lint-imports"
    found = subprocess.run(
        [linter, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False, timeout=120
    )

    assert found.returncode == 0, found.stdout + found.stderr
    assert " 0 broken" in found.stdout


def test_the_api_starts_without_models_and_sources() -> None:
    """T7, S14: torch, pandas and FastF1 would cost seconds and hundreds of megabytes."""
    program = (
        "import sys; import f1graph.api.app; "
        "print(*({'torch', 'torch_geometric', 'lightgbm', 'pandas', 'fastf1', 'matplotlib', 'arq'}"
        " & set(sys.modules)))"
    )
    found = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    )

    assert found.stdout.split() == []


def test_a_worker_starts_without_the_reports_charts() -> None:
    program = (
        "import sys; import f1graph.worker.process, f1graph.wiring, f1graph.forecasts.forecaster; "
        "print(*({'matplotlib', 'jinja2', 'f1graph.forecasts.report'} & set(sys.modules)))"
    )
    found = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    )

    assert found.stdout.split() == []
