"""Runs the recorded upstream in a process of its own, with two more ways of being wrong.

    python upstream_process.py REPLAY_PY RELEASE_ZIP

It says where it answers in one line, and ends when its standard input does: with whoever started it.

Beside the faults of `replay.py` it knows `wrong-race`, a sound answer about another race; `next-of-kin`, the
page of a session of the archive that is as much like this one as there is; and `five-laps`, the beginning of
a sound answer: its first five laps or rows.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import sys
import threading
import urllib.parse
from pathlib import Path
from typing import Any

import arro3.io

_FIVE = 5
_OUR_FAULTS = ("wrong-race", "next-of-kin", "five-laps")
_LAPS_SO_FAR = re.compile(rb'"NumberOfLaps":(\d+)')


def serve(replay: Any, release: Path) -> None:
    upstream = replay.Upstream(f1db=release)
    upstream.RequestHandlerClass = type("Handler", (replay.Handler,), {"do_GET": _get, "do_POST": _post})
    upstream.more = replay.Faults([])
    print(upstream.url, flush=True)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    upstream.serve_forever()


def _get(handler: Any) -> None:
    kind = handler.server.more.for_path(urllib.parse.unquote(handler.path))
    body = handler.body() if kind else None
    if body is None:
        sys.modules["replay"].Handler.do_GET(handler)
        return
    handler.server.note(kind, handler.path)
    path = urllib.parse.urlsplit(handler.path).path
    if kind in ("wrong-race", "next-of-kin"):
        handler.send(200, _of_another_race(handler, path, is_kin=kind == "next-of-kin"))
    else:
        handler.send(200, _FIVE_OF[path.split("/")[1]](body))


def _post(handler: Any) -> None:
    faults = json.loads(handler.rfile.read(int(handler.headers["Content-Length"])))
    ours = [fault for fault in faults if fault.rpartition(":")[2].partition("*")[0] in _OUR_FAULTS]
    handler.server.more.replace(ours)
    handler.server.faults.replace([fault for fault in faults if fault not in ours])
    handler.server.seen.clear()
    handler.send(200, b"{}")


def _of_another_race(handler: Any, path: str, *, is_kin: bool) -> bytes:
    """The season before's calendar, the round before's result, another session's recording."""
    if path.startswith("/schedule"):
        handler.path = re.sub(r"(\d{4})(?=\.json)", lambda year: str(int(year[1]) - 1), path)
    elif path.startswith("/ergast"):
        handler.path = re.sub(r"/(\d+)/(?=\w+\.json)", lambda round_: f"/{int(round_[1]) - 1}/", path)
    elif path.endswith("/LapCount.jsonStream"):
        return _lap_count_of_another_race()
    else:
        here = sys.modules["replay"].HERE
        own, _, page = urllib.parse.unquote(path).rpartition("/")
        others = sorted(
            f"/{file.relative_to(here)}".removesuffix(".gz") for file in here.glob(f"static/**/{page}.gz")
        )
        others = [other for other in others if not other.startswith(f"{own}/")]
        handler.path = max(others, key=lambda other: _likeness(other, own)) if is_kin else others[0]
    body: bytes = handler.body()
    return body


def _likeness(path: str, own: str) -> tuple[bool, bool]:
    """Of the same season, and of the same kind: practice, qualifying or race."""
    (_, _, season, _, session, _), (_, _, own_season, _, own_session) = path.split("/"), own.split("/")
    kind, own_kind = (name.split("_")[1] for name in (session, own_session))
    return season == own_season, kind == own_kind


def _lap_count_of_another_race() -> bytes:
    """The recordings have one only: another's is of Belgium 2024, as it was exported."""
    context = sys.modules["replay"].HERE.parent / "data" / "context"
    table = arro3.io.read_parquet(context / "lap_count.parquet").read_all()
    columns = [
        table.column(name).to_pylist()
        for name in ("Season", "RoundNumber", "Time", "CurrentLap", "TotalLaps")
    ]
    lines = []
    for season, round_, seconds, lap, of in zip(*columns, strict=True):
        if (season, round_) == (2024, 14):
            minutes, rest = divmod(seconds, 60)
            at = f"{int(minutes // 60):02}:{int(minutes % 60):02}:{rest:06.3f}"
            said = {
                name: int(value)
                for name, value in (("CurrentLap", lap), ("TotalLaps", of))
                if value == value and value is not None
            }
            lines.append(f"{at}{json.dumps(said)}\r\n")
    return "".join(lines).encode()


def _five_rows(body: bytes) -> bytes:
    answer = json.loads(body)
    for race in answer["MRData"]["RaceTable"]["Races"]:
        for name, rows in race.items():
            if isinstance(rows, list):
                race[name] = rows[:_FIVE]
    answer["MRData"]["total"] = str(_FIVE)
    return json.dumps(answer).encode()


def _five_weekends(body: bytes) -> bytes:
    columns = json.loads(body)
    return json.dumps({name: dict(list(column.items())[:_FIVE]) for name, column in columns.items()}).encode()


def _five_laps(body: bytes) -> bytes:
    """A recording of the timing until somebody begins the lap after the fifth."""
    kept = []
    for line in body.splitlines(keepends=True):
        if any(int(laps) > _FIVE for laps in _LAPS_SO_FAR.findall(line)):
            break
        kept.append(line)
    return b"".join(kept)


_FIVE_OF = {"ergast": _five_rows, "schedule": _five_weekends, "static": _five_laps}


def _end_with_parent() -> None:
    sys.stdin.read()
    os._exit(0)


def main() -> None:
    path, release = map(Path, sys.argv[1:])
    spec = importlib.util.spec_from_file_location("replay", path)
    assert spec is not None
    assert spec.loader is not None
    replay = importlib.util.module_from_spec(spec)
    sys.modules["replay"] = replay
    spec.loader.exec_module(replay)
    serve(replay, release)


if __name__ == "__main__":
    main()
