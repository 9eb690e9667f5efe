"""The life of a bundle: trained, compared with the one in use, put to use, rolled back, at last forgotten.

A newly trained bundle is a candidate. It takes the place of the one in use by itself only if there is none,
or if it is not worse on the races that both were tried on; one that was put to use by hand (or rolled back
to) stays until newer ones are let in again.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from f1graph.races.intervals import bootstrap_interval
from f1graph.races.measures import Measure
from f1graph.races.stages import Stage
from f1graph.store.bundles import (
    BundleRow,
    BundleStatus,
    activate,
    active_bundle,
    checksums_in_receipts,
    forget_bundle,
    load_bundles,
    previous_bundle,
    require_folder,
    store_bundle,
    unpin,
)
from f1graph.store.engine import Read, Store, Write

# By it a candidate is compared with the bundle in use: it judges the whole order, of every car.
DECIDING = Measure.RANKED_PROBABILITY
# A training that was killed leaves its folder aside.
_LEFT_BEHIND = ".training-"
_LEFT_ALONE = timedelta(days=1)
_ALL = 10_000


@dataclass(frozen=True, slots=True)
class Paired:
    """Two bundles by one measure, on the races that both were tried on.

    Attributes:
        difference: The first's mean minus the second's.
        low, high: 95 % bootstrap interval of the difference, over races; None with fewer than two.
    """

    measure: Measure
    races: int
    first: float
    second: float
    difference: float
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a bundle that was trained.

    Attributes:
        why: In words.
    """

    bundle: BundleRow
    is_in_use: bool
    why: str


def compare(first: BundleRow, second: BundleRow) -> list[Paired]:
    """By every measure that both tell of some common race; by race, so that hard races weigh the same."""
    of_first, of_second = _walk(first), _walk(second)
    found = []
    for measure in Measure:
        ours, theirs = of_first.get(measure, {}), of_second.get(measure, {})
        common = sorted(ours.keys() & theirs.keys())
        if not common:
            continue
        a = np.array([ours[race] for race in common])
        b = np.array([theirs[race] for race in common])
        low, high = bootstrap_interval(a - b)
        found.append(
            Paired(measure, len(common), float(a.mean()), float(b.mean()), float((a - b).mean()), low, high)
        )
    return found


def _walk(bundle: BundleRow) -> dict[Measure, Mapping[str, float]]:
    return {Measure(score["measure"]): score["races"] for score in bundle.manifest.get("walk_forward", [])}


def takes_the_place(candidate: BundleRow, active: BundleRow | None) -> tuple[bool, str]:
    """Whether a candidate takes the place of the bundle in use by itself, and why, in words."""
    if active is None:
        return True, "none was in use"
    if active.id == candidate.id:
        return True, "it is in use"
    if active.is_pinned:
        return False, f"{active.id} was put to use by hand"
    paired = next((one for one in compare(candidate, active) if one.measure is DECIDING), None)
    if paired is None:
        if DECIDING in _walk(active):
            return False, f"it was tried on no race that {active.id} was tried on"
        return True, f"{active.id}, which was in use, does not tell how it did"
    title = DECIDING.definition.title.lower()
    what = f"{title} {paired.first:.4f} against {paired.second:.4f} of {active.id} on {paired.races} races"
    return paired.difference <= 0, what


async def register(write: Write, trained: BundleRow, *, now: datetime) -> Verdict:
    """Registers what was trained as a candidate, and puts it to use where it deserves it."""
    active = await active_bundle(write, model=trained.model, stage=trained.stage)
    if active is not None and active.cutoff > trained.cutoff:
        row = replace(trained, status=BundleStatus.RETIRED)
        await store_bundle(write, row)
        return Verdict(row, False, f"it was trained for the past: {active.id} knows more")
    await store_bundle(write, replace(trained, status=BundleStatus.CANDIDATE))
    deserves, why = takes_the_place(trained, active)
    if not deserves:
        return Verdict(replace(trained, status=BundleStatus.CANDIDATE), False, why)
    if active is not None and active.id == trained.id:
        return Verdict(active, True, why)
    return Verdict(await activate(write, trained.id, now=now, by_hand=False), True, why)


async def let_newer_in(write: Write, *, model: str, stage: Stage, now: datetime) -> Verdict | None:
    """Takes the pin out, and puts the newest bundle to use if it deserves it.

    Returns:
        What became of that bundle; None if none knows more than the one in use.
    """
    await unpin(write, model=model, stage=stage)
    active = await active_bundle(write, model=model, stage=stage)
    newer = [
        bundle
        for bundle in await load_bundles(write, model=model, stage=stage, limit=_ALL)
        if active is None or bundle.cutoff > active.cutoff
    ]
    if not newer:
        return None
    newest = max(newer, key=lambda bundle: (bundle.cutoff, bundle.trained_at))
    deserves, why = takes_the_place(newest, active)
    if not deserves:
        return Verdict(newest, False, why)
    return Verdict(await activate(write, newest.id, now=now, by_hand=False), True, why)


async def to_prune(read: Read, *, keep: int) -> list[BundleRow]:
    """What may go: neither in use, nor the one to roll back to, nor among the newest, nor in any receipt.

    Args:
        keep: How many of the newest stay of each model and stage, beside those.
    """
    needed = await checksums_in_receipts(read)
    groups: dict[tuple[str, Stage], list[BundleRow]] = {}
    for bundle in await load_bundles(read, limit=_ALL):
        groups.setdefault((bundle.model, bundle.stage), []).append(bundle)
    found = []
    for (model, stage), bundles in groups.items():
        before = await previous_bundle(read, model=model, stage=stage)
        rest = [
            bundle
            for bundle in bundles
            if bundle.status is not BundleStatus.ACTIVE and (before is None or bundle.id != before.id)
        ]
        found += [bundle for bundle in rest[keep:] if bundle.checksum not in needed]
    return found


async def prune(store: Store, folder: Path, *, keep: int, now: datetime) -> list[BundleRow]:
    """Forgets what `to_prune` says, in the register and then on disk, and what killed trainings left."""
    async with store.write() as write:
        gone = await to_prune(write, keep=keep)
        for bundle in gone:
            await forget_bundle(write, bundle.id)
    await asyncio.to_thread(_clear, folder, gone, left_before=now - _LEFT_ALONE)
    return gone


def _clear(folder: Path, gone: Sequence[BundleRow], *, left_before: datetime) -> None:
    for bundle in gone:
        shutil.rmtree(folder / bundle.path, ignore_errors=True)
    for path in folder.glob(f"{_LEFT_BEHIND}*"):
        if path.stat().st_mtime < left_before.timestamp():
            shutil.rmtree(path, ignore_errors=True)


def described(bundle: BundleRow, folder: Path) -> dict[str, Any]:
    """A bundle for people and machines: its row and its manifest, without the numbers it was fitted to.

    Raises:
        BundleError: Its folder is gone.
    """
    require_folder(bundle, folder)
    size = sum(file.stat().st_size for file in (folder / bundle.path).iterdir())
    manifest = {name: value for name, value in bundle.manifest.items() if name != "facts"}
    return asdict(bundle) | {"bytes": size, "manifest": manifest}
