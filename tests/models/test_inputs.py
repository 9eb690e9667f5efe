"""What a network reads of a race, seen from within its field."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from f1graph.features.race_features import RaceFeatures
from f1graph.models.inputs import InputPlan, within_field_rank
from f1graph.models.protocol import Example
from f1graph.models.race_memory import RaceMemory
from f1graph.models.scaling import Scaling
from f1graph.models.strength_filter import Strengths
from f1graph.races.stages import Stage
from tests.models.fields import an_outcome, some_features

NAN = float("nan")
FOUR = ("driver-a", "driver-b", "driver-c", "driver-d")
STAGE = Stage.AFTER_QUALIFYING
PLAN = InputPlan(
    STAGE, of_field=("circuit_attrition",), of_car=("driver_form", "qualifying_gap", "qualifying_position")
)


def a_race(**columns: list[float]) -> RaceFeatures:
    known = {"grid_position": [2.0, 1.0, 4.0, 3.0], **columns}
    return some_features(
        stage=STAGE, drivers=FOUR, columns={name: np.array(value) for name, value in known.items()}
    )


def strengths(*total: float) -> Strengths:
    driver = np.array(total or (0.0,) * len(FOUR))
    return Strengths(driver, np.zeros(len(driver)), np.full(len(driver), 0.3))


def inputs_of(race: RaceFeatures, believed: Strengths | None = None) -> dict[str, NDArray[np.float64]]:
    names, values = PLAN.inputs(race, believed or strengths())
    return dict(zip(names, values.T, strict=True))


def test_an_unknown_value_stands_in_the_middle_of_the_field_and_says_that_it_is_unknown() -> None:
    found = inputs_of(a_race(qualifying_gap=[0.0, 0.4, 1.6, NAN]))

    np.testing.assert_allclose(found["qualifying_gap"], [-0.4, 0.0, 1.2, 0.0])
    np.testing.assert_array_equal(found["qualifying_gap:unknown"], [0, 0, 0, 1])
    assert found["qualifying_gap:rank"][3] == 0
    assert np.isfinite(found["qualifying_gap:log"]).all()


def test_a_field_without_a_single_time_is_read_as_one_in_which_all_are_alike() -> None:
    found = inputs_of(a_race())

    for name in ("driver_form", "qualifying_gap", "qualifying_position"):
        assert not found[name].any()
        assert not found[f"{name}:rank"].any()
    assert found["qualifying_position:unknown"].all()
    assert all(np.isfinite(values).all() for values in found.values())


def test_cars_that_are_level_share_their_rank() -> None:
    ranks = within_field_rank(np.array([3.0, 1.0, 3.0, NAN, 5.0]))

    # Of four known the two in the middle share places two and three.
    np.testing.assert_allclose(ranks, [0.0, -1.0, 0.0, 0.0, 1.0])


@pytest.mark.parametrize("field", [[], [2.0], [NAN, 2.0], [NAN, NAN]])
def test_whoever_is_alone_is_in_the_middle(field: list[float]) -> None:
    assert not within_field_rank(np.array(field)).any()


def test_a_tenth_matters_at_the_front_and_not_at_the_back() -> None:
    gaps = inputs_of(a_race(qualifying_gap=[0.0, 0.1, 3.0, 3.1]))["qualifying_gap:log"]

    assert gaps[1] - gaps[0] > 10 * (gaps[3] - gaps[2]) > 0


def test_a_car_that_hardly_drove_is_not_endlessly_far_behind() -> None:
    slow, slower = (
        inputs_of(a_race(qualifying_gap=[0.0, 0.4, 1.6, gap]))["qualifying_gap"] for gap in (7.0, 60.0)
    )

    np.testing.assert_array_equal(slow, slower)


def races_with(**columns: list[float]) -> list[Example]:
    return [Example(a_race(**columns), an_outcome(FOUR, FOUR))]


def test_what_is_the_same_for_the_whole_field_is_context() -> None:
    examples = [
        *races_with(circuit_attrition=[0.1] * 4, driver_form=[1.0, 2.0, 3.0, NAN]),
        *races_with(circuit_attrition=[0.3] * 4, driver_form=[1.0] * 4),
    ]

    plan = InputPlan.of(examples, STAGE)

    assert "circuit_attrition" in plan.of_field
    assert "driver_form" in plan.of_car
    assert "grid_position" in plan.of_car
    assert set(plan.of_field) | set(plan.of_car) == set(examples[0].features.names)
    names, values = plan.inputs(examples[0].features, strengths())
    assert "circuit_attrition:rank" not in names
    np.testing.assert_array_equal(values[:, names.index("circuit_attrition")], 0.1)


def test_the_grid_is_closed_up_and_the_pit_lane_starts_last() -> None:
    found = inputs_of(a_race(grid_position=[2.0, NAN, 7.0, 1.0]))

    np.testing.assert_allclose(found["slot"], [-1 / 3, 1.0, 1 / 3, -1.0])
    np.testing.assert_array_equal(found["pole"], [0, 0, 0, 1])
    np.testing.assert_array_equal(found["front_row"], [1, 0, 0, 1])
    np.testing.assert_array_equal(found["first_three"], [1, 0, 1, 1])


def test_a_strong_car_at_the_back_is_out_of_place() -> None:
    found = inputs_of(a_race(grid_position=[4.0, 3.0, 2.0, 1.0]), strengths(3.0, 1.0, 0.0, -1.0))

    assert found["out_of_place"].argmax() == 0
    assert found["out_of_place"][0] == pytest.approx(2)
    assert found["out_of_place"][3] == pytest.approx(-2)


def test_before_qualifying_nobody_is_asked_for_the_grid() -> None:
    plan = InputPlan(Stage.BEFORE_WEEKEND, of_field=(), of_car=("driver_form",))

    names, _ = plan.inputs(some_features(drivers=FOUR), strengths())

    assert not {"slot", "pole", "out_of_place"} & set(names)


def test_the_order_in_which_cars_are_listed_does_not_matter() -> None:
    columns = {
        "driver_form": [0.5, NAN, -1.0, 0.5],
        "qualifying_gap": [0.3, 0.0, NAN, 0.9],
        "qualifying_position": [2.0, 1.0, NAN, 3.0],
    }
    turned = {name: values[::-1] for name, values in columns.items()}

    found = inputs_of(a_race(**columns), strengths(0.1, 0.7, -0.4, 0.2))
    again = inputs_of(a_race(**turned, grid_position=[3.0, 4.0, 1.0, 2.0]), strengths(0.2, -0.4, 0.7, 0.1))

    for name, values in found.items():
        np.testing.assert_allclose(again[name][::-1], values, atol=1e-12, err_msg=name)


def test_an_input_that_hardly_any_race_knows_is_silent() -> None:
    races = [np.stack([np.arange(4.0), np.zeros(4)], axis=1) for _ in range(30)]
    for race in races[:3]:
        race[:, 1] = np.arange(4.0)

    scaling = Scaling.of_known(races, fewest=10)
    scores = scaling.apply(np.stack([np.arange(4.0), np.arange(4.0) * 50], axis=1))

    assert np.ptp(scores[:, 0]) > 2
    np.testing.assert_allclose(scores[:, 1], 0, atol=1e-6)
    assert np.ptp(Scaling.of_known(races, fewest=3).apply(races[0])[:, 1]) > 2


def test_a_feature_that_most_races_do_not_know_is_left_out_where_that_is_asked() -> None:
    unknown = [NAN] * 4
    races = [
        Example(
            a_race(driver_form=[0.1, 0.2, 0.3, 0.4], race_pace_form=pace, circuit_overtaking=overtaking),
            an_outcome(FOUR, FOUR),
        )
        for pace, overtaking in [(unknown, unknown)] * 3 + [([0.1, 0.0, -0.1, 0.3], [2.0] * 4)] * 2
    ]

    heard = {share: InputPlan.of(races, STAGE, known_share=share) for share in (0.0, 0.4, 0.5)}

    for share in (0.0, 0.4):
        assert {"race_pace_form", "driver_form"} <= set(heard[share].of_car)
        assert "circuit_overtaking" in heard[share].of_field
    assert "driver_form" in heard[0.5].of_car
    assert not {"race_pace_form", "circuit_overtaking"} & {*heard[0.5].of_car, *heard[0.5].of_field}


def test_what_differs_between_races_and_not_within_one_is_heard() -> None:
    races = [np.full((4, 1), float(number % 3)) for number in range(12)]

    scores = [Scaling.of_known(races, fewest=10).apply(race)[0, 0] for race in races[:3]]

    assert scores[0] < scores[1] < scores[2]


def test_before_the_grid_is_published_it_is_the_order_of_qualifying_or_that_of_late() -> None:
    unknown = [NAN] * 4
    qualified = a_race(grid_position=unknown, qualifying_position=[3.0, 1.0, NAN, 2.0])
    of_late = a_race(grid_position=unknown, driver_grid_form=[-0.5, 0.9, NAN, 0.1])

    assert inputs_of(qualified)["slot:log"] == pytest.approx(np.log([3, 1, 4, 2]))
    assert inputs_of(of_late)["slot:log"] == pytest.approx(np.log([3, 1, 4, 2]))


def test_an_unseen_field_is_met_with_the_prior_strength() -> None:
    race = a_race()

    found = inputs_of(race, RaceMemory().before(race).strengths)

    assert not found["strength"].any()
    np.testing.assert_allclose(found["strength:log_share"], -np.log(4))
