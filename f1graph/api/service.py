"""The service about itself: versions, freshness, and whose data it is."""

# Strawberry's decorator is typed as Any without its plugin for mypy.
# mypy: disallow-untyped-decorators=False

from __future__ import annotations

from datetime import datetime

import strawberry
from strawberry import field

from f1graph.api.calendar import Race
from f1graph.races.calendar import Race as RaceRecord
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


@strawberry.type(description="Where facts come from, and on what terms.")
class Source:
    name: str = field(description="`f1db`, `fastf1` or `invented`; the same as in `Revision.source`.")
    attribution: str = field(description="What to say beside its data.")
    licence: str = field(description="The terms of its data.")
    url: str | None = field(description="Where it is to be found. Null for the invented championship.")
    last_import: Import | None = field(description="Null if nothing was imported from it.")


@strawberry.type(description="A unit of the service's work.")
class Work:
    key: str = field(description="Unique: kind, race, stage, and what else tells it from others.")
    kind: str = field(description="What kind of work.")
    status: WorkStatus = field(description="How it stands.")
    attempts: int = field(description="How often it was begun.")
    started_at: datetime = field(description="When the last attempt began.")
    finished_at: datetime | None = field(description="When it ended. Null while it is being done.")


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
    "invented": ("Invented by f1graph", "Nobody's: free to use, and it means nothing.", None),
}


def sources(imported: list[ImportRow]) -> list[Source]:
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
        )
        for name, (attribution, licence, url) in _TERMS.items()
    ]


def work(row: LedgerRow) -> Work:
    return Work(
        key=row.key,
        kind=row.kind,
        status=row.status,
        attempts=row.attempts,
        started_at=row.claimed_at,
        finished_at=row.finished_at,
    )
