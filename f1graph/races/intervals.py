"""95 % intervals: of a mean over races by the bootstrap, of a share by Wilson's formula."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

RESAMPLES = 2000
SEED = 20260823
# The 97.5 % point of the normal distribution.
_Z = 1.959963984540054


def bootstrap_interval(
    values: Floats, *, resamples: int = RESAMPLES, seed: int = SEED
) -> tuple[float | None, float | None]:
    """95 % percentile interval of the mean over races; no interval with fewer than two."""
    if len(values) < 2:
        return None, None
    # The same resamples for every measure and model with as many races, so that differences are paired.
    means = resampled_counts(len(values), resamples, seed) @ values / len(values)
    low, high = np.percentile(means, [2.5, 97.5])
    return float(low), float(high)


# A few: that of a thousand races is sixteen megabytes, and whoever asks the API chooses how many they are.
@lru_cache(maxsize=8)
def resampled_counts(races: int, resamples: int, seed: int) -> Floats:
    """How often each race is in each resample. (resamples, races)"""
    picked = np.random.default_rng(seed).integers(0, races, (resamples, races))
    flat = picked + np.arange(resamples)[:, None] * races
    counts = np.bincount(flat.ravel(), minlength=resamples * races)
    return counts.reshape(resamples, races).astype(np.float64)


def wilson_interval(happened: int, count: int) -> tuple[float, float]:
    """95 % interval of a share. Unlike the usual one it holds near 0 and 1, where win forecasts live."""
    share = happened / count
    scale = 1 + _Z**2 / count
    middle = (share + _Z**2 / (2 * count)) / scale
    half = _Z / scale * float(np.sqrt(share * (1 - share) / count + _Z**2 / (4 * count**2)))
    return max(0.0, middle - half), min(1.0, middle + half)
