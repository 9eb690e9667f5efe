"""Inputs of cars of which some groups are in the middle of the field."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from f1graph.features.race_features import RaceFeatures
from f1graph.models.explain.coalitions import Coalitions
from f1graph.models.explain.evidence import Evidence, Values, groups_that_differ
from f1graph.models.explain.inputs import inputs_in_coalitions
from f1graph.models.explain.variants import Variants
from f1graph.models.inputs import InputPlan
from f1graph.models.race_memory import RaceMemory, remember
from f1graph.models.readout import order_inputs
from f1graph.models.retirement import retirement_inputs
from f1graph.models.strength_filter import Strengths
from f1graph.races.explanation import InputGroup
from tests.models.networks import CARS, STAGE, a_next_race, invented_races

RACES = invented_races(20)
MEMORY: RaceMemory = remember(RACES)[1]
# The same for all cars.
OF_FIELD = ("season_races", "circuit_grid_hold", "qualifying_wet_share", "field_spread")


def a_full_race() -> RaceFeatures:
    """Every feature is known but for a car here and there."""
    race, generator = a_next_race(), np.random.default_rng(7)
    values = generator.random((len(CARS), len(race.names)))
    for name in OF_FIELD:
        values[:, race.names.index(name)] = 0.5
    values[:, race.names.index("grid_position")] = generator.permutation(len(CARS)) + 1.0
    missing = generator.random(values.shape) < 0.05
    missing[:, [race.names.index(name) for name in ("driver_retirement_rate", "team_retirement_rate")]] = (
        False
    )
    missing[:, [race.names.index(name) for name in OF_FIELD]] = False
    return replace(race, values=np.where(missing, np.nan, values))


RACE = a_full_race()
EVIDENCE = Evidence.of(RACE, MEMORY.before(RACE))
GROUPS = groups_that_differ(RACE)
COALITIONS = Coalitions.on_circles(len(GROUPS), circles=1, seed=4).present
PLAN = InputPlan(
    STAGE, tuple(n for n in RACE.names if n in OF_FIELD), tuple(n for n in RACE.names if n not in OF_FIELD)
)

Read = Callable[[RaceFeatures, Strengths], tuple[tuple[str, ...], Values]]


def one_by_one(read: Read, entry: int, coalition: int) -> Values:
    """Without any short cut: the race with this car changed is read as a whole."""
    absent = [group for group, there in zip(GROUPS, COALITIONS[coalition], strict=True) if not there]
    changed = EVIDENCE.in_the_middle(entry, absent)
    values: Values = read(changed.features, changed.remembered.strengths)[1][entry]
    return values


@pytest.mark.parametrize("read", [order_inputs, retirement_inputs])
def test_inputs_of_a_coalition_are_those_of_a_race_read_anew(read: Read) -> None:
    found = inputs_in_coalitions(
        lambda one: read(one.features, one.remembered.strengths)[1], EVIDENCE, GROUPS, COALITIONS
    )

    for entry in (0, 3, 7):
        for coalition in range(0, len(COALITIONS), 7):
            np.testing.assert_allclose(found[entry, coalition], one_by_one(read, entry, coalition))


def test_inputs_of_a_plan_are_those_of_a_race_read_anew() -> None:
    names, found, _ = Variants(RACE, GROUPS, COALITIONS).inputs(PLAN, MEMORY)

    assert "out_of_place" in names
    for entry in (0, 3, 7):
        for coalition in range(0, len(COALITIONS), 7):
            np.testing.assert_allclose(found[entry, coalition], one_by_one(PLAN.inputs, entry, coalition))


def test_members_that_plan_alike_and_remember_the_same_read_the_race_once() -> None:
    variants = Variants(RACE, GROUPS, COALITIONS)

    ours, theirs = variants.inputs(PLAN, MEMORY), variants.inputs(replace(PLAN), MEMORY.copy())

    assert ours[1] is theirs[1]
    assert variants.inputs(replace(PLAN, of_field=()), MEMORY)[1].shape != ours[1].shape


def test_an_average_car_is_the_median_of_those_who_are_known_and_unknown_where_nobody_is() -> None:
    column = RACE.names.index("practice_gap")
    values = RACE.values.copy()
    values[:, column] = [0.1, 0.2, 0.3, np.nan, 0.5, 0.6, 9.0, np.nan]
    values[:, RACE.names.index("q1_gap")] = np.nan
    race = replace(RACE, values=values)

    changed = Evidence.of(race, MEMORY.before(race)).in_the_middle(3, list(InputGroup)).features

    assert changed.column("practice_gap")[3] == pytest.approx(0.4)
    assert np.isnan(changed.column("q1_gap")).all()
    np.testing.assert_array_equal(np.delete(changed.values, 3, axis=0), np.delete(race.values, 3, axis=0))


def test_an_average_driver_has_an_average_past() -> None:
    before = EVIDENCE.remembered

    after = EVIDENCE.in_the_middle(7, [InputGroup.DRIVER_FORM]).remembered

    np.testing.assert_array_equal(before.sequence, MEMORY.before(RACE).sequence)
    assert after.strengths.driver[7] == np.median(before.strengths.driver) != before.strengths.driver[7]
    # The car is another group's.
    assert after.strengths.car[7] == before.strengths.car[7]
    np.testing.assert_array_equal(after.sequence[7], np.median(before.sequence, axis=0))
    np.testing.assert_array_equal(after.sequence[:7], before.sequence[:7])


def test_what_is_the_same_for_all_cars_is_no_player() -> None:
    assert {InputGroup.WEATHER, InputGroup.SEASON} & set(groups_that_differ(a_next_race())) == set()
    assert {InputGroup.DRIVER_FORM, InputGroup.CAR_FORM, InputGroup.GRID} <= set(
        groups_that_differ(a_next_race())
    )
