"""The last layer that all networks share: from what is known of each car to the order of the finish.

The order is a listwise likelihood (Plackett–Luce: Plackett, "The Analysis of Permutations", 1975; as a loss
of networks: Xia et al., "Listwise Approach to Learning to Rank", 2008) over the classified cars, with a
utility that changes on the way down the field as in `readout`. Beside it the same layer learns each cut of
the order for itself (`cut_likelihood`), the chance of not finishing, and its cause.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import nn
from torch.nn import functional

from f1graph.models.cut_likelihood import CUT_WORTHS, CutReadout
from f1graph.models.protocol import CAUSES
from f1graph.models.training_races import Outcomes

_FRONT_DEPTH = 4.0
_USUAL_RETIREMENT_LOG_ODDS = -1.7
_RETIREMENT_WEIGHT = 0.5
_CAUSE_WEIGHT = 0.1
# A race's order is about ten times as surprising as one car's fate; losses are brought to one size.
_ORDER_SCALE = 10.0
_CUTS_WEIGHT = 0.5
# Straight from the inputs: front, field, retirement, cuts; from the last hidden layer the causes too.
_CUTS = slice(3, 3 + CUT_WORTHS)
FROM_INPUTS = _CUTS.stop
FROM_HIDDEN = FROM_INPUTS + len(CAUSES)


class Heads(NamedTuple):
    """What a network says of some races.

    Attributes:
        order: Utility in front and in the field. (races, entries, 2)
        retirement: Log odds of not finishing, on a usual day. (races, entries)
        cuts: Worth at three cuts of the order. (races, entries, 3)
        causes: Log odds of each cause against the others, given a retirement. (races, entries, 3)
        hidden: What the heads were read from. (races, entries, width)
    """

    order: torch.Tensor
    retirement: torch.Tensor
    cuts: torch.Tensor
    causes: torch.Tensor
    hidden: torch.Tensor


class OrderHead(nn.Module):
    """Reads `Heads` from the last hidden layer, and straight from the inputs.

    Starts from nothing: a network that has learnt nothing says that all cars are alike.
    """

    def __init__(self, width: int, inputs: int, *, dropout: float) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        # A Bayesian network puts layers of its own here.
        self.from_hidden: nn.Module = nn.Linear(width, FROM_HIDDEN)
        self.from_inputs: nn.Module = nn.Linear(inputs, FROM_INPUTS, bias=False)
        # Sharpness, and how it changes down the field.
        self.shape = nn.Parameter(torch.zeros(2))
        self.cuts = CutReadout()
        for parameter in (*self.from_hidden.parameters(), *self.from_inputs.parameters()):
            nn.init.zeros_(parameter)

    def forward(self, hidden: torch.Tensor, inputs: torch.Tensor) -> Heads:
        read = self.from_hidden(self.dropout(hidden))
        direct = self.from_inputs(inputs)
        return Heads(
            order=read[..., :2] + direct[..., :2],
            retirement=_USUAL_RETIREMENT_LOG_ODDS + read[..., 2] + direct[..., 2],
            cuts=read[..., _CUTS] + direct[..., _CUTS],
            causes=read[..., FROM_INPUTS:],
            hidden=hidden,
        )

    def utilities(self, order: torch.Tensor) -> torch.Tensor:
        """What each car brings to the choice for each place. (…, entries, 2) → (…, places, entries)"""
        places = torch.arange(order.shape[-2], dtype=order.dtype)
        of_front = torch.exp(-places / _FRONT_DEPTH)[:, None]
        inverse_temperature = torch.exp(self.shape[0] + self.shape[1] * torch.log1p(places) / 2)[:, None]
        front, field = order[..., None, :, 0], order[..., None, :, 1]
        return (of_front * front + (1 - of_front) * field) * inverse_temperature

    def loss(self, heads: Heads, outcomes: Outcomes) -> torch.Tensor:
        """Of each race: its order, who retired, and why. (races,)"""
        return (
            self.order_loss(heads, outcomes)
            + _RETIREMENT_WEIGHT * retirement_loss(heads, outcomes)
            + _CAUSE_WEIGHT * cause_loss(heads, outcomes)
        )

    def order_loss(self, heads: Heads, outcomes: Outcomes) -> torch.Tensor:
        """Of the order, place by place and cut by cut. (races,)"""
        by_cuts: torch.Tensor = self.cuts.log_likelihood(heads.cuts, outcomes)
        return -self.order_log_likelihood(heads, outcomes) / _ORDER_SCALE - _CUTS_WEIGHT * by_cuts

    def order_log_likelihood(self, heads: Heads, outcomes: Outcomes) -> torch.Tensor:
        """Of the classified cars' order. (races,)"""
        utility = self.utilities(heads.order)
        log_share = utility.gather(-1, outcomes.chosen[..., None])[..., 0] - torch.logsumexp(
            utility.masked_fill(~outcomes.left, -1e9), dim=-1
        )
        return torch.where(outcomes.counted, log_share, 0.0).sum(dim=1)


def retirement_loss(heads: Heads, outcomes: Outcomes) -> torch.Tensor:
    """Mean log loss over those who started. (races,)"""
    loss = functional.binary_cross_entropy_with_logits(
        heads.retirement, outcomes.retired.float(), reduction="none"
    )
    return _mean(loss, outcomes.started)


def cause_loss(heads: Heads, outcomes: Outcomes) -> torch.Tensor:
    """Log loss of the cause, summed over the retirements whose cause is known. (races,)"""
    known = outcomes.cause >= 0
    loss = functional.cross_entropy(
        heads.causes.flatten(0, 1), outcomes.cause.clamp(min=0).flatten(), reduction="none"
    ).view(known.shape)
    return torch.where(known, loss, 0.0).sum(dim=1)


def _mean(values: torch.Tensor, counted: torch.Tensor) -> torch.Tensor:
    return torch.where(counted, values, 0.0).sum(dim=1) / counted.sum(dim=1).clamp(min=1)
