"""Documents: parsed, measured and checked against the schema once, then remembered."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    IntValueNode,
    OperationDefinitionNode,
    OperationType,
    parse,
)

from f1graph.api.asked import Asked
from f1graph.api.costs import Costs
from f1graph.api.limits import DocumentError, LimitError, Limits
from f1graph.api.measure import Cost, Measure, whole_number
from f1graph.api.persisted import Persisted
from f1graph.api.validation import check
from f1graph.errors import SettingsError

# Some hundred ordinary documents, and no more memory where somebody sends ever new ones.
_USUAL_SIZE = 50_000_000
_BYTES_OF_A_TOKEN = 600
_TOO_MANY_TOKENS = "Syntax Error: Document contains more than"
_TOO_DEEP = "Syntax Error: Document is nested too deeply"
_LINE_END = re.compile(r"\r\n|[\n\r]")


@dataclass(frozen=True, slots=True)
class MeasuredOperation:
    """One operation of a valid document, whatever its variables will be.

    Attributes:
        defaults: The whole numbers that variables are when nobody gives them.
    """

    node: OperationDefinitionNode
    cost: Cost
    defaults: Mapping[str, int]

    @property
    def name(self) -> str | None:
        return None if self.node.name is None else self.node.name.value


@dataclass(frozen=True, slots=True)
class Document:
    """A valid document within the limits.

    Attributes:
        size: About how many bytes it takes.
    """

    node: DocumentNode
    operations: tuple[MeasuredOperation, ...]
    size: int

    def operation(self, name: str | None) -> MeasuredOperation:
        """The operation to run.

        Raises:
            DocumentError: The name does not tell which.
        """
        found = [one for one in self.operations if name is None or one.name == name]
        if len(found) != 1:
            text = "`operationName` must name one of the operations"
            raise DocumentError("BAD_OPERATION_NAME", [GraphQLError(text)])
        return found[0]


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation that may be run, with its variables.

    Attributes:
        text: Of its document.
        cost: What it costs at most.
        tells_cost: Whether the caller wants to know.
    """

    text: str
    document: Document
    kind: OperationType
    name: str | None
    variables: dict[str, Any]
    cost: int
    tells_cost: bool


class Documents:
    """The documents seen last, by their text; refusals are not remembered.

    Args:
        size: About how many bytes they may take.

    Raises:
        SettingsError: A registered document may not be executed.
    """

    def __init__(
        self,
        schema: GraphQLSchema,
        limits: Limits,
        persisted: Persisted | None = None,
        *,
        size: int = _USUAL_SIZE,
    ) -> None:
        self._schema = schema
        self._limits = limits
        self._persisted = persisted or Persisted()
        self._costs = Costs(schema)
        self._size = size
        self._held = 0
        self._seen: OrderedDict[str, Document] = OrderedDict()
        self._registered = self._check_registered()

    @property
    def limits(self) -> Limits:
        return self._limits

    def operation(self, asked: Asked) -> Operation:
        """The operation that is asked for.

        Raises:
            DocumentError: It may not be run.
            RefusedError: It is not told which.
        """
        text = self._persisted.text(asked)
        document = self.read(text)
        self._persisted.remember(asked)
        found = document.operation(asked.operation_name)
        cost = self.cost(found, asked.variables)
        return Operation(
            text, document, found.node.operation, found.name, asked.variables, cost, asked.wants_cost
        )

    def read(self, text: str) -> Document:
        """The document of `text`.

        Raises:
            DocumentError: It may not be executed.
        """
        registered = self._registered.get(text)
        if registered is not None:
            return registered
        seen = self._seen.get(text)
        if seen is not None:
            self._seen.move_to_end(text)
            return seen
        document = self._check(text)
        self._seen[text] = document
        self._held += document.size
        while self._held > self._size:
            _, forgotten = self._seen.popitem(last=False)
            self._held -= forgotten.size
        return document

    def cost(self, operation: MeasuredOperation, variables: Mapping[str, Any]) -> int:
        """What running an operation with these variables costs at most.

        Raises:
            LimitError: More than it may, or a list is longer than it may be.
        """
        cost = operation.cost.value({**operation.defaults, **variables}, self._limits)
        if cost > self._limits.cost:
            raise LimitError(
                "TOO_COSTLY",
                f"this would cost {cost}, and {self._limits.cost} is the most; ask for shorter lists or "
                "fewer fields",
                cost=cost,
                limit=self._limits.cost,
            )
        return cost

    def _check_registered(self) -> dict[str, Document]:
        checked: dict[str, Document] = {}
        for name, text in self._persisted.registered.items():
            if text in checked:
                continue
            try:
                checked[text] = self._check(text)
            except DocumentError as error:
                raise SettingsError(
                    f"F1GRAPH_PERSISTED_DOCUMENTS: the document {name!r} may not run, {error.reason}: {error}"
                ) from error
        return checked

    def _check(self, text: str) -> Document:
        node = self._parse(text)
        try:
            operations = self._measure(node)
            check(self._schema, node, self._limits)
        except RecursionError as error:
            raise LimitError("TOO_DEEP", "the document is nested too deeply") from error
        return Document(node, operations, len(text) + _BYTES_OF_A_TOKEN * node.token_count)

    def _parse(self, text: str) -> DocumentNode:
        try:
            node = parse(text, max_tokens=self._limits.tokens)
        except GraphQLError as error:
            if error.message.startswith(_TOO_MANY_TOKENS):
                most = self._limits.tokens
                raise LimitError("TOO_MANY_TOKENS", f"a document may have {most} tokens at most") from error
            if error.message.startswith(_TOO_DEEP):
                raise LimitError("TOO_DEEP", "the document is nested too deeply") from error
            raise DocumentError("GRAPHQL_PARSE_FAILED", [error]) from error
        # Every error of an answer counts the lines before its field, and an answer may have thousands.
        if len(_LINE_END.findall(text)) >= self._limits.tokens:
            raise LimitError("TOO_MANY_LINES", f"a document may have {self._limits.tokens} lines at most")
        return node

    def _measure(self, document: DocumentNode) -> tuple[MeasuredOperation, ...]:
        nodes = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
        if len(nodes) > self._limits.operations:
            most = self._limits.operations
            raise LimitError("TOO_MANY_OPERATIONS", f"a document may have {most} operations at most")
        measure = Measure(document, self._schema, self._costs, self._limits)
        return tuple(MeasuredOperation(node, measure.operation(node), _defaults(node)) for node in nodes)


def _defaults(node: OperationDefinitionNode) -> dict[str, int]:
    return {
        one.variable.name.value: whole_number(one.default_value)
        for one in node.variable_definitions or ()
        if isinstance(one.default_value, IntValueNode)
    }
