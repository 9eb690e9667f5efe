"""How a race went on the road: safety cars, overtaking, the first lap."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from f1graph.features.pace import Bools, Floats
from f1graph.races.laps import TrackStatus
from f1graph.races.session_laps import SessionLaps

_NEUTRALISED = (TrackStatus.SAFETY_CAR, TrackStatus.RED)
_ALL_SLOWED = (*_NEUTRALISED, TrackStatus.VIRTUAL_SAFETY_CAR, TrackStatus.VIRTUAL_SAFETY_CAR_ENDING)
_FEWEST_LAPS = 10


@dataclass(frozen=True)
class RaceFlow:
    """Attributes:
    safety_car_share: Of the leader's laps those behind a safety car or stopped by a red flag; None if few
        laps are known.
    overtakes: Places gained on the road per car and lap, pit stops and neutralised laps left out; None if
        few are known.
    after_first_lap: By driver the place at the end of lap 1.
    """

    safety_car_share: float | None
    overtakes: float | None
    after_first_lap: dict[str, float]


def race_flow(laps: SessionLaps) -> RaceFlow:
    leading = laps.position == 1
    neutralised = laps.shown(*_NEUTRALISED)[leading]
    first = (laps.number == 1) & (laps.position > 0)
    return RaceFlow(
        safety_car_share=float(neutralised.mean()) if neutralised.size >= _FEWEST_LAPS else None,
        overtakes=_overtakes(laps),
        after_first_lap={
            laps.driver_ids[laps.driver[lap]]: float(laps.position[lap]) for lap in np.flatnonzero(first)
        },
    )


def _overtakes(laps: SessionLaps) -> float | None:
    """Pairs of cars that changed places from one lap to the next, neither of them by way of the pits."""
    shape = (int(laps.number.max(initial=0)) + 1, len(laps.driver_ids))
    place = np.full(shape, np.nan)
    free = np.zeros(shape, dtype=np.bool_)
    cell = (laps.number, laps.driver)
    place[cell] = np.where(laps.position > 0, laps.position, np.nan)
    free[cell] = ~laps.into_pits & ~laps.shown(*_ALL_SLOWED)
    changed, raced = 0, 0
    for before, now, racing in _from_lap_to_lap(place, free):
        ahead_before = before[:, None] < before[None, :]
        ahead_now = now[:, None] < now[None, :]
        changed += int((ahead_before & ahead_now.T)[np.ix_(racing, racing)].sum())
        raced += int(racing.sum())
    return changed / raced if raced >= _FEWEST_LAPS * len(laps.driver_ids) else None


def _from_lap_to_lap(place: Floats, free: Bools) -> list[tuple[Floats, Floats, Bools]]:
    """Places before and after each lap from the second on, and who was free to race in both."""
    return [
        (
            place[lap - 1],
            place[lap],
            free[lap] & free[lap - 1] & np.isfinite(place[lap]) & np.isfinite(place[lap - 1]),
        )
        for lap in range(2, len(place))
    ]
