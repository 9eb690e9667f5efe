"""Why a position is open: luck, or what the models do not know."""

from __future__ import annotations

import numpy as np
import pytest

from f1graph.models.draws import OutcomeDistribution, joined
from f1graph.models.sampling import draw_races
from f1graph.models.spread import Values, confidence_of, spread_of
from tests.models.fields import FIELD

CARS = FIELD[:8]
UP = np.linspace(-1, 1, len(CARS))


def a_voice(utility: Values, *, seed: int, draws: int = 1000) -> OutcomeDistribution:
    return draw_races(
        CARS,
        utilities=np.tile(utility, (len(CARS), 1)),
        retirement_log_odds=np.full(len(CARS), -1.7),
        race_deviation=0.3,
        draws=draws,
        generator=np.random.default_rng(seed),
    )


def test_the_parts_are_not_negative_and_sum_to_the_variance() -> None:
    members = [
        (0.5, [a_voice(UP, seed=1)]),
        (0.3, [a_voice(UP[::-1], seed=2), a_voice(UP * 2, seed=3)]),
        (0.2, [a_voice(0 * UP, seed=4)]),
    ]
    whole = joined([voice for _, voices in members for voice in voices])

    aleatoric, epistemic = spread_of(members, whole)

    assert (aleatoric > 0).all()
    assert (epistemic >= 0).all()
    np.testing.assert_allclose(aleatoric + epistemic, whole.positions.var(axis=0), rtol=1e-9)


def test_models_that_agree_leave_only_luck() -> None:
    voices = [a_voice(UP, seed=seed) for seed in range(6)]
    members = [(0.5, voices[:2]), (0.5, voices[2:])]

    aleatoric, epistemic = spread_of(members, joined(voices))

    # What means of a thousand draws differ by is not taken for disagreement.
    assert (epistemic / aleatoric).mean() < 0.001
    assert (epistemic == 0).any()


@pytest.mark.parametrize("within_one_member", [True, False])
def test_models_that_disagree_do_not_know(within_one_member: bool) -> None:
    voices = [a_voice(UP, seed=1), a_voice(UP[::-1], seed=2)]
    members = [(1.0, voices)] if within_one_member else [(0.5, [voice]) for voice in voices]

    _, epistemic = spread_of(members, joined(voices))

    # They disagree about the first and the last, and not about the middle of the field.
    assert epistemic[0] > 10 * epistemic[3]
    assert epistemic[-1] > 10 * epistemic[4]
    means = [voice.positions.mean(axis=0)[0] for voice in voices]
    assert epistemic[0] == pytest.approx((means[0] - means[1]) ** 2 / 4, rel=0.05)


def test_a_member_that_is_hardly_heard_hardly_disagrees() -> None:
    voices = [a_voice(UP, seed=1), a_voice(UP[::-1], seed=2)]

    def epistemic(share: float) -> float:
        members = [(1 - share, voices[:1]), (share, voices[1:])]
        return float(spread_of(members, voices[0])[1][0])

    assert epistemic(0.05) < 0.4 * epistemic(0.5)


def test_what_one_member_doubts_and_all_believe_counts_in_full() -> None:
    # The first doubts which end of the field is the fast one; the others have never thought of it.
    doubting = [a_voice(UP, seed=1), a_voice(UP[::-1], seed=2)]
    others = [a_voice(0 * UP, seed=3)]
    members = [(0.2, doubting), (0.8, others)]
    whole = joined([*doubting, *others])

    by_share = spread_of(members, whole)
    in_full = spread_of(members, whole, doubting=0)

    np.testing.assert_allclose(sum(in_full), sum(by_share))
    alone = spread_of([(1.0, doubting)], joined(doubting))
    assert in_full[1][0] > 3 * by_share[1][0]
    assert in_full[1][0] == pytest.approx(alone[1][0], rel=0.35)
    # In the middle of the field the voices agree.
    assert in_full[1][3] < 0.2 * in_full[1][0]
    assert (in_full[0] >= 0).all()


def test_confidence_is_the_chance_to_be_within_two_places() -> None:
    chances = np.array([[0.1, 0.2, 0.3, 0.2, 0.1, 0.1], [0.5, 0.1, 0.1, 0.1, 0.1, 0.1]])

    np.testing.assert_allclose(confidence_of(chances, np.array([3, 1])), [0.9, 0.7])
