"""Checks a document against the schema by the specification's rules, in bounded time."""

from __future__ import annotations

from graphql import DocumentNode, GraphQLSchema, OverlappingFieldsCanBeMergedRule, specified_rules, validate
from graphql.validation import ValidationContext
from graphql.validation.validate import ValidationAbortedError

from f1graph.api.limits import DocumentError, LimitError, Limits

_MOST_ERRORS = 20


def check(schema: GraphQLSchema, document: DocumentNode, limits: Limits) -> None:
    """Checks a document.

    Raises:
        LimitError: Too much would have to be compared.
        DocumentError: It does not fit the schema.
    """

    class FieldsCanBeMerged(OverlappingFieldsCanBeMergedRule):
        """The only rule whose work grows faster than the document; it counts two for each comparison."""

        def __init__(self, context: ValidationContext) -> None:
            super().__init__(context)
            self.rule_context.remaining_complexity_budget = 2 * limits.comparisons

    rules = [FieldsCanBeMerged if rule is OverlappingFieldsCanBeMergedRule else rule for rule in specified_rules]
    errors = validate(
        schema,
        document,
        rules,
        max_errors=_MOST_ERRORS,
        hide_suggestions=not limits.suggestions,
        allow_empty_selection_sets=False,
    )
    if errors and isinstance(errors[-1], ValidationAbortedError) and len(errors) <= _MOST_ERRORS:
        raise LimitError(
            "TOO_MANY_COMPARISONS", "too many fields of the same name would have to be compared; ask for each once"
        )
    if errors:
        raise DocumentError("GRAPHQL_VALIDATION_FAILED", errors)
