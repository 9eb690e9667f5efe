"""Which models there are: those that can be served, and the baselines that are judged beside them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from f1graph.errors import RequestError, SettingsError
from f1graph.models.baselines import UniformEstimator, championship_baseline, grid_baseline
from f1graph.models.ensemble import UltraEstimator
from f1graph.models.protocol import Estimator
from f1graph.models.rating import RatingEstimator

# Trained within seconds, on the way to a forecast.
RATING: Estimator = RatingEstimator()
# Trained for minutes, beside the forecasts; until then the rating speaks.
ULTRA = UltraEstimator()
TRAINED_BESIDE: tuple[Estimator, ...] = (ULTRA,)
BASELINES: tuple[Estimator, ...] = (UniformEstimator(), championship_baseline(), grid_baseline())
SERVABLE: tuple[Estimator, ...] = (*TRAINED_BESIDE, RATING)
ESTIMATORS: tuple[Estimator, ...] = (*SERVABLE, *BASELINES)


@dataclass(frozen=True)
class Models:
    """The models of a forecaster.

    Attributes:
        served: Whose forecasts users get.
        at_once: Who speaks where `served` is not trained; the same one, if `served` is trained on the way.
    """

    served: Estimator
    at_once: Estimator
    baselines: tuple[Estimator, ...] = BASELINES

    @property
    def is_trained_beside(self) -> bool:
        return self.served is not self.at_once

    def named(self, name: str) -> Estimator | None:
        return next(
            (one for one in (self.served, self.at_once, *self.baselines, *ESTIMATORS) if one.name == name),
            None,
        )


def models_of(served: str) -> Models:
    """The models where users get the forecasts of the one with this name.

    Raises:
        SettingsError: There is no such model.
    """
    for estimator in SERVABLE:
        if estimator.name == served:
            return Models(served=estimator, at_once=RATING)
    raise SettingsError(
        f"F1GRAPH_MODEL={served!r} is no model that can be served: "
        f"{', '.join(estimator.name for estimator in SERVABLE)}"
    )


def members_of(name: str) -> tuple[str, ...]:
    """The names of those whom the model with this name is made of; none where it is no ensemble."""
    return tuple(member.name for member in ULTRA.members) if name == ULTRA.name else ()


def estimators_named(names: Sequence[str]) -> tuple[Estimator, ...]:
    """Those that can be walked through history: models, baselines, and the members of `ultra` alone.

    Raises:
        RequestError: There is none of one of the names, or no name.
    """
    known = {estimator.name: estimator for estimator in (*ESTIMATORS, *ULTRA.members)}
    unknown = [name for name in names if name not in known]
    if unknown or not names:
        raise RequestError(f"{', '.join(unknown) or 'none'}: the models are {', '.join(known)}")
    return tuple(known[name] for name in dict.fromkeys(names))
