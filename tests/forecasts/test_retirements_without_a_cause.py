"""Retirements on both sides of 2025, since when nobody publishes why a car stopped."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from statistics import fmean

import numpy as np
import pytest

from f1graph.features.build import build_features
from f1graph.models.boost import BoostEstimator
from f1graph.models.protocol import Estimator, Example, Predictor
from f1graph.models.rating import RatingEstimator
from f1graph.races.calendar import Race
from f1graph.races.past import History
from f1graph.races.results import Classification, ClassificationKind, Status
from f1graph.races.stages import Stage
from tests.builders import DRIVERS, a_history, a_moment, a_result, a_season, a_weekend
from tests.forecasts.form import examples
from tests.models.networks import a_member

STAGE = Stage.BEFORE_WEEKEND
LAST_WITH_CAUSES = 2024
STOPPED = {Status.DID_NOT_FINISH}
RACES = (*a_season(2024, 20), *a_season(2025, 20))


def the_race(race: Race, *, erased: bool) -> Classification:
    """As many retire in a round of 2025 as in that of 2024; until 2024 it was published why."""
    generator = np.random.default_rng(race.round)
    finish = [DRIVERS[i] for i in generator.permutation(len(DRIVERS))]
    out = [driver for driver in finish if generator.random() < 0.15]
    result = a_result(race, [driver for driver in finish if driver not in out], out=out)
    if erased or race.season > LAST_WITH_CAUSES:
        return result
    causes = ("Engine", "Collision", "Gearbox", "Spun off")
    rows = (
        replace(row, reason_retired=causes[row.order % 4]) if row.status in STOPPED else row
        for row in result.rows
    )
    return replace(result, rows=tuple(rows))


def history(*, erased: bool) -> History:
    lists = [fact for race in RACES for fact in a_weekend(race) if fact.kind is not ClassificationKind.RACE]
    return a_history(RACES, [*lists, *(the_race(race, erased=erased) for race in RACES)])


@cache
def learnt_from(*, erased: bool) -> list[Example]:
    return examples(
        history(erased=erased), STAGE, a_moment("2026-01-01"), build_features, first_season=LAST_WITH_CAUSES
    )


def rates(predictor: Predictor, races: list[Example]) -> dict[int, float]:
    """The forecast share of cars that retire, by season."""
    of_season: dict[int, list[float]] = {}
    for number, race in enumerate(races):
        retirement = predictor.predict(race.features, draws=500, seed=number).retirement
        of_season.setdefault(race.features.season, []).append(float(retirement.mean()))
    return {season: fmean(found) for season, found in of_season.items()}


def test_a_model_expects_as_many_retirements_after_the_causes_were_no_longer_published() -> None:
    """S12: trained across 2024 and 2025 it gives the same total rate on both sides."""
    told, unknown = learnt_from(erased=False), learnt_from(erased=True)
    estimator = RatingEstimator()

    with_causes, without = (
        rates(estimator.fit(races, stage=STAGE, seed=1), races) for races in (told, unknown)
    )
    happened = how_often_cars_stopped()
    assert without == with_causes
    assert without[2024] == pytest.approx(without[2025], abs=0.02)
    assert without[2025] == pytest.approx(happened, abs=0.03)


@pytest.mark.parametrize(
    "estimator",
    [a_member("mtl"), a_member("tft"), BoostEstimator()],
    ids=lambda estimator: str(estimator.name),
)
def test_members_that_learn_causes_expect_as_many_without_them(estimator: Estimator) -> None:
    """S12: they read causes and tell them apart, and the total does not hang on them."""
    told, unknown = learnt_from(erased=False), learnt_from(erased=True)

    with_causes, without = (
        rates(estimator.fit(races, stage=STAGE, seed=1), races) for races in (told, unknown)
    )

    happened = how_often_cars_stopped()
    for season in (2024, 2025):
        assert without[season] == pytest.approx(with_causes[season], abs=0.02)
        assert with_causes[season] == pytest.approx(happened, abs=0.04)
    assert with_causes[2024] == pytest.approx(with_causes[2025], abs=0.02)
    assert without[2024] == pytest.approx(without[2025], abs=0.02)


def how_often_cars_stopped() -> float:
    cars = [row.status for race in RACES for row in the_race(race, erased=True).rows]
    return fmean(status in STOPPED for status in cars)
