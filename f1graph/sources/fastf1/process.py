"""Starts the child, hands it the request, and ends it at the deadline: nothing in it can hold us up."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from f1graph.sources.fastf1.answers import Allowance, Failure, Host, Hosts, ProblemCode

_CHILD = "f1graph.sources.fastf1.child"
_LINES_OF_TRACE = 3


@dataclass(frozen=True)
class Request:
    """What the child is asked.

    Attributes:
        round: None for the season's schedule.
        names: What the session is called in the schedule, by season and format.
        cache: None for none at all.
    """

    season: int
    round: int | None
    names: tuple[str, ...]
    hosts: Hosts
    allowance: Allowance
    cache: Path | None
    use_cache: bool
    deadline: timedelta
    call_timeout: timedelta


@dataclass(frozen=True)
class Answer:
    """What the child said.

    Attributes:
        error: Why there is no answer, where there is none.
        body: The answer itself, plain values.
        log: What FastF1 warned of.
        version: Of FastF1.
        peak_memory: The most bytes that the child held; 0 where it could not tell.
    """

    error: tuple[ProblemCode, str] | None = None
    body: dict[str, Any] = field(default_factory=dict)
    calls: Mapping[Host, int] = field(default_factory=dict)
    raw_hashes: dict[str, str] = field(default_factory=dict)
    failures: tuple[Failure, ...] = ()
    log: tuple[str, ...] = ()
    version: str = ""
    peak_memory: int = 0


async def ask_child(request: Request) -> Answer:
    """One child, one answer. A child that fails, or is still there at the deadline, is an answer too.

    How many calls a child made that did not live to tell, nobody knows: the whole allowance counts as made.
    """
    with tempfile.TemporaryDirectory(prefix="f1graph-fastf1-") as folder:
        answer = await _run(request, Path(folder))
    return answer if answer.version else replace(answer, calls=request.allowance.calls)


async def _run(request: Request, folder: Path) -> Answer:
    seconds = request.deadline.total_seconds()
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        _CHILD,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(seconds):
            said, complained = await child.communicate(_written(request, folder))
    except TimeoutError:
        reason = f"gave no answer within {seconds:g} s and was ended"
        return Answer(error=(ProblemCode.TIMED_OUT, f"FastF1 {reason}"))
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    if child.returncode != 0:
        last = " | ".join(complained.decode(errors="replace").strip().splitlines()[-_LINES_OF_TRACE:])
        reason = f"FastF1's process ended with {child.returncode}: {last or 'it said nothing'}"
        return Answer(error=(ProblemCode.CRASHED, reason))
    # A race is half a megabyte: too much for the event loop.
    return await asyncio.to_thread(_read, said)


def _written(request: Request, folder: Path) -> bytes:
    words = {
        "season": request.season,
        "round": request.round,
        "names": request.names,
        "hosts": asdict(request.hosts),
        "calls": {host.value: calls for host, calls in request.allowance.calls.items()},
        "interval": request.allowance.interval.total_seconds(),
        "cache": str(folder if request.cache is None else request.cache),
        "use_cache": request.use_cache and request.cache is not None,
        "seconds": request.deadline.total_seconds(),
        "call_timeout": request.call_timeout.total_seconds(),
        # The monotonic clock is one for all processes of a machine.
        "asked_at": time.monotonic(),
        "parent": os.getpid(),
    }
    return json.dumps(words).encode()


def _read(said: bytes) -> Answer:
    try:
        body = json.loads(said)
        error = body.pop("error")
        return Answer(
            error=None if error is None else (ProblemCode(error[0]), error[1]),
            calls={Host(host): calls for host, calls in body.pop("calls").items()},
            raw_hashes=body.pop("raw_hashes"),
            failures=tuple(
                Failure(Host(host), address, ProblemCode(code))
                for host, address, code in body.pop("failures")
            ),
            log=tuple(body.pop("log")),
            version=body.pop("version"),
            peak_memory=body.pop("peak_memory"),
            body=body,
        )
    except (ValueError, KeyError, TypeError) as error:
        return Answer(error=(ProblemCode.CRASHED, f"FastF1's process gave no readable answer: {error}"))
