"""The audits of npm's graphql-http: GraphQL over HTTP as others read its specification."""

from __future__ import annotations

from collections import Counter

from tests.clients.node import Node


def test_all_audits_of_graphql_over_http_are_ok(node: Node, address: str) -> None:
    """G2d: 61 of 61, no warning and no error."""
    audits = node.ask("audits.mjs", f"{address}/graphql")

    assert [audit for audit in audits if audit["status"] != "ok"] == []
    assert Counter(audit["status"] for audit in audits) == {"ok": 61}
