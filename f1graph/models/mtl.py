"""`mtl`: one trunk, many tasks: order, retirement, cause, points, the grid, places gained.

A task that is easier to learn than the order teaches the trunk what the order alone would need more races
for. How much each counts is learnt as its noise: Kendall, Gal and Cipolla, "Multi-Task Learning Using
Uncertainty to Weigh Losses for Scene Geometry and Semantics" (2018).
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from f1graph.models.network_training import RaceNetwork
from f1graph.models.order_head import Heads, OrderHead
from f1graph.models.training_races import Fields, Outcomes

_POINTS_PLACES = 10
_TASKS = ("points", "grid", "gained")


class MultiTaskNetwork(RaceNetwork):
    """A multilayer perceptron over each car beside the mean of its field."""

    def __init__(self, inputs: int, *, width: int, dropout: float) -> None:
        super().__init__()
        self.of_car = nn.Linear(inputs, width)
        self.of_field = nn.Linear(inputs, width, bias=False)
        self.deeper = nn.Linear(width, width)
        self.dropout = nn.Dropout(dropout)
        self.head = OrderHead(width, inputs, dropout=dropout)
        self.tasks = nn.Linear(width, len(_TASKS))
        # Log variance of each task's noise; the order's is its own likelihood.
        self.noise = nn.Parameter(torch.full((len(_TASKS),), 2.0))

    def forward(self, fields: Fields) -> Heads:
        hidden = functional.silu(self.of_car(fields.inputs) + self.of_field(field_mean(fields))[:, None])
        hidden = hidden + functional.silu(self.deeper(self.dropout(hidden)))
        heads: Heads = self.head(hidden, fields.inputs)
        return heads

    def loss(self, heads: Heads, outcomes: Outcomes, *, races: int) -> torch.Tensor:
        told = self.tasks(self.dropout(heads.hidden))
        started, count = outcomes.started, outcomes.started.sum(dim=1, keepdim=True).clamp(min=2)
        in_points = outcomes.classified & (outcomes.position <= _POINTS_PLACES)
        scale = 2.0 / (count - 1)
        grid = 1 - (outcomes.grid - 1) * scale
        gained = (outcomes.grid - outcomes.position) * scale / 2
        has_grid = started & (outcomes.grid > 0)
        losses = [
            _mean(
                functional.binary_cross_entropy_with_logits(
                    told[..., 0], in_points.float(), reduction="none"
                ),
                started,
            ),
            _mean((told[..., 1] - grid).square(), has_grid),
            _mean((told[..., 2] - gained).square(), has_grid),
        ]
        weighed = [
            torch.exp(-noise) * loss + noise / 20 for noise, loss in zip(self.noise, losses, strict=True)
        ]
        return self.head.loss(heads, outcomes) + sum(weighed, start=torch.zeros(()))


def field_mean(fields: Fields) -> torch.Tensor:
    """Of the inputs over the real entries. (races, inputs)"""
    real = fields.real[..., None]
    return (fields.inputs * real).sum(dim=1) / real.sum(dim=1).clamp(min=1)


def _mean(values: torch.Tensor, counted: torch.Tensor) -> torch.Tensor:
    return torch.where(counted, values, 0.0).sum(dim=1) / counted.sum(dim=1).clamp(min=1)
