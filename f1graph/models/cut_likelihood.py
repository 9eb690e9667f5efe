"""The likelihood of every cut of a finishing order: who is among the first k, for each k.

A listwise likelihood chooses one place after another, so that a bad guess in front is carried down the
field. The cumulative ordinal model (McCullagh, "Regression Models for Ordinal Data", 1980) judges each cut
for itself. Here its thresholds are not learnt: k cars are among the first k, so each cut's is the one with
which the chances of the field sum to k.
"""

from __future__ import annotations

import math

import torch
from torch import nn
from torch.nn import functional

from f1graph.models.training_races import Outcomes

# Between these places a car's worth changes on straight lines over the logarithm of the place.
_KNOTS = (1.0, 4.0, 14.0)
CUT_WORTHS = len(_KNOTS)
_FIRST_GAIN = math.log(2.0)
# The front counts more, as users ask of it: cut k has the weight 1/√k.
_WEIGHT_POWER = -0.5
_MOST_CUTS = 40
_NEWTON_STEPS = 12
_LONGEST_STEP = 1.5


class CutReadout(nn.Module):
    """What a car is worth at each cut, from what it is worth at three of them."""

    def __init__(self) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.full((CUT_WORTHS,), _FIRST_GAIN))

    def log_odds(self, worth: torch.Tensor, racing: torch.Tensor) -> torch.Tensor:
        """Log odds to be among the first k of those who are `racing`, for k = 1 … entries − 1.

        Args:
            worth: (races, entries, 3)
            racing: (races, entries)

        Returns:
            (races, cuts, entries); the entries that are not racing say nothing.
        """
        cuts = torch.arange(1, worth.shape[1], dtype=worth.dtype)
        told = self.worth_at(cuts, worth)
        count = racing.sum(dim=1, dtype=worth.dtype)[:, None, None]
        # Beyond the last car there is no cut; anything finite will do.
        wanted = torch.minimum(cuts[None, :, None], count - 0.5)
        return told + _threshold(told, racing[:, None, :], wanted, count)

    def worth_at(self, cuts: torch.Tensor, worth: torch.Tensor) -> torch.Tensor:
        """Log odds to be among the first k but for the field's threshold.

        Args:
            cuts: Each k. (cuts,)
            worth: (races, entries, 3)

        Returns:
            (races, cuts, entries)
        """
        return torch.einsum("rec,kc->rke", worth * torch.exp(self.gain), _between_knots(cuts))

    def log_likelihood(self, worth: torch.Tensor, outcomes: Outcomes) -> torch.Tensor:
        """Of the cuts between the classified cars, the weights of all cuts summing to 1. (races,)"""
        racing = outcomes.classified
        log_odds = self.log_odds(worth, racing)
        cuts = torch.arange(1, log_odds.shape[1] + 1)[None, :, None]
        among = _places(outcomes)[:, None, :] <= cuts
        loss = functional.binary_cross_entropy_with_logits(log_odds, among.float(), reduction="none")
        counted = racing[:, None, :] & (cuts < racing.sum(dim=1)[:, None, None])
        weight = cuts**_WEIGHT_POWER / (torch.arange(1, _MOST_CUTS) ** _WEIGHT_POWER).sum()
        return -torch.where(counted, loss * weight, 0.0).sum(dim=(1, 2))


def _between_knots(cuts: torch.Tensor) -> torch.Tensor:
    """How much of each knot's worth counts at each cut. (cuts, knots)"""
    at, (first, middle, last) = cuts.log(), torch.tensor(_KNOTS).log()
    to_middle = ((at - first) / (middle - first)).clamp(0, 1)
    to_last = ((at - middle) / (last - middle)).clamp(0, 1)
    return torch.stack([1 - to_middle, to_middle - to_last, to_last], dim=1)


def _threshold(
    told: torch.Tensor, racing: torch.Tensor, wanted: torch.Tensor, count: torch.Tensor
) -> torch.Tensor:
    """What added to `told` makes the chances sum to `wanted`: Newton's method, of which only the last step is
    differentiated, which gives the gradient of the solution. (races, cuts, 1)"""

    def off(threshold: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        chance = torch.sigmoid(told + threshold) * racing
        slope = (chance * (1 - chance)).sum(dim=-1, keepdim=True) + 1e-3
        return chance.sum(dim=-1, keepdim=True) - wanted, slope.detach()

    with torch.no_grad():
        threshold = torch.log(wanted / (count - wanted).clamp(min=0.25))
        for _ in range(_NEWTON_STEPS):
            over, slope = off(threshold)
            threshold = threshold - (over / slope).clamp(-_LONGEST_STEP, _LONGEST_STEP)
    over, slope = off(threshold)
    return threshold - over / slope


def _places(outcomes: Outcomes) -> torch.Tensor:
    """Of each entry among the classified cars. (races, entries)"""
    ahead = outcomes.position[:, None, :] <= outcomes.position[:, :, None]
    return (ahead & outcomes.classified[:, None, :]).sum(dim=2)
