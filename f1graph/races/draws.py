"""Drawn finishing orders as they are stored, and what is asked of them jointly.

One byte per entry and draw: the position, and in the highest bit whether the car retired. Retired cars are
behind all others, so bytes compare as places do.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from f1graph.races.intervals import wilson_interval

_RETIRED = 0x80


def pack_draws(positions: NDArray[np.uint8], retired: NDArray[np.bool_]) -> bytes:
    """Positions and retirements, (draws, entries) each, compact."""
    packed = positions | (retired.astype(np.uint8) << 7)
    # Columns of one entry compress better than rows of one draw.
    return zlib.compress(np.ascontiguousarray(packed.T).tobytes(), level=6)


def unpack_draws(entries: int, data: bytes) -> NDArray[np.uint8]:
    """What was packed, as bytes of position and retirement. (entries, draws)"""
    return np.frombuffer(zlib.decompress(data), dtype=np.uint8).reshape(entries, -1)


@dataclass(frozen=True, slots=True)
class Happening:
    """What may happen in a race: all of it together.

    Attributes:
        ahead: Drivers in this order, each placed ahead of the next. Of two that retire, the one that is
            placed ahead in the published list, which is the one that ran longer.
        win, podium, points: Drivers classified first, in the first three, in the first ten. Who retires is
            not, however few finish.
        out: Drivers that retire.
    """

    ahead: Sequence[str] = ()
    win: Sequence[str] = ()
    podium: Sequence[str] = ()
    points: Sequence[str] = ()
    out: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class DrawnShare:
    """In how many draws something happened."""

    count: int
    draws: int

    @property
    def probability(self) -> float:
        return self.count / self.draws

    @property
    def standard_error(self) -> float:
        """Of the drawing alone."""
        return sqrt(self.probability * (1 - self.probability) / self.draws)

    @property
    def interval(self) -> tuple[float, float]:
        """95 %, of the drawing alone; unlike the standard error it is not nothing at 0 and 1."""
        return wilson_interval(self.count, self.draws)


@dataclass(frozen=True, eq=False)
class DrawnOrders:
    """The draws of a forecast, unpacked when something is asked of them.

    Attributes:
        driver_ids: The entries, in ascending order.
        data: What `pack_draws` made.
    """

    driver_ids: tuple[str, ...]
    data: bytes

    @cached_property
    def _packed(self) -> NDArray[np.uint8]:
        return unpack_draws(len(self.driver_ids), self.data)

    def share(self, of: Happening) -> DrawnShare:
        """In how many draws all of it happens together; in none if it contradicts itself.

        Raises:
            ValueError: A driver is not entered.
        """
        happens = np.ones(self._packed.shape[1], dtype=np.bool_)
        for best, drivers in ((1, of.win), (3, of.podium), (10, of.points)):
            for driver in drivers:
                happens &= self._of(driver) <= best
        for driver in of.out:
            happens &= self._of(driver) >= _RETIRED
        for driver, next_one in zip(of.ahead, of.ahead[1:], strict=False):
            happens &= self._of(driver) < self._of(next_one)
        return DrawnShare(int(happens.sum()), len(happens))

    def _of(self, driver: str) -> NDArray[np.uint8]:
        found: NDArray[np.uint8] = self._packed[self.driver_ids.index(driver)]
        return found
