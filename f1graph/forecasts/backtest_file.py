"""The file of a back-test: a CSV with a row per race, driver, stage and model, and its journal.

The journal (`….journal`) lies beside it: its first line says what was asked for, every further line seals
one block of rows, the forecast of one race at one stage by one model. What a stop tore is not sealed, so
it is cut off and made again.
"""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from f1graph.errors import ForecastError
from f1graph.races.calendar import Race
from f1graph.races.forecast import Forecast, ScoredForecast
from f1graph.races.measures import Measure
from f1graph.races.stages import Stage

# What is forecast: race, stage, model.
Key = tuple[str, Stage, str]

HORIZONS: Mapping[Stage, str] = {
    stage: {Stage.AFTER_PRACTICE: "pre_quali", Stage.AFTER_QUALIFYING: "post_quali"}.get(stage, stage.lower())
    for stage in Stage
}


@dataclass(frozen=True, slots=True)
class Drawn:
    """What the draws say of a race as a whole; a row per driver cannot hold it.

    Attributes:
        retirements: In how many draws 0, 1, 2 … cars retired.
        teams_out: In how many draws 0, 1, 2 … teams lost all their cars, of those with more than one.
        teams_in_points: In how many 0, 1, 2 … of them had all their cars in the first ten; empty in a
            journal of an older version.
    """

    retirements: tuple[int, ...]
    teams_out: tuple[int, ...]
    teams_in_points: tuple[int, ...] = ()


@dataclass(frozen=True)
class Seal:
    """What the journal tells of one block.

    Attributes:
        drawn: None in a journal of an older version.
    """

    scored: ScoredForecast
    drawn: Drawn | None

    @property
    def key(self) -> Key:
        return self.scored.race_id, self.scored.stage, self.scored.model


@dataclass(frozen=True)
class Journal:
    """A journal as it was read.

    Attributes:
        settings: Everything that the numbers depend on.
        width: Position columns of the CSV.
        seals: With the byte at which each block of the CSV ends, in the order of the file.
    """

    settings: Mapping[str, Any]
    width: int
    seals: tuple[tuple[Seal, int], ...]


def journal_of(out: Path) -> Path:
    return out.with_name(out.name + ".journal")


def read_journal(out: Path) -> Journal:
    """The journal beside `out`, as far as it is whole.

    Raises:
        ForecastError: There is none, or it is none.
    """
    path = journal_of(out)
    try:
        first, *lines = path.read_bytes().splitlines(keepends=True)
        begun = json.loads(first)
        seals = tuple(_read_seal(line) for line in lines if line.endswith(b"\n"))
        return Journal(begun["settings"], begun["width"], seals)
    except FileNotFoundError as error:
        raise ForecastError(f"beside {out} lies no {path.name}: it was not made by a back-test") from error
    except (ValueError, KeyError) as error:
        raise ForecastError(f"{path} is no journal of a back-test: {error}") from error


def forecast_rows(race: Race, forecast: Forecast, *, width: int) -> str:
    """The lines of one forecast: by driver id, places beyond the field empty."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    for entry in forecast.entries:
        places = [_number(probability) for probability in entry.position_probabilities]
        writer.writerow(
            [
                race.season,
                race.round,
                entry.driver_id,
                HORIZONS[forecast.stage],
                forecast.model,
                *(_number(value) for value in (entry.win, entry.podium, entry.points, entry.retirement)),
                entry.expected_position,
                *places,
                *[""] * (width - len(places)),
            ]
        )
    return text.getvalue()


def header(width: int) -> str:
    columns = ["season", "round", "driver_id", "horizon", "model", "p_win", "p_podium", "p_points", "p_dnf"]
    places = [f"p_pos_{place}" for place in range(1, width + 1)]
    return ",".join([*columns, "expected_position", *places]) + "\n"


def _number(probability: float) -> str:
    return f"{probability:.8g}"


class BacktestFile:
    """The rows and, beside them, the journal that seals them block by block.

    Attributes:
        sealed: What is there already, in the order of the file.
    """

    def __init__(self, out: Path, width: int, sealed: dict[Key, Seal]) -> None:
        self.sealed = sealed
        self._width = width
        self._rows = out.open("ab")
        self._journal = journal_of(out).open("ab")

    @classmethod
    def open(cls, out: Path, settings: dict[str, Any], *, width: int) -> BacktestFile:
        """Begins a file, or goes on with one that was made with the same settings.

        Raises:
            ForecastError: `out` was made with other settings or by something else.
        """
        journal = journal_of(out)
        first = json.dumps({"settings": settings, "width": width}, sort_keys=True) + "\n"
        if journal.exists():
            return cls(out, width, _recover(out, journal, first))
        if out.exists() and out.stat().st_size:
            raise ForecastError(
                f"{out} is there already, but not its journal {journal.name}, so it cannot be "
                "continued. Move it away or name another file."
            )
        out.parent.mkdir(parents=True, exist_ok=True)
        _write_durably(out, header(width).encode())
        _write_durably(journal, first.encode())
        return cls(out, width, {})

    def scored(self) -> Iterator[ScoredForecast]:
        return (seal.scored for seal in self.sealed.values())

    def append(self, race: Race, forecast: Forecast, seal: Seal) -> None:
        self.append_rows(forecast_rows(race, forecast, width=self._width).encode(), seal)

    def append_rows(self, rows: bytes, seal: Seal) -> None:
        """Rows first, then the seal: a stop in between leaves rows that the next run cuts off."""
        _append_durably(self._rows, rows)
        _append_durably(self._journal, _sealing_line(seal, end=self._rows.tell()))
        self.sealed[seal.key] = seal

    def __enter__(self) -> BacktestFile:
        return self

    def __exit__(self, *exc: object) -> None:
        self._rows.close()
        self._journal.close()


def seal_as_json(seal: Seal) -> dict[str, Any]:
    """What `seal_from_json` reads, in the order in which the journal tells it."""
    scored = seal.scored
    return {
        "forecast_id": scored.forecast_id,
        "race_id": scored.race_id,
        "season": scored.season,
        "stage": scored.stage,
        "model": scored.model,
        "model_version": scored.model_version,
        "cutoff": scored.cutoff.isoformat(),
        "made_at": scored.made_at.isoformat(),
        "retrospective": scored.retrospective,
        "values": dict(scored.values),
        "drawn": None if seal.drawn is None else asdict(seal.drawn),
    }


def seal_from_json(facts: Mapping[str, Any]) -> Seal:
    """The seal that these facts tell of.

    Raises:
        KeyError, ValueError, TypeError: They are of something else.
    """
    drawn = facts.get("drawn")
    scored = ScoredForecast(
        **{
            **{name: value for name, value in facts.items() if name != "drawn"},
            "stage": Stage(facts["stage"]),
            "cutoff": datetime.fromisoformat(facts["cutoff"]),
            "made_at": datetime.fromisoformat(facts["made_at"]),
            "values": {Measure(measure): value for measure, value in facts["values"].items()},
        }
    )
    told = None if drawn is None else Drawn(**{name: tuple(counts) for name, counts in drawn.items()})
    return Seal(scored, told)


def _sealing_line(seal: Seal, *, end: int) -> bytes:
    return (json.dumps({"end": end, **seal_as_json(seal)}) + "\n").encode()


def _read_seal(line: bytes) -> tuple[Seal, int]:
    facts = json.loads(line)
    end = int(facts.pop("end"))
    return seal_from_json(facts), end


def _recover(out: Path, journal: Path, first: str) -> dict[Key, Seal]:
    """Reads the seals, and cuts off both files behind the last block that is whole."""
    size = out.stat().st_size if out.exists() else 0
    lines = journal.read_bytes().splitlines(keepends=True)
    _refuse_other_settings(out, lines[0] if lines else b"", first)
    end, kept = len(header(json.loads(first)["width"])), 1
    if size < end:
        raise ForecastError(f"{out} has lost its first line. Remove it and {journal.name} to start again.")
    sealed: dict[Key, Seal] = {}
    for line in lines[1:]:
        if not line.endswith(b"\n"):
            break
        seal, sealed_end = _read_seal(line)
        if sealed_end > size:
            break
        end = sealed_end
        kept += 1
        sealed[seal.key] = seal
    os.truncate(out, end)
    os.truncate(journal, sum(len(line) for line in lines[:kept]))
    return sealed


def _refuse_other_settings(out: Path, found: bytes, wanted: str) -> None:
    if found == wanted.encode():
        return
    try:
        before = json.loads(found)["settings"]
    except (ValueError, KeyError):
        before = {}
    now = json.loads(wanted)["settings"]
    other = sorted(name for name in now if before.get(name) != now[name])
    said = "; ".join(f"{name} was {before.get(name)}, is {now[name]}" for name in other)
    raise ForecastError(
        f"{out} was made with other settings ({said or 'another field size'}). "
        "Name another file, or remove this one and its journal."
    )


def _write_durably(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        _append_durably(file, content)


def _append_durably(file: Any, content: bytes) -> None:
    file.write(content)
    file.flush()
    os.fsync(file.fileno())
