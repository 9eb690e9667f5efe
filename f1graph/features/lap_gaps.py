"""Gaps of best laps, as percentages of the best: comparable between circuits and sessions."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from f1graph.races.results import Classification

Gaps = dict[str, float]
Seconds = dict[str, float]


def session_gaps(session: Classification | None) -> Gaps:
    """Gap of each driver's best lap to the session's best, in percent. Drivers without a lap are absent."""
    if session is None:
        return {}
    return _gaps(_seconds((row.driver_id, row.time) for row in session.rows))


def qualifying_gaps(session: Classification | None) -> Gaps:
    """Gap to the best lap of the last part of a knock-out qualifying that the driver took part in.

    Parts are compared within themselves, since the track gets faster from one to the next. A session
    without parts is one part.
    """
    # Later parts overwrite earlier ones.
    return {driver: gap for part in _parts(session) for driver, gap in _gaps(part).items()}


def first_part_gaps(session: Classification | None) -> Gaps:
    """Gap to the best lap of the first part, which everybody drives on the same track."""
    parts = _parts(session)
    return _gaps(parts[0]) if parts else {}


def gaps_to_pole(session: Classification | None) -> Gaps:
    """Gap to the pole car's own lap of the same part, the smallest over the parts that the driver drove.

    The pole car is the first of the classification; whoever beat it in a part is below 0.
    """
    parts = _parts(session)
    if session is None or not parts:
        return {}
    pole = min(session.rows, key=lambda row: row.order).driver_id
    smallest: Gaps = {}
    for part in parts:
        if pole not in part:
            continue
        for driver, lap in part.items():
            gap = _percent(lap, part[pole])
            smallest[driver] = min(gap, smallest.get(driver, gap))
    return smallest


def gap_between(session: Classification | None, driver_id: str, other_id: str) -> float | None:
    """Percent of a lap by which a driver was slower than another in the last part that both drove."""
    for part in reversed(_parts(session)):
        if driver_id in part and other_id in part:
            return _percent(part[driver_id], part[other_id])
    return None


def _parts(session: Classification | None) -> list[Seconds]:
    """Best laps part by part, parts without a lap left out; a session without parts is one."""
    if session is None:
        return []
    rows = session.rows
    parts = [
        _seconds((row.driver_id, row.q1) for row in rows),
        _seconds((row.driver_id, row.q2) for row in rows),
        _seconds((row.driver_id, row.q3) for row in rows),
    ]
    if not any(parts):
        parts = [_seconds((row.driver_id, row.time) for row in rows)]
    return [part for part in parts if part]


def _seconds(laps: Iterable[tuple[str, timedelta | None]]) -> Seconds:
    return {driver: lap.total_seconds() for driver, lap in laps if lap}


def _gaps(laps: Seconds) -> Gaps:
    if not laps:
        return {}
    best = min(laps.values())
    return {driver: _percent(lap, best) for driver, lap in laps.items()}


def _percent(lap: float, reference: float) -> float:
    return 100.0 * (lap / reference - 1.0)
