"""Real clients against a real server on loopback."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from f1graph.api.app import create_app
from f1graph.settings import Settings
from tests.api.seed import NOW, fill_championship
from tests.clients.node import Node, install
from tests.databases import SqliteTemplates
from tests.serving import serving


@pytest.fixture(scope="session")
def node() -> Node:
    """Node with the clients; without npm's registry the test is skipped."""
    if (reason := install()) is not None:
        pytest.skip(reason)
    return Node()


@pytest.fixture
def address(tmp_path: Path, sqlite_templates: SqliteTemplates) -> Iterator[str]:
    """Where the API of the seeded championship is served."""
    settings = Settings(database_url=sqlite_templates.copy(tmp_path, fill_championship))
    with serving(create_app(settings, clock=lambda: NOW)) as served:
        yield served
