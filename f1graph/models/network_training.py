"""How every network is trained: small batches of races, few steps, averaged weights, an early stop.

A few hundred races are little. What decides is when to stop: the newest races are held back, the network
learns from the others until its averaged weights no longer forecast the held-back ones better, and then as
many steps from all of them.
"""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import nn

from f1graph.models.order_head import Heads, OrderHead
from f1graph.models.training_races import Fields, Outcomes


class RaceNetwork(nn.Module, ABC):
    """What the training asks of a network."""

    head: OrderHead

    @abstractmethod
    def forward(self, fields: Fields) -> Heads: ...

    def loss(self, heads: Heads, outcomes: Outcomes, *, races: int) -> torch.Tensor:
        """Of each race of a batch, of `races` that are learnt from. (batch,)"""
        return self.head.loss(heads, outcomes)


@dataclass(frozen=True, slots=True)
class Training:
    """How long and how fast to learn; chosen on the seasons up to 2018.

    Attributes:
        held_back: The newest races, by which the number of steps is found.
        averaged: Share of the averaged weights that survives a step.
    """

    batch: int = 48
    learning_rate: float = 0.002
    weight_decay: float = 0.02
    fewest_steps: int = 80
    most_steps: int = 200
    every: int = 20
    held_back: int = 24
    warm_up: int = 20
    averaged: float = 0.97


def train_network(
    make: Callable[[], RaceNetwork], fields: Fields, outcomes: Outcomes, training: Training, *, seed: int
) -> tuple[RaceNetwork, int]:
    """A trained network and how many steps it took. Races must be ordered by their start."""
    races = len(outcomes)
    held_back = min(training.held_back, races // 5)
    learnt, later = torch.arange(races - held_back), torch.arange(races - held_back, races)
    best_steps, best = training.fewest_steps, float("inf")
    judged_fields, judged = fields.of(later), outcomes.of(later)
    for steps, network in _learn(make, fields.of(learnt), outcomes.of(learnt), training, seed=seed):
        if steps < training.fewest_steps or steps % training.every or not held_back:
            continue
        loss = _judge(network, judged_fields, judged)
        if loss < best:
            best_steps, best = steps, loss
    final = None
    for steps, network in _learn(make, fields, outcomes, training, seed=seed):
        final = network
        if steps == best_steps:
            break
    assert final is not None
    return final.eval(), best_steps


def _judge(network: RaceNetwork, fields: Fields, outcomes: Outcomes) -> float:
    network.eval()
    with torch.no_grad():
        return network.head.order_loss(network(fields), outcomes).mean().item()


def _learn(
    make: Callable[[], RaceNetwork], fields: Fields, outcomes: Outcomes, training: Training, *, seed: int
) -> Iterator[tuple[int, RaceNetwork]]:
    """Yields after each step its number and the network with averaged weights."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = make().train()
        average = copy.deepcopy(network)
        optimiser = torch.optim.AdamW(
            network.parameters(), lr=training.learning_rate, weight_decay=training.weight_decay
        )
        for step in range(1, training.most_steps + 1):
            races = torch.randint(len(outcomes), (min(training.batch, len(outcomes)),))
            for group in optimiser.param_groups:
                group["lr"] = training.learning_rate * min(1.0, step / training.warm_up)
            batch = outcomes.of(races)
            optimiser.zero_grad()
            loss = network.loss(network(fields.of(races)), batch, races=len(outcomes))
            (loss * batch.weight).mean().backward()  # type: ignore[no-untyped-call]  # torch has no types there
            torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimiser.step()
            with torch.no_grad():
                kept = min(training.averaged, step / (step + 10))
                for slow, fast in zip(average.parameters(), network.parameters(), strict=True):
                    slow.lerp_(fast, 1 - kept)
            yield step, average
