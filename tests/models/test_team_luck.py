"""What teammates share, learnt from past races and brought into the draws."""

from __future__ import annotations

import numpy as np
import pytest

from f1graph.models.draws import OutcomeDistribution
from f1graph.models.protocol import Outcome
from f1graph.models.raking import resample
from f1graph.models.sampling import draw_races
from f1graph.models.team_luck import TeamLuck, Told, Values, learn_team_luck, paired
from tests.models.fields import FIELD, team_of

TEAMS = tuple(team_of(driver) for driver in FIELD)
UTILITY = np.linspace(0, 1.5, len(FIELD))
LOG_ODDS = np.linspace(-2.2, -1.2, len(FIELD))
DRAWS = 8000
EQUAL = np.full(DRAWS, 1 / DRAWS)
MATES, OTHERS = paired(TEAMS)


def drawn(*, shared: float = 0.0, draws: int = DRAWS, seed: int = 1) -> OutcomeDistribution:
    """Races in which the cars of a team are fast or slow together, by `shared` in units of utility."""
    generator = np.random.default_rng(seed)
    luck = shared * generator.standard_normal((draws, len(FIELD) // 2))
    return draw_races(
        FIELD,
        utilities=np.tile(UTILITY, (len(FIELD), 1)),
        retirement_log_odds=LOG_ODDS,
        race_deviation=0.0,
        draws=draws,
        generator=generator,
        moved=np.repeat(luck, 2, axis=1),
    )


def broken_together(shared: OutcomeDistribution, share: float) -> OutcomeDistribution:
    """The same races, but now and then both cars of a team stop where one did."""
    generator = np.random.default_rng(3)
    out = shared.retired.copy()
    for one, other in zip(*MATES, strict=True):
        both = (out[:, one] | out[:, other]) & (generator.random(len(out)) < share)
        out[both, one] = out[both, other] = True
    key = shared.positions + 100.0 * out
    positions = 1 + np.argsort(np.argsort(key, axis=1, kind="stable"), axis=1, kind="stable")
    return OutcomeDistribution(shared.driver_ids, positions.astype(np.uint8), out)


def happened(races: OutcomeDistribution, said: OutcomeDistribution) -> list[Told]:
    """Each draw of `races` as a race that was run, of which `said` had been said."""
    nothing = np.zeros(len(FIELD), dtype=np.int64)
    return [
        Told(
            said.classified_probabilities,
            said.retirement,
            TEAMS,
            Outcome(positions.astype(np.int64), retired, ~retired, nothing, nothing - 1),
        )
        for positions, retired in zip(races.positions, races.retired, strict=True)
    ]


def apart(distribution: OutcomeDistribution, weights: Values = EQUAL) -> float:
    """Places between teammates who both finish, on average."""
    one, other = MATES
    both = ~distribution.retired[:, one] & ~distribution.retired[:, other]
    places = np.abs(distribution.positions[:, one].astype(int) - distribution.positions[:, other])
    return float((weights @ (places * both)).sum() / (weights @ both).sum())


def both_out(distribution: OutcomeDistribution, weights: Values = EQUAL) -> float:
    return float((weights @ (distribution.retired[:, MATES[0]] & distribution.retired[:, MATES[1]])).sum())


def test_teammates_who_finish_near_each_other_are_drawn_near_each_other() -> None:
    independent, real = drawn(), drawn(shared=0.8, seed=2)
    luck = learn_team_luck(happened(drawn(shared=0.8, draws=600, seed=5), real))

    weights = luck.weigh(independent, EQUAL, TEAMS)

    assert luck.apart < 0.93
    assert apart(real) < apart(independent) - 0.3
    assert apart(independent, weights) == pytest.approx(apart(real), abs=0.15)


def test_teammates_who_stop_together_are_drawn_stopping_together() -> None:
    independent = drawn()
    races = broken_together(drawn(draws=1500, seed=5), 0.3)
    said = broken_together(drawn(seed=2), 0.3)
    luck = learn_team_luck(happened(races, said))

    weights = luck.weigh(independent, EQUAL, TEAMS)

    assert luck.retirement > 0.15
    assert both_out(independent, weights) > 1.3 * both_out(independent)


def test_no_cars_own_forecast_changes() -> None:
    independent = drawn()
    luck = TeamLuck(apart=0.85, retirement=0.1, races=80)

    weights = luck.weigh(independent, EQUAL, TEAMS)

    assert weights.sum() == pytest.approx(1)
    assert (weights >= 0).all()
    for place in range(1, len(FIELD) + 1):
        for retired in (True, False):
            ended = (independent.positions == place) & (independent.retired == retired)
            np.testing.assert_allclose(weights @ ended, ended.mean(axis=0), atol=2e-4)
    # What is weighed most of all is still one draw among thousands.
    assert 1 / (weights**2).sum() > 0.4 * DRAWS
    assert weights.max() <= 25 / DRAWS


def test_the_chances_that_were_weighed_before_are_kept() -> None:
    independent = drawn()
    sharper = EQUAL * np.where(independent.positions[:, -1] == 1, 2.0, 1.0)
    sharper /= sharper.sum()

    weights = TeamLuck(apart=0.85, retirement=0.1, races=80).weigh(independent, sharper, TEAMS)

    won = (independent.positions == 1) & ~independent.retired
    np.testing.assert_allclose(weights @ won, sharper @ won, atol=1e-3)
    assert abs(weights @ won - won.mean(axis=0)).max() > 0.05


def test_where_teammates_share_nothing_nothing_is_learnt() -> None:
    independent = drawn()
    luck = learn_team_luck(happened(drawn(draws=2000, seed=5), independent))

    weights = luck.weigh(independent, EQUAL, TEAMS)

    assert luck.apart == pytest.approx(1, abs=0.05)
    assert luck.retirement == pytest.approx(0, abs=0.04)
    assert apart(independent, weights) == pytest.approx(apart(independent), abs=0.15)


def test_draws_in_which_teammates_share_it_already_are_hardly_moved() -> None:
    real = drawn(shared=0.8)
    luck = learn_team_luck(happened(drawn(shared=0.8, draws=2000, seed=5), real))

    weights = luck.weigh(real, EQUAL, TEAMS)

    assert 1 / (weights**2).sum() > 0.95 * DRAWS


def test_a_few_races_are_trusted_a_little() -> None:
    independent = drawn()

    moved = [
        apart(independent) - apart(independent, TeamLuck(0.8, 0.0, races).weigh(independent, EQUAL, TEAMS))
        for races in (3, 80)
    ]

    assert 0 < moved[0] < 0.5 * moved[1]


def test_before_anything_was_learnt_the_draws_are_left_alone() -> None:
    independent = drawn(draws=100)

    assert learn_team_luck([]) == TeamLuck()
    np.testing.assert_array_equal(TeamLuck().weigh(independent, EQUAL[:100], TEAMS), EQUAL[:100])


def test_a_field_without_teammates_has_no_team_luck() -> None:
    independent = drawn(draws=100)

    weights = TeamLuck(apart=0.8, retirement=0.1, races=80).weigh(independent, EQUAL[:100], FIELD)

    np.testing.assert_array_equal(weights, EQUAL[:100])


def test_whole_races_are_drawn_again_with_it() -> None:
    independent = drawn()
    weights = TeamLuck(apart=0.85, retirement=0.0, races=80).weigh(independent, EQUAL, TEAMS)

    found = resample(independent, weights, draws=DRAWS, generator=np.random.default_rng(1))

    assert apart(found) == pytest.approx(apart(independent, weights), abs=0.05)
    np.testing.assert_allclose(found.win, independent.win, atol=0.01)
