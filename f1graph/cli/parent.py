"""A child of `f1graph up` leaves when its parent was killed: nobody else would end it."""

from __future__ import annotations

import os
import signal
import threading
import time
from datetime import timedelta

_LOOKS_EVERY = timedelta(seconds=1)


def leave_with(parent: int) -> None:
    """Sends this process SIGTERM once `parent` is no longer its parent."""
    threading.Thread(target=_watch, args=(parent,), name="watch parent", daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_LOOKS_EVERY.total_seconds())
    os.kill(os.getpid(), signal.SIGTERM)
