"""Runs in the child: every request of FastF1 passes here, is counted against the allowance, and is looked at.

FastF1 turns most failures into a line of its log, and takes a web page for an empty answer. Here each is
noted for what it is, and FastF1 is given a plain failure instead, so that it asks the mirror.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPResponse

from f1graph.sources.fastf1.answers import Allowance, Host, Hosts, ProblemCode

_STREAM_LINE = re.compile(rb"^(?:\xef\xbb\xbf)?\d\d:\d\d:\d\d\.\d{3}", re.MULTILINE)
_BAD_GATEWAY = 502
# A host that let two calls time out is not waited for a third time.
_PATIENCE = 2


class BudgetSpentError(BaseException):
    """The next call is not allowed. No `Exception`, since FastF1 would make a line of its log of it."""


class NobodyWaitsError(BaseException):
    """Whoever asked was killed: another process may ask the same by now. No `Exception`, as above."""


class _RefusedError(requests.exceptions.ConnectionError):
    """Not sent at all."""


@dataclass
class Meter:
    """What was asked and what came of it.

    Args:
        race: Season and round that Ergast's answers must be about; None for the schedule.
        give_up_at: On the monotonic clock; no call waits longer.
        asked_at: On the monotonic clock; whoever asked the hosts before did so no later than this, and the
            first call keeps its distance from his last.
        is_waited_for: Whether anybody still waits for the answer.
        clock, pause: The monotonic clock, in seconds, and how to wait by it.
    """

    hosts: Hosts
    allowance: Allowance
    race: tuple[int, int] | None
    call_timeout: float
    give_up_at: float
    asked_at: float = -math.inf
    is_waited_for: Callable[[], bool] = lambda: True
    clock: Callable[[], float] = time.monotonic
    pause: Callable[[float], None] = time.sleep
    calls: dict[Host, int] = field(default_factory=dict)
    raw_hashes: dict[str, str] = field(default_factory=dict)
    failures: list[tuple[Host, str, ProblemCode]] = field(default_factory=list)
    good: list[str] = field(default_factory=list)
    _last_at: dict[Host, float] = field(default_factory=dict)
    _timed_out: dict[Host, int] = field(default_factory=dict)
    _refused_by_archive: str = ""

    def host_of(self, url: str) -> Host:
        asked = [host for host in Host if url.startswith(self.hosts.of(host))]
        # Where archive and mirror are one, the second request for a page is the mirror's.
        if Host.LIVE_TIMING_MIRROR in asked and url == self._refused_by_archive:
            asked.remove(Host.LIVE_TIMING)
        if asked:
            return max(asked, key=lambda host: len(self.hosts.of(host)))
        raise _RefusedError(f"{url} belongs to none of the hosts")

    def take_call(self, host: Host, url: str) -> None:
        if not self.is_waited_for():
            raise NobodyWaitsError
        if self._timed_out.get(host, 0) >= _PATIENCE:
            raise _RefusedError(f"{host} did not answer before")
        if self.calls.get(host, 0) >= self.allowance.calls.get(host, 0):
            self.failures.append((host, url, ProblemCode.BUDGET_SPENT))
            raise BudgetSpentError(f"{self.calls.get(host, 0)} calls to {host} are all that was allowed")
        last_at = self._last_at.get(host, self.asked_at)
        wait = last_at + self.allowance.interval.total_seconds() - self.clock()
        if wait > 0:
            self.pause(wait)
        self._last_at[host] = self.clock()
        self.calls[host] = self.calls.get(host, 0) + 1

    def time_left(self) -> float:
        left = min(self.call_timeout, self.give_up_at - self.clock())
        if left <= 0:
            raise requests.exceptions.Timeout("no time is left for another call")
        return left

    def failed(self, host: Host, url: str, error: requests.exceptions.RequestException) -> None:
        if host is Host.LIVE_TIMING:
            self._refused_by_archive = url
        if isinstance(error, _RefusedError):
            code = ProblemCode.TIMED_OUT
        elif isinstance(error, requests.exceptions.Timeout) or "timed out" in str(error):
            self._timed_out[host] = self._timed_out.get(host, 0) + 1
            code = ProblemCode.TIMED_OUT
        elif isinstance(
            error, requests.exceptions.ChunkedEncodingError | requests.exceptions.ContentDecodingError
        ):
            code = ProblemCode.TRUNCATED
        else:
            code = ProblemCode.UNAVAILABLE
        self.failures.append((host, url, code))

    def judge(self, host: Host, url: str, response: requests.Response) -> None:
        """Notes the answer; one that is no answer becomes a failure for FastF1 too."""
        body = response.content
        self.raw_hashes[url] = hashlib.sha256(body).hexdigest()
        code = _code_of_status(response.status_code) or _code_of_body(host, url, body, self.race)
        if code is None:
            self.good.append(url)
            return
        self.failures.append((host, url, code))
        if host is Host.LIVE_TIMING:
            self._refused_by_archive = url
        if response.status_code < 400:
            response.status_code = _BAD_GATEWAY


class MeteredAdapter(HTTPAdapter):
    """Takes the place of every adapter of FastF1's sessions, the one that signs in to an account included."""

    def __init__(self, meter: Meter) -> None:
        super().__init__()
        self._meter = meter

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        url = request.url or ""
        host = self._meter.host_of(url)
        try:
            self._meter.take_call(host, url)
            kwargs["timeout"] = self._meter.time_left()
            response = super().send(request, *args, **kwargs)
            self._meter.judge(host, url, response)
        except requests.exceptions.RequestException as error:
            self._meter.failed(host, url, error)
            if host is not Host.LIVE_TIMING:
                raise
            # FastF1 asks the mirror after a bad answer, not after none.
            response = self.build_response(request, _no_answer())
        if request.headers.get("Connection") == "close":
            # urllib3 keeps the connection all the same, and the next call would meet a host that hangs up.
            self.poolmanager.clear()
        return response


def _no_answer() -> HTTPResponse:
    return HTTPResponse(io.BytesIO(), status=_BAD_GATEWAY, preload_content=False)


def _code_of_status(status: int) -> ProblemCode | None:
    if status < 400:
        return None
    if status in (401, 403, 451):
        return ProblemCode.BLOCKED
    return ProblemCode.RATE_LIMITED if status == 429 else ProblemCode.UNAVAILABLE


def _code_of_body(host: Host, url: str, body: bytes, race: tuple[int, int] | None) -> ProblemCode | None:
    if not body.strip():
        return ProblemCode.EMPTY
    if ".jsonStream" in url and _STREAM_LINE.search(body):
        return None
    try:
        answer = json.loads(body.decode("utf-8-sig"))
    except ValueError:
        return ProblemCode.NOT_JSON
    if host is Host.ERGAST:
        return _code_of_ergast(answer, race)
    if host is Host.SCHEDULE:
        return None if isinstance(answer, dict) and answer.get("round_number") else ProblemCode.EMPTY
    return ProblemCode.EMPTY


def _code_of_ergast(answer: Any, race: tuple[int, int] | None) -> ProblemCode | None:
    try:
        races = answer["MRData"]["RaceTable"]["Races"]
        about = [(int(listed["season"]), int(listed["round"])) for listed in races]
    except (KeyError, TypeError, ValueError):
        return ProblemCode.NOT_JSON
    if not about:
        return ProblemCode.EMPTY
    return None if about == [race] else ProblemCode.WRONG_RACE
