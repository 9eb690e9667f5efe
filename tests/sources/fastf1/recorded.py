"""The outside world as it was recorded, replayed on 127.0.0.1; tests of it are skipped where it is absent."""

from __future__ import annotations

import tarfile
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from f1graph.races.calendar import Race, SessionKind
from f1graph.races.results import Classification, ClassificationKind
from f1graph.sources.fastf1 import Allowance, FastF1, Hosts, SessionAnswer, planned_calls
from f1graph.sources.identity import Known
from tests.real_data import f1db_facts
from tests.upstream import upstream_folder

NOW = datetime(2025, 12, 12, 12, tzinfo=UTC)
RAW_SESSIONS = (
    ("2020-70th-anniversary", SessionKind.PRACTICE_2),
    ("2025-qatar", SessionKind.SPRINT),
    ("2025-emilia-romagna", SessionKind.QUALIFYING),
    ("2025-sao-paulo", SessionKind.SPRINT_QUALIFYING),
    ("2025-italy", SessionKind.PRACTICE_1),
    ("2025-austria", SessionKind.PRACTICE_3),
    ("2025-las-vegas", SessionKind.PRACTICE_2),
)


def hosts_at(url: str) -> Hosts:
    return Hosts(url, url, f"{url}/schedule/", f"{url}/ergast/f1")


def unpack_weekend(weekend: str, folder: Path) -> Path:
    """FastF1's own cache of one weekend of 2024."""
    with tarfile.open(upstream_folder() / "fastf1-cache" / "weekends-2024.tar.xz") as archive:
        members = [member for member in archive if weekend in member.name]
        archive.extractall(folder, members=members, filter="data")
    return folder


def race_of(race_id: str) -> Race:
    return next(race for race in f1db_facts().races if race.id == race_id)


def published(race_id: str, kind: ClassificationKind) -> Classification:
    return next(
        listed for listed in f1db_facts().classifications if (listed.race_id, listed.kind) == (race_id, kind)
    )


@cache
def known_in(season: int) -> Known:
    facts = f1db_facts()
    entries = [
        entry
        for listed in facts.classifications
        if listed.race_id.startswith(str(season)) and listed.kind is ClassificationKind.RACE
        for entry in listed.entries()
    ]
    return Known(facts.drivers, facts.constructors, season_entries=tuple(entries))


async def fetch(
    url: str,
    race_id: str,
    session: SessionKind,
    *,
    cache: Path | None = None,
    allowance: Allowance | None = None,
    deadline: timedelta = timedelta(seconds=60),
    call_timeout: timedelta = timedelta(seconds=15),
) -> SessionAnswer:
    race = race_of(race_id)
    source = FastF1(hosts=hosts_at(url), cache=cache, deadline=deadline, call_timeout=call_timeout)
    return await source.fetch_session(
        race,
        session,
        known=known_in(race.season),
        allowance=allowance or Allowance(planned_calls(session), timedelta(0)),
        use_cache=cache is not None,
        now=NOW,
    )
