"""`bnn`: a network whose weights are distributions, so that it knows what a few hundred races cannot tell.

Variational inference with independent Gaussians: Blundell et al., "Weight Uncertainty in Neural Networks"
(2015), with the local reparametrisation of Kingma, Salimans and Welling, "Variational Dropout and the Local
Reparameterization Trick" (2015). How far the weights are drawn to nothing follows from the races there are,
not from a weight decay.
"""

from __future__ import annotations

import math

import torch
from torch import nn
from torch.nn import functional

from f1graph.models.mtl import field_mean
from f1graph.models.network_training import RaceNetwork
from f1graph.models.order_head import FROM_HIDDEN, FROM_INPUTS, Heads, OrderHead
from f1graph.models.training_races import Fields, Outcomes

_PRIOR_DEVIATION = 0.25
_FIRST_DEVIATION = 0.02
# The order's loss is a tenth of its log likelihood.
_LIKELIHOOD_SCALE = 10.0


class BayesianLinear(nn.Module):
    """A linear layer with Gaussian weights around `mean`, and a plain bias.

    Each call draws anew: in training one draw per row of what goes in, otherwise one weight for all of it.
    """

    def __init__(self, inputs: int, outputs: int, *, bias: bool = True) -> None:
        super().__init__()
        self.mean = nn.Parameter(torch.zeros(outputs, inputs))
        self.log_deviation = nn.Parameter(torch.full((outputs, inputs), math.log(_FIRST_DEVIATION)))
        self.bias = nn.Parameter(torch.zeros(outputs)) if bias else None

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        deviation = self.log_deviation.exp()
        if self.training:
            mean = functional.linear(values, self.mean, self.bias)
            variance = functional.linear(values.square(), deviation.square())
            return mean + torch.randn_like(mean) * (variance + 1e-8).sqrt()
        return functional.linear(values, self.mean + deviation * torch.randn_like(self.mean), self.bias)

    def divergence(self) -> torch.Tensor:
        """Kullback–Leibler divergence from the prior, in nats."""
        variance = (2 * self.log_deviation).exp()
        prior = _PRIOR_DEVIATION**2
        return (
            0.5 * (variance + self.mean.square()) / prior
            - 0.5
            - self.log_deviation
            + math.log(_PRIOR_DEVIATION)
        ).sum()


class BayesianNetwork(RaceNetwork):
    """One hidden layer beside a direct linear path, all of it Bayesian."""

    def __init__(self, inputs: int, *, width: int) -> None:
        super().__init__()
        self.of_car = BayesianLinear(inputs, width)
        self.of_field = BayesianLinear(inputs, width, bias=False)
        self.head = OrderHead(width, inputs, dropout=0.0)
        nn.init.normal_(self.of_car.mean, std=0.05)
        self.head.from_hidden = BayesianLinear(width, FROM_HIDDEN)
        self.head.from_inputs = BayesianLinear(inputs, FROM_INPUTS, bias=False)

    def forward(self, fields: Fields) -> Heads:
        hidden = functional.silu(self.of_car(fields.inputs) + self.of_field(field_mean(fields))[:, None])
        heads: Heads = self.head(hidden, fields.inputs)
        return heads

    def loss(self, heads: Heads, outcomes: Outcomes, *, races: int) -> torch.Tensor:
        divergence = sum(layer.divergence() for layer in self.modules() if isinstance(layer, BayesianLinear))
        return self.head.loss(heads, outcomes) + divergence / (races * _LIKELIHOOD_SCALE)
