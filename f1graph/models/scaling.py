"""Preparing inputs for fitting: standard scores, padding of fields, and weights that favour recent races."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from f1graph.models.protocol import Example

Values = NDArray[np.float64]

_LARGEST_SCORE = 4.0
# The first races of a history may be without a single retirement: a share of nought has no log-odds.
_SMALLEST_SHARE = 0.005
_SAME = 1e-6
_SILENT = 1e12
_YEAR = timedelta(days=365.25)


@dataclass(frozen=True, eq=False)
class Scaling:
    """Standard scores, cut at ±4 so that one odd lap cannot carry a forecast away.

    Attributes:
        mean, deviation: Over the entries of the races of the fit. (inputs,)
    """

    mean: Values
    deviation: Values

    @classmethod
    def of_known(cls, races: Sequence[Values], *, fewest: int) -> Scaling:
        """As `of`, but an input that hardly any race knows is silenced: its score is always nought.

        A start from the pit lane or an unknown grid is rare. Before a network has seen such an input
        vary in `fewest` races it knows nothing of what it means, and the first race that has it would be read
        at random.
        """
        varied = sum((np.ptp(race, axis=0) > _SAME).astype(np.int64) for race in races)
        usual = cls.of(races)
        moved = np.concatenate(races).std(axis=0) > _SAME
        # What is the same within a race, such as a circuit's attrition, never varies in one.
        counts_as_known = np.where(np.asarray(varied) > 0, np.asarray(varied) >= fewest, moved)
        return cls(usual.mean, np.where(counts_as_known, usual.deviation, _SILENT))

    @classmethod
    def of(cls, races: Sequence[Values]) -> Scaling:
        entries = np.concatenate(races)
        return cls(entries.mean(axis=0), entries.std(axis=0) + 1e-6)

    def apply(self, inputs: Values) -> Values:
        return np.clip((inputs - self.mean) / self.deviation, -_LARGEST_SCORE, _LARGEST_SCORE)


def pad_races(races: Sequence[Values]) -> tuple[Values, NDArray[np.bool_]]:
    """Races of different fields as one array (races, entries, inputs), zeros below, and who is real."""
    entries = max(len(race) for race in races)
    values = np.zeros((len(races), entries, races[0].shape[1]))
    real = np.zeros((len(races), entries), dtype=np.bool_)
    for index, race in enumerate(races):
        values[index, : len(race)] = race
        real[index, : len(race)] = True
    return values, real


def recency_weights(examples: Sequence[Example], *, half_life_years: float) -> Values:
    """Weights that add up to one; a race is worth half of one `half_life_years` later. (races,)"""
    newest = max(example.features.starts_at for example in examples)
    ages = np.array([(newest - example.features.starts_at) / _YEAR for example in examples])
    weights = 0.5 ** (ages / half_life_years)
    return np.asarray(weights / weights.sum(), dtype=np.float64)


def log_odds_of(shares: Values, *, smallest: float = _SMALLEST_SHARE) -> Values:
    """Log-odds of shares or chances, none of them taken for impossible or certain.

    Args:
        smallest: What is less counts as this much, and what is nearer to one as this far from it.
    """
    shares = np.clip(shares, smallest, 1 - smallest)
    return np.asarray(np.log(shares / (1 - shares)), dtype=np.float64)
