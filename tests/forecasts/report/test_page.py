"""The page of a back-test."""

from __future__ import annotations

import gzip
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from f1graph.errors import ForecastError
from f1graph.forecasts.backtest import Walk, backtest
from f1graph.forecasts.report.build import Report, build_report
from f1graph.forecasts.report.page import render, write_plots
from f1graph.forecasts.report.reading import judge_files, read_files
from f1graph.forecasts.report.tables import FIGURES, definition_of
from f1graph.races.measures import Direction
from f1graph.races.results import ClassificationKind
from f1graph.races.stages import Stage
from tests.builders import a_history, a_moment, a_season
from tests.forecasts.form import FormEstimator, form_features
from tests.web.chromium import a_tab, chromium_path

RACES = (*a_season(2017, 2), *a_season(2018, 3), *a_season(2019, 4), *a_season(2020, 2))
HISTORY = a_history(RACES)
WALK = Walk(
    seasons=(2018, 2019, 2020),
    stages=(Stage.BEFORE_WEEKEND, Stage.AFTER_QUALIFYING),
    estimators=(
        FormEstimator(),
        FormEstimator(name="grid", stages=frozenset({Stage.AFTER_QUALIFYING})),
        FormEstimator(name="uniform"),
    ),
    made_at=a_moment("2021-01-01"),
    draws=200,
)


@pytest.fixture(scope="module")
def csv_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("backtest") / "forecasts.csv"
    list(backtest(HISTORY, WALK, form_features, out=out))
    return out


@pytest.fixture(scope="module")
def report(csv_file: Path) -> Report:
    return build_report(
        judge_files(read_files([csv_file]), HISTORY), reference="form", baselines=("grid", "uniform")
    )


@pytest.fixture(scope="module")
def page(report: Report) -> str:
    return render(report, files=["forecasts.csv"], written_at=a_moment("2021-01-02"))


class Words(HTMLParser):
    """What is asked of other hosts, and the text that is seen."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.tags: set[str] = set()
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href", "xlink:href")]

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_page_asks_for_nothing(page: str) -> None:
    words = Words(page)

    assert [each for each in words.addresses if not each.startswith(("#", "data:"))] == []
    assert not words.tags & {"script", "iframe", "object", "embed", "img"}
    assert not re.search(r"url\((?!#)|@import", page)
    assert "prefers-color-scheme: dark" in page


def test_every_figure_is_defined_where_it_is_shown(page: str) -> None:
    """P2: no figure without its definition, count and interval, and none is called accuracy."""
    text = " ".join(Words(page).text.split())

    for figure in FIGURES:
        defined = definition_of(figure)
        better = "lower" if defined.direction is Direction.LOWER_IS_BETTER else "higher"
        assert f"{defined.title} {better} is better · 9 races {defined.sentence}" in text
    assert "accuracy" not in text.replace("Nothing here is called accuracy", "")


def test_p10_the_page_holds_the_model_to_the_grid_alone(report: Report, page: str) -> None:
    """P10: at each stage, good or bad."""
    assert {one.stage for one in report.against_grid} == {Stage.BEFORE_WEEKEND, Stage.AFTER_QUALIFYING}
    text = " ".join(Words(page).text.split())
    assert "Is it better than the grid alone?" in text
    for one in report.against_grid:
        assert one.races == 9
        assert one.verdict in text


def test_seasons_in_which_settings_were_chosen_stand_apart(report: Report, page: str) -> None:
    at_qualifying = report.stages[-1]

    assert at_qualifying.chosen is not None
    assert at_qualifying.later is not None
    assert (at_qualifying.chosen.span, at_qualifying.chosen.races) == ((2018, 2018), 3)
    assert (at_qualifying.later.span, at_qualifying.later.races) == ((2019, 2020), 6)
    assert "Up to 2018: chosen here" in page
    assert "From 2019 on: not looked at" in page


def test_every_season_in_which_a_baseline_was_not_beaten_is_named(report: Report, page: str) -> None:
    lost = {(loss.stage, loss.figure, loss.other, loss.span[0]) for loss in report.season_losses}

    for each in report.stages:
        for board in each.seasons:
            for table in board.tables:
                own = table.row("form").estimate.value
                for other in {"grid", "uniform"} & set(board.models):
                    is_lost = (each.stage, table.figure, other, board.span[0]) in lost
                    assert is_lost == (own >= table.row(other).estimate.value)
    assert 0 < len(lost) < 60
    assert "Where we lose" in page


def test_the_draws_are_in_the_checks(report: Report, page: str) -> None:
    for each in report.stages:
        assert {found.model for found in each.retirements if found.per_race is not None} == set(
            each.whole.models
        )
    assert report.stages[-1].gains
    assert not report.stages[0].gains
    assert "not in the file" not in page


def test_the_same_back_test_gives_the_same_page_to_the_byte(report: Report) -> None:
    stage = replace(report, stages=report.stages[:1])
    once, again = (render(stage, files=["f.csv"], written_at=a_moment("2021-01-02")) for _ in range(2))

    assert once == again


def test_somebody_elses_forecasts_are_set_beside(csv_file: Path, tmp_path: Path) -> None:
    theirs = tmp_path / "theirs.csv.gz"
    lines = csv_file.read_text().splitlines(keepends=True)
    foreign = [
        line.replace(",form,", ",theirs,") for line in lines if ",form," in line and "2018" not in line
    ]
    theirs.write_bytes(gzip.compress("".join([lines[0], *foreign]).encode()))

    found = build_report(
        judge_files(read_files([csv_file, theirs]), HISTORY), reference="form", baselines=("grid", "uniform")
    )

    whole = found.stages[-1].whole
    assert whole.models == ("form", "theirs", "grid", "uniform")
    assert (whole.races, whole.left_out) == (6, {"form": 3, "grid": 3, "uniform": 3})
    assert {each.model for each in found.stages[-1].retirements if each.per_race is None} == {"theirs"}
    # As good as itself is not better.
    assert any(loss.other == "theirs" and loss.behind.value == 0 for loss in found.losses)
    stage = replace(found, stages=found.stages[:1])
    assert "not in the file" in render(stage, files=["a"], written_at=a_moment("2021-01-02"))


def test_members_are_left_out_one_by_one(csv_file: Path) -> None:
    reading = judge_files(read_files([csv_file]), HISTORY)

    found = build_report(reading, reference="form", baselines=(), members=("grid", "uniform"))

    before, after = found.stages
    assert before.members is None
    assert after.members is not None
    assert after.members.models == ("all members", "without grid", "without uniform", "form")
    stage = replace(found, stages=(after,))
    assert "What each member brings" in render(stage, files=["a"], written_at=a_moment("2021-01-02"))


def test_races_without_a_result_are_counted_and_not_judged(csv_file: Path) -> None:
    facts = [
        fact
        for (race_id, kind), revisions in HISTORY.revisions.items()
        for fact in revisions
        if (race_id, kind) != (RACES[-1].id, ClassificationKind.RACE)
    ]

    reading = judge_files(read_files([csv_file]), a_history(RACES, facts))

    assert reading.without_result == 2 * 2 + 1
    assert max(each.race for each in reading.forecasts) == (2020, 1)


def test_an_invented_championship_is_named_so(csv_file: Path) -> None:
    invented = a_history([replace(race, invented=True) for race in RACES])

    found = build_report(judge_files(read_files([csv_file]), invented), reference="form", baselines=())

    assert found.invented
    banner = render(replace(found, stages=found.stages[:1]), files=["a"], written_at=a_moment("2021-01-02"))
    assert "INVENTED CHAMPIONSHIP" in banner


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda text: text.replace("p_win", "win"), "lacks p_win"),
        (lambda text: text.replace("post_quali", "afterwards", 1), "line 18: 'afterwards' cannot be read"),
        (lambda text: text + text.splitlines()[-1].replace("2020", "20x0") + "\n", "'20x0' cannot be read"),
        (lambda text: text.splitlines()[0], "there is no forecast in"),
    ],
)
def test_a_file_that_cannot_be_read_is_named_with_line_and_value(
    change: object, said: str, csv_file: Path, tmp_path: Path
) -> None:
    assert callable(change)
    (tmp_path / "broken.csv").write_text(change(csv_file.read_text()))

    with pytest.raises(ForecastError, match=r"broken\.csv") as error:
        read_files([tmp_path / "broken.csv"])

    assert said in str(error.value)


def test_a_model_that_stands_in_two_files_is_refused(csv_file: Path, tmp_path: Path) -> None:
    (tmp_path / "again.csv").write_bytes(csv_file.read_bytes())

    with pytest.raises(ForecastError, match=r"again\.csv forecasts 2018 round 1 .* once more"):
        read_files([csv_file, tmp_path / "again.csv"])


def test_a_reference_that_is_not_there_is_refused(csv_file: Path) -> None:
    with pytest.raises(ForecastError, match=r"no judged forecast by ultra .* form, grid, uniform"):
        build_report(judge_files(read_files([csv_file]), HISTORY), reference="ultra", baselines=())


def test_the_plots_of_the_readme_are_for_light_and_dark_readers(report: Report, tmp_path: Path) -> None:
    written = write_plots(report, tmp_path / "plots")

    assert sorted(path.name for path in written) == [
        "differences.png",
        "differences.svg",
        "reliability.png",
        "reliability.svg",
    ]
    for path in written:
        content = path.read_bytes()
        if path.suffix == ".png":
            assert content.startswith(b"\x89PNG")
            continue
        text = content.decode()
        assert ET.fromstring(text).tag.endswith("svg")
        assert "prefers-color-scheme: dark" in text
        assert "var(--accent)" in text or "var(--model-1)" in text
    assert "Winner log loss" in (tmp_path / "plots" / "differences.svg").read_text()


@pytest.fixture(scope="module")
def requests(page: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, object]]:
    if chromium_path() is None:
        pytest.skip("needs Chromium")
    folder = tmp_path_factory.mktemp("browser")
    (folder / "report.html").write_text(page, encoding="utf-8")
    with a_tab(folder / "profile") as tab:
        tab.call(
            "Emulation.setDeviceMetricsOverride", width=360, height=740, deviceScaleFactor=2, mobile=True
        )
        tab.open((folder / "report.html").as_uri())
        tab.wait_until("document.readyState == 'complete' && document.querySelectorAll('svg').length > 20")
        yield {
            "asked": [
                event["params"]["request"]["url"]
                for event in tab.events
                if event["method"] == "Network.requestWillBeSent"
            ],
            "said": [event for event in tab.events if event["method"] == "Log.entryAdded"],
            "width": tab.evaluate("document.documentElement.scrollWidth"),
        }


def test_a_phone_shows_the_page_without_a_network_and_without_scrolling_sideways(
    requests: dict[str, object],
) -> None:
    asked = requests["asked"]
    assert isinstance(asked, list)
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
    assert requests["said"] == []
    assert requests["width"] == 360
