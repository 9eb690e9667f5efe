"""Automatic persisted queries with the clients that speak the protocol."""

from __future__ import annotations

from tests.clients.node import Node


def test_apollo_and_urql_send_a_document_once_and_then_its_hash(node: Node, address: str) -> None:
    """G2d: the answer to an unknown hash is one that both understand, by POST and by GET."""
    found = node.ask("persisted.mjs", f"{address}/graphql")

    assert found.keys() == {"apollo POST", "apollo GET", "urql POST", "urql GET"}
    for first, second in found.values():
        assert first["race"] == second["race"]
        assert first["withText"] == [False, True]
        assert second["withText"] == [False]
