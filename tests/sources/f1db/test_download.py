"""The newest release arrives whole from GitHub, or the user learns what to do. Against a loopback server."""

from __future__ import annotations

import hashlib
import json
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
import stamina

from f1graph.errors import BadSourceDataError, SourceUnavailableError
from f1graph.sources.f1db import download_newest, read_release
from f1graph.sources.f1db.download import MAX_ANSWER_BYTES, download_from
from tests.sources.f1db.release_builder import ReleaseBuilder

NEWEST = "/repos/f1db/f1db/releases/latest"


@dataclass
class Answer:
    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    announced_length: int | None = None


@dataclass
class GitHub:
    """A stand-in for GitHub on this machine: what it answers to each path, and what it was asked.

    Several answers to one path are given one after the other, the last for ever.
    """

    url: str
    answers: dict[str, list[Answer]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def offer(self, content: bytes, *, tag: str = "v2024.24.0", **said: Any) -> None:
        """Publishes a release whose file has `content`, described by `said`."""
        asset = {"name": "f1db-csv.zip", "browser_download_url": f"{self.url}/download", **said}
        other = {"name": "f1db-json.zip", "browser_download_url": f"{self.url}/other", "size": 1}
        release = {"tag_name": tag, "assets": [other, asset]}
        self.answers[NEWEST] = [Answer(body=json.dumps(release).encode())]
        # GitHub sends the file from another place.
        self.answers["/download"] = [Answer(302, headers={"Location": f"{self.url}/stored"})]
        self.answers["/stored"] = [Answer(body=content)]


@pytest.fixture
def github() -> Iterator[GitHub]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            served.asked.append(self.path)
            waiting = served.answers.get(self.path, [Answer(404)])
            answer = waiting.pop(0) if len(waiting) > 1 else waiting[0]
            self.send_response(answer.status)
            length = len(answer.body) if answer.announced_length is None else answer.announced_length
            for name, value in {**answer.headers, "Content-Length": str(length)}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer.body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    served = GitHub(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield served
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(trust_env=False, timeout=5) as client:
        yield client


@pytest.fixture(autouse=True)
def _tries_without_waiting() -> Iterator[None]:
    with stamina.set_testing(True, attempts=3):
        yield


@pytest.fixture
def release(tmp_path: Path) -> bytes:
    return ReleaseBuilder().write(tmp_path).read_bytes()


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


async def test_the_newest_release_is_downloaded_and_can_be_read(
    tmp_path: Path, github: GitHub, client: httpx.AsyncClient, release: bytes
) -> None:
    github.offer(release, size=len(release), digest=_digest(release))

    downloaded = await download_newest(tmp_path / "new" / "folder", client=client, base_url=github.url)

    assert downloaded.version == "v2024.24.0"
    facts = read_release(downloaded.path)
    assert (len(facts.races), facts.version) == (4, "v2024.24.0")
    assert [path.name for path in downloaded.path.parent.iterdir()] == ["f1db-csv-v2024.24.0.zip"]


async def test_a_release_that_is_there_whole_is_not_downloaded_again(
    tmp_path: Path, github: GitHub, client: httpx.AsyncClient, release: bytes
) -> None:
    github.offer(release, size=len(release), digest=_digest(release))
    await download_newest(tmp_path, client=client, base_url=github.url)
    github.asked.clear()

    await download_newest(tmp_path, client=client, base_url=github.url)

    assert github.asked == [NEWEST]


async def test_a_damaged_earlier_download_is_replaced(
    tmp_path: Path, github: GitHub, client: httpx.AsyncClient, release: bytes
) -> None:
    github.offer(release, size=len(release), digest=_digest(release))
    (tmp_path / "f1db-csv-v2024.24.0.zip").write_bytes(release[:100])

    downloaded = await download_newest(tmp_path, client=client, base_url=github.url)

    assert downloaded.path.read_bytes() == release


async def test_a_release_without_size_and_digest_is_taken(
    tmp_path: Path, github: GitHub, client: httpx.AsyncClient, release: bytes
) -> None:
    github.offer(release)

    downloaded = await download_newest(tmp_path, client=client, base_url=github.url)

    assert downloaded.path.read_bytes() == release


async def test_a_server_that_stumbles_once_is_asked_again(
    tmp_path: Path, github: GitHub, client: httpx.AsyncClient, release: bytes
) -> None:
    github.offer(release)
    github.answers[NEWEST].insert(0, Answer(502))
    github.answers["/stored"].insert(0, Answer(body=release[:50], announced_length=len(release)))

    downloaded = await download_newest(tmp_path, client=client, base_url=github.url)

    assert downloaded.path.read_bytes() == release


async def test_a_server_out_of_order_is_unavailable_after_a_few_tries(
    tmp_path: Path, github: GitHub, client: httpx.AsyncClient
) -> None:
    github.answers[NEWEST] = [Answer(503)]

    with pytest.raises(SourceUnavailableError, match=r"503: it is out of order\. Try again later"):
        await download_newest(tmp_path, client=client, base_url=github.url)
    assert len(github.asked) == 3


async def test_a_used_up_rate_limit_says_to_wait_and_is_not_hammered(
    tmp_path: Path, github: GitHub, client: httpx.AsyncClient
) -> None:
    github.answers[NEWEST] = [Answer(403, headers={"X-RateLimit-Remaining": "0"})]

    with pytest.raises(SourceUnavailableError, match=r"too many requests.*Wait an hour"):
        await download_newest(tmp_path, client=client, base_url=github.url)
    assert len(github.asked) == 1


async def test_a_refusing_proxy_is_named_as_such(
    tmp_path: Path, github: GitHub, client: httpx.AsyncClient
) -> None:
    github.answers[NEWEST] = [Answer(403)]

    with pytest.raises(SourceUnavailableError, match="403: it, or a proxy before it, refuses"):
        await download_newest(tmp_path, client=client, base_url=github.url)


async def test_no_network_says_how_to_get_the_release_by_hand(
    tmp_path: Path, client: httpx.AsyncClient
) -> None:
    with socket.socket() as nobody_listens:
        nobody_listens.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{nobody_listens.getsockname()[1]}"

        with pytest.raises(SourceUnavailableError, match=r"cannot be reached.*yourself and give its path"):
            await download_newest(tmp_path, client=client, base_url=url)


async def test_a_body_that_breaks_off_every_time_leaves_nothing_behind(
    tmp_path: Path, github: GitHub, client: httpx.AsyncClient, release: bytes
) -> None:
    github.offer(release)
    github.answers["/stored"] = [Answer(body=release[:50], announced_length=len(release))]

    with pytest.raises(SourceUnavailableError):
        await download_newest(tmp_path / "new", client=client, base_url=github.url)
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ({"size": 12}, "bytes, but 12 were announced"),
        ({"digest": "sha256:" + "0" * 64}, "but 0{64} was announced"),
    ],
)
async def test_a_file_other_than_announced_is_refused(
    tmp_path: Path,
    github: GitHub,
    client: httpx.AsyncClient,
    release: bytes,
    said: dict[str, Any],
    problem: str,
) -> None:
    github.offer(release, **said)

    with pytest.raises(BadSourceDataError, match=problem):
        await download_newest(tmp_path / "new", client=client, base_url=github.url)
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    "body",
    [b"<html>Welcome to the hotel network</html>", b"[]", b"{}", b'{"tag_name": "v1.0", "assets": []}'],
)
async def test_an_answer_without_a_release_is_refused(
    tmp_path: Path, github: GitHub, client: httpx.AsyncClient, body: bytes
) -> None:
    github.answers[NEWEST] = [Answer(body=body)]

    with pytest.raises(BadSourceDataError, match=r"names no release with a file f1db-csv\.zip"):
        await download_newest(tmp_path, client=client, base_url=github.url)


async def test_a_tag_that_would_leave_the_folder_is_refused(
    tmp_path: Path, github: GitHub, client: httpx.AsyncClient, release: bytes
) -> None:
    github.offer(release, tag="v1.0/../../evil")

    with pytest.raises(BadSourceDataError, match="no version"):
        await download_newest(tmp_path, client=client, base_url=github.url)


@pytest.mark.parametrize(
    ("address", "version"),
    [("/releases/download/v2024.24.0/f1db-csv.zip", "v2024.24.0"), ("/mirror/f1.zip", None)],
)
async def test_a_release_at_an_address_is_downloaded_and_keeps_its_tag(
    tmp_path: Path,
    github: GitHub,
    client: httpx.AsyncClient,
    release: bytes,
    address: str,
    version: str | None,
) -> None:
    github.answers[address] = [Answer(body=release)]

    facts = read_release(await download_from(github.url + address, tmp_path / "new", client=client))

    assert facts.version == (version or facts.content_hash[:12])


async def test_an_address_without_a_release_is_unavailable(
    tmp_path: Path, github: GitHub, client: httpx.AsyncClient
) -> None:
    with pytest.raises(SourceUnavailableError, match="404"):
        await download_from(f"{github.url}/gone.zip", tmp_path, client=client)
    with pytest.raises(SourceUnavailableError, match="cannot be reached"):
        await download_from("gopher://old.example", tmp_path, client=client)


async def test_an_endless_answer_is_cut_off(
    tmp_path: Path, github: GitHub, client: httpx.AsyncClient
) -> None:
    github.answers[NEWEST] = [Answer(body=b" " * (MAX_ANSWER_BYTES + 1))]

    with pytest.raises(BadSourceDataError, match="sends more than"):
        await download_newest(tmp_path, client=client, base_url=github.url)
