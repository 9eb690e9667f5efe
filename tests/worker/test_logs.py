"""One log for all, for people or for machines."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from f1graph.logs import set_up_logging


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers = handlers
    root.setLevel(level)
    logging.captureWarnings(False)
    structlog.reset_defaults()


def the_log(log_format: str, *, level: str = "INFO") -> str:
    stream = io.StringIO()
    set_up_logging(log_format=log_format, level=level, stream=stream)
    structlog.get_logger("f1graph.weekends").info("work done", work="FETCH/daily/2024-03-14")
    logging.getLogger("arq.worker").info("%s ran", "tick")
    logging.getLogger("uvicorn.error").warning("the port is taken")
    try:
        raise ValueError("a broken row")
    except ValueError:
        structlog.get_logger("f1graph.weekends").exception("work failed")
    return stream.getvalue()


def test_machines_read_every_line_as_json_ours_and_the_libraries() -> None:
    lines = [json.loads(line) for line in the_log("json").splitlines()]
    assert [line["event"] for line in lines] == ["work done", "tick ran", "the port is taken", "work failed"]
    assert lines[0]["work"] == "FETCH/daily/2024-03-14"
    assert lines[1]["logger"] == "arq.worker"
    assert all(line["timestamp"].endswith("Z") for line in lines)
    assert lines[3]["exception"][0]["exc_value"] == "a broken row"


def test_people_read_text_with_the_trace_below() -> None:
    log = the_log("text")
    assert "work=FETCH/daily/2024-03-14" in log
    assert "ValueError: a broken row" in log


def test_the_level_hides_what_is_below_it() -> None:
    log = the_log("text", level="WARNING")
    assert "tick ran" not in log
    assert "the port is taken" in log
