"""The members of the ensemble that are networks, as they are trained; sizes chosen on seasons up to 2018."""

from __future__ import annotations

from f1graph.models.bnn import BayesianNetwork
from f1graph.models.mtl import MultiTaskNetwork
from f1graph.models.network_member import NetworkEstimator, circuit_inputs, variables_of
from f1graph.models.network_training import RaceNetwork, Training
from f1graph.models.tft import TemporalFusionNetwork

# The larger ones need fewer steps.
_SHORT = Training(learning_rate=0.003, fewest_steps=60, most_steps=140)


def mtl() -> NetworkEstimator:
    def build(names: tuple[str, ...]) -> RaceNetwork:
        return MultiTaskNetwork(len(names), width=48, dropout=0.4)

    return NetworkEstimator("mtl", build)


def tft() -> NetworkEstimator:
    def build(names: tuple[str, ...]) -> RaceNetwork:
        return TemporalFusionNetwork(variables_of(names), width=16, heads=2, dropout=0.2)

    return NetworkEstimator("tft", build, seeds=1, training=_SHORT)


def gnn() -> NetworkEstimator:
    def build(names: tuple[str, ...]) -> RaceNetwork:
        # PyTorch Geometric takes 1.4 s and 57 MB, which who asks the rating alone need not pay.
        from f1graph.models.gnn import RaceGraphNetwork

        return RaceGraphNetwork(len(names), circuit_inputs(names), width=24, dropout=0.3)

    return NetworkEstimator("gnn", build, version="2", seeds=1, training=_SHORT)


def bnn() -> NetworkEstimator:
    def build(names: tuple[str, ...]) -> RaceNetwork:
        return BayesianNetwork(len(names), width=24)

    # A Bayesian network is held by its prior instead of a weight decay and a dropout.
    training = Training(learning_rate=0.01, weight_decay=0.0, fewest_steps=120, most_steps=320, every=40)
    return NetworkEstimator("bnn", build, seeds=1, weight_draws=8, training=training)
