"""The pages in a real browser that has no other host to go to."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import f1graph
from f1graph.api.app import create_app
from f1graph.api.pages import web_folder
from f1graph.settings import Settings
from tests.api.seed import NOW, fill_championship
from tests.api.subscribers import living, publish_causes, until
from tests.databases import SqliteTemplates
from tests.serving import serving
from tests.web.chromium import NAMES, Tab, a_tab, chromium_path

pytestmark = [
    pytest.mark.skipif(chromium_path() is None, reason=f"no browser is here: none of {', '.join(NAMES)}"),
    pytest.mark.skipif(web_folder() is None, reason="the pages are not built: run `make web`"),
]
_EXAMPLES = Path(f1graph.__file__).parent / "web/src/examples"
_EDITOR = "document.querySelector('.graphiql-query-editor .view-lines')?.textContent ?? ''"
_ANSWER = "document.querySelector('.result-window .view-lines')?.textContent ?? ''"
_BUTTON = "document.querySelector('.graphiql-execute-button')"
_TABS = "[...document.querySelectorAll('button.graphiql-tab-button')]"


@pytest.fixture
def address(tmp_path: Path, sqlite_templates: SqliteTemplates) -> Iterator[str]:
    """Where the API of the seeded championship is served."""
    settings = Settings(database_url=sqlite_templates.copy(tmp_path, fill_championship))
    with serving(create_app(settings, clock=lambda: NOW)) as served:
        yield served


@pytest.fixture
def tab(tmp_path: Path) -> Iterator[Tab]:
    with a_tab(tmp_path / "profile") as opened:
        yield opened


def complaints(tab: Tab, address: str) -> list[str]:
    """Errors and warnings of the pages, refused content, failed requests, and requests to any other host."""
    found = []
    for event in tab.events:
        told = event["params"]
        match event["method"]:
            case "Runtime.exceptionThrown":
                found.append(json.dumps(told["exceptionDetails"]))
            case "Runtime.consoleAPICalled" if told["type"] in ("error", "warning", "assert"):
                found.append(json.dumps(told["args"]))
            case "Log.entryAdded" if told["entry"]["level"] in ("error", "warning"):
                found.append(json.dumps(told["entry"]))
            case "Network.requestWillBeSent" if not told["request"]["url"].startswith(f"{address}/"):
                found.append(f"requested {told['request']['url']}")
            case "Network.responseReceived" if told["response"]["status"] >= 400:
                found.append(f"{told['response']['status']} {told['response']['url']}")
            case "Network.loadingFailed" if not told.get("canceled"):
                found.append(json.dumps(told))
    return found


def answers(tab: Tab, operation: str) -> list[str]:
    """Ids of the requests for this operation that have been answered."""
    asked = {
        event["params"]["requestId"]
        for event in tab.events
        if event["method"] == "Network.requestWillBeSent"
        and f"query {operation} " in event["params"]["request"].get("postData", "")
    }
    return [
        event["params"]["requestId"]
        for event in tab.events
        if event["method"] == "Network.loadingFinished" and event["params"]["requestId"] in asked
    ]


def run_example(tab: Tab, number: int) -> tuple[str, dict[str, Any]]:
    """Brings a tab to the front and presses the button; the operation's name and what was answered."""
    name = tab.evaluate(f"{_TABS}[{number}].click(), {_TABS}[{number}].textContent.trim()")
    tab.wait_until(f"({_EDITOR}).includes({json.dumps(name)})")
    answer: dict[str, Any] = press(tab, name)
    while "BAD_OPERATION_NAME" in json.dumps(answer):
        # GraphiQL reads the name of the operation a moment after the tab came to the front.
        answer = press(tab, name)
    return name, answer


def press(tab: Tab, operation: str) -> Any:
    """Presses the button; what the API answers."""
    before = len(answers(tab, operation))
    tab.wait_until(f"{_BUTTON}.getAttribute('aria-label').startsWith('Execute')")
    tab.evaluate(f"{_BUTTON}.click()")
    tab.wait_for(f"an answer to {operation}", lambda: len(answers(tab, operation)) > before)
    return json.loads(tab.call("Network.getResponseBody", requestId=answers(tab, operation)[-1])["body"])


def test_graphiql_runs_all_examples_from_our_own_host_alone(tab: Tab, address: str) -> None:
    """G10: editor, workers, fonts and styles come from here, and our content-security policy allows them."""
    tab.open(f"{address}/graphiql")
    tab.wait_until("document.querySelector('.graphiql-query-editor .view-line')")
    examples = tab.evaluate(f"{_TABS}.length")

    found = dict(run_example(tab, number) for number in range(examples))

    assert examples == len(list(_EXAMPLES.glob("*.graphql"))), "older pages than examples? run `make web`"
    assert len(found) == examples
    assert {name: answer["errors"] for name, answer in found.items() if "errors" in answer} == {}
    tab.wait_until(f"({_ANSWER}).includes('data')")
    assert complaints(tab, address) == []


_SUBSCRIPTION = "subscription News { updates { cause } }"
_OUR_TAB: dict[str, str | None] = {
    "id": "1",
    "hash": None,
    "title": "News",
    "query": _SUBSCRIPTION,
    "variables": None,
    "headers": None,
    "operationName": "News",
    "response": None,
}


def test_graphiql_shows_news_as_they_are_published_until_it_is_stopped(
    tab: Tab, tmp_path: Path, sqlite_templates: SqliteTemplates
) -> None:
    state = json.dumps({"tabs": [_OUR_TAB], "activeTabIndex": 0})
    with living(sqlite_templates.copy(tmp_path, fill_championship)) as live:
        tab.open(f"{live.address}/")
        tab.wait_until("document.querySelector('a[href=\"/graphiql\"]')")
        tab.evaluate(f"localStorage.setItem('f1graph:graphiql:tabState', {json.dumps(state)})")
        tab.open(f"{live.address}/graphiql")
        tab.wait_until(f"({_EDITOR}).includes('News')")
        tab.wait_until(f"{_BUTTON}.getAttribute('aria-label').startsWith('Execute')")
        tab.evaluate(f"{_BUTTON}.click()")
        asyncio.run(until(lambda: live.feed.followers == 1))

        for cause in ("postponed", "cancelled"):
            asyncio.run(publish_causes(live.url, cause))
            tab.wait_until(f"({_ANSWER}).includes('{cause}')")

        tab.evaluate(f"{_BUTTON}.click()")
        asyncio.run(live.nobody_follows())
        assert complaints(tab, live.address) == []


def test_the_first_page_leads_to_graphiql(tab: Tab, address: str) -> None:
    tab.open(f"{address}/")
    tab.wait_until("document.querySelector('a[href=\"/graphiql\"]')")

    tab.evaluate("document.querySelector('a[href=\"/graphiql\"]').click()")

    tab.wait_until("document.querySelector('.graphiql-execute-button')")
    assert complaints(tab, address) == []
