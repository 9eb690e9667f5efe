"""Fetches an F1DB release, the newest from GitHub. Knows nothing of what is in it but size and checksum."""

from __future__ import annotations

import asyncio
import hashlib
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import stamina

from f1graph.errors import BadSourceDataError, SourceUnavailableError

GITHUB_API = "https://api.github.com"
ASSET = "f1db-csv.zip"
# A release has 4 MB, GitHub's description of it some 30 kB.
MAX_ANSWER_BYTES = 4 * 1024 * 1024
MAX_DOWNLOAD_BYTES = 64 * 1024 * 1024

_NEWEST = "/repos/f1db/f1db/releases/latest"
_ATTEMPTS = 4
# Becomes part of a file name, so nothing else may be in it.
_TAG = re.compile(r"v?\d+(\.\d+)+")
_BY_HAND = "download f1db-csv.zip from github.com/f1db/f1db/releases yourself and give its path"


@dataclass(frozen=True, slots=True)
class DownloadedRelease:
    """A release on disk.

    Attributes:
        version: Its tag, such as `v2024.24.0`.
    """

    path: Path
    version: str


@dataclass(frozen=True, slots=True)
class _Asset:
    """What GitHub says about the file of a release; size and digest are None where it does not say."""

    version: str
    url: str
    size: int | None
    sha256: str | None


async def download_newest(
    folder: Path, *, client: httpx.AsyncClient, base_url: str = GITHUB_API
) -> DownloadedRelease:
    """Brings the newest release into `folder`, complete or not at all.

    A release that is already there whole is not downloaded again.

    Args:
        folder: Made if it is not there.
        client: Its time-outs and proxies are used.
        base_url: Where GitHub's API answers.

    Raises:
        SourceUnavailableError: GitHub cannot be reached, refuses, or is out of order; the text says what
            to do.
        BadSourceDataError: It answered, but not with a whole release.
    """
    asset = await _find_newest(client, base_url.rstrip("/") + _NEWEST)
    path = folder / f"f1db-csv-{asset.version}.zip"
    if not await asyncio.to_thread(_is_there, path, asset):
        content = await _fetch(client, asset)
        await asyncio.to_thread(_write_atomically, path, content)
    return DownloadedRelease(path, asset.version)


async def download_from(url: str, folder: Path, *, client: httpx.AsyncClient) -> Path:
    """Brings the release at `url` into `folder`, complete or not at all.

    Its name there keeps the tag that GitHub's addresses have (`…/download/v2024.24.0/f1db-csv.zip`), else
    the start of its checksum. Whether it is a release at all, reading it tells.

    Raises:
        SourceUnavailableError: The address cannot be reached or refuses; the text says what to do.
        BadSourceDataError: More comes than a release ever has.
    """
    content = await _get(client, url, limit=MAX_DOWNLOAD_BYTES, accept="application/octet-stream")
    tag = next((part for part in reversed(url.split("/")) if _TAG.fullmatch(part)), None)
    path = folder / f"f1db-csv-{tag or hashlib.sha256(content).hexdigest()[:12]}.zip"
    await asyncio.to_thread(_write_atomically, path, content)
    return path


async def _find_newest(client: httpx.AsyncClient, url: str) -> _Asset:
    body = await _get(client, url, limit=MAX_ANSWER_BYTES, accept="application/vnd.github+json")
    try:
        release: Any = httpx.Response(200, content=body).json()
        tag = release["tag_name"]
        asset = next(asset for asset in release["assets"] if asset["name"] == ASSET)
        size, digest = asset.get("size"), asset.get("digest") or ""
        download_url = str(asset["browser_download_url"])
    except (ValueError, KeyError, TypeError, AttributeError, StopIteration) as error:
        raise BadSourceDataError(
            f"{url} names no release with a file {ASSET} ({body[:80]!r}); {_BY_HAND}"
        ) from error
    if not isinstance(tag, str) or not _TAG.fullmatch(tag):
        raise BadSourceDataError(f"{url} calls its release {tag!r}, which is no version like v2024.24.0")
    sha256 = str(digest).removeprefix("sha256:") if str(digest).startswith("sha256:") else None
    return _Asset(tag, download_url, size if isinstance(size, int) else None, sha256)


async def _fetch(client: httpx.AsyncClient, asset: _Asset) -> bytes:
    content = await _get(client, asset.url, limit=MAX_DOWNLOAD_BYTES, accept="application/octet-stream")
    if asset.size is not None and len(content) != asset.size:
        raise BadSourceDataError(
            f"{ASSET} {asset.version} has {len(content):,} bytes, but {asset.size:,} were announced; "
            "the download broke off: try again"
        )
    if asset.sha256 is not None and (sha256 := hashlib.sha256(content).hexdigest()) != asset.sha256:
        raise BadSourceDataError(
            f"{ASSET} {asset.version} has the SHA-256 {sha256}, but {asset.sha256} was announced; try again, "
            "and if it stays so something between here and GitHub changes the file"
        )
    return content


async def _get(client: httpx.AsyncClient, url: str, *, limit: int, accept: str) -> bytes:
    """The body of a 200 answer, after a few tries where another one may help.

    Raises:
        SourceUnavailableError: No answer, or another one than 200.
        BadSourceDataError: The body is longer than `limit`.
    """
    try:
        async for attempt in stamina.retry_context(
            on=_may_pass, attempts=_ATTEMPTS, timeout=60.0, wait_initial=0.5, wait_max=8.0
        ):
            with attempt:
                return await _get_once(client, url, limit=limit, accept=accept)
    except httpx.HTTPStatusError as error:
        raise _refusal(error.response) from error
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise SourceUnavailableError(
            f"{url} cannot be reached ({type(error).__name__}: {error}); check the network and the proxy, "
            f"or {_BY_HAND}"
        ) from error
    raise AssertionError("the last attempt returns or raises")  # pragma: no cover


async def _get_once(client: httpx.AsyncClient, url: str, *, limit: int, accept: str) -> bytes:
    body = bytearray()
    async with client.stream("GET", url, headers={"accept": accept}, follow_redirects=True) as response:
        response.raise_for_status()
        async for piece in response.aiter_bytes():
            body += piece
            if len(body) > limit:
                raise BadSourceDataError(
                    f"{url} sends more than {limit:,} bytes, far more than a release has"
                )
    return bytes(body)


def _may_pass(error: Exception) -> bool:
    """Whether the next try may succeed: a broken connection or a server's fault, not a refusal."""
    if isinstance(error, httpx.HTTPStatusError):
        return error.response.is_server_error
    return isinstance(error, httpx.TransportError) and not isinstance(error, httpx.UnsupportedProtocol)


def _refusal(response: httpx.Response) -> SourceUnavailableError:
    place, status = response.request.url, response.status_code
    if status == httpx.codes.TOO_MANY_REQUESTS or response.headers.get("x-ratelimit-remaining") == "0":
        return SourceUnavailableError(
            f"{place} answers {status}: too many requests from this address; GitHub allows 60 an hour "
            f"without an account. Wait an hour, or {_BY_HAND}"
        )
    if response.is_server_error:
        return SourceUnavailableError(
            f"{place} answers {status}: it is out of order. Try again later, or {_BY_HAND}"
        )
    return SourceUnavailableError(
        f"{place} answers {status}: it, or a proxy before it, refuses. Check the proxy, or {_BY_HAND}"
    )


def _is_there(path: Path, asset: _Asset) -> bool:
    if asset.sha256 is None or not path.is_file():
        return False
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == asset.sha256


def _write_atomically(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    # A name of its own: another process may be downloading the same release.
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".f1db-", suffix=".part", delete=False) as file:
        unfinished = Path(file.name)
        try:
            file.write(content)
        except BaseException:
            unfinished.unlink()
            raise
    unfinished.replace(path)
