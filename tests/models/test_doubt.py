"""What models do not know, told apart from luck: more of rookies, of new cars, and with missing inputs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from f1graph.features.race_features import RaceFeatures
from f1graph.models.draws import OutcomeDistribution, joined
from f1graph.models.ensemble import ManyVoiced, UltraEstimator, UltraPredictor
from f1graph.models.protocol import Example, Predictor
from f1graph.models.rating import RatingEstimator, RatingPredictor
from f1graph.models.spread import spread_of
from f1graph.races.stages import Stage
from tests.models.fields import FIELD, simulated_seasons, some_features, team_of
from tests.models.networks import CARS, STAGE, a_member, a_next_race, invented_races

DRAWS = 6000
ROOKIE = "driver-z"
# All alike, so that no car is safe at the end of the field.
EVEN = dict.fromkeys(FIELD, 0.0)


@pytest.fixture(scope="module")
def rating() -> RatingPredictor:
    return RatingEstimator().fit(
        simulated_seasons(EVEN, races=60, seed=3), stage=Stage.BEFORE_WEEKEND, seed=1
    )


@pytest.fixture(scope="module")
def ensemble() -> UltraPredictor:
    """Of the rating alone, which doubts by itself."""
    estimator = UltraEstimator(members=(RatingEstimator(),), walked_seasons=1)
    return estimator.fit(simulated_seasons(EVEN, races=60, seed=3), stage=Stage.BEFORE_WEEKEND, seed=1)


@pytest.fixture(scope="module")
def many() -> UltraPredictor:
    """Of several members, once the grid is known."""
    estimator = UltraEstimator(
        members=(RatingEstimator(), a_member("mtl"), a_member("bnn")), walked_seasons=1
    )
    return estimator.fit(invented_races(60), stage=STAGE, seed=1)


def epistemic(predictor: UltraPredictor, race: RaceFeatures) -> NDArray[np.float64]:
    told = [predictor.predict_ensemble(race, draws=DRAWS, seed=seed).epistemic for seed in (1, 2, 3)]
    return np.asarray(np.stack(told).mean(axis=0))


def with_rookie(race: RaceFeatures, instead_of: str) -> RaceFeatures:
    """The same race with a newcomer in the car of one driver, everything else alike."""
    seats = [ROOKIE if driver == instead_of else driver for driver in race.driver_ids]
    order = np.argsort(seats)
    values = race.values.copy()
    if "recent_starts" in race.names:
        values[seats.index(ROOKIE), race.names.index("recent_starts")] = 0.0
    return replace(
        race,
        driver_ids=tuple(seats[i] for i in order),
        constructor_ids=tuple(race.constructor_ids[i] for i in order),
        lineage_ids=tuple(race.lineage_ids[i] for i in order),
        values=values[order],
    )


def test_the_rating_speaks_with_many_voices_that_are_one_forecast(rating: RatingPredictor) -> None:
    race = some_features(11)
    assert isinstance(rating, ManyVoiced)

    voices = rating.views(race, draws=DRAWS, seed=1)

    whole = joined(voices)
    assert whole.draws == DRAWS
    assert len(voices) > 20
    assert len({voice.win.tobytes() for voice in voices}) == len(voices)
    np.testing.assert_allclose(whole.win, rating.predict(race, draws=DRAWS, seed=1).win, atol=0.03)


def test_doubt_takes_the_place_of_luck_and_makes_no_forecast_flatter() -> None:
    truth = {driver: 0.35 * number for number, driver in enumerate(FIELD)}
    races = simulated_seasons(truth, races=60, seed=3)
    fitted = RatingEstimator().fit(races, stage=Stage.BEFORE_WEEKEND, seed=1)
    certain = fitted.strengths.copy()
    certain.covariance = 0 * certain.covariance
    undoubting = replace(fitted, strengths=certain, usual_doubt=0.0)

    sharpness = [
        float((one.predict(some_features(11), draws=20_000, seed=1).position_probabilities ** 2).sum())
        for one in (fitted, undoubting)
    ]

    assert sharpness[0] == pytest.approx(sharpness[1], rel=0.05)


def test_of_a_rookie_less_is_known_than_of_who_drove_the_car_before(ensemble: UltraPredictor) -> None:
    race = some_features(11)

    before, after = epistemic(ensemble, race), epistemic(ensemble, rookie := with_rookie(race, FIELD[4]))

    seat = rookie.driver_ids.index(ROOKIE)
    assert after[seat] > 1.3 * before[FIELD.index(FIELD[4])]
    # And less than of the teammate in the same car.
    mate = next(d for d in FIELD if team_of(d) == team_of(FIELD[4]) and d != FIELD[4])
    assert after[seat] > 1.3 * after[rookie.driver_ids.index(mate)]


def test_under_new_regulations_less_is_known_of_every_car(ensemble: UltraPredictor) -> None:
    usual, changed = (epistemic(ensemble, some_features(1, season=season)) for season in (2025, 2026))

    assert changed.mean() > 1.4 * usual.mean()
    assert (changed > usual).all()


def test_what_the_rating_doubts_none_of_the_others_knows(many: UltraPredictor) -> None:
    """It is one of three members, and its doubt counts in full."""
    race = a_next_race()
    rating = many.components["rating"]
    assert isinstance(rating, ManyVoiced)
    voices = rating.views(race, draws=DRAWS, seed=1)

    _, doubt = spread_of([(1.0, voices)], joined(voices))
    agreed = replace(many, components={**many.components, "rating": Undoubting(rating)})

    assert epistemic(many, race).mean() > epistemic(agreed, race).mean() + 0.6 * doubt.mean()


@dataclass(frozen=True, eq=False)
class Undoubting:
    """The same member with one voice."""

    of: Predictor

    @property
    def name(self) -> str:
        return self.of.name

    @property
    def stage(self) -> Stage:
        return self.of.stage

    @property
    def feature_names(self) -> tuple[str, ...]:
        return self.of.feature_names

    def predict(self, features: RaceFeatures, *, draws: int, seed: int) -> OutcomeDistribution:
        return self.of.predict(features, draws=draws, seed=seed)

    def update(self, examples: Sequence[Example]) -> Undoubting:
        return Undoubting(self.of.update(examples))

    def state(self) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
        return self.of.state()


def test_an_ensemble_knows_less_of_a_rookie_too(many: UltraPredictor) -> None:
    race = a_next_race()
    middle = CARS[3]

    before, after = epistemic(many, race), epistemic(many, rookie := with_rookie(race, middle))

    assert after[rookie.driver_ids.index(ROOKIE)] > before[CARS.index(middle)]


def test_an_ensemble_knows_less_where_inputs_are_missing(many: UltraPredictor) -> None:
    known, unknown = (epistemic(many, a_next_race(knows_nothing=missing)) for missing in (False, True))

    assert unknown.mean() > 1.2 * known.mean()


def test_an_ensemble_knows_less_under_new_regulations(many: UltraPredictor) -> None:
    race = a_next_race()
    later = replace(race, season=2026)

    assert epistemic(many, later).mean() > epistemic(many, race).mean()


def test_the_parts_of_one_that_speaks_with_many_voices_are_its_doubt(rating: RatingPredictor) -> None:
    voices = rating.views(some_features(11), draws=DRAWS, seed=1)

    aleatoric, doubt = spread_of([(1.0, voices)], joined(voices))

    assert 0.01 < doubt.mean() / aleatoric.mean() < 0.3
