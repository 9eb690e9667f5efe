"""Runs in the child: keeps what pages say that FastF1 reads and does not pass on.

By it the pages of a session are held against each other afterwards: see `agreement`.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import fastf1._api
import pandas as pd

_PAGES = ("driver_info", "timing_app_data", "_extended_timing_data")
# FastF1 reads the list of drivers up to here: its order is that of this moment.
_LIST_READ_UNTIL = timedelta(minutes=60)


class Pages:
    """What FastF1 read of the timing archive, from whatever cache it came."""

    def __init__(self) -> None:
        self._read: dict[str, Any] = {}

    def watch(self) -> None:
        """From now on keeps what FastF1 reads."""
        for name in _PAGES:
            setattr(fastf1._api, name, self._kept(name, getattr(fastf1._api, name)))

    def _kept(self, name: str, read: Callable[..., Any]) -> Callable[..., Any]:
        def read_and_keep(*args: Any, **kwargs: Any) -> Any:
            self._read[name] = read(*args, **kwargs)
            return self._read[name]

        return read_and_keep

    def frames(self) -> dict[str, dict[str, list[Any]]]:
        """The columns of each frame, in FastF1's own values; none of a page that did not come.

        `driver_list`: who is listed, and in which line; `tyre_laps`: lap times on the page of the tyres;
        `screen`: each car's place by the timing, an hour into the recording and at its end; `pit_exits`:
        when each car left the pits, and on which of its laps.
        """
        found = {}
        if (listed := self._read.get("driver_info")) is not None:
            found["driver_list"] = {
                "DriverNumber": [driver.get("RacingNumber") or key for key, driver in listed.items()],
                "Line": [driver.get("Line") for driver in listed.values()],
            }
        if (tyres := self._read.get("timing_app_data")) is not None:
            timed = tyres[tyres["LapTime"].notna()]
            found["tyre_laps"] = _columns(timed, DriverNumber="Driver", LapTime="LapTime")
        if (timing := self._read.get("_extended_timing_data")) is not None:
            laps, stream, _ = timing
            found["screen"] = _columns(_places(stream), DriverNumber="Driver", Early="Early", Last="Last")
            left = laps[laps["PitOutTime"].notna()]
            found["pit_exits"] = _columns(
                left, DriverNumber="Driver", LapNumber="NumberOfLaps", Time="PitOutTime"
            )
        return found


def _places(stream: pd.DataFrame) -> pd.DataFrame:
    placed = stream[stream["Position"].notna()]
    last = placed.groupby("Driver")["Position"].last()
    early = placed[placed["Time"] <= _LIST_READ_UNTIL].groupby("Driver")["Position"].last()
    return pd.DataFrame({"Last": last, "Early": early.reindex(last.index)}).reset_index()


def _columns(frame: pd.DataFrame, **theirs: str) -> dict[str, list[Any]]:
    return {ours: frame[name].tolist() for ours, name in theirs.items()}
