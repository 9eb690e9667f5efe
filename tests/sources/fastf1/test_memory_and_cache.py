"""What a fetch leaves behind on the machine: no frame in memory, and a cache that nobody needs."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import psutil

from f1graph.races.calendar import SessionKind
from f1graph.races.laps import SessionPart, WeatherSample
from f1graph.sources.fastf1 import Allowance, FastF1, SessionAnswer, planned_calls
from tests.sources.fastf1.hand_made import KNOWN, NOW, RACE
from tests.sources.fastf1.test_child import a_host, ergast_results, pages, source_at

A_GIGABYTE = 1_000_000_000


async def fetch(source: FastF1, *, use_cache: bool = True) -> SessionAnswer:
    return await source.fetch_session(
        RACE,
        SessionKind.RACE,
        known=KNOWN,
        allowance=Allowance(planned_calls(SessionKind.RACE)),
        use_cache=use_cache,
        now=NOW,
    )


async def test_a_session_is_gone_from_memory_before_the_next_is_loaded(tmp_path: Path) -> None:
    """S13: telemetry fills memory and disk: it is never asked for, and each session has its own process."""
    process = psutil.Process()
    with a_host(pages()) as (url, asked):
        source = source_at(url, cache=tmp_path)
        answers, children = [], []
        for _ in range(2):
            answers.append(await fetch(source))
            children += process.children(recursive=True)

    assert all(0 < answer.peak_memory < A_GIGABYTE for answer in answers)
    assert not [child for child in children if "f1graph" in " ".join(child.cmdline())]
    assert asked
    assert not any("CarData" in path or "Position.z" in path for path in asked)


async def test_a_deleted_cache_folder_changes_no_answer(tmp_path: Path) -> None:
    """S14: the cache is pickle that a new version cannot read, so it is disposable."""
    cache = tmp_path / "cache"
    with a_host(pages()) as (url, _):
        source = source_at(url, cache=cache)
        first = await fetch(source)
        was_used = any(cache.rglob("*"))
        shutil.rmtree(cache)
        again = await fetch(source)

    assert was_used
    assert first.facts.classifications
    assert again.facts.content_hash == first.facts.content_hash
    assert again.problems == first.problems


async def test_a_fetch_past_the_cache_sees_what_was_corrected_since(tmp_path: Path) -> None:
    """S7: FastF1 keeps what the hosts sent, and what it made of it; both are by-passed."""
    answers = pages()
    (weather,) = [path for path in answers if "WeatherData" in path]
    (ergast,) = [path for path in answers if "ergast" in path]
    corrected = ergast_results()
    table: Any = corrected["MRData"]
    table["RaceTable"]["Races"][0]["Results"][-1] |= {"positionText": "R", "status": "Engine"}
    with a_host(answers) as (url, _):
        source = source_at(url, cache=tmp_path)
        first = await fetch(source)
        answers[weather] = answers[weather].replace("21.5", "30.0")
        answers[ergast] = json.dumps(corrected)
        cached = await fetch(source)
        anew = await fetch(source, use_cache=False)

    assert (told(first), told(cached)) == ((21.5, None), (21.5, None))
    assert told(anew) == (30.0, "Engine")


def told(answer: SessionAnswer) -> tuple[float | None, str | None]:
    """How warm it was by the timing archive, and why the last car stopped by Ergast."""
    (weather,) = [one for one in answer.facts.recordings if one.part is SessionPart.WEATHER]
    sample = weather.rows[0]
    assert isinstance(sample, WeatherSample)
    return sample.air_temperature, answer.facts.classifications[0].rows[-1].reason_retired
