"""Open-Meteo on 127.0.0.1, as its documentation says that it answers, and as it should not."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

# What is asked, and an answer to it.
Change = Callable[[dict[str, Any]], Any]


@dataclass
class WeatherHost:
    """Where it answers, and what it was asked.

    Attributes:
        date: What its clock shows; None: it has none.
        status: What it answers with.
        change: What becomes of a good answer before it is sent; bytes are sent as they are.
        hangs: It never answers until this is set.
    """

    url: str = ""
    date: datetime | None = None
    status: int = 200
    change: Change = lambda answer: answer
    hangs: threading.Event | None = None
    asked: list[dict[str, str]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)

    def answer(self, query: dict[str, str]) -> bytes:
        changed = self.change(good_answer(query))
        return changed if isinstance(changed, bytes) else json.dumps(changed).encode()


def good_answer(query: dict[str, str]) -> dict[str, Any]:
    """The weather gets worse hour by hour."""
    first, last = (
        datetime.fromisoformat(query[name]).replace(tzinfo=UTC) for name in ("start_hour", "end_hour")
    )
    ends = [first + timedelta(hours=n) for n in range((last - first) // timedelta(hours=1) + 1)]
    return {
        # The middle of a cell of a grid.
        "latitude": round(float(query["latitude"]) * 4) / 4,
        "longitude": round(float(query["longitude"]) * 4) / 4,
        "generationtime_ms": 0.05,
        "utc_offset_seconds": 0,
        "timezone": "GMT",
        "timezone_abbreviation": "GMT",
        "elevation": 162.0,
        "hourly_units": {
            "time": "unixtime",
            "precipitation_probability": "%",
            "precipitation": "mm",
            "temperature_2m": "°C",
            "wind_speed_10m": "m/s",
        },
        "hourly": {
            "time": [int(end.timestamp()) for end in ends],
            "precipitation_probability": [min(n, 100) for n in range(len(ends))],
            "precipitation": [n / 10 for n in range(len(ends))],
            "temperature_2m": [25.0 - n / 10 for n in range(len(ends))],
            "wind_speed_10m": [None for _ in ends],
        },
    }


@contextmanager
def weather_host() -> Iterator[WeatherHost]:
    host = WeatherHost()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            host.asked.append(query)
            host.paths.append(parts.path)
            if host.hangs is not None:
                host.hangs.wait()
                return
            body = host.answer(query)
            self.send_response_only(host.status)
            if host.date is not None:
                self.send_header("Date", format_datetime(host.date, usegmt=True))
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    host.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield host
    finally:
        if host.hangs is not None:
            host.hangs.set()
        server.shutdown()
        server.server_close()
        thread.join()
