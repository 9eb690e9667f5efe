"""The chance that a car does not finish, with a bad day shared by the whole field.

A logistic regression on recent retirement rates, the circuit and the grid, plus one Gaussian effect per race:
the number of retirements per race varies more than independent ones would, because rain and first-lap
accidents take several cars at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from f1graph.features.race_features import RaceFeatures
from f1graph.models.protocol import Example
from f1graph.models.scaling import Scaling, log_odds_of, pad_races, recency_weights
from f1graph.models.strength_filter import Strengths
from f1graph.races.stages import Stage

Values = NDArray[np.float64]

_HALF_LIFE_YEARS = 5.0
_PENALTY = 0.02
_ITERATIONS = 60
# Gauss–Hermite nodes over the shared effect.
_NODES = 7
_USUAL_FIELD = 20.0


@dataclass(frozen=True, eq=False)
class RetirementModel:
    """Attributes:
    race_deviation: Of the effect that a race has on everybody, in log odds.
    """

    scaling: Scaling
    weights: Values
    intercept: float
    race_deviation: float

    def log_odds(self, inputs: Values) -> Values:
        """Of each car on a usual day. (entries, inputs) → (entries,)"""
        return np.asarray(self.scaling.apply(inputs) @ self.weights + self.intercept, dtype=np.float64)


def retirement_inputs(features: RaceFeatures, strengths: Strengths) -> tuple[tuple[str, ...], Values]:
    """Names and values of the inputs. (entries, inputs)"""
    total = strengths.total
    columns = {
        "driver_retirements": log_odds_of(features.column("driver_retirement_rate")),
        "team_retirements": log_odds_of(features.column("team_retirement_rate")),
        "field_retirements": log_odds_of(features.column("field_retirement_rate")),
        "circuit_attrition": features.column("circuit_attrition"),
        "street_circuit": np.nan_to_num(features.column("street_circuit")),
        "strength": total - total.mean(),
    }
    if features.stage is Stage.AFTER_QUALIFYING:
        columns["grid"] = np.nan_to_num(features.column("grid_position"), nan=_USUAL_FIELD)
        columns["pit_lane"] = np.nan_to_num(features.column("pit_lane_start"))
    return tuple(columns), np.stack(list(columns.values()), axis=1)


def fit_retirements(
    inputs: Sequence[Values], examples: Sequence[Example], scaling: Scaling
) -> RetirementModel:
    """Maximum likelihood with the shared effect integrated out, recent races counting more."""
    values, _ = pad_races([scaling.apply(race) for race in inputs])
    started, _ = pad_races([(example.outcome.positions > 0)[:, None].astype(float) for example in examples])
    retired, _ = pad_races([example.outcome.retired[:, None].astype(float) for example in examples])
    weight = recency_weights(examples, half_life_years=_HALF_LIFE_YEARS) / _USUAL_FIELD
    x = torch.tensor(values)  # (races, entries, inputs)
    counts = torch.tensor(started)  # (races, entries, 1)
    sign = torch.tensor(1.0 - 2.0 * retired)  # −1 retired, 1 not
    races = torch.tensor(weight)
    nodes, node_weights = np.polynomial.hermite_e.hermegauss(_NODES)
    effects = torch.tensor(nodes)
    log_node_weights = torch.tensor(np.log(node_weights / node_weights.sum()))
    weights = torch.zeros(x.shape[2], dtype=torch.float64, requires_grad=True)
    intercept = torch.tensor(-1.8, dtype=torch.float64, requires_grad=True)
    log_deviation = torch.tensor(-1.0, dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.LBFGS(
        [weights, intercept, log_deviation], max_iter=_ITERATIONS, line_search_fn="strong_wolfe"
    )

    def loss() -> torch.Tensor:
        optimiser.zero_grad()
        log_odds = (x @ weights + intercept)[..., None] + torch.exp(log_deviation) * effects
        log_chance = -torch.nn.functional.softplus(sign * log_odds) * counts  # (races, entries, nodes)
        of_race = torch.logsumexp(log_chance.sum(dim=1) + log_node_weights, dim=-1)
        # The weak pull keeps the deviation where a few quiet races say nothing about it.
        total = (
            _PENALTY * weights.square().sum()
            + 0.001 * (log_deviation + 1.0).square()
            - (races * of_race).sum()
        )
        total.backward()  # type: ignore[no-untyped-call]  # torch has no types there
        return total

    optimiser.step(loss)  # type: ignore[no-untyped-call]  # torch has no types there
    return RetirementModel(
        scaling, weights.detach().numpy(), intercept.item(), torch.exp(log_deviation).item()
    )


# Deviations that are tried for the shared effect, in log odds.
_DEVIATIONS = np.linspace(0.0, 1.2, 25)


def race_deviation(
    log_odds: Values, retired: NDArray[np.bool_], started: NDArray[np.bool_], weight: Values
) -> float:
    """The most likely deviation of the effect that all cars of a race share, given each car's log odds.

    Args:
        log_odds, retired, started: (races, entries)
        weight: (races,)
    """
    nodes, node_weights = np.polynomial.hermite_e.hermegauss(_NODES)
    log_node_weights = np.log(node_weights / node_weights.sum())
    sign = np.where(retired, -1.0, 1.0)[..., None]
    best, most = 0.0, -np.inf
    for deviation in _DEVIATIONS:
        effect = log_odds[..., None] + deviation * nodes
        log_chance = np.where(started[..., None], -np.logaddexp(0.0, sign * effect), 0.0).sum(axis=1)
        total = float((weight * np.logaddexp.reduce(log_chance + log_node_weights, axis=1)).sum())
        if total > most:
            best, most = float(deviation), total
    return best
