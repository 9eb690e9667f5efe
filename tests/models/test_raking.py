"""Draws weighed anew until they say what they should."""

from __future__ import annotations

import numpy as np
import pytest

from f1graph.models.draws import OutcomeDistribution
from f1graph.models.raking import Values, rake, resample
from f1graph.models.sampling import draw_races
from tests.models.fields import FIELD

CARS = FIELD[:8]
DRAWS = 6000


@pytest.fixture(scope="module")
def drawn() -> OutcomeDistribution:
    return draw_races(
        CARS,
        utilities=np.tile(np.linspace(0, 2, len(CARS)), (len(CARS), 1)),
        retirement_log_odds=np.linspace(-2.5, -1.0, len(CARS)),
        race_deviation=0.5,
        draws=DRAWS,
        generator=np.random.default_rng(1),
        cause_shares=np.full((len(CARS), 3), 1 / 3),
    )


def targets(drawn: OutcomeDistribution) -> tuple[Values, Values]:
    win = drawn.win**1.3
    retirement = 1 / (1 + np.exp(-(0.3 + 0.9 * np.log(drawn.retirement / (1 - drawn.retirement)))))
    return win / win.sum() * drawn.win.sum(), retirement


def test_the_wanted_chances_to_win_and_to_retire_are_reached(drawn: OutcomeDistribution) -> None:
    win, retirement = targets(drawn)
    assert np.abs(drawn.win - win).max() > 0.02
    assert np.abs(drawn.retirement - retirement).max() > 0.02

    weights = rake(drawn, win=win, retirement=retirement)

    first = (drawn.positions == 1) & ~drawn.retired
    np.testing.assert_allclose(weights @ first, win, atol=1e-3)
    np.testing.assert_allclose(weights @ drawn.retired, retirement, atol=1e-3)
    assert weights.sum() == pytest.approx(1)
    assert (weights >= 0).all()


def test_draws_that_say_it_already_are_left_alone(drawn: OutcomeDistribution) -> None:
    weights = rake(drawn, win=drawn.win, retirement=drawn.retirement)

    np.testing.assert_allclose(weights, 1 / DRAWS, rtol=1e-6)


def test_a_chance_that_no_draw_supports_makes_no_draw_count_for_all(drawn: OutcomeDistribution) -> None:
    last = np.zeros(len(CARS))
    last[0] = 0.99

    weights = rake(drawn, win=last, retirement=drawn.retirement)

    assert np.isfinite(weights).all()
    assert weights.max() < 50 / DRAWS


def test_t9_draws_stay_whole_races(drawn: OutcomeDistribution) -> None:
    """T9: what is read from weighed draws cannot contradict itself, because each is one that was drawn."""
    win, retirement = targets(drawn)
    weights = rake(drawn, win=win, retirement=retirement)

    found = resample(drawn, weights, draws=DRAWS, generator=np.random.default_rng(2))

    before = {row.tobytes() for row in drawn.positions + 100 * drawn.retired}
    assert {row.tobytes() for row in found.positions + 100 * found.retired} <= before
    assert found.draws == DRAWS
    np.testing.assert_allclose(found.win, win, atol=5e-3)
    np.testing.assert_allclose(found.retirement, retirement, atol=5e-3)
    assert found.cause_shares is drawn.cause_shares


def test_each_draw_is_taken_about_as_often_as_its_weight_says() -> None:
    positions = np.array([np.roll(np.arange(1, 5), shift) for shift in range(4)], dtype=np.uint8)
    four = OutcomeDistribution(FIELD[:4], positions, np.zeros((4, 4), dtype=np.bool_))

    found = resample(four, np.array([0.5, 0.3, 0.2, 0.0]), draws=1000, generator=np.random.default_rng(1))

    np.testing.assert_allclose(found.win, [0.5, 0.3, 0.2, 0.0], atol=1.1e-3)
    # In random order: the first half is not all of one kind.
    assert 200 < (found.positions[:500, 0] == 1).sum() < 300
