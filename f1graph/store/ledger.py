"""The ledger of work: each unit is claimed by a unique key before it is done, so it is done once."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import Row, select, update
from sqlalchemy.dialects import postgresql, sqlite

from f1graph.errors import WorkError
from f1graph.store.engine import Read, Write
from f1graph.store.tables.work import ledger


class WorkStatus(StrEnum):
    CLAIMED = "CLAIMED"
    WAITING = "WAITING"
    DONE = "DONE"
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """One unit of work.

    Attributes:
        key: Unique: kind, race, stage, and what else tells one unit from another.
        attempts: How often it was begun.
        expires_at: Until then nobody else may begin it: a claim that its worker did not live to finish,
            or the pause after a failure.
        error: Why the last attempt failed.
    """

    key: str
    kind: str
    race_id: str | None
    status: WorkStatus
    attempts: int
    worker: str
    claimed_at: datetime
    expires_at: datetime
    finished_at: datetime | None
    error: str | None
    detail: dict[str, Any]


async def claim(
    write: Write,
    key: str,
    *,
    kind: str,
    worker: str,
    now: datetime,
    lease: timedelta,
    race_id: str | None = None,
) -> bool:
    """Takes a unit of work, in one statement.

    Returns:
        False if it is done, or another worker has it, or it failed a moment ago.
    """
    claimed = {"status": WorkStatus.CLAIMED, "worker": worker, "claimed_at": now, "expires_at": now + lease}
    values = {"key": key, "kind": kind, "race_id": race_id, "attempts": 1, "detail": {}, **claimed}
    dialect = postgresql if write.dialect == "postgresql" else sqlite
    statement = dialect.insert(ledger).values(values)
    return bool(
        await write.execute(
            statement.on_conflict_do_update(
                index_elements=[ledger.c.key],
                set_={**claimed, "attempts": ledger.c.attempts + 1, "finished_at": None},
                where=(ledger.c.status != WorkStatus.DONE) & (ledger.c.expires_at <= now),
            )
        )
    )


async def renew(write: Write, key: str, *, worker: str, now: datetime, lease: timedelta) -> None:
    """Keeps a claim alive while its work goes on. Short leases, renewed, free a killed worker's work soon.

    Raises:
        WorkError: The claim had expired and another worker took it.
    """
    touched = await write.execute(
        update(ledger)
        .where(ledger.c.key == key, ledger.c.worker == worker, ledger.c.status == WorkStatus.CLAIMED)
        .values(expires_at=now + lease)
    )
    if touched != 1:
        raise WorkError(f"{key} is no longer ours: the claim of {worker} expired and another worker has it")


async def finish(
    write: Write, key: str, *, worker: str, now: datetime, detail: dict[str, Any] | None = None
) -> None:
    """Marks a claimed unit done, in the transaction that stores its result.

    Raises:
        WorkError: The claim had expired and another worker took it: the result must not be stored.
    """
    touched = await write.execute(
        update(ledger)
        .where(ledger.c.key == key, ledger.c.worker == worker, ledger.c.status == WorkStatus.CLAIMED)
        .values(status=WorkStatus.DONE, finished_at=now, error=None, detail=detail or {})
    )
    if touched != 1:
        raise WorkError(f"{key} is no longer ours: the claim of {worker} expired and another worker has it")


async def fail(
    write: Write,
    key: str,
    *,
    worker: str,
    now: datetime,
    error: str,
    pause: timedelta,
    detail: dict[str, Any] | None = None,
) -> None:
    """Records why an attempt failed; the unit can be claimed again after `pause`."""
    await write.execute(
        update(ledger)
        .where(ledger.c.key == key, ledger.c.worker == worker, ledger.c.status == WorkStatus.CLAIMED)
        .values(
            status=WorkStatus.FAILED,
            finished_at=now,
            error=error,
            expires_at=now + pause,
            detail=detail or {},
        )
    )


async def note_progress(write: Write, key: str, *, worker: str, detail: dict[str, Any]) -> None:
    """Says how far a claimed unit is; what it ends with takes its place."""
    await write.execute(
        update(ledger)
        .where(ledger.c.key == key, ledger.c.worker == worker, ledger.c.status == WorkStatus.CLAIMED)
        .values(detail=detail)
    )


async def postpone(
    write: Write, key: str, *, worker: str, now: datetime, until: datetime, reason: str
) -> None:
    """Puts a claimed unit back: nothing was tried, and nobody begins it before `until`."""
    await write.execute(
        update(ledger)
        .where(ledger.c.key == key, ledger.c.worker == worker, ledger.c.status == WorkStatus.CLAIMED)
        .values(
            status=WorkStatus.WAITING,
            attempts=ledger.c.attempts - 1,
            finished_at=now,
            error=reason,
            expires_at=until,
        )
    )


async def ledger_rows(read: Read, keys: Collection[str]) -> dict[str, LedgerRow]:
    """Those of `keys` that were ever begun."""
    found = await read.rows(select(ledger).where(ledger.c.key.in_(list(keys))))
    return {row.key: ledger_record(row) for row in found}


async def last_work(read: Read, *, limit: int, kind: str | None = None) -> list[LedgerRow]:
    """The units that were begun last, newest first."""
    statement = select(ledger).order_by(ledger.c.claimed_at.desc(), ledger.c.key).limit(limit)
    if kind is not None:
        statement = statement.where(ledger.c.kind == kind)
    return [ledger_record(row) for row in await read.rows(statement)]


def ledger_record(row: Row[Any]) -> LedgerRow:
    return LedgerRow(**{**row._mapping, "status": WorkStatus(row.status)})
