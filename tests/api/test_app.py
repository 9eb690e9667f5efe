"""The application: its routes, its pages, and when it is ready."""

from __future__ import annotations

import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest
from starlette.middleware.base import BaseHTTPMiddleware

from f1graph.api.app import create_app
from f1graph.api.pages import CONTENT_SECURITY_POLICY, web_folder
from f1graph.settings import Settings
from f1graph.store.engine import open_store
from f1graph.store.facts import record_facts
from f1graph.store.migrate import migrate
from tests.api.conftest import Api, start
from tests.api.seed import facts_of
from tests.builders import a_history, a_moment, a_race

_IMPORT = """
import pathlib, sys
from f1graph.api.app import create_app
from f1graph.settings import Settings
create_app(Settings())
heavy = {"torch", "pandas", "fastf1", "matplotlib", "arq", "scipy"} & set(sys.modules)
assert not heavy, heavy
status = pathlib.Path("/proc/self/status").read_text().splitlines()
print(next(int(line.split()[1]) for line in status if line.startswith("VmHWM:")) / 1024)
"""
_needs_pages = pytest.mark.skipif(web_folder() is None, reason="the pages are not built: run `make web`")


def test_the_api_loads_no_model_no_data_frame_and_no_source() -> None:
    """S14, T7: the API process is light."""
    done = subprocess.run([sys.executable, "-c", _IMPORT], capture_output=True, text=True, check=True)
    # The process' own high-water mark: the kernel's figure for a child also counts its parent's memory.
    assert float(done.stdout) < 150


def test_a_post_to_graphql_is_not_redirected(sqlite_api: Api) -> None:
    """G9: GraphQL is a route, not a mount."""
    answer = sqlite_api.client.post("/graphql", json={"query": "{ __typename }"}, follow_redirects=False)
    assert answer.status_code == 200


def test_no_middleware_breaks_context_variables(sqlite_url: str) -> None:
    """G11: ours are plain ASGI classes."""
    app = create_app(Settings(database_url=sqlite_url))
    assert app.user_middleware
    assert not any(
        isinstance(one.cls, type) and issubclass(one.cls, BaseHTTPMiddleware) for one in app.user_middleware
    )


def test_the_process_lives_without_a_database(tmp_path: Path) -> None:
    with start(f"sqlite:///{tmp_path / 'none.db'}") as client:
        assert client.get("/healthz").json()["status"] == "ok"


async def test_the_service_is_not_ready_before_the_migration(tmp_path: Path) -> None:
    """D9: 503 with the reason until the database is at the newest migration."""
    url = f"sqlite:///{tmp_path / 'new.db'}"
    with start(url) as client:
        before = client.get("/readyz")
        await migrate(url)
        after = client.get("/readyz")
        await migrate(url, to="base")
        back = client.get("/readyz")
    assert (before.status_code, after.status_code, back.status_code) == (503, 200, 503)
    assert "f1graph db upgrade" in before.json()["reason"]


def test_the_service_is_not_ready_without_its_database() -> None:
    """D9: the reason tells nobody where the database is."""
    with start("postgresql://somebody:secret@127.0.0.1:1/none") as client:
        answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["reason"] == "the database cannot be reached"


class _Loaded(HTMLParser):
    """What a page makes a browser load; links are only followed by people."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            return
        self.addresses.extend(value for name, value in attrs if name in ("src", "href") and value)


@_needs_pages
@pytest.mark.parametrize("path", ["/", "/graphiql"])
def test_a_page_loads_nothing_from_another_host(sqlite_api: Api, path: str) -> None:
    """G10: scripts, styles and pictures come from our own host, and all of them are there."""
    answer = sqlite_api.client.get(path)
    assert answer.headers["content-security-policy"] == CONTENT_SECURITY_POLICY
    page = _Loaded()
    page.feed(answer.text)
    assert page.addresses
    for address in page.addresses:
        assert re.match(r"/graphiql/assets/[^/]+$", address), address
        loaded = sqlite_api.client.get(address)
        assert loaded.status_code == 200
        assert "immutable" in loaded.headers["cache-control"]
        assert loaded.headers["x-content-type-options"] == "nosniff"


def test_the_policy_names_no_other_host() -> None:
    """G10: a content-security policy holds it."""
    assert "http" not in CONTENT_SECURITY_POLICY
    assert "*" not in CONTENT_SECURITY_POLICY
    assert "script-src 'self';" in CONTENT_SECURITY_POLICY


def test_graphiql_can_be_turned_off(sqlite_url: str) -> None:
    """G10: a setting."""
    with start(sqlite_url, graphiql=False) as client:
        assert client.get("/graphiql").status_code == 404


@pytest.mark.parametrize("name", ["..%2findex.html", "nothing.js", "..%2f..%2f..%2fsettings.py", "."])
def test_nothing_but_assets_is_given_out(sqlite_api: Api, name: str) -> None:
    assert sqlite_api.client.get(f"/graphiql/assets/{name}").status_code == 404


def test_whose_data_it_is_stands_on_the_root_page_and_in_the_service(api: Api) -> None:
    """S16: the attribution, the non-commercial note and the unofficial sentence."""
    page = api.client.get("/").text
    service = api.ask(
        "{ service { notice sources { name attribution licence url lastImport { version } } "
        "newestClassifiedRace { slug } invented database schemaRevision dataVersion version "
        "lastWork { key kind status } now } }"
    )["service"]
    for word in ("F1DB", "CC BY 4.0", "non-commercial", "Unofficial"):
        assert word in page
    assert "Unofficial" in service["notice"]
    by_name = {source["name"]: source for source in service["sources"]}
    assert by_name["f1db"]["licence"].startswith("CC BY 4.0")
    assert by_name["f1db"]["lastImport"] == {"version": "1"}
    assert "not for commercial use" in by_name["fastf1"]["licence"]
    assert by_name["fastf1"]["lastImport"] is None
    assert service["newestClassifiedRace"]["slug"] == "2024-gp-3"
    assert service["invented"] is False
    assert service["database"] in api.url
    assert service["lastWork"] == [{"key": "import:f1db:1", "kind": "import", "status": "DONE"}]


async def test_an_invented_championship_says_so_on_the_page_and_in_the_graph(
    migrated_sqlite: str,
) -> None:
    """S16: nobody takes a made-up race for a real one."""
    store = open_store(migrated_sqlite)
    async with store.write() as write:
        race = a_race(2024, 6, invented=True)
        await record_facts(write, facts_of(a_history([race], []), invented=True), now=a_moment("2024-01-01"))
    await store.close()
    with start(migrated_sqlite) as client:
        page = client.get("/").text
        data = Api(client, migrated_sqlite).ask("{ service { invented } nextRace { invented } }")
    assert "invented championship" in page
    assert data == {"service": {"invented": True}, "nextRace": {"invented": True}}


def test_a_real_championship_is_not_called_invented(sqlite_api: Api) -> None:
    assert "invented championship" not in sqlite_api.client.get("/").text
