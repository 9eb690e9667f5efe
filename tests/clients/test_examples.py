"""The examples do what they say: each generates its client, and asks a live server."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from filelock import FileLock

from f1graph.api.app import create_app
from f1graph.settings import Settings
from tests.api.seed import NOW, fill_championship
from tests.clients.node import Node, install
from tests.databases import SqliteTemplates
from tests.serving import serving

_ROOT = Path(__file__).parents[2]
_EXAMPLES = _ROOT / "examples"
_PAIR = ("verstappen", "alonso")


@pytest.fixture
def examples(tmp_path: Path) -> Path:
    """The examples beside the schema, as in the repository: what they generate stays out of it."""
    shutil.copy(_ROOT / "schema.graphql", tmp_path)
    left_out = shutil.ignore_patterns("node_modules", ".venv", "generated", "graph", ".installing.lock")
    return shutil.copytree(_EXAMPLES, tmp_path / "examples", ignore=left_out)


@pytest.fixture
def serve(tmp_path: Path, sqlite_templates: SqliteTemplates) -> Iterator[Callable[..., str]]:
    """Starts a server of the seeded championship, with what settings it is given; its address."""
    with contextlib.ExitStack() as servers:

        def start(**settings: object) -> str:
            url = sqlite_templates.copy(tmp_path, fill_championship)
            app = create_app(Settings(database_url=url, **settings), clock=lambda: NOW)  # type: ignore[arg-type]
            return servers.enter_context(serving(app)) + "/graphql"

        yield start


def run(folder: Path, *command: str | Path) -> str:
    """What a command prints; it must end well."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_curl_prints_the_next_race(examples: Path, serve: Callable[..., str]) -> None:
    if shutil.which("curl") is None:
        pytest.skip("there is no curl on this machine")
    race = json.loads(run(examples, "curl/next-race.sh", serve(), *_PAIR))["data"]["nextRace"]
    assert race["forecast"]["entries"][0]["driver"]["code"]
    assert race["forecast"]["headToHead"]["ahead"]["probability"] > 0.5


def test_the_python_client_is_generated_and_asks(examples: Path, serve: Callable[..., str]) -> None:
    programs = _python_environment()
    folder = examples / "python"
    run(folder, programs / "ariadne-codegen")
    driver, other = _PAIR
    printed = run(
        folder,
        programs / "python",
        "next_race.py",
        "--address",
        serve(),
        "--ahead",
        driver,
        "--behind",
        other,
    )
    _tells_of_the_next_race(printed)


def test_the_typescript_client_sends_hashes_to_a_server_that_runs_nothing_else(
    examples: Path, serve: Callable[..., str]
) -> None:
    node, folder = _typescript(examples)
    node.run("node_modules/.bin/graphql-codegen")
    node.run("node_modules/.bin/tsc")
    manifest = folder / "generated" / "persisted-documents.json"
    _tells_of_the_next_race(node.run("next-race.ts", serve(), *_PAIR))
    strict = serve(persisted_documents=manifest, only_persisted_documents=True)
    _tells_of_the_next_race(node.run("next-race.ts", strict, *_PAIR))


def _tells_of_the_next_race(printed: str) -> None:
    first, *entries, duel = printed.splitlines()
    assert "1.0+2024.3" in first
    assert len(entries) == 8
    assert all("win" in entry and "podium" in entry for entry in entries)
    assert duel.startswith("verstappen ahead of alonso: ")
    assert float(duel.split()[4].rstrip("%")) > 50


def _typescript(examples: Path) -> tuple[Node, Path]:
    source, folder = _EXAMPLES / "typescript", examples / "typescript"
    if (reason := install(source)) is not None:
        pytest.skip(reason)
    (folder / "node_modules").symlink_to(source / "node_modules", target_is_directory=True)
    return Node(folder), folder


def _python_environment() -> Path:
    """The folder of the example's own programs, installed once; without a registry the test is skipped."""
    source = _EXAMPLES / "python"
    locked = hashlib.sha256((source / "requirements.txt").read_bytes()).hexdigest()
    environment = source / ".venv"
    programs, mark = environment / "bin", environment / ".installed"
    with FileLock(source / ".installing.lock"):
        if not (mark.is_file() and mark.read_text() == locked):
            run(source, sys.executable, "-m", "venv", "--clear", environment)
            done = subprocess.run(
                [programs / "python", "-m", "pip", "install", "--quiet", "-r", "requirements.txt"],
                cwd=source, capture_output=True, text=True, check=False, env={**os.environ, "NO_COLOR": "1"},
            )  # fmt: skip
            if done.returncode != 0:
                pytest.skip(f"pip cannot install the example's libraries: {done.stderr.strip()}")
            mark.write_text(locked)
    return programs
