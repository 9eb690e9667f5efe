"""Persisted documents: sent by their hash or their name instead of their text.

Registered ones come from a manifest, which is read once, and may be the only ones that run. Automatic ones
are what a client has sent with its hash; each process remembers some of them, and a client sends the text
again where it is not known.
"""

from __future__ import annotations

import hashlib
import json
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from graphql import GraphQLError

from f1graph.api.asked import Asked, RefusedError
from f1graph.api.limits import DocumentError, LimitError
from f1graph.errors import SettingsError
from f1graph.settings import Settings

_SHA256 = "sha256:"
# A longer one is not remembered; its client sends it every time.
_LONGEST = 20_000


@dataclass(slots=True)
class Persisted:
    """The documents that are known by something else than their text.

    Attributes:
        registered: By the hash of their text, or by their name.
        remembers: How many that came with their hash are remembered; 0: none, and who asks so is told.
        only_registered: Nothing else runs.
    """

    registered: Mapping[str, str] = field(default_factory=dict)
    remembers: int = 0
    only_registered: bool = False
    _automatic: OrderedDict[str, str] = field(default_factory=OrderedDict)

    @classmethod
    def of(cls, settings: Settings) -> Persisted:
        """What the settings register.

        Raises:
            SettingsError: The manifest cannot be used.
        """
        manifest = settings.persisted_documents
        if settings.only_persisted_documents and manifest is None:
            raise SettingsError(
                "F1GRAPH_ONLY_PERSISTED_DOCUMENTS needs F1GRAPH_PERSISTED_DOCUMENTS: nothing could run"
            )
        return cls(
            {} if manifest is None else read_manifest(manifest),
            settings.automatic_documents,
            settings.only_persisted_documents,
        )

    def text(self, asked: Asked) -> str:
        """The document that is asked for.

        Raises:
            RefusedError: Its text is not the one of its hash, or no document is asked for.
            DocumentError: It is not known here.
            LimitError: It is not registered, and only those run.
        """
        if asked.document_id is not None:
            return self._by_id(asked.document_id, asked.query)
        if asked.query is None:
            raise RefusedError("BAD_REQUEST", "`query` must be a GraphQL document, or `documentId` name one")
        if self.only_registered and hash_of(asked.query) not in self.registered:
            raise _not_registered()
        return asked.query

    def remember(self, asked: Asked) -> None:
        """Remembers a valid document that came with its hash."""
        query = asked.query
        if asked.document_id is None or query is None or not self.remembers or len(query) > _LONGEST:
            return
        key = _key(asked.document_id)
        if key in self.registered:
            return
        self._automatic[key] = query
        self._automatic.move_to_end(key)
        if len(self._automatic) > self.remembers:
            self._automatic.popitem(last=False)

    def _by_id(self, document_id: str, query: str | None) -> str:
        key = _key(document_id)
        registered = self.registered.get(key)
        if registered is not None and query in (None, registered):
            return registered
        if query is not None and hash_of(query) != key:
            raise RefusedError("PERSISTED_QUERY_HASH_MISMATCH", "the hash is not the one of this document")
        if self.only_registered:
            raise _not_registered()
        if not self.remembers and _is_hash(key):
            raise _unknown("PERSISTED_QUERY_NOT_SUPPORTED", "PersistedQueryNotSupported")
        if query is not None:
            return query
        found = self._automatic.get(key)
        if found is None:
            # Clients know the protocol by this very text.
            raise _unknown("PERSISTED_QUERY_NOT_FOUND", "PersistedQueryNotFound")
        self._automatic.move_to_end(key)
        return found


def read_manifest(path: Path) -> dict[str, str]:
    """The documents of a manifest, by hash and by name.

    Args:
        path: A JSON file `{hash: document}`, as the code generators of clients write it, or a folder of
            `.graphql` files, whose names are those of the documents.

    Raises:
        SettingsError: It is not one.
    """
    try:
        found = _read_folder(path) if path.is_dir() else json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise _bad(path, f"cannot be read: {error}") from error
    if not isinstance(found, dict) or not found:
        raise _bad(
            path, 'names no document: it must be a JSON object such as {"<sha256>": "{ nextRace { name } }"}'
        )
    documents: dict[str, str] = {}
    for name, text in found.items():
        key = _key(name)
        if not isinstance(text, str):
            raise _bad(path, f"has no text of a document at {name!r}")
        if _is_hash(key) and hash_of(text) != key:
            raise _bad(path, f"is wrong at {name!r}: the hash of that document is {hash_of(text)}")
        documents[key] = documents[hash_of(text)] = text
    return documents


def _read_folder(folder: Path) -> dict[str, str]:
    return {file.stem: file.read_text(encoding="utf-8") for file in sorted(folder.glob("*.graphql"))}


def hash_of(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _key(document_id: str) -> str:
    return document_id.removeprefix(_SHA256)


def _is_hash(key: str) -> bool:
    return len(key) == 64 and all(sign in "0123456789abcdef" for sign in key)


def _bad(path: Path, problem: str) -> SettingsError:
    return SettingsError(f"F1GRAPH_PERSISTED_DOCUMENTS={path} {problem}")


def _unknown(code: str, message: str) -> DocumentError:
    return DocumentError(code, [GraphQLError(message)])


def _not_registered() -> LimitError:
    return LimitError("DOCUMENT_NOT_REGISTERED", "only registered documents run here", status=403)
