"""What the Temporal Fusion Transformer looks at before a race: variables, and each driver's past."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from f1graph.features.race_features import RaceFeatures
from f1graph.models.ensemble import UltraPredictor
from f1graph.models.network_member import NetworkPredictor, variable_names
from f1graph.models.protocol import Predictor
from f1graph.models.tft import TemporalFusionNetwork

Values = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Looks:
    """Attributes:
    variables: Names of the variables of the race ahead.
    weights: Of each variable, per entry, summing to 1. (entries, variables)
    races: Of each entry the numbers, among the races that the model remembers, of the driver's last ones, the
        oldest first.
    attention: Of each of those, summing to 1; empty for a newcomer.
    """

    variables: tuple[str, ...]
    weights: Values
    races: tuple[NDArray[np.int64], ...]
    attention: tuple[Values, ...]


def looks_of(predictor: Predictor, features: RaceFeatures) -> Looks | None:
    """What its transformer looks at, averaged over its networks; None from a model without one."""
    members: Mapping[str, Predictor] = (
        predictor.components if isinstance(predictor, UltraPredictor) else {predictor.name: predictor}
    )
    for member in members.values():
        if isinstance(member, NetworkPredictor):
            networks = [one for one in member.networks if isinstance(one, TemporalFusionNetwork)]
            if networks:
                return _looks(member, networks, features)
    return None


def _looks(
    member: NetworkPredictor, networks: Sequence[TemporalFusionNetwork], features: RaceFeatures
) -> Looks:
    fields = member.fields(features)
    with torch.no_grad():
        readings = [network.read(fields)[1] for network in networks]
    weights = torch.stack([one.variables[0] for one in readings]).double().mean(dim=0).numpy()
    attention = torch.stack([one.attention[0] for one in readings]).double().mean(dim=0).numpy()
    races = tuple(member.memory.numbers_of(driver) for driver in features.driver_ids)
    return Looks(
        variables=variable_names(member.input_names),
        weights=weights,
        races=races,
        attention=tuple(
            of_driver[len(of_driver) - len(numbers) :]
            for of_driver, numbers in zip(attention, races, strict=True)
        ),
    )
