"""The few words in which a forecast is explained."""

from __future__ import annotations

from collections import Counter

from f1graph.features.groups import FEATURES_OF, group_of
from f1graph.features.registry import FEATURES
from f1graph.races.explanation import InputGroup


def test_every_feature_belongs_to_exactly_one_group() -> None:
    counted = Counter(name for names in FEATURES_OF.values() for name in names)

    assert set(counted) == {feature.name for feature in FEATURES}
    assert set(counted.values()) == {1}
    assert set(FEATURES_OF) == set(InputGroup)


def test_a_grid_penalty_is_a_matter_of_the_grid_and_not_of_qualifying() -> None:
    assert group_of("grid_penalty") is InputGroup.GRID
    assert group_of("qualifying_position") is InputGroup.QUALIFYING_PACE
