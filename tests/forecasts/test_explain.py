"""Why a forecast says what it says: told apart by inputs, whole, and to the driver who earned it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from f1graph.features.race_features import RaceFeatures
from f1graph.forecasts.asking import TrainedModel
from f1graph.forecasts.explain import explain_forecast
from f1graph.forecasts.make import make_forecast
from f1graph.models.boost import BoostEstimator
from f1graph.models.ensemble import UltraEstimator
from f1graph.models.protocol import Estimator, Example, Predictor
from f1graph.models.rating import RatingEstimator
from f1graph.races.explanation import (
    Attribution,
    EntryExplanation,
    ExplainedNumber,
    Explanation,
    InputGroup,
    change_between,
)
from f1graph.races.forecast import Forecast
from f1graph.races.stages import Stage
from tests.builders import a_history, a_race
from tests.forecasts.form import AnythingGoes
from tests.models.fields import an_outcome
from tests.models.networks import CARS, STAGE, a_member, a_next_race, invented_races

# Too few to be walked: the members are heard by the prior.
RACES = invented_races(30)
IDS = [example.features.race_id for example in RACES]
RACE = a_race(2025, 1)
BEST, SECOND = CARS[-1], CARS[-2]


@pytest.fixture(scope="module")
def ultra() -> Predictor:
    """The rating, a transformer, a Bayesian network and trees, stacked."""
    members = (RatingEstimator(), a_member("tft"), a_member("bnn"), BoostEstimator())
    return UltraEstimator(members=members).fit(RACES, stage=STAGE, seed=1)


@pytest.fixture(scope="module")
def told(ultra: Predictor) -> Explanation:
    return explained(ultra, NEXT)


def a_forecast(
    predictor: Predictor, features: RaceFeatures, *, seed: int | None = None, draws: int = 10_000
) -> Forecast:
    past = a_history([RACE]).as_of(features.cutoff)
    return make_forecast(
        past,
        RACE,
        stage=features.stage,
        model=TrainedModel(predictor, "1.0"),
        made_at=features.cutoff,
        build_features=lambda *_: features,
        seed=seed,
        draws=draws,
    )


def explained(predictor: Predictor, features: RaceFeatures, *, seed: int | None = None) -> Explanation:
    forecast = a_forecast(predictor, features, seed=seed)
    found = explain_forecast(forecast, predictor, features, race_ids=IDS)
    assert found is not None
    return found


def of(explanation: Explanation, driver_id: str, number: ExplainedNumber) -> Attribution:
    entry = explanation.of_driver(driver_id)
    assert entry is not None
    return entry.of(number)


def contributions(explanation: Explanation, driver_id: str) -> dict[InputGroup, float]:
    """To the mean position."""
    return dict(of(explanation, driver_id, ExplainedNumber.MEAN_POSITION).contributions)


def a_known_race(*, stage: Stage = STAGE, drivers: Sequence[str] = CARS) -> RaceFeatures:
    """As `a_next_race`, at a moment at which `RACE` can be forecast."""
    race = a_next_race(stage=stage, drivers=drivers)
    return replace(race, race_id=RACE.id, cutoff=RACE.weekend_starts_at)


def with_grid(race: RaceFeatures, order: Sequence[str]) -> RaceFeatures:
    """The same, with qualifying as it was."""
    values = race.values.copy()
    places = [order.index(driver) + 1.0 for driver in race.driver_ids]
    values[:, race.names.index("grid_position")] = places
    values[:, race.names.index("grid_penalty")] = np.array(places) - race.column("qualifying_position")
    return replace(race, values=values)


NEXT = a_known_race()


def test_base_contributions_and_rest_are_the_forecast(ultra: Predictor) -> None:
    """Complete: nothing is left over, and what no input accounts for is named and small."""
    forecast = a_forecast(ultra, NEXT)
    found = explain_forecast(forecast, ultra, NEXT, race_ids=IDS)

    assert found is not None
    assert [entry.driver_id for entry in found.entries] == list(forecast.driver_ids)
    for entry, told in zip(found.entries, forecast.entries, strict=True):
        mean = np.arange(1, len(CARS) + 1) @ np.array(told.position_probabilities)
        expected = {
            ExplainedNumber.WIN: told.win,
            ExplainedNumber.PODIUM: told.podium,
            ExplainedNumber.RETIREMENT: told.retirement,
            ExplainedNumber.MEAN_POSITION: mean,
        }
        assert [number for number, _ in entry.numbers] == list(ExplainedNumber)
        for number, one in entry.numbers:
            assert one.value == pytest.approx(expected[number], abs=1e-12)
            assert abs(one.rest) < (0.25 if number is ExplainedNumber.MEAN_POSITION else 0.02)


def test_the_best_car_is_explained_by_more_than_its_place_on_the_grid(told: Explanation) -> None:
    position, win = (of(told, BEST, n) for n in (ExplainedNumber.MEAN_POSITION, ExplainedNumber.WIN))
    assert position.value < position.base - 1
    assert win.value > win.base + 0.1
    for group in (InputGroup.GRID, InputGroup.QUALIFYING_PACE, InputGroup.DRIVER_FORM):
        assert dict(position.contributions)[group] < 0 < dict(win.contributions)[group]
    assert max(contributions(told, CARS[0]).values()) > 0.1


def test_a_grid_penalty_costs_its_driver_in_the_group_of_the_grid(ultra: Predictor) -> None:
    order = list(reversed(CARS))
    before, after = (explained(ultra, with_grid(NEXT, grid)) for grid in (order, [*order[1:], BEST]))

    assert contributions(before, BEST)[InputGroup.GRID] < 0 < contributions(after, BEST)[InputGroup.GRID]
    change = change_between(
        of(before, BEST, ExplainedNumber.MEAN_POSITION),
        of(after, BEST, ExplainedNumber.MEAN_POSITION),
        is_new_model=False,
    )
    by_group = dict(change.contributions)
    assert change.value > 0.3
    of_its_own = sum(by_group.values())
    assert by_group.pop(InputGroup.GRID) > 0.7 * of_its_own
    assert max(abs(other) for other in by_group.values()) < 0.3 * of_its_own
    # The others, who moved up, cost the rest.
    assert change.field > 0
    assert change.value == pytest.approx(change.field + of_its_own + change.rest)
    # Whoever moves up gains there, too.
    assert contributions(after, SECOND)[InputGroup.GRID] < contributions(before, SECOND)[InputGroup.GRID]


def test_what_is_the_same_for_all_cars_moves_nobody(told: Explanation) -> None:
    for entry in told.entries:
        for _, one in entry.numbers:
            found = dict(one.contributions)
            assert set(found) == set(InputGroup)
            assert {found[group] for group in (InputGroup.WEATHER, InputGroup.SEASON)} == {0.0}
            # Nobody knows anything of practice.
            assert found[InputGroup.PRACTICE_PACE] == 0.0


def test_a_group_that_the_stage_does_not_know_is_not_named() -> None:
    stage = Stage.BEFORE_WEEKEND
    predictor = RatingEstimator().fit(invented_races(30, stage=stage), stage=stage, seed=1)

    found = explained(predictor, a_known_race(stage=stage))

    assert InputGroup.DRIVER_FORM in contributions(found, BEST)
    assert {InputGroup.GRID, InputGroup.SPRINT, InputGroup.PRACTICE_PACE}.isdisjoint(
        contributions(found, BEST)
    )


@pytest.mark.parametrize("estimator", [RatingEstimator(), a_member("gnn")], ids=["rating", "gnn"])
def test_drivers_who_are_alike_in_everything_are_explained_alike(estimator: Estimator) -> None:
    """Two newcomers of one new team, before anything of the weekend is known."""
    stage = Stage.BEFORE_WEEKEND
    newcomers = ("driver-y", "driver-z")
    race = a_known_race(drivers=(*CARS, *newcomers), stage=stage)
    values = race.values.copy()
    values[-2:, race.names.index("driver_form")] = -0.9
    predictor = estimator.fit(invented_races(30, stage=stage), stage=stage, seed=1)

    found = explained(predictor, replace(race, values=values))

    first, second = (contributions(found, driver) for driver in newcomers)
    assert first == pytest.approx(second, abs=1e-5)
    assert max(map(abs, first.values())) > 0.01


def test_t4_the_same_forecast_is_explained_the_same(ultra: Predictor) -> None:
    ours, theirs, other = (explained(ultra, NEXT, seed=seed) for seed in (5, 5, 6))

    assert ours == theirs
    # Another seed draws other weights and asks in other orders, but tells the same story.
    assert ours != other
    for driver in CARS:
        assert contributions(ours, driver) == pytest.approx(contributions(other, driver), abs=0.15)


def test_the_transformer_looks_at_each_drivers_last_races_and_at_all_variables(told: Explanation) -> None:
    newest = {
        driver: [example.features.race_id for example in RACES if started(example.outcome.positions, driver)]
        for driver in CARS
    }

    for entry in told.entries:
        assert [race_id for race_id, _ in entry.attention] == newest[entry.driver_id][-10:]
        assert sum(weight for _, weight in entry.attention) == pytest.approx(1, abs=1e-4)
        weights = [weight for _, weight in entry.variables]
        assert weights == sorted(weights, reverse=True)
        assert sum(weights) == pytest.approx(1, abs=1e-3)
        assert {"strength", "driver_form", "qualifying_gap"} <= {name for name, _ in entry.variables}


def started(positions: np.ndarray, driver: str) -> bool:
    return bool(positions[CARS.index(driver)] > 0)


def test_of_a_driver_with_three_starts_three_races_are_looked_at(ultra: Predictor) -> None:
    drivers = (*CARS, "driver-z")
    debut = [
        Example(a_next_race(drivers=drivers, number=number), an_outcome(drivers, drivers[::-1]))
        for number in (2, 3, 4)
    ]
    ids = [*IDS, *(example.features.race_id for example in debut)]
    race, now = a_known_race(drivers=drivers), ultra.update([*RACES, *debut])

    found = explain_forecast(a_forecast(now, race), now, race, race_ids=ids)

    assert found is not None
    rookie = found.of_driver("driver-z")
    assert rookie is not None
    assert [race_id for race_id, _ in rookie.attention] == ids[-3:]
    assert sum(weight for _, weight in rookie.attention) == pytest.approx(1, abs=1e-4)


def test_a_newcomer_has_no_past_to_look_at_and_the_rating_looks_at_none(ultra: Predictor) -> None:
    race = a_known_race(drivers=(*CARS, "driver-z"))
    rating = RatingEstimator().fit(RACES, stage=STAGE, seed=1)

    newcomer = explained(ultra, race).of_driver("driver-z")
    by_rating = explained(rating, race).of_driver(BEST)

    assert isinstance(newcomer, EntryExplanation)
    assert newcomer.attention == ()
    assert newcomer.variables != ()
    assert by_rating is not None
    assert (by_rating.attention, by_rating.variables) == ((), ())


def test_a_model_that_cannot_be_asked_is_not_explained() -> None:
    predictor = AnythingGoes(STAGE)

    forecast = a_forecast(predictor, NEXT, draws=100)

    assert explain_forecast(forecast, predictor, NEXT, race_ids=IDS) is None
