"""Which trained models there are on disk, and which one is in use."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Row, insert, select, text, update

from f1graph.races.stages import Stage
from f1graph.store.engine import Read, Write
from f1graph.store.tables import bundles


class BundleStatus(StrEnum):
    CANDIDATE = "CANDIDATE"
    ACTIVE = "ACTIVE"
    RETIRED = "RETIRED"


@dataclass(frozen=True, slots=True)
class BundleRow:
    """One trained model.

    Attributes:
        version: Model version, season and round it was trained up to: `rating-1.0+2024.24`.
        cutoff: Nothing learned later was used in training.
        path: Below the bundles folder.
        checksum: SHA-256 of the weights and the manifest.
    """

    id: str
    model: str
    version: str
    stage: Stage
    cutoff: datetime
    trained_at: datetime
    checksum: str
    path: str
    status: BundleStatus
    manifest: dict[str, Any]
    invented: bool


async def store_bundle(write: Write, bundle: BundleRow) -> None:
    """Registers a bundle, or one that is there already anew; an active one retires the one before it."""
    if bundle.status is BundleStatus.ACTIVE:
        await _retire(write, bundle.model, bundle.stage)
    if await write.value(select(bundles.c.id).where(bundles.c.id == bundle.id)) is None:
        await write.execute(insert(bundles), asdict(bundle))
    else:
        await write.execute(update(bundles).where(bundles.c.id == bundle.id).values(status=bundle.status))


async def _retire(write: Write, model: str, stage: Stage) -> None:
    if write.dialect == "postgresql":
        # Two workers that train at once would each retire the one before and leave two in use.
        await write.execute(text("LOCK TABLE bundles IN SHARE ROW EXCLUSIVE MODE"))
    await write.execute(
        update(bundles)
        .where(bundles.c.model == model, bundles.c.stage == stage, bundles.c.status == BundleStatus.ACTIVE)
        .values(status=BundleStatus.RETIRED)
    )


async def active_bundle(read: Read, *, model: str, stage: Stage) -> BundleRow | None:
    """The bundle in use; None before the first training."""
    row = await read.row(
        select(bundles).where(
            bundles.c.model == model, bundles.c.stage == stage, bundles.c.status == BundleStatus.ACTIVE
        )
    )
    return None if row is None else _record(row)


async def newest_bundle(read: Read, *, model: str, stage: Stage, cutoff: datetime) -> BundleRow | None:
    """The bundle that knows most of those that know nothing later than `cutoff`, in use or not."""
    row = await read.row(
        select(bundles)
        .where(bundles.c.model == model, bundles.c.stage == stage, bundles.c.cutoff <= cutoff)
        .order_by(bundles.c.cutoff.desc(), bundles.c.trained_at.desc())
        .limit(1)
    )
    return None if row is None else _record(row)


async def bundle_with(read: Read, checksum: str) -> BundleRow | None:
    """The bundle that a receipt names."""
    row = await read.row(select(bundles).where(bundles.c.checksum == checksum))
    return None if row is None else _record(row)


async def load_bundles(read: Read, *, limit: int = 100) -> list[BundleRow]:
    """The newest bundles first."""
    found = await read.rows(
        select(bundles)
        .order_by(bundles.c.trained_at.desc(), bundles.c.cutoff.desc(), bundles.c.id)
        .limit(limit)
    )
    return [_record(row) for row in found]


def _record(row: Row[Any]) -> BundleRow:
    return BundleRow(**{**row._mapping, "stage": Stage(row.stage), "status": BundleStatus(row.status)})
