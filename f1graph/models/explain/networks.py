"""What the networks say of the variants of a race, and what the transformer looks at in the race itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from f1graph.models.cut_likelihood import CutReadout
from f1graph.models.explain.cuts import utilities_of_moved_cuts
from f1graph.models.explain.outlook import Outlook, chance_of, joined, outlook_of
from f1graph.models.explain.variants import Variants
from f1graph.models.network_member import NetworkPredictor, within_of
from f1graph.models.order_head import OrderHead
from f1graph.models.training_races import Fields
from f1graph.races.explanation import InputGroup

Values = NDArray[np.float64]

# Fields at once: the graph member compares all cars of a batch with each other.
_BATCH = 48


@dataclass(frozen=True, eq=False)
class _Voice:
    """What one network, or one draw of its weights, says of all variants.

    Attributes:
        head: How it is read.
        order: (variants, entries, 2)
        cuts: (variants, entries, 3)
        retirement: Log odds. (variants, entries)
    """

    head: OrderHead
    order: torch.Tensor
    cuts: torch.Tensor
    retirement: torch.Tensor


def network_outlook(predictor: NetworkPredictor, variants: Variants, seed: int) -> Outlook:
    """The mean over networks, draws of their weights (those of the forecast with this seed), and both ways in
    which each tells an order: place by place, and cut by cut."""
    fields = predictor.fields(variants.features)
    entries, coalitions = fields.real.shape[1], len(variants.present)
    shape = (entries, coalitions)
    # Each batch hears the same draws of the weights.
    batches = [
        [
            _Voice(one.head, told.order, told.cuts, told.retirement)
            for one, told in predictor.heads(batch, seed=seed)
        ]
        for batch in _batches(predictor, variants, fields)
    ]
    outlooks = []
    for voices in zip(*batches, strict=True):
        head = voices[0].head
        log_odds = torch.cat([voice.retirement for voice in voices]).double().numpy()
        retirement = chance_of(log_odds.reshape(*shape, entries), predictor.deviation)
        with torch.no_grad():
            by_place = head.utilities(torch.cat([voice.order for voice in voices])).double().numpy()
            worth = torch.cat([voice.cuts for voice in voices]).view(*shape, entries, -1)
            by_cut = _utilities_by_cut(head.cuts, worth)
        outlooks += [
            outlook_of(utilities, retirement)
            for utilities in (by_place.reshape(*shape, entries, entries), by_cut)
        ]
    return joined(outlooks, [1 / len(outlooks)] * len(outlooks))


def _utilities_by_cut(readout: CutReadout, worth: torch.Tensor) -> Values:
    """(entries, coalitions, all entries, 3) → (entries, coalitions, places, all entries)"""
    entries = len(worth)
    of_car = torch.stack([worth[car, :, car] for car in range(entries)])  # (entries, coalitions, 3)
    cuts = torch.arange(1, entries, dtype=worth.dtype)
    at_cuts = readout.worth_at(cuts, of_car).double().numpy()  # (entries, cuts, coalitions)
    moved = np.zeros((*of_car.shape[:2], entries))
    moved[..., :-1] = np.swapaxes(at_cuts - at_cuts[..., -1:], 1, 2)
    # In the last coalition all cars are as they are, whichever car it is about.
    return utilities_of_moved_cuts(within_of(readout, worth[0, -1:]), moved)


def _batches(predictor: NetworkPredictor, variants: Variants, fields: Fields) -> Iterator[Fields]:
    """All variants of the race, car after car, coalition after coalition."""
    _, inputs, evidence = variants.inputs(predictor.plan, predictor.memory)
    scaled = torch.tensor(predictor.scaling.apply(inputs), dtype=torch.float32)
    present = torch.tensor(variants.is_present(InputGroup.DRIVER_FORM))
    for entry in range(len(scaled)):
        average = evidence.in_the_middle(entry, [InputGroup.DRIVER_FORM]).remembered
        sequence = torch.tensor(average.sequence[entry], dtype=torch.float32)
        length = int(average.length[entry])
        for first in range(0, len(present), _BATCH):
            here = slice(first, first + _BATCH)
            batch = fields.of(torch.zeros(len(present[here]), dtype=torch.long))
            batch.inputs[:, entry] = scaled[entry, here]
            batch.sequence[~present[here], entry] = sequence
            batch.length[~present[here], entry] = length
            yield batch
