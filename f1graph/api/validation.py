"""Checks a document against the schema by the specification's rules, in bounded time.

The rules are graphql-core's. What walks the document for them is made for what may not be trusted: half as
much is visited, and no part of a document is ever compared with another by its content.
"""

from __future__ import annotations

from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    OverlappingFieldsCanBeMergedRule,
    ParallelVisitor,
    SelectionSetNode,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    specified_rules,
    visit,
)
from graphql.language.ast import QUERY_DOCUMENT_KEYS
from graphql.validation import ValidationContext
from graphql.validation.validate import ValidationAbortedError
from graphql.validation.validation_context import VariableUsage, VariableUsageVisitor

from f1graph.api.limits import DocumentError, LimitError, Limits

_MOST_ERRORS = 10
# No rule looks at a name by itself.
_KEYS = {
    kind: tuple(key for key in keys if key not in ("description", "name", "alias"))
    for kind, keys in QUERY_DOCUMENT_KEYS.items()
}


class TooManyErrorsError(Exception):
    """More errors than anybody reads."""


class FieldsCanBeMerged(OverlappingFieldsCanBeMergedRule):
    """The only rule whose work grows faster than the document."""

    context: BoundedContext

    def __init__(self, context: BoundedContext) -> None:
        super().__init__(context)
        # It counts two for each comparison.
        self.rule_context.remaining_complexity_budget = 2 * context.limits.comparisons


_RULES: list[Any] = [
    FieldsCanBeMerged if rule is OverlappingFieldsCanBeMergedRule else rule for rule in specified_rules
]


class BoundedContext(ValidationContext):
    """What the rules know, with what they share remembered by identity: nodes are hashed by their content."""

    def __init__(
        self, schema: GraphQLSchema, document: DocumentNode, type_info: TypeInfo, limits: Limits
    ) -> None:
        super().__init__(
            schema,
            document,
            type_info,
            self._add,
            hide_suggestions=not limits.suggestions,
            allow_empty_selection_sets=False,
        )
        self.limits = limits
        self.errors: list[GraphQLError] = []
        self._types = type_info
        self._usages: dict[int, list[VariableUsage]] = {}
        self._recursive_usages: dict[int, list[VariableUsage]] = {}
        self._spreads: dict[int, list[FragmentSpreadNode]] = {}

    def _add(self, error: GraphQLError) -> None:
        self.errors.append(error)
        if len(self.errors) >= _MOST_ERRORS:
            raise TooManyErrorsError

    def get_variable_usages(
        self, node: OperationDefinitionNode | FragmentDefinitionNode | Any
    ) -> list[VariableUsage]:
        found = self._usages.get(id(node))
        if found is None:
            fragment = node if isinstance(node, FragmentDefinitionNode) else None
            visitor = VariableUsageVisitor(self._types, fragment)
            visit(node, TypeInfoVisitor(self._types, visitor), _KEYS)
            found = self._usages[id(node)] = visitor.usages
        return found

    def get_recursive_variable_usages(self, operation: OperationDefinitionNode) -> list[VariableUsage]:
        found = self._recursive_usages.get(id(operation))
        if found is None:
            found = list(self.get_variable_usages(operation))
            for fragment in self.get_recursively_referenced_fragments(operation):
                found += self.get_variable_usages(fragment)
            self._recursive_usages[id(operation)] = found
        return found

    def get_fragment_spreads(self, node: SelectionSetNode) -> list[FragmentSpreadNode]:
        found = self._spreads.get(id(node))
        if found is None:
            found = self._spreads[id(node)] = []
            waiting = [node]
            while waiting:
                for selection in waiting.pop().selections:
                    if isinstance(selection, FragmentSpreadNode):
                        found.append(selection)
                    elif isinstance(selection, FieldNode | InlineFragmentNode) and selection.selection_set:
                        waiting.append(selection.selection_set)
        return found


def check(schema: GraphQLSchema, document: DocumentNode, limits: Limits) -> None:
    """Checks a document.

    Raises:
        LimitError: Too much would have to be compared.
        DocumentError: It does not fit the schema.
    """
    type_info = TypeInfo(schema)
    context = BoundedContext(schema, document, type_info, limits)
    rules: list[Visitor] = [rule(context) for rule in _RULES]
    try:
        visit(document, TypeInfoVisitor(type_info, ParallelVisitor(rules)), _KEYS)
    except TooManyErrorsError:
        pass
    except ValidationAbortedError as error:
        raise LimitError(
            "TOO_MANY_COMPARISONS",
            "too many fields or fragments would have to be compared with each other; ask for each field once",
        ) from error
    if context.errors:
        raise DocumentError("GRAPHQL_VALIDATION_FAILED", context.errors)
