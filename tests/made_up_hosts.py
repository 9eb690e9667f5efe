"""A made-up season of 2030, answered on 127.0.0.1 as the four hosts that FastF1 asks would answer.

Timing is refused, as a cloud address finds it; results, weather, flags and messages are there.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from f1graph.races.calendar import Race, Session, SessionKind
from f1graph.races.facts import Facts
from f1graph.races.results import Classification
from f1graph.settings import Settings
from f1graph.sources.fastf1 import Host
from tests.builders import a_circuit, a_row, an_entry_list
from tests.sources.fastf1.hand_made import DRIVERS, LAPS, RACE, TEAMS

_POINTS = (25, 18, 15, 12, 10, 8, 6, 4, 2, 1)
_LANDS = ("Atlantis", "Lemuria", "Hyperborea", "Thule")
_FIRST = datetime(2030, 6, 2, 13, tzinfo=UTC)
_PREFIX = {
    Host.LIVE_TIMING: "/live",
    Host.LIVE_TIMING_MIRROR: "/mirror",
    Host.SCHEDULE: "/schedule",
    Host.ERGAST: "/ergast",
}


def a_made_up_season(rounds: int) -> tuple[Race, ...]:
    """Races a week apart; of their sessions only qualifying and race were timed."""
    return tuple(
        replace(
            RACE,
            id=f"2030-{land.lower()}",
            round=number,
            grand_prix_id=land.lower(),
            name=f"{land} Grand Prix",
            official_name="",
            circuit_id="monza",
            date=starts_at.date(),
            sessions=(Session(SessionKind.RACE, starts_at, starts_at + timedelta(hours=2)),),
        )
        for number, land in enumerate(_LANDS[:rounds], start=1)
        for starts_at in [_FIRST + timedelta(weeks=number - 1)]
    )


def facts_before(races: tuple[Race, ...]) -> Facts:
    """What F1DB knows before the season: calendar, people and who is entered."""
    return Facts(
        source="f1db",
        version="2030",
        content_hash="before the season",
        circuits=(a_circuit(),),
        drivers=DRIVERS,
        constructors=TEAMS,
        races=races,
        classifications=tuple(_entered(race) for race in races),
    )


def _entered(race: Race) -> Classification:
    rows = tuple(
        replace(
            a_row(place, driver.id),
            constructor_id=TEAMS[(place - 1) // 2].id,
            car_number=str(place),
            position=None,
        )
        for place, driver in enumerate(DRIVERS, start=1)
    )
    return replace(an_entry_list(race, [driver.id for driver in DRIVERS]), rows=rows)


@dataclass
class Asked:
    """One request.

    Attributes:
        at: On the monotonic clock.
        status: What it was answered with; None if it was not.
    """

    host: Host
    path: str
    at: float
    status: int | None = None


@dataclass
class MadeUpHosts:
    """Where the hosts answer, and what they were asked.

    Attributes:
        on_request: Called with the number of each request before it is answered.
    """

    url: str
    answers: dict[str, str]
    asked: list[Asked] = field(default_factory=list)
    on_request: Callable[[int], None] = lambda number: None

    def settings(self, **more: Any) -> Settings:
        return Settings(**self.environment_of_settings() | more)

    def environment_of_settings(self) -> dict[str, str]:
        return {
            "live_timing_url": f"{self.url}/live",
            "live_timing_mirror_url": f"{self.url}/mirror",
            "schedule_url": f"{self.url}/schedule/",
            "ergast_url": f"{self.url}/ergast/f1",
            "model": "rating",
        }

    def of(self, host: Host) -> list[Asked]:
        return [one for one in self.asked if one.host is host]


@contextmanager
def made_up_hosts(races: tuple[Race, ...]) -> Iterator[MadeUpHosts]:
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            host = next(host for host, prefix in _PREFIX.items() if path.startswith(prefix))
            with lock:
                one = Asked(host, path, time.monotonic())
                hosts.asked.append(one)
                number = len(hosts.asked)
            hosts.on_request(number)
            body = hosts.answers.get(path)
            status = 403 if body is None else 200
            content = (body or "{}").encode()
            try:
                self.send_response(status)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)
            except OSError:  # who asked was killed
                return
            one.status = status

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    hosts = MadeUpHosts(f"http://127.0.0.1:{server.server_port}", _answers(races))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield hosts
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _answers(races: tuple[Race, ...]) -> dict[str, str]:
    answers = {"/schedule/schedule_2030.json": json.dumps(_schedule(races))}
    for race in races:
        day = f"{race.date:%Y-%m-%d}"
        archive = f"/live/static/2030/{day}_{race.name.replace(' ', '_')}/{day}_Race/"
        answers[f"/ergast/f1/2030/{race.round}/results.json"] = json.dumps(_results(race))
        weather = {
            "AirTemp": "21.5", "Humidity": "50.0", "Pressure": "1010.0", "Rainfall": "0",
            "TrackTemp": "30.0", "WindDirection": "180", "WindSpeed": "1.0",
        }  # fmt: skip
        message = {
            "Utc": f"{day}T13:05:00", "Category": "Flag", "Flag": "GREEN", "Message": "GREEN LIGHT",
        }  # fmt: skip
        answers[f"{archive}WeatherData.jsonStream"] = _stream("00:01:00.000", weather)
        answers[f"{archive}TrackStatus.jsonStream"] = _stream(
            "00:00:00.000", {"Status": "1", "Message": "AllClear"}
        )
        answers[f"{archive}RaceControlMessages.jsonStream"] = _stream("00:05:00.000", {"Messages": [message]})
    return answers


def _stream(at: str, entry: object) -> str:
    return f"{at}{json.dumps(entry)}\r\n"


def _schedule(races: tuple[Race, ...]) -> dict[str, dict[str, Any]]:
    def of_each(*values: Any) -> dict[str, Any]:
        return {str(number): value for number, value in enumerate(values)}

    days = [f"{race.date:%Y-%m-%d}" for race in races]
    lands = [race.name.removesuffix(" Grand Prix") for race in races]
    answer = {
        "round_number": of_each(*(race.round for race in races)),
        "country": of_each(*lands),
        "location": of_each(*lands),
        "official_event_name": of_each(*("" for _ in races)),
        "event_date": of_each(*(f"{day}T00:00:00" for day in days)),
        "event_name": of_each(*(race.name for race in races)),
        "event_format": of_each(*("conventional" for _ in races)),
        "gmt_offset": of_each(*("00:00" for _ in races)),
        "f1_api_support": of_each(*(True for _ in races)),
    }
    sessions = ("Practice 1", "Practice 2", "Practice 3", "Qualifying", "Race")
    for number, name in enumerate(sessions, start=1):
        answer[f"session{number}"] = of_each(*(name for _ in races))
        answer[f"session{number}_date"] = of_each(*(f"{day}T{8 + number:02}:00:00" for day in days))
    return answer


def _results(race: Race) -> dict[str, Any]:
    rows = [
        {
            "number": str(place),
            "position": str(place),
            "positionText": str(place),
            "points": str(_POINTS[place - 1] if place <= len(_POINTS) else 0),
            "Driver": {
                "driverId": driver.last_name.lower(),
                "code": driver.code,
                "givenName": driver.first_name,
                "familyName": driver.last_name,
            },
            "Constructor": {"constructorId": "t", "name": TEAMS[(place - 1) // 2].name},
            "grid": str(place),
            "laps": str(LAPS),
            "status": "Finished",
            "Time": {"millis": "5400000", "time": "1:30:00.000" if place == 1 else f"+{place}.000"},
        }
        for place, driver in enumerate(DRIVERS, start=1)
    ]
    listed = {
        "season": "2030", "round": str(race.round), "raceName": race.name, "date": f"{race.date}",
        "Results": rows,
        "Circuit": {"circuitId": "a", "circuitName": "A", "Location": {"country": "A"}},
    }  # fmt: skip
    table = {"season": "2030", "round": str(race.round), "Races": [listed]}
    return {"MRData": {"limit": "30", "offset": "0", "total": str(len(rows)), "RaceTable": table}}
