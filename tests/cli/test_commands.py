"""What a user of the terminal gets."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from f1graph.cli.spans import parse_seasons, parse_stages
from f1graph.errors import RequestError
from f1graph.races.stages import Stage

NOW = "2024-10-02T12:00Z"


def f1graph(
    folder: Path, *arguments: str, now: str = NOW, seasons: int = 2
) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("F1GRAPH_")}
    environment |= {
        "F1GRAPH_DATA_DIR": str(folder),
        "F1GRAPH_INVENTED_SEASONS": str(seasons),
        # What users see beside the rating takes minutes to be trained.
        "F1GRAPH_MODEL": "rating",
        "F1GRAPH_THREADS": "1",
        "COLUMNS": "200",
    }
    return subprocess.run(
        [sys.executable, "-m", "f1graph", "--now", now, *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def answer(done: subprocess.CompletedProcess[str]) -> Any:
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def invented(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with the invented championship in it."""
    folder = tmp_path_factory.mktemp("data")
    imported = answer(f1graph(folder, "import", "invented", "--json"))
    assert imported["first_revisions"] > 300
    return folder


def test_a_forecast_is_made_shown_and_verified(invented: Path) -> None:
    made = answer(f1graph(invented, "forecast", "race", "--json"))

    shown = f1graph(invented, "forecast", "show", made["id"])
    verified = answer(f1graph(invented, "forecast", "verify", made["id"], "--json"))

    assert abs(sum(entry["win"] for entry in made["entries"]) - 1) < 1e-6
    assert made["invented"]
    assert "INVENTED CHAMPIONSHIP" in shown.stdout
    assert made["id"] in shown.stdout
    assert verified["identical"]


def test_past_races_are_forecast_for_the_record_and_scored(invented: Path) -> None:
    past = ("forecast", "past", "--seasons", "2024", "--stages", "AFTER_QUALIFYING")
    made = f1graph(invented, *past)
    again = f1graph(invented, *past, now="2024-10-02T14:00Z")

    # With the clock set back again: what the later one computed is not known yet.
    metrics = answer(f1graph(invented, "score", "--json"))

    assert made.returncode == 0, made.stderr
    assert "0 forecasts made" in again.stdout
    rating = next(m for m in metrics if m["model"] == "rating" and m["measure"] == "RANKED_PROBABILITY")
    assert rating["races"] == rating["retrospective_races"] > 5
    assert {baseline["model"] for baseline in rating["baselines"]} == {"uniform", "championship", "grid"}


def test_what_is_due_is_done_without_a_queue(tmp_path: Path) -> None:
    answer(f1graph(tmp_path, "import", "invented", "--json"))

    done = answer(f1graph(tmp_path, "refresh", "--json"))
    again = answer(f1graph(tmp_path, "refresh", "--json"))

    assert {outcome["work"]["kind"] for outcome in done} >= {"FETCH", "FORECAST"}
    assert {outcome["result"] for outcome in done} == {"DONE"}
    assert again == []


@pytest.fixture(scope="module")
def backtest(invented: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("backtest") / "forecasts.csv"
    done = f1graph(
        invented,
        *("backtest", "--seasons", "2024", "--stages", "AFTER_QUALIFYING", "--out", str(out)),
        *("--models", "rating,uniform,championship,grid"),
    )
    assert done.returncode == 0, done.stderr
    return out


def test_a_back_test_writes_a_row_per_race_driver_stage_and_model(backtest: Path) -> None:
    header, *rows = backtest.read_text().splitlines()

    assert header.startswith("season,round,driver_id,horizon,model,p_win,p_podium,p_points,p_dnf,expected_")
    assert {row.split(",")[3] for row in rows} == {"post_quali"}
    assert {row.split(",")[4] for row in rows} == {"rating", "uniform", "championship", "grid"}


def test_a_back_test_becomes_one_page_and_plots(invented: Path, backtest: Path, tmp_path: Path) -> None:
    page, plots = tmp_path / "pages" / "report.html", tmp_path / "plots"

    done = f1graph(invented, "report", str(backtest), "--out", str(page), "--plots", str(plots))

    assert done.returncode == 0, done.stderr
    assert "rating less the grid alone" in done.stdout
    text = page.read_text(encoding="utf-8")
    assert "INVENTED CHAMPIONSHIP" in text
    assert "All others are compared with <b>rating</b>" in text
    assert {path.name for path in plots.iterdir()} == {
        f"{name}.{kind}" for name in ("reliability", "differences") for kind in ("svg", "png")
    }


def test_p10_the_check_before_a_release_fails_where_the_grid_alone_is_better(
    invented: Path, backtest: Path, tmp_path: Path
) -> None:
    """P10: a model that knows nothing does not pass."""
    out = str(tmp_path / "report.html")

    good, bad = (
        f1graph(invented, "report", str(backtest), "--check", "--reference", model, "--out", out)
        for model in ("rating", "uniform")
    )

    assert good.returncode == 0, good.stdout + good.stderr
    assert bad.returncode == 1
    assert "AFTER_QUALIFYING" in bad.stdout
    assert "worse" in bad.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("forecast", "race", "2024-nowhere"), "NOT_FOUND", "there is no race '2024-nowhere'"),
        (("forecast", "show", "nothing"), "NOT_FOUND", "there is no forecast 'nothing'"),
        (("backtest", "--out", "x.csv", "--seasons", "2O24"), "BAD_REQUEST", "'2O24' are no seasons"),
        (("report", "nowhere.csv"), "FORECAST_ERROR", "nowhere.csv is not there"),
        (("backtest", "--out", "x.csv", "--models", "gnn,tff"), "BAD_REQUEST", "tff: the models are ultra, "),
        (("forecast", "past", "--seasons", "1800"), "BAD_REQUEST", "no race of 1800 "),
        (("import", "f1db", "nowhere.zip"), "SOURCE_UNAVAILABLE", "nowhere.zip"),
        (("worker",), "BAD_SETTING", "F1GRAPH_REDIS_URL"),
    ],
)
def test_a_wrong_question_gets_one_line_with_the_value_and_a_code(
    invented: Path, arguments: tuple[str, ...], code: str, words: str
) -> None:
    done = f1graph(invented, *arguments)

    assert done.returncode == (2 if code in ("BAD_SETTING", "BAD_REQUEST") else 1)
    assert f"[{code}]" in done.stderr
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_what_is_tried_again_is_not_told_to_who_waits_at_a_terminal(tmp_path: Path) -> None:
    done = f1graph(tmp_path, "import", "f1db", "http://127.0.0.1:9/f1db-csv.zip")

    assert done.returncode == 1
    assert done.stderr.startswith(
        "Error [SOURCE_UNAVAILABLE] http://127.0.0.1:9/f1db-csv.zip cannot be reached"
    )


def test_an_error_is_json_where_the_answer_would_be(invented: Path) -> None:
    done = f1graph(invented, "forecast", "show", "nothing", "--json")

    assert json.loads(done.stdout)["error"]["code"] == "NOT_FOUND"


def test_a_clock_without_a_zone_is_refused(tmp_path: Path) -> None:
    done = f1graph(tmp_path, "db", "status", now="2024-12-05T12:00")

    assert done.returncode == 2
    assert "has no zone" in done.stderr


def test_a_database_that_was_never_migrated_says_what_to_run(tmp_path: Path) -> None:
    before = f1graph(tmp_path, "db", "status")
    f1graph(tmp_path, "db", "upgrade")
    after = f1graph(tmp_path, "db", "status")

    assert before.returncode == 1
    assert "f1graph db upgrade" in before.stderr
    assert after.returncode == 0


def test_an_answer_that_is_no_is_one_json_document_too(tmp_path: Path) -> None:
    done = f1graph(tmp_path, "db", "status", "--json")
    assert done.returncode == 1
    answer = json.loads(done.stdout)
    assert answer["revision"] == ""
    assert answer["newest"] != ""


def test_seasons_are_written_as_people_write_them() -> None:
    assert parse_seasons("2024") == [2024]
    assert parse_seasons("2015,2018-2020") == [2015, 2018, 2019, 2020]
    with pytest.raises(RequestError, match="holds no season"):
        parse_seasons("2024-2015")


def test_an_unknown_stage_is_answered_with_those_there_are() -> None:
    assert parse_stages("before_weekend, AFTER_SPRINT") == [Stage.BEFORE_WEEKEND, Stage.AFTER_SPRINT]
    with pytest.raises(RequestError, match=r"IN_RACE.*AFTER_QUALIFYING"):
        parse_stages("IN_RACE")


def test_who_is_meant_by_an_id_can_be_told_and_is_listed(invented: Path) -> None:
    """S9: drivers change team, number and name inside a season."""
    drivers = (
        sqlite3.connect(invented / "f1graph.db").execute("SELECT id FROM drivers ORDER BY id").fetchall()
    )
    slug, other = drivers[0][0], drivers[1][0]
    assert f1graph(invented, "identity", "driver", "fastf1", "2024", "VER", other).returncode == 0
    told = f1graph(invented, "identity", "driver", "fastf1", "2024", "VER", slug)
    every = f1graph(invented, "identity", "driver", "ergast", "every", "max_verstappen", slug)
    unknown = f1graph(invented, "identity", "driver", "fastf1", "2024", "VER", "nobody")

    assert told.stdout.startswith("fastf1's VER is ")
    assert every.returncode == 0
    assert "NOT_FOUND" in unknown.stderr
    assert answer(f1graph(invented, "identity", "list", "--json")) == [
        {
            "subject": "driver",
            "source": "ergast",
            "season": None,
            "their_id": "max_verstappen",
            "our_id": slug,
        },
        {"subject": "driver", "source": "fastf1", "season": 2024, "their_id": "VER", "our_id": slug},
    ]
