"""`tft`: each driver's last races as a sequence, read in the light of what is known of the race ahead.

The Temporal Fusion Transformer of Lim, Arık, Loeff and Pfister, "Temporal Fusion Transformers for
Interpretable Multi-horizon Time Series Forecasting" (2021): variable selection, gated residual networks, a
recurrent encoder, and attention whose heads share their values, so that its weights can be read. What is
forecast here is one step, the race ahead, and the last layer is the order of its field instead of quantiles
of one series.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import nn
from torch.nn import functional

from f1graph.models.mtl import field_mean
from f1graph.models.network_training import RaceNetwork
from f1graph.models.order_head import Heads, OrderHead
from f1graph.models.race_memory import LENGTH, TOKEN
from f1graph.models.training_races import Fields


class Reading(NamedTuple):
    """What the network looked at.

    Attributes:
        variables: Weight of each variable of the race ahead, summing to 1. (races, entries, variables)
        attention: Weight of each of the driver's last races, the newest last, summing to 1; zeros for a
            newcomer. (races, entries, LENGTH)
    """

    variables: torch.Tensor
    attention: torch.Tensor


class GatedResidual(nn.Module):
    """A small network that can switch itself off."""

    def __init__(self, width: int, *, context: int = 0, dropout: float) -> None:
        super().__init__()
        self.first = nn.Linear(width, width)
        self.context = nn.Linear(context, width, bias=False) if context else None
        self.second = nn.Linear(width, width)
        self.gate = nn.Linear(width, 2 * width)
        self.norm = nn.LayerNorm(width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, values: torch.Tensor, context: torch.Tensor | None = None) -> torch.Tensor:
        hidden = self.first(values)
        if self.context is not None and context is not None:
            hidden = hidden + self.context(context)
        hidden = self.dropout(self.second(functional.elu(hidden)))
        normed: torch.Tensor = self.norm(values + functional.glu(self.gate(hidden), dim=-1))
        return normed


class VariableSelection(nn.Module):
    """Weighs variables, each of one or more inputs, by what all of them say of the car.

    Args:
        groups: Of each input the index of the variable it belongs to.
    """

    def __init__(self, groups: list[int], width: int, *, dropout: float) -> None:
        super().__init__()
        self.variables = max(groups) + 1
        membership = torch.zeros(len(groups), self.variables)
        membership[torch.arange(len(groups)), torch.tensor(groups)] = 1.0
        self.register_buffer("membership", membership, persistent=False)
        self.embed = nn.Parameter(torch.randn(len(groups), width) * 0.3)
        self.weigh = nn.Sequential(
            nn.Dropout(dropout),
            nn.Linear(len(groups), width),
            nn.ELU(),
            nn.Linear(width, self.variables),
        )
        self.dropout = nn.Dropout(dropout)

    def forward(self, inputs: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The selected (…, width), and the weights (…, variables)."""
        weights = torch.softmax(self.weigh(inputs), dim=-1)
        # One weight per input, its variable's: the sum over variables of weight × embedding.
        of_inputs = weights @ self.membership.T * self.variables  # type: ignore[operator]
        return self.dropout(inputs * of_inputs) @ self.embed, weights


class TemporalFusionNetwork(RaceNetwork):
    """Args:
    groups: Of each input the index of its variable: value, rank and logarithm are one.
    """

    def __init__(self, groups: list[int], *, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        inputs = len(groups)
        self.width, self.heads = width, heads
        self.select = VariableSelection(groups, width, dropout=dropout)
        self.of_field = nn.Linear(inputs, width, bias=False)
        self.enrich = GatedResidual(width, context=width, dropout=dropout)
        self.token = nn.Linear(len(TOKEN), width)
        self.encoder = nn.GRU(width, width, batch_first=True)
        self.query = nn.Linear(width, heads * width, bias=False)
        self.key = nn.Linear(width, heads * width, bias=False)
        self.value = nn.Linear(width, width, bias=False)
        self.after_attention = GatedResidual(width, dropout=dropout)
        self.head = OrderHead(width, inputs, dropout=dropout)

    def forward(self, fields: Fields) -> Heads:
        return self.read(fields)[0]

    def read(self, fields: Fields) -> tuple[Heads, Reading]:
        """The heads, and what led to them."""
        selected, variables = self.select(fields.inputs)
        ahead = self.enrich(selected, self.of_field(field_mean(fields))[:, None].expand_as(selected))
        remembered, attention = self._attend(ahead, fields)
        hidden = self.after_attention(ahead + remembered)
        return self.head(hidden, fields.inputs), Reading(variables, attention)

    def _attend(self, ahead: torch.Tensor, fields: Fields) -> tuple[torch.Tensor, torch.Tensor]:
        races, entries, _ = ahead.shape
        tokens = functional.elu(self.token(fields.sequence)).flatten(0, 1)
        # The car as it is now is where the reading of its past begins.
        encoded, _ = self.encoder(tokens, ahead.reshape(1, races * entries, self.width).contiguous())
        encoded = encoded.view(races, entries, LENGTH, self.width)
        query = self.query(ahead).view(races, entries, self.heads, 1, self.width)
        key = self.key(encoded).view(races, entries, LENGTH, self.heads, self.width).transpose(2, 3)
        scores = (query * key).sum(dim=-1) / self.width**0.5  # (races, entries, heads, LENGTH)
        places = torch.arange(LENGTH)
        known = places >= LENGTH - fields.length[..., None]
        weights = torch.softmax(scores.masked_fill(~known[..., None, :], -1e9), dim=-1)
        # A newcomer has nothing to look back on.
        weights = weights * known.any(dim=-1)[..., None, None]
        attention = weights.mean(dim=2)
        return (attention[..., None] * self.value(encoded)).sum(dim=2), attention
