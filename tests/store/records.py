"""Facts as a source gives them, for tests of what the store makes of them."""

from __future__ import annotations

import hashlib
from datetime import datetime

from f1graph.races.facts import Facts
from f1graph.races.past import History
from f1graph.races.results import Classification
from f1graph.store.engine import Store
from f1graph.store.facts import Recorded, record_facts


def facts_of(history: History, *, version: str = "1", source: str = "f1db", invented: bool = False) -> Facts:
    """Everything in `history`, as a release of `version`."""
    return Facts(
        source=source,
        version=version,
        content_hash=hashlib.sha256(f"{source} {version}".encode()).hexdigest(),
        circuits=tuple(history.circuits.values()),
        drivers=tuple(history.drivers.values()),
        constructors=tuple(history.constructors.values()),
        races=history.races,
        classifications=every_revision(history),
        invented=invented,
    )


def every_revision(history: History) -> tuple[Classification, ...]:
    return tuple(fact for revisions in history.revisions.values() for fact in revisions)


async def record(store: Store, facts: Facts, *, now: datetime) -> Recorded:
    """Takes in facts in one transaction."""
    async with store.write() as write:
        return await record_facts(write, facts, now=now)
