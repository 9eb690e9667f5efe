"""The trained models as a user of the terminal sees and chooses them."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import structlog
from typer.testing import CliRunner

from f1graph.cli.app import app
from f1graph.cli.output import console
from f1graph.errors import F1GraphError, RequestError, UnknownError
from tests.cli.test_commands import NOW, f1graph

STAGE = ("--stage", "AFTER_QUALIFYING")
LATER = "2024-11-02T12:00Z"


def ask(folder: Path, *arguments: str, now: str = NOW, columns: int = 200) -> str:
    """As typed, but in this process: torch is loaded once.

    Raises:
        F1GraphError: What the command line would have shown as one line.
    """
    environment = {
        "F1GRAPH_DATA_DIR": str(folder),
        "F1GRAPH_INVENTED_SEASONS": "2",
        "F1GRAPH_MODEL": "rating",
        "F1GRAPH_THREADS": "1",
        "COLUMNS": str(columns),
    }
    # Whoever imported it first has settled its width.
    console.width = columns
    with this_process_left_as_it_was():
        done = CliRunner(env=environment).invoke(app, ["--now", now, *arguments])
    if isinstance(done.exception, F1GraphError):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done.stdout


@contextmanager
def this_process_left_as_it_was() -> Iterator[None]:
    """A command sets up the logging of its process, and the turns of its threads."""
    root, turns = logging.getLogger(), sys.getswitchinterval()
    handlers, level, configuration = root.handlers, root.level, structlog.get_config()
    try:
        yield
    finally:
        root.handlers = handlers
        root.setLevel(level)
        logging.captureWarnings(False)
        structlog.configure(**configuration)
        sys.setswitchinterval(turns)


def told(folder: Path, *arguments: str, now: str = NOW) -> Any:
    return json.loads(ask(folder, *arguments, "--json", now=now))


@pytest.fixture(scope="module")
def two_models(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, str]:
    """An invented championship, and the ids of the rating of October and of that of November."""
    folder = tmp_path_factory.mktemp("models")
    told(folder, "import", "invented")
    october = told(folder, "models", "train", *STAGE)["trained"][0]
    november = told(folder, "models", "train", *STAGE, now=LATER)["trained"][0]
    assert (october["is_in_use"], november["is_in_use"]) == (True, True)
    return folder, october["bundle"], november["bundle"]


def in_use(folder: Path) -> dict[str, bool]:
    """The bundles in use, and whether by hand."""
    found = told(folder, "models", "list")
    return {one["id"]: one["is_pinned"] for one in found if one["status"] == "ACTIVE"}


def test_a_trained_model_is_shown_with_what_it_was_made_from(two_models: tuple[Path, str, str]) -> None:
    folder, october, _ = two_models
    shown = told(folder, "models", "show", october)
    table = ask(folder, "models", "show", shown["checksum"][:10])

    assert shown["version"].startswith("rating-2+2024.")
    assert shown["bytes"] > 1000
    assert shown["manifest"]["races"] > 30
    assert "facts" not in shown["manifest"]
    assert october in table
    # A narrow terminal folds it, and the name of its row too.
    assert shown["manifest"]["feature_fingerprint"][:16] in table


def test_a_model_is_rolled_back_chosen_by_hand_and_let_go(two_models: tuple[Path, str, str]) -> None:
    folder, october, november = two_models
    assert in_use(folder) == {november: False}

    told(folder, "models", "rollback")
    assert in_use(folder) == {october: True}
    assert november in ask(folder, "models", "activate", "--auto")
    assert in_use(folder) == {november: False}
    told(folder, "models", "activate", october)
    assert in_use(folder) == {october: True}
    told(folder, "models", "activate", "--auto")
    assert in_use(folder) == {november: False}


def test_models_that_were_tried_on_no_common_race_cannot_be_compared(
    two_models: tuple[Path, str, str],
) -> None:
    folder, october, november = two_models

    compared = told(folder, "models", "compare", october, november)

    assert compared == {"first": october, "second": november, "measures": []}


def test_pruning_leaves_what_is_needed(two_models: tuple[Path, str, str]) -> None:
    folder, october, november = two_models

    assert told(folder, "models", "prune", "--keep", "0") == {"deleted": []}
    assert {path.name for path in (folder / "bundles").iterdir()} == {october, november}


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        (("train", "--model", "nonsense"), UnknownError, "there is no model 'nonsense'"),
        (("train", "--stage", "IN_RACE"), RequestError, "the stages are"),
        (("show", "nothing"), UnknownError, "there is no bundle 'nothing'"),
        (("show", "rating"), RequestError, "several bundles begin with 'rating'"),
        (("activate",), RequestError, "either the id of a bundle, or --auto"),
        (("rollback", "--stage", "BEFORE_WEEKEND"), UnknownError, "was in use before"),
    ],
)
def test_a_wrong_choice_is_answered_with_its_value(
    two_models: tuple[Path, str, str], arguments: tuple[str, ...], error: type[F1GraphError], words: str
) -> None:
    with pytest.raises(error, match=words):
        ask(two_models[0], "models", *arguments)


def test_nothing_can_be_learned_from_an_empty_database(tmp_path: Path) -> None:
    ask(tmp_path, "db", "upgrade")

    with pytest.raises(UnknownError, match="import history first"):
        ask(tmp_path, "models", "train")


def test_a_training_by_the_command_line_is_one_json_document(two_models: tuple[Path, str, str]) -> None:
    """In a process of its own, as a worker starts it."""
    done = f1graph(two_models[0], "models", "train", "--model", "nonsense", "--json")

    assert done.returncode == 1
    assert json.loads(done.stdout)["error"]["code"] == "NOT_FOUND"
