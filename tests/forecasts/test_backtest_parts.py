"""A back-test whose seasons are walked apart and put together."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import islice
from pathlib import Path

import pytest

from f1graph.errors import ForecastError
from f1graph.forecasts.backtest import Walk, backtest
from f1graph.forecasts.backtest_file import journal_of, read_journal
from f1graph.forecasts.backtest_parts import part_of, put_together, split_seasons, unfinished_seasons
from f1graph.races.forecast import ScoredForecast
from f1graph.races.results import ClassificationKind
from f1graph.races.stages import Stage
from tests.builders import DRIVERS, a_history, a_moment, a_season, a_weekend
from tests.forecasts.form import FormEstimator, form_features

RACES = (*a_season(2021, 2), *a_season(2022, 3), *a_season(2023, 3, sprints=[2]), *a_season(2024, 2))
# In 2023 two drivers fewer are entered, so that season's own file is narrower.
HISTORY = a_history(
    RACES, [fact for race in RACES for fact in a_weekend(race, DRIVERS[: 6 if race.season == 2023 else 8])]
)
WALK = Walk(
    seasons=(2022, 2023, 2024),
    stages=(Stage.BEFORE_WEEKEND, Stage.AFTER_QUALIFYING),
    estimators=(FormEstimator(), FormEstimator(name="grid", stages=frozenset({Stage.AFTER_QUALIFYING}))),
    made_at=a_moment("2025-01-01"),
    draws=100,
)
PARTS = ((2022, 2024), (2023,))


def run(out: Path, walk: Walk = WALK, *, blocks: int | None = None) -> list[ScoredForecast]:
    walking = backtest(HISTORY, walk, form_features, out=out)
    scored = list(islice(walking, blocks))
    walking.close()  # type: ignore[attr-defined]
    return scored


def walk_parts(out: Path) -> None:
    for seasons in PARTS:
        run(part_of(out, seasons), replace(WALK, seasons=seasons))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("whole") / "forecasts.csv"
    run(out)
    return out


@pytest.mark.parametrize("begun", [0, 4, 11])
def test_seasons_walked_apart_make_the_same_files_to_the_byte(
    begun: int, tmp_path: Path, whole: Path
) -> None:
    out = tmp_path / "forecasts.csv"
    run(out, blocks=begun)
    walk_parts(out)

    scored = list(put_together(HISTORY, WALK, parts=PARTS, out=out))

    assert out.read_bytes() == whole.read_bytes()
    assert journal_of(out).read_bytes() == journal_of(whole).read_bytes()
    assert scored == run(out)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["forecasts.csv", "forecasts.csv.journal"]


def test_putting_together_goes_on_where_it_stopped(tmp_path: Path, whole: Path) -> None:
    out = tmp_path / "forecasts.csv"
    walk_parts(out)
    stopped = put_together(HISTORY, WALK, parts=PARTS, out=out)
    for _ in islice(stopped, 7):
        pass
    stopped.close()  # type: ignore[attr-defined]

    list(put_together(HISTORY, WALK, parts=PARTS, out=out))

    assert out.read_bytes() == whole.read_bytes()


def test_seasons_that_are_there_are_not_walked_again(tmp_path: Path) -> None:
    out = tmp_path / "forecasts.csv"
    run(out, blocks=10)

    # Three races of 2022, three forecasts each, and the first of 2023.
    assert unfinished_seasons(HISTORY, WALK, out) == (2023, 2024)
    run(out)
    assert unfinished_seasons(HISTORY, WALK, out) == ()


def test_a_part_of_another_walk_is_refused(tmp_path: Path) -> None:
    out = tmp_path / "forecasts.csv"
    walk_parts(out)
    other = replace(WALK, draws=50)

    with pytest.raises(ForecastError, match=r"forecasts\.csv\.part-2022-2024 was made with other settings"):
        list(put_together(HISTORY, other, parts=PARTS, out=out))

    assert part_of(out, PARTS[0]).exists()


def test_seasons_are_dealt_in_turn() -> None:
    assert split_seasons([2015, 2016, 2017, 2018, 2019], 2) == [(2015, 2017, 2019), (2016, 2018)]
    assert split_seasons([2023, 2024], 5) == [(2023,), (2024,)]
    assert split_seasons([], 2) == []


def test_the_journal_tells_how_many_cars_and_teams_the_draws_lost(whole: Path) -> None:
    journal = read_journal(whole)

    assert journal.settings["draws"] == 100
    for seal, _ in journal.seals:
        assert seal.drawn is not None
        assert sum(seal.drawn.retirements) == sum(seal.drawn.teams_out) == 100
        assert sum(seal.drawn.teams_in_points) == 100
        assert len(seal.drawn.retirements) <= 9
    retired = [
        sum(row.retired for row in fact.rows)
        for race in RACES
        if (fact := HISTORY.latest(race.id, ClassificationKind.RACE)) is not None
    ]
    drawn = [
        sum(cars * draws for cars, draws in enumerate(seal.drawn.retirements)) / 100
        for seal, _ in journal.seals
        if seal.drawn is not None
    ]
    assert sum(drawn) / len(drawn) == pytest.approx(sum(retired) / len(retired), abs=0.5)


def test_a_file_that_no_back_test_made_has_no_journal(tmp_path: Path) -> None:
    (tmp_path / "torn.csv.journal").write_text(json.dumps({"settings": {}}) + "\n")

    with pytest.raises(ForecastError, match=r"lies no theirs\.csv\.journal"):
        read_journal(tmp_path / "theirs.csv")
    with pytest.raises(ForecastError, match="is no journal of a back-test"):
        read_journal(tmp_path / "torn.csv")
