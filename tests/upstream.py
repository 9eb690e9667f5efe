"""The recorded upstream in a process of its own; tests that need it are skipped where it is absent.

In a thread of the test's own process it would share the interpreter's lock and the warnings filter with
what is tested, and would be measured with it.
"""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.real_data import f1db_release

_PROCESS = Path(__file__).with_name("upstream_process.py")


@dataclass(frozen=True)
class Upstream:
    """Where the recorded hosts answer."""

    url: str

    def asked(self) -> list[tuple[str, str]]:
        """What came of each request since the faults were last told, and its path."""
        return [(outcome, path) for outcome, path in self._ask("/_requests")]

    def goes_wrong(self, *faults: str) -> None:
        """From now on with these faults, each as PREFIX:KIND or PREFIX:KIND*TIMES, and no others."""
        self._ask("/_fault", json.dumps(faults).encode())

    def _ask(self, path: str, body: bytes | None = None) -> Any:
        with urllib.request.urlopen(f"{self.url}{path}", body, timeout=30) as answer:
            return json.load(answer)


def upstream_folder() -> Path:
    """Where the recordings are; skips the calling test if there are none beside the repository."""
    for folder in Path(__file__).resolve().parents:
        if (folder / "shared" / "upstream" / "replay.py").is_file():
            return folder / "shared" / "upstream"
    pytest.skip("needs the recorded upstream as ../shared/upstream")


@contextmanager
def replayed_upstream(faults: Sequence[str] = ()) -> Iterator[Upstream]:
    process = subprocess.Popen(
        [sys.executable, str(_PROCESS), str(upstream_folder() / "replay.py"), str(f1db_release())],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout is not None
        upstream = Upstream(process.stdout.readline().strip())
        try:
            if faults:
                upstream.goes_wrong(*faults)
            yield upstream
        finally:
            process.kill()
