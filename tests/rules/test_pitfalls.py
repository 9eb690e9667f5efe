"""Each pitfall of sources, queue, trained models and forecasts is held by a test that names it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
PITFALLS = (
    *(f"S{number}" for number in range(1, 17)),
    *(f"Q{number}" for number in range(1, 10)),
    *(f"T{number}" for number in range(1, 10)),
    *(f"P{number}" for number in range(1, 11)),
)
# "Q3: …" or "S6, S7: …" at the beginning of a docstring.
_NAMED = re.compile(r"\s*((?:[A-Z]\d+, )*[A-Z]\d+)[:.]")


def docstrings_of_tests() -> Iterator[str]:
    for file in sorted(TESTS.rglob("test_*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
                yield ast.get_docstring(node) or ""


@pytest.fixture(scope="module")
def named() -> set[str]:
    found = [match[1] for text in docstrings_of_tests() if (match := _NAMED.match(text))]
    return {one for ids in found for one in ids.split(", ")}


@pytest.mark.parametrize("pitfall", PITFALLS)
def test_every_pitfall_is_held_by_a_test_that_names_it(pitfall: str, named: set[str]) -> None:
    """A docstring that begins with the id says which requirement the test holds."""
    assert pitfall in named
