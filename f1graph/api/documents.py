"""Documents: parsed, checked against the schema and the limits once, then remembered.

Every limit is checked before anything is executed, in time linear in the document.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    parse,
    validate,
)

from f1graph.errors import F1GraphError

# The introspection query of GraphiQL is 13 deep and about 300 tokens.
MOST_TOKENS = 5_000
DEEPEST = 20
# Fields after fragments are followed: a few spreads of spreads would otherwise make millions of them.
MOST_FIELDS = 2_000
# Each root field of its own asks the database.
MOST_ROOT_FIELDS = 50
_MOST_ERRORS = 20


class DocumentError(F1GraphError):
    """The document is not GraphQL, does not fit the schema, or is beyond a limit."""

    def __init__(self, code: str, errors: list[GraphQLError]) -> None:
        super().__init__(errors[0].message)
        self.reason = code
        self.errors = errors


@dataclass(frozen=True, slots=True)
class Document:
    """A valid document."""

    node: DocumentNode

    def operation(self, name: str | None) -> OperationDefinitionNode | None:
        """The operation to run; None where the name does not tell which."""
        found = [one for one in self.node.definitions if isinstance(one, OperationDefinitionNode)]
        if name is not None:
            found = [one for one in found if one.name is not None and one.name.value == name]
        return found[0] if len(found) == 1 else None


class Documents:
    """The documents seen last, by their text; refusals are not remembered."""

    def __init__(self, schema: GraphQLSchema, *, size: int = 256) -> None:
        self._schema = schema
        self._size = size
        self._seen: OrderedDict[str, Document] = OrderedDict()

    def read(self, text: str) -> Document:
        """The document of `text`.

        Raises:
            DocumentError: It may not be executed.
        """
        seen = self._seen.get(text)
        if seen is not None:
            self._seen.move_to_end(text)
            return seen
        document = Document(self._check(text))
        self._seen[text] = document
        if len(self._seen) > self._size:
            self._seen.popitem(last=False)
        return document

    def _check(self, text: str) -> DocumentNode:
        try:
            node = parse(text, max_tokens=MOST_TOKENS)
        except GraphQLError as error:
            raise DocumentError("GRAPHQL_PARSE_FAILED", [error]) from error
        except RecursionError as error:
            raise DocumentError("TOO_DEEP", [GraphQLError("The document is nested too deeply.")]) from error
        check_size(node)
        errors = validate(self._schema, node, max_errors=_MOST_ERRORS, allow_empty_selection_sets=False)
        if errors:
            raise DocumentError("GRAPHQL_VALIDATION_FAILED", errors)
        return node


@dataclass(frozen=True, slots=True)
class _Size:
    depth: int
    fields: int
    root_fields: int


_EMPTY = _Size(0, 0, 0)


def check_size(document: DocumentNode) -> None:
    """Measures a document before it is validated: each fragment once, however often it is spread.

    Raises:
        DocumentError: It is too deep or too large.
    """
    fragments = {
        node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)
    }
    measured: dict[str, _Size] = {}

    def of_selection(selection_set: SelectionSetNode | None, depth: int) -> _Size:
        if depth > DEEPEST:
            raise DocumentError("TOO_DEEP", [GraphQLError(f"The document is deeper than {DEEPEST} fields.")])
        deepest = fields = root_fields = 0
        for node in selection_set.selections if selection_set is not None else ():
            if isinstance(node, FieldNode):
                inner = of_selection(node.selection_set, depth + 1)
                size = _Size(inner.depth + 1, inner.fields + 1, 1)
            elif isinstance(node, InlineFragmentNode):
                size = of_selection(node.selection_set, depth)
            elif isinstance(node, FragmentSpreadNode):
                size = of_fragment(node.name.value)
            else:
                size = _EMPTY
            deepest = max(deepest, size.depth)
            fields += size.fields
            root_fields += size.root_fields
        if deepest + depth > DEEPEST:
            raise DocumentError("TOO_DEEP", [GraphQLError(f"The document is deeper than {DEEPEST} fields.")])
        return _Size(deepest, fields, root_fields)

    def of_fragment(name: str) -> _Size:
        if name not in measured:
            # A cycle finds this; validation refuses it afterwards with a better word.
            measured[name] = _EMPTY
            fragment = fragments.get(name)
            if fragment is not None:
                measured[name] = of_selection(fragment.selection_set, 0)
        return measured[name]

    try:
        for node in document.definitions:
            if isinstance(node, OperationDefinitionNode):
                size = of_selection(node.selection_set, 0)
                _refuse_large(size)
    except RecursionError as error:
        raise DocumentError("TOO_DEEP", [GraphQLError("The document is nested too deeply.")]) from error


def _refuse_large(size: _Size) -> None:
    if size.fields > MOST_FIELDS:
        text = f"The document asks for more than {MOST_FIELDS} fields, its fragments followed."
        raise DocumentError("TOO_LARGE", [GraphQLError(text)])
    if size.root_fields > MOST_ROOT_FIELDS:
        text = f"The document has more than {MOST_ROOT_FIELDS} fields at its root."
        raise DocumentError("TOO_LARGE", [GraphQLError(text)])
