"""What a model sees of a race, and above all what it does not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from f1graph.errors import ForecastError
from f1graph.features.build import build_features
from f1graph.features.race_features import RaceFeatures
from f1graph.features.registry import FEATURES, feature_names
from f1graph.races.calendar import Race
from f1graph.races.laps import Compound, Lap, Recording, RecordingRow, WeatherSample
from f1graph.races.past import History
from f1graph.races.results import Classification, ClassificationKind, ClassificationRow, Status
from f1graph.races.stages import Stage, stage_window
from tests.builders import (
    DRIVERS,
    a_grid,
    a_history,
    a_list,
    a_race,
    a_result,
    a_row,
    a_season,
    a_weekend,
    an_entry_list,
)
from tests.features.races import pit_stops, recorded

RACES = (*a_season(2023), *a_season(2024, 4, sprints=(3,)))
SPRINT_WEEKEND = RACES[-2]
RECORDED = tuple(recording for race in RACES for recording in recorded(race))
STOPS = tuple(
    pit_stops(race, {driver: 22.0 + 0.1 * place for place, driver in enumerate(DRIVERS)}) for race in RACES
)

FactsChanged = Callable[[Classification], list[Classification]]
RecordingChanged = Callable[[Recording], list[Recording]]


def whole_history() -> History:
    """Lists, pit stops and laps of every weekend."""
    lists = [fact for race in RACES for fact in a_weekend(race)]
    return a_history(RACES, [*lists, *STOPS], recordings=RECORDED)


def features_at(history: History, race: Race, stage: Stage) -> RaceFeatures:
    window = stage_window(race, stage)
    assert window is not None
    return build_features(history.as_of(window.closes_at), race.id, stage)


def facts_of(history: History) -> list[Classification]:
    return [fact for revisions in history.revisions.values() for fact in revisions]


def deleted(fact: Classification) -> list[Classification]:
    return []


def turned_around(fact: Classification) -> list[Classification]:
    drivers = [row.driver_id for row in fact.rows]
    rows = (
        replace(row, driver_id=driver, order=row.order)
        for row, driver in zip(fact.rows, reversed(drivers), strict=True)
    )
    return [replace(fact, rows=tuple(rows))]


def corrupted(fact: Classification) -> list[Classification]:
    def broken(row: ClassificationRow) -> ClassificationRow:
        return replace(
            row,
            status=Status.DID_NOT_FINISH,
            position=None,
            grid_position=99,
            points=1000.0,
            time=timedelta(seconds=1),
        )

    return [replace(fact, rows=tuple(broken(row) for row in fact.rows))]


@pytest.mark.parametrize("change", [deleted, turned_around, corrupted])
@pytest.mark.parametrize("stage", list(Stage))
def test_nothing_learned_after_the_cutoff_changes_a_feature(stage: Stage, change: FactsChanged) -> None:
    history = a_history(RACES)
    window = stage_window(SPRINT_WEEKEND, stage)
    assert window is not None
    facts = facts_of(history)
    known = [fact for fact in facts if fact.known_at <= window.closes_at]
    later = [fact for fact in facts if fact.known_at > window.closes_at]
    assert later, "the test changes nothing"

    other_future = a_history(RACES, [*known, *(new for fact in later for new in change(fact))])

    assert (
        features_at(other_future, SPRINT_WEEKEND, stage).fingerprint
        == features_at(history, SPRINT_WEEKEND, stage).fingerprint
    )


def unrecorded(recording: Recording) -> list[Recording]:
    return []


def turned_around_laps(recording: Recording) -> list[Recording]:
    rows = [
        replace(row, driver_id=DRIVERS[len(DRIVERS) - 1 - DRIVERS.index(row.driver_id)])
        if isinstance(row, Lap)
        else row
        for row in recording.rows
    ]
    return [replace(recording, rows=tuple(rows))]


def corrupted_rows(recording: Recording) -> list[Recording]:
    def broken(row: RecordingRow) -> RecordingRow:
        if isinstance(row, Lap):
            return replace(row, time=timedelta(seconds=1), compound=Compound.WET, position=99, speed_trap=1.0)
        assert isinstance(row, WeatherSample)
        return replace(row, track_temperature=-273.0)

    return [replace(recording, rows=tuple(broken(row) for row in recording.rows))]


def contradicted(recording: Recording) -> list[Recording]:
    """It stays, and later another revision says something else."""
    return [recording, *(replace(one, revision=2) for one in corrupted_rows(recording))]


@pytest.mark.parametrize("change", [unrecorded, turned_around_laps, corrupted_rows, contradicted])
@pytest.mark.parametrize("stage", list(Stage))
def test_p1_no_lap_and_no_weather_from_after_the_cutoff_changes_a_feature(
    stage: Stage, change: RecordingChanged
) -> None:
    window = stage_window(SPRINT_WEEKEND, stage)
    assert window is not None
    known = [one for one in RECORDED if one.known_at <= window.closes_at]
    later = [one for one in RECORDED if one.known_at > window.closes_at]
    assert later, "the test changes nothing"
    changed = [new for one in later for new in change(one)]
    if change is contradicted:
        court = window.closes_at + timedelta(seconds=1)
        changed += [replace(new, known_at=court) for one in known for new in change(one)[1:]]
    history = whole_history()

    other_future = a_history(RACES, facts_of(history), recordings=[*known, *changed])

    assert (
        features_at(other_future, SPRINT_WEEKEND, stage).fingerprint
        == features_at(history, SPRINT_WEEKEND, stage).fingerprint
    )


@pytest.mark.parametrize("stage", list(Stage))
def test_p1_a_lap_from_before_the_cutoff_does_change_it(stage: Stage) -> None:
    history = whole_history()
    changed = [new for one in RECORDED for new in turned_around_laps(one)]

    other_past = a_history(RACES, facts_of(history), recordings=changed)

    assert (
        features_at(other_past, SPRINT_WEEKEND, stage).fingerprint
        != features_at(history, SPRINT_WEEKEND, stage).fingerprint
    )


def test_a_weekend_without_laps_says_so_where_laps_are_usual() -> None:
    without = [one for one in RECORDED if one.race_id != SPRINT_WEEKEND.id]
    history = a_history(RACES, recordings=without)

    features = features_at(history, SPRINT_WEEKEND, Stage.AFTER_PRACTICE)

    assert [name for name, _ in features.missing_inputs] == ["practice laps"]
    assert features_at(a_history(RACES), SPRINT_WEEKEND, Stage.AFTER_PRACTICE).missing_inputs == ()
    assert np.isnan(features.column("long_run_pace")).all()
    assert not np.isnan(features.column("practice_gap")).any()


def test_a_correction_changes_only_races_after_it() -> None:
    race, next_race, last_race = RACES[5], RACES[6], RACES[7]
    history = a_history(RACES)
    court = next_race.ends_at + timedelta(days=1)
    first = history.latest(race.id, ClassificationKind.RACE)
    assert first is not None
    [changed] = turned_around(first)
    corrected = a_history(RACES, [*facts_of(history), replace(changed, known_at=court, revision=2)])

    def same_before_and_after(seen: Race) -> bool:
        before, after = (features_at(h, seen, Stage.AFTER_QUALIFYING) for h in (history, corrected))
        return before.fingerprint == after.fingerprint

    assert same_before_and_after(next_race)
    assert not same_before_and_after(last_race)


def test_what_was_worked_out_of_a_result_is_not_taken_for_its_correction() -> None:
    race, next_race, last_race = RACES[5], RACES[6], RACES[7]
    first = a_history(RACES).latest(race.id, ClassificationKind.RACE)
    assert first is not None
    [changed] = turned_around(first)
    court = next_race.ends_at + timedelta(days=1)
    facts = [*facts_of(a_history(RACES)), replace(changed, known_at=court, revision=2)]
    one_history = a_history(RACES, facts)

    in_turn = [features_at(one_history, seen, Stage.AFTER_QUALIFYING) for seen in (next_race, last_race)]
    alone = [
        features_at(a_history(RACES, facts), seen, Stage.AFTER_QUALIFYING) for seen in (next_race, last_race)
    ]

    assert [one.fingerprint for one in in_turn] == [one.fingerprint for one in alone]


@pytest.mark.parametrize("stage", list(Stage))
def test_the_order_in_which_a_result_lists_the_cars_tells_nothing(stage: Stage) -> None:
    history = a_history(RACES)
    shuffled = a_history(RACES, [replace(fact, rows=fact.rows[::-1]) for fact in facts_of(history)])

    assert (
        features_at(shuffled, SPRINT_WEEKEND, stage).fingerprint
        == features_at(history, SPRINT_WEEKEND, stage).fingerprint
    )


@pytest.mark.parametrize("stage", list(Stage))
def test_every_stage_knows_the_columns_that_the_registry_gives_it(stage: Stage) -> None:
    features = features_at(whole_history(), SPRINT_WEEKEND, stage)

    assert features.names == feature_names(stage)
    assert features.missing_inputs == ()
    unknown = [name for name in features.names if np.isnan(features.column(name)).any()]
    # Made-up sessions count no laps, and behind the last car is nobody.
    assert set(unknown) <= {"practice_laps_share", "gap_behind"}


def test_every_feature_is_described() -> None:
    names = [feature.name for feature in FEATURES]

    assert len(set(names)) == len(names)
    assert all(feature.unit and feature.description for feature in FEATURES)


def test_a_weekend_without_practice_says_so_and_still_has_features() -> None:
    race = RACES[-1]
    history = a_history(RACES)
    no_practice = [
        fact
        for fact in facts_of(history)
        if fact.race_id != race.id or not fact.kind.value.startswith("PRACTICE")
    ]

    features = features_at(a_history(RACES, no_practice), race, Stage.AFTER_QUALIFYING)

    assert [name for name, _ in features.missing_inputs] == ["practice"]
    assert np.isnan(features.column("practice_gap")).all()
    assert not np.isnan(features.column("grid_position")).any()


def test_a_race_whose_entries_nobody_knows_has_no_features() -> None:
    race = a_race()

    with pytest.raises(ForecastError, match="nobody is known to be entered"):
        build_features(a_history([race], []).as_of(race.starts_at), race.id, Stage.BEFORE_WEEKEND)


def test_the_first_race_ever_has_features_without_form() -> None:
    race = a_race()
    history = a_history([race], [an_entry_list(race)])

    features = build_features(history.as_of(race.starts_at), race.id, Stage.BEFORE_WEEKEND)

    assert np.isnan(features.column("driver_form")).all()
    assert (features.column("recent_starts") == 0).all()


def test_a_winner_leads_form_and_championship() -> None:
    races = a_season(2024, 2)
    order = ("russell", *(driver for driver in DRIVERS if driver != "russell"))
    history = a_history(races, [a_result(races[0], order), an_entry_list(races[1])])

    features = build_features(history.as_of(races[1].starts_at), races[1].id, Stage.BEFORE_WEEKEND)

    russell = features.driver_ids.index("russell")
    assert features.column("driver_form")[russell] == 1.0
    assert features.column("points_share")[russell] == 1.0
    assert features.column("championship_position")[russell] == 1.0
    assert features.column("points_share").argmax() == russell


def test_before_the_first_race_the_championship_is_last_seasons() -> None:
    last, first = a_race(2023), a_race(2024)
    history = a_history([last, first], [a_result(last, DRIVERS), an_entry_list(first)])

    features = build_features(history.as_of(first.starts_at), first.id, Stage.BEFORE_WEEKEND)

    assert features.column("championship_position").tolist() == [1, 2, 3, 4, 5, 6, 7, 8]
    assert np.isnan(features.column("points_share")).all()
    assert features.column("season_races").tolist() == [0] * 8


def test_a_retirement_raises_the_retirement_rate_of_driver_and_team() -> None:
    races = a_season(2024, 2)
    finished = [driver for driver in DRIVERS if driver != "hamilton"]
    history = a_history(races, [a_result(races[0], finished, out=["hamilton"]), an_entry_list(races[1])])

    features = build_features(history.as_of(races[1].starts_at), races[1].id, Stage.BEFORE_WEEKEND)

    rates = features.column("driver_retirement_rate")
    assert rates.argmax() == features.driver_ids.index("hamilton")
    team = features.column("team_retirement_rate")
    assert team[features.driver_ids.index("alonso")] < team[features.driver_ids.index("hamilton")]


def test_a_swapped_driver_takes_her_own_form_to_a_new_team() -> None:
    races = a_season(2024, 2)
    order = ("russell", *(driver for driver in DRIVERS if driver != "russell"))
    entries = a_list(
        races[1],
        ClassificationKind.ENTRY_LIST,
        [
            a_row(1, "russell", constructor_id="new-team"),
            *(a_row(i, d) for i, d in enumerate(DRIVERS[:6], 2)),
        ],
        known_at=races[0].ends_at,
    )
    history = a_history(races, [a_result(races[0], order), entries])

    features = build_features(history.as_of(races[1].starts_at), races[1].id, Stage.BEFORE_WEEKEND)

    russell = features.driver_ids.index("russell")
    assert features.column("driver_form")[russell] == 1.0
    assert np.isnan(features.column("team_form")[russell])


def test_a_pit_lane_start_has_no_place_on_the_grid() -> None:
    race = a_race()
    rows = [a_row(1, "norris"), a_row(2, "gasly", status=Status.PIT_LANE)]
    grid = a_list(race, ClassificationKind.GRID, rows, known_at=race.starts_at)
    history = a_history([race], [an_entry_list(race, ["gasly", "norris"]), grid])

    features = build_features(history.as_of(race.starts_at), race.id, Stage.AFTER_QUALIFYING)

    np.testing.assert_array_equal(features.column("grid_position"), [np.nan, 1.0])
    np.testing.assert_array_equal(features.column("pit_lane_start"), [1.0, 0.0])


def test_a_forecast_before_qualifying_does_not_read_a_grid_that_is_already_there() -> None:
    race = RACES[-1]
    past = a_history(RACES).as_of(race.starts_at)

    features = build_features(past, race.id, Stage.AFTER_PRACTICE)

    assert "grid_position" not in features.names


def test_a_race_does_not_describe_itself_even_when_its_result_is_known() -> None:
    race = RACES[-1]
    history = whole_history()

    before, after = (
        build_features(history.as_of(cutoff), race.id, Stage.AFTER_QUALIFYING)
        for cutoff in (race.starts_at, race.ends_at + timedelta(days=1))
    )

    assert history.as_of(race.ends_at).classification(race.id, ClassificationKind.RACE) is not None
    assert before.fingerprint == after.fingerprint


def test_a_circuit_where_many_retire_shows_it() -> None:
    calm = [a_race(2023, i, circuit_id="spa") for i in range(1, 6)]
    wild = [a_race(2023, i, circuit_id="monza") for i in range(6, 9)]
    last = a_race(2024, 1, circuit_id="monza")
    facts = [a_result(race) for race in calm]
    facts += [a_result(race, DRIVERS[:4], out=DRIVERS[4:]) for race in wild]
    history = a_history([*calm, *wild, last], [*facts, an_entry_list(last)])

    features = build_features(history.as_of(last.starts_at), last.id, Stage.BEFORE_WEEKEND)

    assert (features.column("circuit_attrition") > 0.1).all()


def test_where_the_grid_decides_the_race_it_is_known_to_hold() -> None:
    races = [a_race(2023, i) for i in range(1, 6)]
    last = a_race(2024, 1)
    weekends = []
    for race in races:
        result = a_result(race)
        rows = tuple(replace(row, grid_position=row.order) for row in result.rows)
        weekends += [replace(result, rows=rows), a_grid(race)]
    history = a_history([*races, last], [*weekends, an_entry_list(last)])

    features = build_features(history.as_of(last.starts_at), last.id, Stage.BEFORE_WEEKEND)

    assert (features.column("circuit_grid_hold") > 0.15).all()


def test_the_same_past_gives_the_same_features() -> None:
    race = RACES[-1]
    past = a_history(RACES).as_of(race.starts_at)

    first, second = (build_features(past, race.id, Stage.AFTER_QUALIFYING) for _ in range(2))

    assert first.fingerprint == second.fingerprint
