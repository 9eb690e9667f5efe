"""A forecast of an ensemble: what its members say, how far they agree, and how sure it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest

from f1graph.errors import ForecastError
from f1graph.features.race_features import RaceFeatures
from f1graph.forecasts.asking import TrainedModel
from f1graph.models.draws import OutcomeDistribution
from f1graph.models.protocol import EnsembleOutcome, MemberOutcome
from f1graph.races.forecast import Forecast
from f1graph.races.past import History
from f1graph.races.stages import Stage
from tests.builders import a_history, a_race
from tests.forecasts.form import AnythingGoes, FormPredictor, a_forecast

RACE = a_race(2024, 4)
STAGE = Stage.AFTER_QUALIFYING
CAUSES = (0.5, 0.3, 0.2)


@dataclass(frozen=True)
class Pair(FormPredictor):
    """Half of what one says, half of what another says; `change` makes what it says something else."""

    second: dict[str, float] = field(default_factory=dict)
    weights: tuple[float, float] = (0.7, 0.3)
    change: Any = field(default=lambda outcome: outcome)

    def predict_ensemble(self, features: RaceFeatures, *, draws: int, seed: int) -> EnsembleOutcome:
        drawn = [
            FormPredictor(self.stage, known, self.retiring, 0).predict(features, draws=draws, seed=seed + i)
            for i, known in enumerate((self.known, self.second))
        ]
        entries = len(features.driver_ids)
        whole = replace(drawn[0], cause_shares=np.tile(CAUSES, (entries, 1)))
        outcome = EnsembleOutcome(
            distribution=whole,
            members=tuple(
                MemberOutcome(name, "1", weight, one)
                for name, weight, one in zip(("first", "second"), self.weights, drawn, strict=True)
            ),
            aleatoric=np.full(entries, 5.5),
            epistemic=np.arange(entries, dtype=np.float64),
            confidence=np.full(entries, 0.75),
            missing_members=(("third", "its weights are broken"),),
        )
        changed: EnsembleOutcome = self.change(outcome)
        return changed

    def predict(self, features: RaceFeatures, *, draws: int, seed: int) -> OutcomeDistribution:
        return self.predict_ensemble(features, draws=draws, seed=seed).distribution


def forecast_of(history: History, *, baselines: Sequence[TrainedModel] = (), **changes: Any) -> Forecast:
    pair = Pair(STAGE, {"verstappen": 1.0}, 0.3, 0, name="pair", second={"verstappen": 8.0}, **changes)
    return a_forecast(history, RACE, model=TrainedModel(pair, "1"), baselines=baselines)


@pytest.fixture(scope="module")
def history() -> History:
    return a_history()


def test_an_ensemble_shows_its_members_with_their_weights_and_then_the_baselines(history: History) -> None:
    forecast = forecast_of(history, baselines=[TrainedModel(AnythingGoes(STAGE), "1")])

    assert [(view.model, view.weight, view.is_baseline) for view in forecast.members] == [
        ("first", 0.7, False),
        ("second", 0.3, False),
        ("uniform", None, True),
    ]
    assert forecast.missing_members == (("third", "its weights are broken"),)


def test_t9_causes_of_a_retirement_sum_to_it(history: History) -> None:
    forecast = forecast_of(history)

    for entry in forecast.entries:
        assert entry.mechanical is not None
        assert entry.accident is not None
        assert entry.other is not None
        assert entry.mechanical + entry.accident + entry.other == pytest.approx(entry.retirement, abs=1e-12)
        assert entry.mechanical == pytest.approx(0.5 * entry.retirement)
    assert max(entry.retirement for entry in forecast.entries) > 0.2


def test_uncertainty_and_confidence_are_those_of_the_ensemble(history: History) -> None:
    entries = forecast_of(history).entries

    assert [entry.aleatoric for entry in entries] == [5.5] * len(entries)
    assert [entry.epistemic for entry in entries] == list(range(len(entries)))
    assert {entry.confidence for entry in entries} == {0.75}


def test_members_disagree_most_about_the_driver_they_see_differently(history: History) -> None:
    forecast = forecast_of(history)

    divergence = {entry.driver_id: entry.divergence_bits or 0.0 for entry in forecast.entries}
    assert max(divergence, key=lambda driver: divergence[driver]) == "verstappen"
    assert all(0 <= bits <= 1 for bits in divergence.values())
    assert forecast.consensus is not None
    assert forecast.consensus.members == 2
    assert forecast.consensus.divergence_bits == pytest.approx(np.mean(list(divergence.values())))


def test_a_member_without_weight_has_no_voice(history: History) -> None:
    forecast = forecast_of(history, weights=(1.0, 0.0))

    assert [view.model for view in forecast.members] == ["first", "second"]
    assert forecast.consensus is None
    assert {entry.divergence_bits for entry in forecast.entries} == {None}


def test_a_single_model_is_its_own_only_member_and_does_not_know_what_it_cannot(history: History) -> None:
    forecast = a_forecast(history, RACE)

    assert [(view.model, view.weight) for view in forecast.members] == [("form", 1.0)]
    for entry in forecast.entries:
        assert (entry.mechanical, entry.accident, entry.other) == (None, None, None)
        assert (entry.aleatoric, entry.epistemic, entry.confidence) == (None, None, None)


def nan_at_one(outcome: EnsembleOutcome) -> EnsembleOutcome:
    values = outcome.aleatoric.copy()
    values[1] = np.nan
    return replace(outcome, aleatoric=values)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"weights": (0.7, 0.7)}, "the weights of its members are"),
        ({"weights": (1.3, -0.3)}, "the weights of its members are"),
        ({"change": nan_at_one}, "its aleatoric variance is"),
        ({"change": lambda o: replace(o, epistemic=-o.epistemic)}, "its epistemic variance is"),
        ({"change": lambda o: replace(o, confidence=o.confidence + 0.3)}, "its confidence is"),
        ({"change": lambda o: replace(o, confidence=o.confidence[1:])}, "its confidence is"),
        ({"change": lambda o: replace(o, members=())}, "the weights of its members are"),
    ],
)
def test_t9_an_ensemble_that_contradicts_itself_is_refused(
    history: History, changes: dict[str, Any], problem: str
) -> None:
    with pytest.raises(ForecastError, match=f"pair contradicts itself about 2024-gp-4: {problem}"):
        forecast_of(history, **changes)
