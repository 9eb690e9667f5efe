"""Calls to a host keep their distance and end in time, by a clock that the test moves."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

import pytest
import requests

from f1graph.sources.fastf1 import Allowance, Host, Hosts
from f1graph.sources.fastf1.metering import Meter


@dataclass
class Watch:
    """Shows seconds, and passes only while somebody waits."""

    now: float = 100.0
    waits: list[float] = field(default_factory=list)

    def wait(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds


def a_meter(watch: Watch, *, interval: float = 0.0, asked_at: float = 0.0, give_up_at: float = 1e6) -> Meter:
    return Meter(
        hosts=Hosts(),
        allowance=Allowance(dict.fromkeys(Host, 10), timedelta(seconds=interval)),
        race=(2030, 3),
        call_timeout=15,
        give_up_at=give_up_at,
        asked_at=asked_at,
        clock=lambda: watch.now,
        pause=watch.wait,
    )


def test_calls_to_a_host_keep_their_distance() -> None:
    """S3: so many calls a second, each host for itself; time that an answer took is not waited for again."""
    watch = Watch()
    meter = a_meter(watch, interval=0.5)
    for _ in range(3):
        meter.take_call(Host.ERGAST, "")
    assert watch.waits == [0.5, 0.5]
    meter.take_call(Host.SCHEDULE, "")
    watch.now += 0.25
    meter.take_call(Host.ERGAST, "")
    assert watch.waits == [0.5, 0.5, 0.25]


def test_the_first_call_keeps_its_distance_from_whoever_asked_before() -> None:
    """S3: another process may have asked until the very moment at which this one was started."""
    watch = Watch()
    meter = a_meter(watch, interval=0.5, asked_at=watch.now - 0.125)
    meter.take_call(Host.ERGAST, "")
    assert watch.waits == [0.375]


def test_no_call_waits_beyond_the_end_of_the_fetch() -> None:
    """Q5: a call gets its own time or what is left of the whole, whichever is less."""
    watch = Watch()
    meter = a_meter(watch, give_up_at=watch.now + 20)
    assert meter.time_left() == 15
    watch.now += 12
    assert meter.time_left() == 8
    watch.now += 8
    with pytest.raises(requests.exceptions.Timeout):
        meter.time_left()
