"""Stints: the laps a driver drove on one set of tyres. Derived from laps, never recorded."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby, pairwise

from f1graph.races.laps import Compound, Lap


@dataclass(frozen=True, slots=True)
class Stint:
    """Laps of one driver from one change of tyres to the next.

    Attributes:
        number: 1, 2, 3 … in the order in which they were driven.
        compound: None where no lap of it says.
        first_lap, last_lap: Both included.
        laps: How many laps of it were recorded; fewer than the span where some are missing.
        tyre_life_at_start: Laps the tyres had done before it, 0 for new ones; None where unknown.
        fresh_tyre: Whether the tyres had never been used before; None where unknown.
    """

    driver_id: str
    number: int
    compound: Compound | None
    compound_name: str | None
    first_lap: int
    last_lap: int
    laps: int
    tyre_life_at_start: int | None
    fresh_tyre: bool | None


def stints_of(laps: Iterable[Lap]) -> tuple[Stint, ...]:
    """The stints of every driver in `laps`, by driver and lap.

    A stint ends where the recorded number of the stint changes. Where a lap has none, it ends where the
    compound changes or the tyres become younger.
    """
    in_order = sorted(laps, key=lambda lap: (lap.driver_id, lap.number))
    return tuple(
        _stint(number, driven)
        for _, of_driver in groupby(in_order, key=lambda lap: lap.driver_id)
        for number, driven in enumerate(_sets_of_tyres(list(of_driver)), start=1)
    )


def _sets_of_tyres(laps: list[Lap]) -> list[list[Lap]]:
    found = [laps[:1]]
    for last, lap in pairwise(laps):
        if _is_same_set(last, lap):
            found[-1].append(lap)
        else:
            found.append([lap])
    return found


def _is_same_set(last: Lap, lap: Lap) -> bool:
    if last.stint is not None and lap.stint is not None:
        return last.stint == lap.stint
    if last.tyre_life is not None and lap.tyre_life is not None and lap.tyre_life <= last.tyre_life:
        return False
    return last.compound == lap.compound or not (_is_known(last) and _is_known(lap))


def _is_known(lap: Lap) -> bool:
    return lap.compound not in (None, Compound.UNKNOWN)


def _stint(number: int, laps: list[Lap]) -> Stint:
    first = laps[0]
    tyre = next((lap for lap in laps if _is_known(lap)), first)
    aged = next((lap for lap in laps if lap.tyre_life is not None), None)
    life = None
    if aged is not None and aged.tyre_life is not None:
        # A lap's own figure counts that lap too, and some laps lack it.
        life = max(0, aged.tyre_life - (aged.number - first.number + 1))
    return Stint(
        driver_id=first.driver_id,
        number=number,
        compound=tyre.compound,
        compound_name=tyre.compound_name,
        first_lap=first.number,
        last_lap=laps[-1].number,
        laps=len(laps),
        tyre_life_at_start=life,
        fresh_tyre=next((lap.fresh_tyre for lap in laps if lap.fresh_tyre is not None), None),
    )
