"""How often each host may be asked, shared by all processes: calls are reserved before they are made.

What is reserved counts as made until it is settled, so a process that is killed spends all it had reserved,
and no two processes together can exceed an hour's calls. A host that somebody asks at this moment is not
given to another: so each keeps its pace alone, and nobody has to agree on one.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, func, insert, select, text, update

from f1graph.errors import WorkError
from f1graph.store.engine import Read, Write
from f1graph.store.tables.work import budget_reservations as table

WINDOW = timedelta(hours=1)
# How long a host that somebody asks just now is left alone: most fetches take some seconds.
BUSY_FOR = timedelta(seconds=1)
# What is older counts nowhere any more and is swept out when somebody reserves.
_KEPT = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Reservation:
    """Calls that may be made now.

    Attributes:
        ids: The reservation of each host.
        calls: How many calls to each host.
    """

    ids: Mapping[str, int]
    calls: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class NotYet:
    """There is no room for the calls now.

    Attributes:
        until: When there will be, as far as is known now.
        is_busy: Somebody asks the host at this moment; an hour's calls are not spent.
    """

    host: str
    until: datetime
    is_busy: bool

    @property
    def reason(self) -> str:
        if self.is_busy:
            return f"{self.host} is being asked by another process"
        return f"the hour's calls to {self.host} are spent until {self.until:%H:%M:%S} UTC"


@dataclass(frozen=True, slots=True)
class Spent:
    """Calls to a host within the last hour: those made, and those reserved by who may still make them."""

    used: int
    reserved: int


async def reserve(
    write: Write, calls: Mapping[str, int], *, per_hour: Mapping[str, int], now: datetime, lasts: timedelta
) -> Reservation | NotYet:
    """Takes calls to some hosts out of the budget, all or none.

    Args:
        calls: How many to each host at most.
        per_hour: How many any hour may have, of each of these hosts.
        lasts: For how long calls of this reservation can be made; then whoever made it is given up.

    Raises:
        WorkError: It needs more calls than an hour ever has.
    """
    if write.dialect == "postgresql":
        # Two that look at the same time would both find room. On SQLite a writer is alone anyway.
        await write.execute(text("LOCK TABLE budget_reservations IN SHARE ROW EXCLUSIVE MODE"))
    await write.execute(delete(table).where(table.c.ends_at < now - WINDOW - _KEPT))
    wanted = {host: number for host, number in calls.items() if number}
    refused = [found for host in wanted if (found := await _no_room(write, host, wanted, per_hour, now))]
    if refused:
        return max(refused, key=lambda one: one.until)
    ids: dict[str, int] = {}
    for host, number in wanted.items():
        # Nobody else counts on from the last number meanwhile.
        ids[host] = int(await write.value(select(func.coalesce(func.max(table.c.id), 0)))) + 1
        await write.execute(
            insert(table),
            {
                "id": ids[host],
                "host": host,
                "calls": number,
                "is_settled": False,
                "reserved_at": now,
                "ends_at": now + lasts,
            },
        )
    return Reservation(ids, wanted)


async def _no_room(
    read: Read, host: str, wanted: Mapping[str, int], per_hour: Mapping[str, int], now: datetime
) -> NotYet | None:
    number, limit = wanted[host], per_hour[host]
    if number > limit:
        raise WorkError(
            f"one fetch needs up to {number} calls to {host}, but its budget is {limit} an hour: "
            f"raise F1GRAPH_{host.upper()}_CALLS_PER_HOUR"
        )
    rows = await read.rows(
        select(table.c.calls, table.c.is_settled, table.c.ends_at)
        .where(table.c.host == host, table.c.ends_at > now - WINDOW)
        .order_by(table.c.ends_at)
    )
    counted, until = sum(row.calls for row in rows), now
    if counted + number > limit:
        for row in rows:
            counted, until = counted - row.calls, row.ends_at + WINDOW
            if counted + number <= limit:
                break
        return NotYet(host, until, is_busy=False)
    if any(not row.is_settled and row.ends_at > now for row in rows):
        return NotYet(host, now + BUSY_FOR, is_busy=True)
    return None


async def settle(write: Write, reservation: Reservation, used: Mapping[str, int], *, now: datetime) -> None:
    """Ends a reservation: only the calls that were made count from now on, the others are given back."""
    for host, number in reservation.ids.items():
        await write.execute(
            update(table)
            .where(table.c.id == number)
            .values(calls=used.get(host, 0), is_settled=True, ends_at=now)
        )


async def spent(read: Read, hosts: Collection[str], *, now: datetime) -> dict[str, Spent]:
    """What counts at each host at a moment."""
    found = {host: Spent(0, 0) for host in hosts}
    rows = await read.rows(
        select(table.c.host, table.c.calls, table.c.is_settled).where(
            table.c.host.in_(list(hosts)), table.c.ends_at > now - WINDOW
        )
    )
    for row in rows:
        one = found[row.host]
        found[row.host] = (
            Spent(one.used + row.calls, one.reserved)
            if row.is_settled
            else Spent(one.used, one.reserved + row.calls)
        )
    return found
