"""Making a forecast."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from f1graph.errors import ForecastError
from f1graph.features.race_features import RaceFeatures
from f1graph.forecasts.asking import TrainedModel
from f1graph.forecasts.consensus import consensus, kendall_w
from f1graph.forecasts.make import derive_seed, distribution_of, make_forecast
from f1graph.models.draws import OutcomeDistribution
from f1graph.races.past import History
from f1graph.races.stages import Stage
from tests.builders import DRIVERS, a_grid, a_history, a_race, a_result, a_season, a_weekend, an_entry_list
from tests.forecasts.form import AnythingGoes, FormPredictor, a_forecast, form_features, the_model

RACE = a_race(2024, 4)


@pytest.fixture(scope="module")
def history() -> History:
    return a_history()


@pytest.mark.parametrize("stage", [Stage.BEFORE_WEEKEND, Stage.AFTER_PRACTICE, Stage.AFTER_QUALIFYING])
def test_every_forecast_is_coherent(history: History, stage: Stage) -> None:
    forecast = a_forecast(history, RACE, stage=stage)

    matrix = np.array([entry.position_probabilities for entry in forecast.entries])
    assert np.abs(matrix.sum(axis=0) - 1).max() < 1e-6
    assert np.abs(matrix.sum(axis=1) - 1).max() < 1e-6
    for entry in forecast.entries:
        assert 0 <= entry.win <= entry.podium <= entry.points <= 1
        assert entry.interval80_low <= entry.expected_position <= entry.interval80_high
        within = entry.position_probabilities[entry.interval80_low - 1 : entry.interval80_high]
        assert entry.interval80_probability == sum(within)
        assert 0 <= entry.entropy_bits <= 3
    drawn = distribution_of(forecast)
    assert drawn.ahead("norris", "alonso") + drawn.ahead("alonso", "norris") == pytest.approx(1)


def test_the_numbers_of_a_forecast_are_those_of_its_draws(history: History) -> None:
    forecast = a_forecast(history, RACE)

    drawn = distribution_of(forecast)
    assert drawn.driver_ids == forecast.driver_ids == tuple(sorted(DRIVERS))
    assert [entry.win for entry in forecast.entries] == drawn.win.tolist()
    assert [entry.retirement for entry in forecast.entries] == drawn.retirement.tolist()
    assert [entry.expected_position for entry in forecast.entries] == drawn.expected_position.tolist()


def test_a_receipt_names_every_library_that_a_member_computes_with(history: History) -> None:
    named = dict(a_forecast(history, RACE).receipt.libraries)

    assert {"lightgbm", "numpy", "torch", "torch-geometric"} <= set(named)
    # Which build of torch is the machine's matter: `2.13.0+cpu` and `2.13.0` are one version.
    assert not [version for version in named.values() if "+" in version]


def test_the_same_forecast_made_again_has_the_same_id_and_draws(history: History) -> None:
    first = a_forecast(history, RACE)
    later = a_forecast(history, RACE, made_at=first.made_at + timedelta(hours=1))

    assert (later.id, later.draws, later.receipt) == (first.id, first.draws, first.receipt)


def test_the_same_facts_at_another_moment_draw_another_lottery(history: History) -> None:
    at_the_start = a_forecast(history, RACE)
    a_minute_before = a_forecast(history, RACE, cutoff=RACE.starts_at - timedelta(minutes=1))

    assert at_the_start.receipt.inputs_fingerprint == a_minute_before.receipt.inputs_fingerprint
    assert at_the_start.receipt.seed != a_minute_before.receipt.seed
    assert at_the_start.draws != a_minute_before.draws


def test_another_stage_model_or_cutoff_has_another_seed() -> None:
    closes_at = RACE.starts_at.isoformat()
    seeds = {
        derive_seed(RACE.id, Stage.AFTER_QUALIFYING, "rating", closes_at),
        derive_seed(RACE.id, Stage.AFTER_PRACTICE, "rating", closes_at),
        derive_seed(RACE.id, Stage.AFTER_QUALIFYING, "uniform", closes_at),
        derive_seed(RACE.id, Stage.AFTER_QUALIFYING, "rating", RACE.ends_at.isoformat()),
    }

    assert len(seeds) == 4
    assert all(0 <= seed < 2**31 for seed in seeds)


def test_a_forecast_shows_the_grid_once_it_is_known(history: History) -> None:
    before = a_forecast(history, RACE, stage=Stage.AFTER_PRACTICE)
    after = a_forecast(history, RACE)

    assert {entry.grid for entry in before.entries} == {None}
    assert {entry.grid for entry in after.entries} == set(range(1, len(DRIVERS) + 1))


def test_a_forecast_says_which_inputs_were_missing() -> None:
    history = a_history([RACE], [an_entry_list(RACE)])

    assert a_forecast(history, RACE).missing_inputs == (("grid", "not published"),)


def test_a_forecast_after_the_start_says_that_it_promised_nothing(history: History) -> None:
    live = a_forecast(history, RACE, made_at=RACE.starts_at)
    late = a_forecast(history, RACE, made_at=RACE.starts_at + timedelta(seconds=1))

    assert (live.retrospective, late.retrospective) == (False, True)


def test_a_race_without_entries_gets_no_forecast() -> None:
    with pytest.raises(ForecastError, match="Nobody is known to be entered for 2024-gp-4"):
        a_forecast(a_history([RACE], []), RACE)


def test_a_cancelled_race_gets_no_forecast(history: History) -> None:
    with pytest.raises(ForecastError, match="2024-gp-4 is cancelled"):
        a_forecast(history, replace(RACE, is_cancelled=True))


def test_a_weekend_without_sprint_has_no_forecast_after_it(history: History) -> None:
    with pytest.raises(ForecastError, match="no sprint"):
        make_forecast(
            history.as_of(RACE.weekend_starts_at),
            RACE,
            stage=Stage.AFTER_SPRINT,
            model=the_model(Stage.AFTER_SPRINT),
            made_at=RACE.starts_at,
            build_features=form_features,
        )


def test_a_forecast_before_qualifying_cannot_be_cut_after_it(history: History) -> None:
    with pytest.raises(ForecastError, match="would know more"):
        a_forecast(history, RACE, stage=Stage.AFTER_PRACTICE, cutoff=RACE.starts_at)


def test_a_forecast_cannot_be_made_before_what_it_knows(history: History) -> None:
    with pytest.raises(ForecastError, match="cannot know what is learned until"):
        a_forecast(history, RACE, made_at=RACE.starts_at - timedelta(hours=1))


def test_a_model_of_another_stage_is_refused(history: History) -> None:
    with pytest.raises(ForecastError, match="trained for BEFORE_WEEKEND, not for AFTER_QUALIFYING"):
        a_forecast(history, RACE, model=the_model(Stage.BEFORE_WEEKEND))


@dataclass(frozen=True)
class _Forgetful(AnythingGoes):
    def predict(self, features: RaceFeatures, *, draws: int, seed: int) -> OutcomeDistribution:
        whole = super().predict(features, draws=draws, seed=seed)
        positions = np.argsort(np.argsort(whole.positions[:, 1:], axis=1), axis=1) + 1
        return OutcomeDistribution(
            whole.driver_ids[1:], positions.astype(np.uint8), np.ascontiguousarray(whole.retired[:, 1:])
        )


def test_a_model_that_forgets_an_entry_is_refused(history: History) -> None:
    with pytest.raises(ForecastError, match="uniform contradicts itself about 2024-gp-4"):
        a_forecast(history, RACE, model=TrainedModel(_Forgetful(Stage.AFTER_QUALIFYING), "1"))


def test_features_of_another_moment_are_refused(history: History) -> None:
    def stale(_past: Any, race_id: str, stage: Stage) -> RaceFeatures:
        return form_features(history.as_of(RACE.weekend_starts_at), race_id, stage)

    with pytest.raises(ForecastError, match="The features are those of 2024-gp-4"):
        make_forecast(
            history.as_of(RACE.starts_at),
            RACE,
            stage=Stage.AFTER_QUALIFYING,
            model=the_model(),
            made_at=RACE.starts_at,
            build_features=stale,
        )


def test_baselines_are_shown_beside_the_forecast_and_have_no_voice(history: History) -> None:
    stage = Stage.AFTER_QUALIFYING
    another = TrainedModel(FormPredictor(stage, {"alonso": 1.0}, 0.1, 0, name="another"), "2")
    uniform = TrainedModel(AnythingGoes(stage), "1")
    alone = a_forecast(history, RACE)
    together = a_forecast(history, RACE, baselines=[uniform, another])

    assert [(view.model, view.is_baseline) for view in together.members] == [
        ("form", False),
        ("another", True),
        ("uniform", True),
    ]
    assert together.consensus is None
    # They change nothing of what the served one says.
    assert together.draws == alone.draws
    assert [view.win for view in together.members[0].entries] == [entry.win for entry in together.entries]


def test_a_model_agrees_fully_with_itself(history: History) -> None:
    drawn = distribution_of(a_forecast(history, RACE))

    found = consensus([drawn, drawn, drawn])

    assert found is not None
    assert found.kendall_w == pytest.approx(1)
    assert found.divergence_bits == pytest.approx(0, abs=1e-12)


def test_two_opposite_orders_have_no_concordance() -> None:
    assert kendall_w(np.array([[1.0, 2, 3, 4], [4.0, 3, 2, 1]])) == 0
    # Three judges, four objects, by hand: rank sums 4, 6, 8, 12, so S = 35 and W = 12 · 35 / (9 · 60).
    orders = np.array([[1.0, 2, 3, 4], [1.0, 2, 3, 4], [2.0, 2, 2, 4]])
    assert kendall_w(orders[:2]) == pytest.approx(1)
    assert kendall_w(np.array([[1.0, 2, 3, 4], [1, 3, 2, 4], [2, 1, 3, 4]])) == pytest.approx(35 * 12 / 540)
    # A judge who ties three: ranks 2, 2, 2, 4; sums 4, 6, 8, 12; the tie takes 3 · 24 off.
    assert kendall_w(orders) == pytest.approx(35 * 12 / (540 - 3 * 24))


def test_an_invented_race_gives_an_invented_forecast() -> None:
    races = tuple(replace(race, invented=True) for race in a_season(2024, 2))

    forecast = a_forecast(a_history(races), races[1])

    assert forecast.invented


def test_a_line_up_change_gives_another_forecast_that_names_the_one_before() -> None:
    swapped = (*(driver for driver in DRIVERS if driver != "bottas"), "zhou")
    news = RACE.starts_at - timedelta(days=1)
    first = a_history([RACE], [an_entry_list(RACE), a_grid(RACE)])
    then = a_history(
        [RACE],
        [an_entry_list(RACE), an_entry_list(RACE, swapped, revision=2, known_at=news), a_grid(RACE, swapped)],
    )
    before = a_forecast(first, RACE)

    after = make_forecast(
        then.as_of(RACE.starts_at),
        RACE,
        stage=Stage.AFTER_QUALIFYING,
        model=the_model(),
        made_at=RACE.starts_at,
        build_features=form_features,
        draws=800,
        previous_id=before.id,
        cause="Zhou replaces Bottas",
    )

    assert after.driver_ids == tuple(sorted(swapped))
    assert (after.previous_id, after.cause) == (before.id, "Zhou replaces Bottas")
    assert after.id != before.id


def test_a_result_learnt_after_the_cutoff_is_not_used() -> None:
    race = a_race(2024, 3)
    weekend = [fact for fact in a_weekend(race) if fact.kind != "RACE"]

    known = a_forecast(a_history([race], [*weekend, a_result(race)]), race)
    unknown = a_forecast(a_history([race], weekend), race)

    assert known == unknown
