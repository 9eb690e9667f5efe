"""Places without draws."""

from __future__ import annotations

import numpy as np
import pytest

from f1graph.models.explain.outlook import (
    Outlook,
    chance_of,
    numbers_of,
    outlook_of,
)
from f1graph.models.sampling import draw_races
from f1graph.races.explanation import ExplainedNumber

CARS = tuple(f"driver-{number:02}" for number in range(20))
# The best is twice as good as the second, and the differences shrink to the back.
WORTH = -np.sqrt(np.arange(20.0))
NUMBERS = list(ExplainedNumber)


def of_a_race(utilities: np.ndarray, retirement: np.ndarray) -> Outlook:
    """One coalition, which is everybody; the same for each car."""
    entries = utilities.shape[-1]
    return outlook_of(
        np.broadcast_to(utilities, (entries, 1, *utilities.shape)),
        np.broadcast_to(retirement, (entries, 1, entries)),
    )


def test_the_chances_are_those_of_twenty_thousand_draws() -> None:
    log_odds, places = np.linspace(-3.0, -1.0, 20), np.arange(20)
    utilities = WORTH[None, :] * np.exp(-places / 30)[:, None]
    drawn = draw_races(
        CARS,
        utilities=utilities,
        retirement_log_odds=log_odds,
        race_deviation=0.5,
        draws=20_000,
        generator=np.random.default_rng(1),
    )

    found = of_a_race(utilities, chance_of(log_odds, 0.5))

    told = dict(zip(NUMBERS, numbers_of(found)[:, 0].T, strict=True))
    np.testing.assert_allclose(told[ExplainedNumber.WIN], drawn.win, atol=0.008)
    np.testing.assert_allclose(told[ExplainedNumber.PODIUM], drawn.podium, atol=0.02)
    np.testing.assert_allclose(told[ExplainedNumber.RETIREMENT], drawn.retirement, atol=0.01)
    np.testing.assert_allclose(told[ExplainedNumber.MEAN_POSITION], drawn.positions.mean(axis=0), atol=0.25)
    # Behind the usual number of finishers the field ends, in draws now earlier and now later.
    np.testing.assert_allclose(found.places[:, 0, :14], drawn.classified_probabilities[:, :14], atol=0.015)


def test_a_favourite_wins_as_often_as_it_finishes_ahead_of_the_one_rival_and_when_that_one_is_out() -> None:
    """By hand: it is nine times as good as the other, and both finish three times in four."""
    found = of_a_race(np.log(np.array([[9.0, 1.0], [9.0, 1.0]])), np.array([0.25, 0.25]))

    np.testing.assert_allclose(
        found.own_win[:, 0], [0.75 * (0.75 * 0.9 + 0.25), 0.75 * (0.75 * 0.1 + 0.25)], atol=1e-3
    )


def test_every_car_ends_somewhere_and_every_place_is_taken_once() -> None:
    found = of_a_race(np.tile(WORTH, (20, 1)), np.full(20, 0.1))

    np.testing.assert_allclose(found.places.sum(axis=-1) + found.retirement, 1, atol=0.01)
    assert (found.places[:, 0, :10].sum(axis=0) <= 1 + 1e-9).all()
    np.testing.assert_allclose(found.places[:, 0, :10].sum(axis=0), 1, atol=1e-6)


def test_equal_cars_have_equal_chances() -> None:
    told = numbers_of(of_a_race(np.zeros((20, 20)), np.full(20, 0.2)))[:, 0]

    np.testing.assert_allclose(told - told[0], 0, atol=1e-12)
    assert told[0, NUMBERS.index(ExplainedNumber.WIN)] == pytest.approx(1 / 20)
    assert told[0, NUMBERS.index(ExplainedNumber.MEAN_POSITION)] == pytest.approx(10.5, abs=0.1)


def test_a_car_that_never_finishes_takes_no_place() -> None:
    found = of_a_race(np.zeros((5, 5)), np.array([1.0, 0, 0, 0, 0]))

    assert found.places[0].max() == 0
    np.testing.assert_allclose(found.places[1:, 0].sum(axis=0), [1, 1, 1, 1, 0], atol=1e-9)
    assert numbers_of(found)[0, 0, NUMBERS.index(ExplainedNumber.MEAN_POSITION)] == pytest.approx(5)


def test_the_effect_that_all_cars_share_brings_small_chances_up() -> None:
    log_odds = np.array([-3.0, 0.0])

    calm, wild = chance_of(log_odds, 0.0), chance_of(log_odds, 1.0)

    np.testing.assert_allclose(calm, 1 / (1 + np.exp(-log_odds)))
    assert wild[0] > calm[0]
    assert wild[1] == pytest.approx(0.5)
