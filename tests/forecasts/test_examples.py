"""Past races to learn from."""

from __future__ import annotations

from datetime import timedelta

from f1graph.features.race_features import RaceFeatures
from f1graph.forecasts.examples import ExampleBook, outcome_of
from f1graph.races.calendar import SessionKind
from f1graph.races.past import Past
from f1graph.races.results import ClassificationKind
from f1graph.races.stages import Stage
from tests.builders import DRIVERS, a_grid, a_history, a_race, a_result, a_season, a_weekend
from tests.forecasts.form import examples, form_features

STAGE = Stage.AFTER_QUALIFYING


def test_only_races_whose_result_is_known_teach() -> None:
    races = a_season(2024, 4)
    history = a_history(races)

    at_the_start = examples(history, STAGE, races[2].starts_at, form_features)
    at_the_end = examples(history, STAGE, races[2].ends_at, form_features)

    assert [example.features.race_id for example in at_the_start] == ["2024-gp-1", "2024-gp-2"]
    assert [example.features.race_id for example in at_the_end] == ["2024-gp-1", "2024-gp-2", "2024-gp-3"]


def test_an_example_sees_only_what_was_known_on_its_own_day() -> None:
    races = a_season(2024, 3)
    history = a_history(races)

    learnt = examples(history, STAGE, races[2].ends_at, form_features)

    for race, example in zip(races, learnt, strict=True):
        assert example.features.cutoff == race.starts_at
        on_its_day = form_features(history.as_of(race.starts_at), race.id, STAGE)
        assert example.features.fingerprint == on_its_day.fingerprint


def test_a_disqualification_changes_what_a_race_taught_once_it_is_known() -> None:
    race = a_race(2024, 1)
    court = race.ends_at + timedelta(days=20)
    first = a_result(race)
    corrected = a_result(race, DRIVERS[1:], disqualified=DRIVERS[:1], known_at=court, revision=2)
    weekend = [fact for fact in a_weekend(race) if fact.kind is not ClassificationKind.RACE]
    book = ExampleBook(a_history([race], [*weekend, first, corrected]), form_features)

    [before] = book.known_by(court - timedelta(seconds=1), STAGE)
    [after] = book.known_by(court, STAGE)

    assert before.outcome.positions.tolist() == [1, 2, 3, 4, 5, 6, 7, 8]
    assert after.outcome.positions.tolist() == [8, 1, 2, 3, 4, 5, 6, 7]
    assert after.features is before.features
    # The car reached the end: it is not retired, and has no place either.
    assert not after.outcome.retired[0]
    assert not after.outcome.classified[0]


def test_a_walk_builds_the_features_of_a_race_once() -> None:
    races = a_season(2024, 4)
    history = a_history(races)
    built: list[str] = []

    def counting(past: Past, race_id: str, stage: Stage) -> RaceFeatures:
        built.append(race_id)
        return form_features(past, race_id, stage)

    book = ExampleBook(history, counting)
    for race in races:
        book.known_by(race.starts_at, STAGE)
        book.build_features(history.as_of(race.starts_at), race.id, STAGE)

    assert sorted(built) == [race.id for race in races]


def test_old_seasons_can_be_left_out() -> None:
    history = a_history((*a_season(1993, 2), *a_season(1994, 2)))

    learnt = examples(history, STAGE, history.races[-1].ends_at, form_features)

    assert {example.features.season for example in learnt} == {1994}
    assert len(examples(history, STAGE, history.races[-1].ends_at, form_features, first_season=1950)) == 4


def test_after_sprint_a_weekend_without_one_teaches_what_it_knew_before_qualifying() -> None:
    history = a_history(a_season(2024, 3, sprints=[2]))

    learnt = examples(history, Stage.AFTER_SPRINT, history.races[-1].ends_at, form_features)

    assert [example.features.race_id for example in learnt] == ["2024-gp-1", "2024-gp-2", "2024-gp-3"]
    for race, example in zip(history.races, learnt, strict=True):
        qualifying = race.session(SessionKind.QUALIFYING)
        assert qualifying is not None
        assert example.features.cutoff == qualifying.starts_at


def test_who_did_not_start_has_no_position_and_the_others_move_up() -> None:
    race = a_race()
    result = a_result(race, ["norris", "russell"], out=["alonso"], void=["bottas"])

    outcome = outcome_of(("alonso", "bottas", "norris", "russell"), result, a_grid(race))

    assert outcome.positions.tolist() == [3, 0, 1, 2]
    assert outcome.retired.tolist() == [True, False, False, False]
    assert outcome.classified.tolist() == [False, False, True, True]
    assert outcome.grid.tolist() == [1, 0, 6, 7]
