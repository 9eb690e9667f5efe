"""A back-test whose legs others walk, put together as if one had walked it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from itertools import islice
from pathlib import Path

import pytest

from f1graph.errors import ForecastError
from f1graph.forecasts.backtest import Walk, backtest, plan
from f1graph.forecasts.backtest_file import Key, journal_of
from f1graph.forecasts.backtest_legs import (
    LegWalker,
    build_name,
    legs_of,
    put_legs_together,
    to_be_asked,
    walk_of,
)
from f1graph.races.stages import Stage
from f1graph.store.backtests import AskedBacktest, WalkedForecast
from tests.builders import DRIVERS, a_history, a_moment, a_season, a_weekend
from tests.forecasts.form import FormEstimator, form_features

RACES = (*a_season(2021, 2), *a_season(2022, 3), *a_season(2023, 3, sprints=[2]))
HISTORY = a_history(
    RACES, [fact for race in RACES for fact in a_weekend(race, DRIVERS[: 6 if race.season == 2023 else 8])]
)
MODELS = (FormEstimator(), FormEstimator(name="grid", stages=frozenset({Stage.AFTER_QUALIFYING})))
WALK = Walk(
    seasons=(2022, 2023),
    stages=(Stage.BEFORE_WEEKEND, Stage.AFTER_QUALIFYING),
    estimators=MODELS,
    made_at=a_moment("2025-01-01"),
    refits_per_season=2,
    draws=100,
)
Walked = dict[Key, WalkedForecast]


def run(out: Path, *, blocks: int | None = None) -> None:
    walking = backtest(HISTORY, WALK, form_features, out=out)
    for _ in islice(walking, blocks):
        pass
    walking.close()  # type: ignore[attr-defined]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("whole") / "forecasts.csv"
    run(out)
    return out


def walked_by_two(asked: AskedBacktest) -> Walked:
    """Each walks every other leg, the last first."""
    found: Walked = {}
    for first in (0, 1):
        walker = LegWalker(HISTORY, asked, walk_of(asked, MODELS), form_features)
        for leg in reversed(asked.legs[first::2]):
            walked = list(walker.walk(leg.name))
            assert len(walked) == leg.forecasts
            found |= {(one.race_id, one.stage, one.model): one for one in walked}
    return found


def put_together(walked: Walked, out: Path) -> int:
    def load(race_ids: Collection[str]) -> Walked:
        return {key: one for key, one in walked.items() if one.race_id in race_ids}

    return len(list(put_legs_together(HISTORY, WALK, load=load, out=out)))


def test_a_leg_is_a_season_a_stage_and_a_fit() -> None:
    legs = legs_of(plan(HISTORY, WALK))

    # Three races a season in two parts, at two stages; the second model knows one of them.
    assert [(leg.season, leg.stage, leg.forecasts) for leg in legs] == [
        (season, stage, forecasts)
        for season in (2022, 2023)
        for part in (2, 1)
        for stage, forecasts in ((Stage.BEFORE_WEEKEND, part), (Stage.AFTER_QUALIFYING, 2 * part))
    ]
    assert sum(leg.forecasts for leg in legs) == len(plan(HISTORY, WALK))
    assert len({leg.name for leg in legs}) == len(legs)


@pytest.mark.parametrize("begun", [0, 4, 11])
def test_legs_walked_apart_and_in_any_order_make_the_same_files_to_the_byte(
    begun: int, tmp_path: Path, whole: Path
) -> None:
    out = tmp_path / "forecasts.csv"
    run(out, blocks=begun)

    scored = put_together(walked_by_two(to_be_asked(HISTORY, WALK, out)), out)

    assert out.read_bytes() == whole.read_bytes()
    assert journal_of(out).read_bytes() == journal_of(whole).read_bytes()
    assert scored == len(plan(HISTORY, WALK))


def test_putting_together_goes_on_where_it_stopped(tmp_path: Path, whole: Path) -> None:
    out = tmp_path / "forecasts.csv"
    walked = walked_by_two(to_be_asked(HISTORY, WALK, out))
    stopped = put_legs_together(HISTORY, WALK, load=lambda race_ids: walked, out=out)
    for _ in islice(stopped, 7):
        pass
    stopped.close()  # type: ignore[attr-defined]

    put_together(walked, out)

    assert out.read_bytes() == whole.read_bytes()


def test_only_legs_that_lack_a_forecast_are_asked_for(tmp_path: Path) -> None:
    out = tmp_path / "forecasts.csv"
    whole_of_it = to_be_asked(HISTORY, WALK, out)
    run(out, blocks=6)
    rest = to_be_asked(HISTORY, WALK, out)
    run(out)

    # Two races of the first season in the first leg of each stage, three forecasts a race.
    assert [leg.name for leg in rest.legs] == [leg.name for leg in whole_of_it.legs[2:]]
    assert to_be_asked(HISTORY, WALK, out).legs == ()
    # Who goes on asks for the same.
    assert rest.id == whole_of_it.id


@pytest.mark.parametrize(
    "other",
    [
        replace(WALK, draws=50),
        replace(WALK, refits_per_season=1),
        replace(WALK, estimators=(FormEstimator(version="2"),)),
        replace(WALK, made_at=RACES[-1].weekend_starts_at),
    ],
)
def test_another_back_test_is_another_one(other: Walk, tmp_path: Path) -> None:
    one = to_be_asked(HISTORY, WALK, tmp_path / "one.csv")

    assert to_be_asked(HISTORY, other, tmp_path / "other.csv").id != one.id
    assert to_be_asked(HISTORY, WALK, tmp_path / "again.csv").id == one.id


def test_it_is_asked_of_the_same_build_alone(tmp_path: Path) -> None:
    assert to_be_asked(HISTORY, WALK, tmp_path / "f.csv").build == build_name()


def test_who_knows_other_facts_does_not_walk(tmp_path: Path) -> None:
    asked = to_be_asked(HISTORY, WALK, tmp_path / "f.csv")
    revised = a_history(RACES, seed=1)

    with pytest.raises(ForecastError, match="facts changed since it was asked for"):
        LegWalker(revised, asked, walk_of(asked, MODELS), form_features)


def test_a_leg_of_another_back_test_is_refused(tmp_path: Path) -> None:
    asked = to_be_asked(HISTORY, WALK, tmp_path / "f.csv")
    walker = LegWalker(HISTORY, asked, walk_of(asked, MODELS), form_features)

    with pytest.raises(ForecastError, match="no leg 1950"):
        list(walker.walk("1950/AFTER_QUALIFYING/1950-05-13T13:00"))
