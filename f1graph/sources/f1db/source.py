"""F1DB as a source of facts: a release on disk, at an address, or the newest there is."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from pathlib import Path

import httpx

from f1graph.races.facts import Facts
from f1graph.sources.f1db.archive import content_hash_of
from f1graph.sources.f1db.download import GITHUB_API, download_from, download_newest
from f1graph.sources.f1db.release import SOURCE, name_of_release, read_release

_TIMEOUT = timedelta(seconds=30)


class F1dbSource:
    """Args:
    location: Path or URL of a release zip; empty for the newest release.
    downloads: Where releases are kept.
    base_url: Where GitHub's API answers.
    was_imported: Whether the content with this hash is known already: then it is not read, which takes
        seconds, and only its name is told.
    """

    name = SOURCE

    def __init__(
        self,
        location: str,
        *,
        downloads: Path,
        base_url: str = GITHUB_API,
        was_imported: Callable[[str], Awaitable[bool]] | None = None,
    ) -> None:
        self._location = location
        self._downloads = downloads
        self._base_url = base_url
        self._was_imported = was_imported

    async def fetch(self, *, now: datetime) -> Facts:
        """The whole release; it is not cut at `now`, since each of its facts says when it was known."""
        path, version = await self._release()
        if self._was_imported is not None:
            content_hash = await asyncio.to_thread(content_hash_of, path)
            if await self._was_imported(content_hash):
                return name_of_release(path, content_hash, version=version)
        return await asyncio.to_thread(read_release, path, version=version)

    async def _release(self) -> tuple[Path, str | None]:
        if self._location and not self._location.startswith(("http://", "https://")):
            return Path(self._location), None
        async with httpx.AsyncClient(timeout=_TIMEOUT.total_seconds()) as client:
            if self._location:
                return await download_from(self._location, self._downloads, client=client), None
            release = await download_newest(self._downloads, client=client, base_url=self._base_url)
            return release.path, release.version
