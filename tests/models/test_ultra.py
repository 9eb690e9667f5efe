"""The ensemble: members stacked on what they had said of past races."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
import torch

from f1graph.errors import BundleError, ForecastError
from f1graph.models.draws import OutcomeDistribution
from f1graph.models.ensemble import UltraEstimator, UltraPredictor
from f1graph.models.fit_cache import Fit, FitCache
from f1graph.models.protocol import EnsemblePredictor, Estimator, Example, Predictor
from f1graph.models.rating import RatingEstimator
from f1graph.models.team_luck import TeamLuck, paired
from f1graph.models.walk_scores import WalkScored
from f1graph.races.measures import Measure
from f1graph.races.stages import Stage
from tests.models.coherence import assert_coherent
from tests.models.networks import CARS, STAGE, a_member, a_next_race, invented_races

# Five seasons; the last two are walked.
RACES = invented_races(50)
NEXT = a_next_race()
MEMBERS = {"rating", "mtl", "bnn"}
ANCHORS = {"grid", "championship", "uniform"}


def an_ensemble(cache: FitCache | None = None) -> UltraEstimator:
    return UltraEstimator(
        members=(RatingEstimator(), a_member("mtl"), a_member("bnn")),
        walked_seasons=2,
        cache=cache or FitCache(None),
    )


@pytest.fixture(scope="module")
def cache() -> FitCache:
    return FitCache(None)


@pytest.fixture(scope="module")
def trained(cache: FitCache) -> UltraPredictor:
    return an_ensemble(cache).fit(RACES, stage=STAGE, seed=1)


def draws(predictor: Predictor, *, seed: int = 3) -> bytes:
    return predictor.predict(NEXT, draws=400, seed=seed).to_bytes()


def test_it_speaks_the_protocol_of_ensembles(trained: UltraPredictor) -> None:
    estimator: Estimator = an_ensemble()
    predictor: Predictor = trained

    assert estimator.name == predictor.name == "ultra"
    assert isinstance(trained, EnsemblePredictor)
    assert isinstance(trained, WalkScored)
    assert set(trained.components) == MEMBERS | ANCHORS


def test_the_forecast_is_the_whole_of_its_parts_to_the_last_bit(trained: UltraPredictor) -> None:
    outcome = trained.predict_ensemble(NEXT, draws=400, seed=3)

    assert outcome.distribution.to_bytes() == draws(trained)
    assert outcome.distribution.draws == 400
    assert {member.name for member in outcome.members} == MEMBERS
    weights = [member.weight for member in outcome.members]
    assert weights == sorted(weights, reverse=True)
    assert sum(weights) == pytest.approx(1)
    assert all(member.distribution.draws == 400 for member in outcome.members)
    assert outcome.missing_members == ()


def test_t4_the_same_seed_gives_the_same_forecast(trained: UltraPredictor) -> None:
    """T4: to the last bit; another seed draws other races."""
    torch.manual_seed(42)

    assert draws(trained) == draws(trained)
    assert draws(trained, seed=4) != draws(trained)


def test_t9_neither_the_whole_nor_any_member_contradicts_itself(trained: UltraPredictor) -> None:
    """T9: all of them read every number from whole races."""
    newcomer = a_next_race(drivers=(*CARS, "driver-z"), knows_nothing=True)

    for race in (NEXT, newcomer):
        outcome = trained.predict_ensemble(race, draws=500, seed=1)
        spoken: list[OutcomeDistribution] = [one.distribution for one in outcome.members]
        for forecast in (outcome.distribution, *spoken):
            assert_coherent(forecast)
        assert ((outcome.confidence >= 0) & (outcome.confidence <= 1)).all()
        variance = outcome.distribution.positions.var(axis=0)
        np.testing.assert_allclose(outcome.aleatoric + outcome.epistemic, variance, rtol=1e-6)
        assert (outcome.aleatoric > 0).all()
        assert (outcome.epistemic >= 0).all()


def test_the_whole_wins_and_retires_as_often_as_the_stack_says(trained: UltraPredictor) -> None:
    sharp = replace(trained, stack=replace(trained.stack, winner_power=1.4))

    plain, sharper = (one.predict(NEXT, draws=4000, seed=1).win for one in (trained, sharp))

    assert sharper[-1] > plain[-1] + 0.02
    calm = replace(trained.stack.retirement, shift=trained.stack.retirement.shift - 1.0)
    calmer = replace(trained, stack=replace(trained.stack, retirement=calm))
    before, after = (one.predict(NEXT, draws=4000, seed=1).retirement for one in (trained, calmer))
    assert (after < 0.6 * before).all()


def test_what_is_stored_forecasts_to_the_last_bit_what_it_did_before(trained: UltraPredictor) -> None:
    tensors, facts = trained.state()

    restored = an_ensemble().restore(tensors, json.loads(json.dumps(facts, allow_nan=False)))

    assert draws(restored) == draws(trained)
    ours, theirs = (one.predict_ensemble(NEXT, draws=400, seed=3) for one in (trained, restored))
    np.testing.assert_array_equal(ours.confidence, theirs.confidence)
    np.testing.assert_array_equal(ours.epistemic, theirs.epistemic)
    assert restored.stack == trained.stack
    assert restored.missing == ()


@pytest.mark.parametrize("lost", sorted(MEMBERS))
def test_t8_without_one_member_it_still_forecasts_and_says_so(trained: UltraPredictor, lost: str) -> None:
    """T8: with the weights of the others renormalised."""
    tensors, facts = trained.state()
    left = {name: tensor for name, tensor in tensors.items() if not name.startswith(f"{lost}/")}
    assert len(left) < len(tensors)

    outcome = an_ensemble().restore(left, facts).predict_ensemble(NEXT, draws=400, seed=3)

    assert outcome.missing_members == ((lost, "its part of the bundle is missing or broken"),)
    assert {member.name for member in outcome.members} == MEMBERS - {lost}
    weights = {member.name: member.weight for member in outcome.members}
    assert sum(weights.values()) == pytest.approx(1)
    first, second = weights
    order = trained.stack.order
    assert weights[first] / weights[second] == pytest.approx(order[first] / order[second])
    assert outcome.distribution.draws == 400
    assert_coherent(outcome.distribution)


def test_t8_a_member_of_another_version_is_left_out(trained: UltraPredictor) -> None:
    """T8: and without a single member there is no ensemble."""
    tensors, facts = trained.state()
    newer = replace(a_member("mtl"), version="2")
    changed = replace(an_ensemble(), members=(RatingEstimator(), newer))

    restored = changed.restore(tensors, facts)

    assert dict(restored.missing) == {
        "mtl": "it was trained as version 1",
        "bnn": "this version of the program does not have it",
    }
    with pytest.raises(ValueError, match="none of its members"):
        replace(an_ensemble(), members=()).restore(tensors, facts)


def turned(examples: Sequence[Example]) -> list[Example]:
    """The results upside down, and all features changed."""
    return [
        Example(
            replace(one.features, values=one.features.values[::-1].copy()),
            replace(
                one.outcome,
                positions=one.outcome.positions[::-1].copy(),
                retired=one.outcome.retired[::-1].copy(),
                classified=one.outcome.classified[::-1].copy(),
            ),
        )
        for one in examples
    ]


def test_p1_what_it_had_said_of_a_race_does_not_depend_on_later_races(
    trained: UltraPredictor, cache: FitCache
) -> None:
    """P1: they may be corrupted; what is said of races after those changes."""
    corrupted = an_ensemble(cache).fit([*RACES[:45], *turned(RACES[45:])], stage=STAGE, seed=1)

    for measure in (Measure.RANKED_PROBABILITY, Measure.WINNER_LOG_LOSS):
        ours, theirs = (one.walk_forward[measure] for one in (trained, corrupted))
        ids = [example.features.race_id for example in RACES]
        assert [id_ for id_ in ids[30:45] if ours.get(id_) != theirs.get(id_)] == []
        assert len(ours) > 15
        assert any(ours.get(id_) != theirs.get(id_) for id_ in ids[45:])
    assert corrupted.stack != trained.stack


def test_p1_only_races_of_the_walk_are_scored_and_by_what_was_learnt_before_their_season(
    trained: UltraPredictor,
) -> None:
    """P1: the members had to forecast them."""
    scored = set(trained.walk_forward[Measure.RANKED_PROBABILITY])

    assert scored == {example.features.race_id for example in RACES[30:]}
    assert trained.stack.races == 20


def test_a_second_training_after_more_races_finds_the_fits_of_the_walk_again() -> None:
    told: list[Fit] = []
    ensemble = replace(an_ensemble(FitCache(None, on_fit=told.append)), members=(a_member("mtl"),))
    ensemble.fit(RACES[:48], stage=STAGE, seed=1)
    first, told[:] = list(told), []

    ensemble.fit(RACES, stage=STAGE, seed=2)

    components = len({"mtl"} | ANCHORS)
    assert [fit.was_kept for fit in first] == [False] * 3 * components
    assert [fit.number for fit in first] == list(range(1, 3 * components + 1))
    assert {fit.expected for fit in first} == {3 * components}
    assert [fit.races for fit in told if fit.was_kept] == [30] * components + [40] * components
    assert [fit.races for fit in told if not fit.was_kept] == [50] * components


def test_teammates_share_in_the_whole_what_they_were_seen_to_share(trained: UltraPredictor) -> None:
    assert 0 < trained.team_luck.races <= trained.stack.races
    alone, together = (
        replace(trained, team_luck=luck).predict(NEXT, draws=6000, seed=3)
        for luck in (TeamLuck(), TeamLuck(apart=0.7, retirement=0.2, races=500))
    )

    def apart(drawn: OutcomeDistribution) -> float:
        one, other = paired(NEXT.constructor_ids)[0]
        both = ~drawn.retired[:, one] & ~drawn.retired[:, other]
        places = np.abs(drawn.positions[:, one].astype(int) - drawn.positions[:, other])
        return float(places[both].mean())

    assert apart(together) < 0.9 * apart(alone)
    # No car's own chances change.
    np.testing.assert_allclose(together.win, alone.win, atol=0.02)
    np.testing.assert_allclose(together.position_probabilities, alone.position_probabilities, atol=0.03)


def test_newer_races_move_every_member_on_without_a_fit(trained: UltraPredictor) -> None:
    newer = [*RACES, *invented_races(3, seed=9, last_season=2025)]

    updated = trained.update(newer)

    assert updated.stack is trained.stack
    race = a_next_race(number=8)
    assert (
        updated.predict(race, draws=400, seed=3).to_bytes()
        != trained.predict(race, draws=400, seed=3).to_bytes()
    )


def test_before_qualifying_nobody_asks_the_grid() -> None:
    stage = Stage.BEFORE_WEEKEND
    rating_alone = replace(an_ensemble(), members=(RatingEstimator(),), walked_seasons=1)

    trained = rating_alone.fit(invented_races(40, stage=stage), stage=stage, seed=1)

    assert set(trained.components) == {"rating", "championship", "uniform"}
    outcome = trained.predict_ensemble(a_next_race(stage=stage), draws=200, seed=1)
    assert [(member.name, member.weight) for member in outcome.members] == [("rating", 1.0)]


def test_a_history_too_short_for_a_walk_is_stacked_by_the_prior() -> None:
    rating_alone = replace(an_ensemble(), members=(RatingEstimator(),))

    trained = rating_alone.fit(RACES[:30], stage=STAGE, seed=1)

    assert trained.stack.races == 0
    assert trained.stack.order == {"rating": 1.0}
    assert trained.stack.winner["rating"] == pytest.approx(0.9)
    assert not any(trained.walk_forward.values())
    with pytest.raises(ForecastError, match="29 past races are too few for ultra"):
        rating_alone.fit(RACES[:29], stage=STAGE, seed=1)


def test_t5_other_features_are_refused(trained: UltraPredictor) -> None:
    """T5: with both lists."""
    other = replace(NEXT, names=("moon_phase", *NEXT.names[1:]))

    with pytest.raises(BundleError, match=r"points_share(.|\n)*moon_phase"):
        trained.predict(other, draws=10, seed=1)


def test_the_ensemble_knows_who_is_fast(trained: UltraPredictor) -> None:
    forecast = trained.predict(NEXT, draws=2000, seed=1)

    assert forecast.win.argmax() == len(CARS) - 1
    assert trained.stack.winner["rating"] > trained.stack.winner["uniform"]
