"""Which models there are for users and for those who judge them."""

from __future__ import annotations

import pytest

from f1graph.errors import RequestError, SettingsError
from f1graph.forecasts.members import ESTIMATORS, estimators_named, members_of, models_of
from f1graph.settings import Settings


def test_users_get_the_ensemble_and_until_it_is_trained_the_rating() -> None:
    models = models_of(Settings.model_fields["model"].default)

    assert (models.served.name, models.at_once.name) == ("ultra", "rating")
    assert models.is_trained_beside
    assert not models_of("rating").is_trained_beside


def test_members_of_the_ensemble_can_be_judged_alone() -> None:
    found = estimators_named(["gnn", "ultra", "grid", "gnn"])

    assert [estimator.name for estimator in found] == ["gnn", "ultra", "grid"]
    assert set(estimators_named([estimator.name for estimator in ESTIMATORS])) == set(ESTIMATORS)


@pytest.mark.parametrize("names", [["ultra", "gnu"], []])
def test_who_is_unknown_or_nobody_is_answered_with_those_there_are(names: list[str]) -> None:
    with pytest.raises(RequestError, match=r"(gnu|none): the models are ultra, rating.*bnn"):
        estimators_named(names)


def test_only_the_ensemble_is_made_of_others() -> None:
    assert {"rating", "gnn"} < set(members_of("ultra"))
    assert members_of("rating") == ()


def test_a_member_alone_is_not_served() -> None:
    with pytest.raises(SettingsError, match="'gnn' is no model that can be served: ultra, rating"):
        models_of("gnn")
