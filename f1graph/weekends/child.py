"""A child process of our own command line: what it is told, what it says by line, and how it is ended."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from f1graph.errors import WorkError

_ENDS_WITHIN = timedelta(seconds=10)
# A forecast is one line; forty entries with forty places each make some 20 kB.
_LONGEST_LINE = 1024 * 1024


async def start_child(*arguments: str, environment: Mapping[str, str]) -> asyncio.subprocess.Process:
    """`f1graph` with these arguments: it can be written to and be read, and ends with this process."""
    return await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "f1graph", f"--parent={os.getpid()}", *arguments),
        env=dict(environment),
        # Ctrl-C is for us: we end it.
        start_new_session=True,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=_LONGEST_LINE,
    )


async def end_child(child: asyncio.subprocess.Process) -> None:
    """Asks it to end, and does not wait for long."""
    if child.returncode is not None:
        return
    child.terminate()
    try:
        async with asyncio.timeout(_ENDS_WITHIN.total_seconds()):
            await child.wait()
    except TimeoutError:
        child.kill()
        await child.wait()


def said(line: bytes) -> dict[str, Any]:
    """What a line of it says.

    Raises:
        WorkError: It is not JSON.
    """
    try:
        found = json.loads(line)
    except ValueError as error:
        raise WorkError(f"a child process said something unreadable: {line[:200]!r}") from error
    return found if isinstance(found, dict) else {}
