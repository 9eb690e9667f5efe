"""Gaps of best laps, as percentages of the best: comparable between circuits and sessions."""

from __future__ import annotations

from datetime import timedelta

from f1graph.races.results import Classification

Gaps = dict[str, float]


def session_gaps(session: Classification | None) -> Gaps:
    """Gap of each driver's best lap to the session's best, in percent. Drivers without a lap are absent."""
    if session is None:
        return {}
    return _gaps({row.driver_id: row.time for row in session.rows})


def qualifying_gaps(session: Classification | None) -> Gaps:
    """Gap to the best lap of the last part of a knock-out qualifying that the driver took part in.

    Parts are compared within themselves, since the track gets faster from one to the next. A session
    without parts is one part.
    """
    if session is None:
        return {}
    parts = [
        _gaps({row.driver_id: getattr(row, part) for row in session.rows}) for part in ("q1", "q2", "q3")
    ]
    if not any(parts):
        return session_gaps(session)
    # Later parts overwrite earlier ones.
    return {driver: gap for part in parts for driver, gap in part.items()}


def _gaps(laps: dict[str, timedelta | None]) -> Gaps:
    seconds = {driver: lap.total_seconds() for driver, lap in laps.items() if lap is not None and lap}
    if not seconds:
        return {}
    best = min(seconds.values())
    return {driver: 100.0 * (lap / best - 1.0) for driver, lap in seconds.items()}
