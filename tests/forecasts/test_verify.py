"""Making a stored forecast again."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from f1graph.forecasts.asking import TrainedModel
from f1graph.forecasts.make import Build, this_build
from f1graph.forecasts.verify import verify_forecast
from f1graph.models.draws import OutcomeDistribution
from f1graph.races.results import ClassificationKind
from f1graph.races.stages import Stage
from tests.builders import a_history, a_race, a_result
from tests.forecasts.form import (
    AnythingGoes,
    FormPredictor,
    a_forecast,
    form_features,
    the_model,
)

RACE = a_race(2024, 4)
HISTORY = a_history()
ELSEWHERE = Build("0.1.0", this_build().libraries, "Darwin arm64 NEON")


def test_a_forecast_verifies_on_the_machine_that_made_it() -> None:
    uniform = TrainedModel(AnythingGoes(Stage.AFTER_QUALIFYING), "1")
    forecast = a_forecast(HISTORY, RACE, baselines=[uniform])

    found = verify_forecast(forecast, HISTORY, models=[the_model()], build_features=form_features)

    assert found.holds
    assert (found.identical, found.same_machine, found.largest_difference) == (True, True, 0)


def test_a_later_correction_of_the_facts_does_not_break_a_receipt() -> None:
    earlier = a_race(2024, 3)
    court = RACE.starts_at + timedelta(days=1)
    corrected = a_result(earlier, known_at=court, revision=2)
    facts = [fact for revisions in HISTORY.revisions.values() for fact in revisions]
    forecast = a_forecast(HISTORY, RACE)

    found = verify_forecast(
        forecast,
        a_history(HISTORY.races, [*facts, corrected]),
        models=[the_model()],
        build_features=form_features,
    )

    assert found.holds


def test_facts_that_were_changed_behind_its_back_are_noticed() -> None:
    forecast = a_forecast(HISTORY, RACE)
    facts = [
        fact
        for (race_id, kind), revisions in HISTORY.revisions.items()
        for fact in revisions
        if (race_id, kind) != ("2024-gp-3", ClassificationKind.RACE)
    ]

    found = verify_forecast(
        forecast, a_history(HISTORY.races, facts), models=[the_model()], build_features=form_features
    )

    assert not found.holds
    assert "the inputs are not the same" in found.differences[0]
    assert "the draws differ" in found.differences[1]


def test_numbers_that_are_not_those_of_the_draws_are_noticed() -> None:
    forecast = a_forecast(HISTORY, RACE)
    first, *others = forecast.entries
    forged = replace(forecast, entries=(replace(first, win=first.win + 0.05), *others))

    found = verify_forecast(forged, HISTORY, models=[the_model()], build_features=form_features)

    assert found.differences == ("the stored numbers are not those of the stored draws",)


def test_without_its_bundle_a_forecast_cannot_be_made_again_and_says_so() -> None:
    other = replace(the_model(), bundle_checksum="cd" * 32)

    found = verify_forecast(a_forecast(HISTORY, RACE), HISTORY, models=[other], build_features=form_features)

    assert not found.holds
    assert found.differences[0].startswith("form 1 (bundle abababababab), which made it, is not among")


def test_another_machine_may_differ_in_the_last_digits_only() -> None:
    forecast = a_forecast(HISTORY, RACE, draws=20_000)
    other = _with_one_draw_turned(forecast.driver_ids, forecast.draws)
    rounded = replace(forecast, draws=other)

    same = verify_forecast(rounded, HISTORY, models=[the_model()], build_features=form_features)
    elsewhere = verify_forecast(
        rounded, HISTORY, models=[the_model()], build_features=form_features, build=ELSEWHERE
    )

    assert not same.holds
    assert elsewhere.holds
    assert not elsewhere.identical


def test_another_machine_with_other_probabilities_does_not_verify() -> None:
    forecast = a_forecast(HISTORY, RACE)
    known = {"alonso": 1.0}
    model = TrainedModel(
        FormPredictor(Stage.AFTER_QUALIFYING, known, 0.1, 0), "1", the_model().bundle_checksum
    )

    found = verify_forecast(forecast, HISTORY, models=[model], build_features=form_features, build=ELSEWHERE)

    assert not found.holds
    assert "more than 0.0001 between machines" in found.differences[0]


def _with_one_draw_turned(driver_ids: tuple[str, ...], packed: bytes) -> bytes:
    drawn = OutcomeDistribution.from_bytes(driver_ids, packed)
    positions = drawn.positions.copy()
    draw = int((~drawn.retired.any(axis=1)).argmax())
    positions[draw] = len(driver_ids) + 1 - positions[draw]
    return OutcomeDistribution(driver_ids, positions, drawn.retired).to_bytes()
