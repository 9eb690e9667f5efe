"""The service about itself: versions, freshness, and whose data it is."""

# Strawberry's decorator is typed as Any without its plugin for mypy.
# mypy: disallow-untyped-decorators=False

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import strawberry
from strawberry import field

from f1graph.api.calendar import Race
from f1graph.api.context import Info
from f1graph.races.calendar import Race as RaceRecord
from f1graph.store.budget import Spent
from f1graph.store.freshness import ImportRow
from f1graph.store.ledger import LedgerRow, WorkStatus

UNOFFICIAL = (
    "Unofficial; not associated in any way with the Formula 1 companies. F1, FORMULA ONE, FORMULA 1, FIA "
    "FORMULA "
    "ONE WORLD CHAMPIONSHIP, GRAND PRIX and related marks are trade marks of Formula One Licensing B.V."
)


@strawberry.type(description="The last time that facts of a source were stored.")
class Import:
    version: str = field(description="The source's release or run.")
    imported_at: datetime = field(description="When it was stored.")
    new_revisions: int = field(description="How many lists were new or corrected.")


@strawberry.type(description="A part of an answer that a source did not give, or gave wrongly.")
class PartProblem:
    part: str = field(
        description="`CLASSIFICATION`, `LAPS`, `WEATHER`, `WEATHER_FORECAST` …; `SESSION` or `SCHEDULE` "
        "for all of it."
    )
    code: str = field(
        description="For machines: `BLOCKED`, `TIMED_OUT`, `WRONG_RACE`, `UNKNOWN_ID` and others."
    )
    reason: str = field(description="For people, with the value at fault.")
    host: str | None = field(description="The host that is to blame. Null if none is.")


@strawberry.type(description="What went wrong with a source last.")
class SourceProblem:
    at: datetime = field(description="When.")
    code: str = field(description="Of the problem, or of the error if nothing came at all.")
    reason: str = field(description="For people.")
    work: str = field(description="The unit of work: `Refresh.key`.")


@strawberry.type(
    description="Calls to a host in the last hour. All processes share one budget, so that no host is asked "
    "too often."
)
class HostBudget:
    host: str = field(
        description="`live_timing`, `live_timing_mirror`, `schedule`, `ergast` or `open_meteo`."
    )
    used: int = field(description="Calls made in the last hour.")
    reserved: int = field(description="Calls set aside for a fetch that goes on now.")
    per_hour: int = field(description="Calls that an hour may have.")
    left: int = field(description="Calls that may still be made now.")


@strawberry.type(description="Where facts come from, and on what terms.")
class Source:
    name: str = field(
        description="`f1db`, `fastf1`, `open-meteo` or `invented`; the same as wherever a `source` is told."
    )
    attribution: str = field(description="What to say beside its data.")
    licence: str = field(description="The terms of its data.")
    url: str | None = field(description="Where it is to be found. Null for the invented championship.")
    last_import: Import | None = field(description="Null if nothing was imported from it.")
    last_success: datetime | None = field(
        description="When it last gave something, by the newest 200 fetches. Null if it did not."
    )
    last_problem: SourceProblem | None = field(
        description="What it did not give last, by the newest 200 fetches. Null if nothing is missing. The "
        "service stays ready meanwhile: it answers from what is stored."
    )
    budget: list[HostBudget] = field(description="Its hosts, at most four. Empty where nothing is counted.")


@strawberry.type(description="A unit of the service's work.")
class Work:
    key: str = field(description="Unique: kind, race, stage, and what else tells it from others.")
    kind: str = field(description="What kind of work.")
    status: WorkStatus = field(description="How it stands.")
    attempts: int = field(description="How often it was begun.")
    started_at: datetime = field(description="When the last attempt began.")
    finished_at: datetime | None = field(description="When it ended. Null while it is being done.")


@strawberry.type(description="How far the training of a model is, and what came of it.")
class TrainingReport:
    fits: int | None = field(
        description="How many fits of its members are ready, the walk's included. Null when it is done."
    )
    expected_fits: int | None = field(description="How many there will be. Null where that is not known.")
    bundle: str | None = field(description="What was trained: `Bundle.key`. Null while it is not done.")
    is_in_use: bool | None = field(
        description="Whether it took the place of the one before. Null while it is not done."
    )
    why: str | None = field(description="Why it did or did not, for people. Null while it is not done.")


@strawberry.type(description="A unit of the service's work as the ledger has it, with what it lacked.")
class Refresh(Work):
    reason: str | None = field(description="Why the last attempt failed or waits. Null if neither.")
    again_at: datetime | None = field(
        description="When it may be begun again. Null if it is done or being done."
    )
    calls: int = field(description="Calls it made to hosts.")
    new_revisions: int = field(description="Lists that it found new or corrected.")
    problems: list[PartProblem] = field(
        description="The parts that were missing, at most a dozen. The others were stored."
    )
    training: TrainingReport | None = field(
        description="How far a training is, or what came of it. Null for other work, and at its beginning."
    )
    race_id: strawberry.Private[str | None]

    @field(
        description="The race it was for. Null for work of all races, and where the race is not in the "
        "calendar any more."
    )
    async def race(self, info: Info) -> Race | None:
        record = None if self.race_id is None else await info.context.loaders.race.load(self.race_id)
        return None if record is None else Race.of(record)


@strawberry.type(description="What answers here, how fresh its data is, and on what terms it may be used.")
class Service:
    version: str = field(description="The version of f1graph.")
    now: datetime = field(
        description="The service's clock: nothing learned later is shown. It may be set to a past weekend."
    )
    database: str = field(description="`sqlite` or `postgresql`.")
    schema_revision: str = field(description="The migration that the database is at.")
    data_version: int = field(
        description="Counts up with everything that is published: an answer of the same version is the same."
    )
    invented: bool = field(
        description="True if the races are those of an invented championship, which is used where no real "
        "data is."
    )
    sources: list[Source] = field(description="Every source, its terms and its last import; a handful.")
    last_work: list[Work] = field(description="The last 10 units of work that were begun, newest first.")
    notice: str = field(description="The trade mark notice. Show it wherever this data is shown.")
    newest: strawberry.Private[RaceRecord | None]

    @field(
        description="The last race whose classification is known: how far the facts reach. Null without any."
    )
    def newest_classified_race(self) -> Race | None:
        return None if self.newest is None else Race.of(self.newest)


_TERMS = {
    "f1db": (
        "Data: F1DB",
        "CC BY 4.0: free to use, with the attribution.",
        "https://github.com/f1db/f1db",
    ),
    "fastf1": (
        "Data: FastF1, and jolpica-f1 for schedule and results",
        "Jolpica data is CC BY-NC-SA 4.0: with the attribution, not for commercial use, shared alike.",
        "https://github.com/jolpica/jolpica-f1",
    ),
    "open-meteo": (
        "Weather forecasts: Open-Meteo.com",
        "CC BY 4.0: with the attribution. The free service is not for commercial use.",
        "https://open-meteo.com",
    ),
    "invented": ("Invented by f1graph", "Nobody's: free to use, and it means nothing.", None),
}


# Who counts the calls to which hosts.
_HOSTS = {
    "fastf1": ("live_timing", "live_timing_mirror", "schedule", "ergast"),
    "open-meteo": ("open_meteo",),
}
HOSTS = tuple(host for hosts in _HOSTS.values() for host in hosts)
_PROBLEMS_SHOWN = 12


def sources(
    imported: list[ImportRow],
    fetches: list[LedgerRow],
    spent: Mapping[str, Spent],
    per_hour: Mapping[str, int],
) -> list[Source]:
    last = {row.source: row for row in imported}
    return [
        Source(
            name=name,
            attribution=attribution,
            licence=licence,
            url=url,
            last_import=None
            if name not in last
            else Import(
                version=last[name].version,
                imported_at=last[name].imported_at,
                new_revisions=last[name].new_revisions,
            ),
            last_success=next(
                (row.finished_at for row in of_source(fetches, name) if row.status is WorkStatus.DONE), None
            ),
            last_problem=next(
                (found for row in of_source(fetches, name) if (found := _last_problem(row))), None
            ),
            budget=[
                HostBudget(
                    host=host,
                    used=spent[host].used,
                    reserved=spent[host].reserved,
                    per_hour=per_hour[host],
                    left=max(per_hour[host] - spent[host].used - spent[host].reserved, 0),
                )
                for host in _HOSTS.get(name, ())
                if host in per_hour
            ],
        )
        for name, (attribution, licence, url) in _TERMS.items()
    ]


def of_source(fetches: list[LedgerRow], name: str) -> list[LedgerRow]:
    """Its fetches. One that failed before anything came is the daily one of everything: F1DB's."""
    return [row for row in fetches if row.detail.get("source", _source_of_key(row.key)) == name]


def _source_of_key(key: str) -> str:
    if key.startswith("WEATHER/"):
        return "open-meteo"
    return "f1db" if key.startswith(("FETCH/daily/", "FETCH/everything/")) else "fastf1"


def _last_problem(row: LedgerRow) -> SourceProblem | None:
    assert row.finished_at is not None
    problems = row.detail.get("problems", [])
    if problems:
        return SourceProblem(
            at=row.finished_at, code=problems[0]["code"], reason=problems[0]["reason"], work=row.key
        )
    if row.status is WorkStatus.FAILED and row.error:
        code, _, reason = row.error.partition(": ")
        return SourceProblem(at=row.finished_at, code=code, reason=reason or code, work=row.key)
    return None


def refresh(row: LedgerRow) -> Refresh:
    return Refresh(
        key=row.key,
        kind=row.kind,
        status=row.status,
        attempts=row.attempts,
        started_at=row.claimed_at,
        finished_at=row.finished_at,
        race_id=row.race_id,
        reason=row.error,
        again_at=row.expires_at if row.status in (WorkStatus.FAILED, WorkStatus.WAITING) else None,
        calls=sum(row.detail.get("calls", {}).values()),
        new_revisions=row.detail.get("new_revisions", 0),
        problems=[
            PartProblem(part=one["part"], code=one["code"], reason=one["reason"], host=one.get("host"))
            for one in row.detail.get("problems", [])[:_PROBLEMS_SHOWN]
        ],
        training=_training(row.detail) if row.kind == "TRAIN" and row.detail else None,
    )


def _training(detail: dict[str, Any]) -> TrainingReport:
    return TrainingReport(
        fits=detail.get("number"),
        expected_fits=detail.get("expected"),
        bundle=detail.get("bundle"),
        is_in_use=detail.get("is_in_use"),
        why=detail.get("why"),
    )


def work(row: LedgerRow) -> Work:
    return Work(
        key=row.key,
        kind=row.kind,
        status=row.status,
        attempts=row.attempts,
        started_at=row.claimed_at,
        finished_at=row.finished_at,
    )
