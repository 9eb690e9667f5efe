"""API keys as who runs the service makes, sees and revokes them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from f1graph.errors import RequestError, StoreError, UnknownError
from f1graph.store.keys import split_key
from tests.cli.test_models import ask, told

LATER = "2024-11-02T12:00Z"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A data folder with an empty, migrated database."""
    ask(tmp_path, "db", "upgrade")
    return tmp_path


def test_a_key_is_shown_once_and_only_its_id_afterwards(folder: Path) -> None:
    made = told(
        folder, "keys", "create", "a fan site", "--scope", "refresh,limits:raised", "--expires", "90d"
    )
    split = split_key(made["key"])
    assert split is not None
    assert made["id"] == split[0]
    assert made["scopes"] == ["limits:raised", "refresh"]
    assert made["expires_at"].startswith("2024-12-31T12:00")

    (listed,) = told(folder, "keys", "list")
    assert listed == {name: value for name, value in made.items() if name != "key"} | {"is_valid": True}
    shown = ask(folder, "keys", "list")
    assert re.search(
        rf"{made['id']} +a fan site +limits:raised, refresh +2024-10-02 +2024-12-31 +never", shown
    )
    assert split[1] not in shown


def test_scopes_may_be_told_one_by_one(folder: Path) -> None:
    made = told(folder, "keys", "create", "ours", "--scope", "refresh", "--scope", "models:write")
    assert made["scopes"] == ["models:write", "refresh"]


def test_an_id_is_shown_whole_on_a_narrow_terminal(folder: Path) -> None:
    """Who revokes a key copies its id from the list."""
    made = told(folder, "keys", "create", "the app of a fan", "--scope", "refresh,models:write,limits:raised")
    assert f" {made['id']} " in ask(folder, "keys", "list", columns=70)


def test_a_key_is_printed_alone_so_that_it_can_be_piped(folder: Path) -> None:
    given = ask(folder, "keys", "create", "ours", "--scope", "models:write")
    assert split_key(given.removesuffix("\n")) is not None


def test_a_key_is_revoked_for_good(folder: Path) -> None:
    key_id = told(folder, "keys", "create", "ours", "--scope", "refresh")["id"]
    assert "is revoked" in ask(folder, "keys", "revoke", key_id)
    again = told(folder, "keys", "revoke", key_id, now=LATER)
    assert again["revoked_at"].startswith("2024-10-02")
    assert "revoked 2024-10-02" in ask(folder, "keys", "list")
    with pytest.raises(UnknownError, match="no key 'nope'"):
        ask(folder, "keys", "revoke", "nope")


def test_an_expired_key_is_listed_as_such(folder: Path) -> None:
    told(folder, "keys", "create", "ours", "--scope", "refresh", "--expires", "2024-10-03T00:00Z")
    (key,) = told(folder, "keys", "list", now=LATER)
    assert not key["is_valid"]
    assert "expired" in ask(folder, "keys", "list", now=LATER)


def test_who_made_and_revoked_keys_stands_in_the_audit(folder: Path) -> None:
    assert "Nothing was written" in ask(folder, "keys", "audit")
    key_id = told(folder, "keys", "create", "ours", "--scope", "refresh")["id"]
    told(folder, "keys", "revoke", key_id)

    rows = told(folder, "keys", "audit")
    assert [(row["action"], row["arguments"]["id"], row["key_id"]) for row in rows] == [
        ("keys revoke", key_id, None),
        ("keys create", key_id, None),
    ]
    assert "command line" in ask(folder, "keys", "audit", "--limit", "1")
    assert told(folder, "keys", "audit", "--key", key_id) == []


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (
            ("--scope", "refresh,everything"),
            "everything: the scopes are refresh, models:write, limits:raised",
        ),
        (("--scope", ""), "a key needs a scope"),
        (("--scope", "refresh", "--expires", "soon"), "'soon' is no time such as"),
        (("--scope", "refresh", "--expires", "2027-01-01"), "has no zone"),
        (("--scope", "refresh", "--expires", "2024-01-01T00:00Z"), "is over"),
    ],
)
def test_a_key_that_was_asked_for_wrongly_is_not_made(
    folder: Path, arguments: tuple[str, ...], why: str
) -> None:
    with pytest.raises(RequestError, match=why):
        ask(folder, "keys", "create", "ours", *arguments)
    assert "no keys" in ask(folder, "keys", "list")


def test_without_its_tables_it_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="db upgrade"):
        ask(tmp_path, "keys", "list")
