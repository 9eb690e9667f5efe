"""A real Chromium without a window, driven through its DevTools protocol.

A whole browser-driving library brings a Node and a browser of its own; what is needed here is small, and
speaks it with the WebSocket library that is there anyway.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection, connect

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_OPTIONS = (
    "--headless=new",
    # The tests may run as root, which the sandbox refuses; only our own pages are opened.
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--window-size=1400,900",
    "--remote-debugging-port=0",
    # There is no other host.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)
_PATIENCE = 60.0

Event = dict[str, Any]


def chromium_path() -> str | None:
    """The browser on this machine, if there is one."""
    return next((found for name in NAMES if (found := shutil.which(name))), None)


class Tab:
    """One tab, and all that happened in it and in its workers.

    Attributes:
        events: What the browser told, oldest first.
    """

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self._numbers = count(1)
        self._session: str | None = None
        self._replies: dict[int, Event] = {}
        self.events: list[Event] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")
        self.call("Target.setAutoAttach", autoAttach=True, waitForDebuggerOnStart=False, flatten=True)

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """The result of one command."""
        reply = self._reply(method, parameters)
        assert "error" not in reply, (method, reply)
        result: dict[str, Any] = reply["result"]
        return result

    def open(self, address: str) -> None:
        self.call("Page.navigate", url=address)

    def evaluate(self, script: str) -> Any:
        """What JavaScript in the page comes to; a promise is waited for."""
        result = self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in result, (script, result)
        return result["result"].get("value")

    def wait_until(self, condition: str) -> None:
        """Waits for JavaScript to be true in the page, or in the one that follows it."""
        script = f"new Promise(done => setTimeout(() => done(Boolean({condition})), 50))"
        parameters = {"expression": script, "awaitPromise": True, "returnByValue": True}
        deadline = time.monotonic() + _PATIENCE
        # A page that is left answers with an error.
        while (
            not self._reply("Runtime.evaluate", parameters).get("result", {}).get("result", {}).get("value")
        ):
            assert time.monotonic() < deadline, f"never came true: {condition}; {self.events[-5:]}"

    def wait_for(self, what: str, found: Callable[[], bool]) -> None:
        """Waits for the browser to tell something."""
        self._read_until(found, what)

    def _reply(self, method: str, parameters: dict[str, Any]) -> Event:
        number = self._send(method, parameters, self._session)
        self._read_until(lambda: number in self._replies, f"an answer to {method}")
        return self._replies.pop(number)

    def _send(self, method: str, parameters: dict[str, Any], session: str | None) -> int:
        number = next(self._numbers)
        message: dict[str, Any] = {"id": number, "method": method, "params": parameters}
        self._connection.send(json.dumps(message if session is None else message | {"sessionId": session}))
        return number

    def _read_until(self, reached: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + _PATIENCE
        while not reached():
            left = deadline - time.monotonic()
            assert left > 0, f"the browser did not give {what}; its last words: {self.events[-5:]}"
            message: Event = json.loads(self._connection.recv(timeout=left))
            if "id" in message:
                self._replies[message["id"]] = message
                continue
            self.events.append(message)
            if message["method"] == "Target.attachedToTarget":
                # A worker: what it loads and says counts as well.
                for domain in ("Runtime", "Log", "Network"):
                    self._send(f"{domain}.enable", {}, message["params"]["sessionId"])


@contextmanager
def a_tab(folder: Path) -> Iterator[Tab]:
    """A tab of a new browser whose profile is in `folder`."""
    path = chromium_path()
    assert path is not None
    process = subprocess.Popen(
        [path, *_OPTIONS, f"--user-data-dir={folder}", "about:blank"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stderr is not None
        # It says where it listens as soon as it does; what it says after that is not read.
        address = next(
            line.split(" on ", 1)[1].strip()
            for line in process.stderr
            if line.startswith("DevTools listening on ")
        )
        with connect(address, proxy=None, max_size=None, compression=None) as connection:
            yield Tab(connection)
            connection.send(json.dumps({"id": 0, "method": "Browser.close"}))
            process.wait(_PATIENCE)
    finally:
        process.kill()
        process.wait()
        assert process.stderr is not None
        process.stderr.close()
