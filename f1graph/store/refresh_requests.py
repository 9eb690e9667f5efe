"""Refreshes that somebody asked for: a worker's next look makes each a unit of work.

Whether one is still open stands in the ledger, under its unit's key.
"""

from __future__ import annotations

import secrets
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, Select, and_, insert, or_, select, text

from f1graph.errors import RequestError
from f1graph.races.calendar import SessionKind
from f1graph.store.engine import Read, Write
from f1graph.store.ledger import WorkStatus
from f1graph.store.tables.access import refresh_requests
from f1graph.store.tables.work import ledger

# Somebody waits: it is tried again soon, and then given up.
MOST_ATTEMPTS = 3
# What no worker could do for so long nobody waits for any more.
STAYS_OPEN_FOR = timedelta(days=1)
# Each costs calls to hosts.
MOST_OPEN = 20
# Any fixed number: who asks for the same at once gets the same.
_POSTGRES_LOCK = 0xF1_6A_F6


@dataclass(frozen=True, slots=True)
class RefreshRequest:
    """One refresh that was asked for.

    Attributes:
        unit: Its key in the ledger.
        race_id: None for everything.
        session: Of the race; None together with it.
        key_id: Whose API key asked.
    """

    unit: str
    race_id: str | None
    session: SessionKind | None
    asked_at: datetime
    key_id: str


async def ask_for_refresh(
    write: Write,
    *,
    race_id: str | None,
    session: SessionKind | None,
    key_id: str,
    now: datetime,
) -> tuple[RefreshRequest, bool]:
    """Asks for a refresh of one session, or of everything.

    Returns:
        It, and whether it is new: while one is open, who asks for the same gets that.

    Raises:
        RequestError: Too many are open.
    """
    if write.dialect == "postgresql":
        await write.execute(text(f"SELECT pg_advisory_xact_lock({_POSTGRES_LOCK})"))
    still_open = await open_requests(write, now=now)
    for one in still_open:
        if (one.race_id, one.session) == (race_id, session):
            return one, False
    if len(still_open) >= MOST_OPEN:
        raise RequestError(f"{len(still_open)} refreshes are waiting to be done: ask again when they are")
    what = "everything" if race_id is None else f"{race_id}/{session}"
    unit = f"FETCH/{what}/asked-{secrets.token_hex(4)}"
    asked = RefreshRequest(unit, race_id, session, now, key_id)
    await write.execute(insert(refresh_requests), asdict(asked))
    return asked, True


async def open_requests(read: Read, *, now: datetime) -> list[RefreshRequest]:
    """Those that are neither done nor given up, the first that were asked for first."""
    return [_record(row) for row in await read.rows(_open(now))]


def _open(now: datetime) -> Select[Any]:
    is_tried_again = and_(ledger.c.status != WorkStatus.DONE, ledger.c.attempts < MOST_ATTEMPTS)
    is_being_done = and_(ledger.c.status == WorkStatus.CLAIMED, ledger.c.expires_at > now)
    return (
        select(refresh_requests)
        .outerjoin(ledger, ledger.c.key == refresh_requests.c.unit)
        .where(
            refresh_requests.c.asked_at > now - STAYS_OPEN_FOR,
            or_(ledger.c.key.is_(None), is_tried_again, is_being_done),
        )
        .order_by(refresh_requests.c.asked_at, refresh_requests.c.unit)
    )


def _record(row: Row[Any]) -> RefreshRequest:
    session = None if row.session is None else SessionKind(row.session)
    return RefreshRequest(**{**row._mapping, "session": session})
