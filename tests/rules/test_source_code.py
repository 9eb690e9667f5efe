"""Rules that every file keeps. Read as syntax, so that a comment may still name what is forbidden."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "f1graph"
# Modules that run code out of data (pickle under another name, too).
CODE_FROM_DATA = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}


@cache
def tree(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"))


def python_files(*folders: Path) -> list[Path]:
    return sorted(
        file for folder in folders for file in folder.rglob("*.py") if "node_modules" not in file.parts
    )


def calls(file: Path) -> Iterator[tuple[int, str, ast.Call]]:
    """Line, dotted name and call."""
    for node in ast.walk(tree(file)):
        if isinstance(node, ast.Call):
            yield node.lineno, ast.unparse(node.func), node


def imported(file: Path) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree(file)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, name.name) for name in node.names)
        if isinstance(node, ast.ImportFrom):
            yield node.lineno, node.module or ""
            yield from ((node.lineno, f"{node.module}.{name.name}") for name in node.names)


def where(file: Path, line: int, what: str) -> str:
    shown = file.relative_to(ROOT) if file.is_relative_to(ROOT) else file
    return f"{shown}:{line}: {what}"


def runs_code_from_data(file: Path) -> Iterator[str]:
    """T3: a model file must not be able to run code, nor a name in a JSON to choose what is imported."""
    forbidden = {
        *(
            "eval",
            "exec",
            "__import__",
            "importlib.import_module",
            "importlib.__import__",
            "pkgutil.resolve_name",
        ),
        *("torch.load", "torch.jit.load", "torch.package.PackageImporter", "torch.hub.load"),
    }
    named = {name for name in forbidden if "." in name}
    for line, name in imported(file):
        if name.split(".")[0] in CODE_FROM_DATA or name in named:
            yield where(file, line, f"imports {name}")
    for line, name, call in calls(file):
        if name in forbidden or name.endswith(".read_pickle"):
            yield where(file, line, f"calls {name}")
        if any(keyword.arg in ("allow_pickle", "weights_only") for keyword in call.keywords):
            yield where(file, line, f"{name} may read pickles")


def asks_the_time(file: Path) -> Iterator[str]:
    """One place does, so that a past weekend can be lived again; and never without a zone."""
    if file == PACKAGE / "clock.py":
        return
    for line, name, _ in calls(file):
        if re.search(r"(datetime\.(now|utcnow|today)|date\.today|^time\.time)$", name):
            yield where(file, line, f"calls {name} instead of a clock")


def reads_the_environment(file: Path) -> Iterator[str]:
    if file == PACKAGE / "settings.py":
        return
    for node in ast.walk(tree(file)):
        if isinstance(node, ast.Attribute) and ast.unparse(node) in {"os.environ", "os.getenv"}:
            yield where(file, node.lineno, "reads the environment instead of the settings")


@pytest.mark.parametrize("rule", [runs_code_from_data, asks_the_time])
def test_every_file_of_the_package_keeps_the_rule(rule: Callable[[Path], Iterator[str]]) -> None:
    files = python_files(PACKAGE)
    assert len(files) > 80
    assert [problem for file in files for problem in rule(file)] == []


def test_the_lower_layers_read_no_environment() -> None:
    layers = ("races", "sources", "store", "features", "models", "forecasts", "weekends")
    files = python_files(*(PACKAGE / layer for layer in layers))
    assert [problem for file in files for problem in reads_the_environment(file)] == []


@pytest.mark.parametrize(
    "line",
    [
        "import pickle",
        "from joblib import load",
        "x = torch.load(path)",
        "from importlib import import_module",
        "from torch import load",
        "x = eval('1')",
        "x = numpy.load(path, allow_pickle=True)",
        "x = pandas.read_pickle(path)",
        "x = torch.package.PackageImporter(path)",
        "x = pkgutil.resolve_name(manifest['class'])",
    ],
)
def test_t3_the_rule_against_code_from_data_sees_what_it_forbids(line: str, tmp_path: Path) -> None:
    """T3: no torch.load, no pickle, no import by name in the package."""
    file = tmp_path / "model.py"
    file.write_text(line)

    assert list(runs_code_from_data(file))


def shipped_files() -> list[Path]:
    """What is in git, without tests and pictures."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--", ".", ":!tests"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listed.returncode != 0:
        return python_files(PACKAGE, ROOT / "migrations")
    suffixes = {".py", ".ts", ".tsx", ".css", ".html", ".graphql", ".md", ".toml", ".yaml", ".yml", ""}
    files = (ROOT / name for name in listed.stdout.split("\0") if name)
    return [file for file in files if file.suffix in suffixes and file.is_file()]


def test_nothing_is_left_to_be_done_and_no_file_knows_a_machine() -> None:
    # Nor has a merge left its marks.
    unfinished = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b|^(<{7}|={7}|>{7})( |$)")
    machine = re.compile(r"(?<![\w.])/(work|home|Users|root)/\w")
    problems = [
        where(file, number, line.strip())
        for file in shipped_files()
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1)
        if unfinished.search(line) or machine.search(line)
    ]
    assert problems == []


def sleeps_or_patches(file: Path) -> Iterator[str]:
    """A test that sleeps is slow or flaky, one that patches our code tests something else."""
    for line, name in imported(file):
        if name.startswith("unittest.mock"):
            yield where(file, line, f"imports {name}")
    for line, name, call in calls(file):
        if name == "time.sleep":
            yield where(file, line, "sleeps")
        if name.endswith("patch.setattr") and "f1graph" in ast.unparse(call):
            yield where(file, line, "patches our own code")


def test_no_test_sleeps_or_patches_our_code() -> None:
    # Benchmarks wait for servers they start; they are not part of `make test`.
    files = [file for file in python_files(ROOT / "tests") if "benchmarks" not in file.parts]
    assert [problem for file in files for problem in sleeps_or_patches(file)] == []
