"""What a request may ask for at most. All limits are settings; none of them is checked by doing the work."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from graphql import GraphQLError

from f1graph.errors import F1GraphError
from f1graph.settings import Settings


@dataclass(frozen=True, slots=True)
class Limits:
    """How large a document and its answer may be. What is spread from fragments counts wherever it is spread.

    Attributes:
        tokens: Words and signs of the text, comments too; and its lines.
        depth: Fields within fields.
        fields: Fields in all.
        root_fields: Fields at the root: each asks the database for itself.
        aliases: Fields under another name.
        directives: Uses of directives.
        operations: Operations in one document.
        comparisons: Pairs of fields or fragments that must be compared to know that they do not conflict.
        list_size: The longest list in one answer, whatever its field allows.
        cost: What the answer may cost at most, as the fields declare it.
        introspection: Whether the schema may be asked for itself.
        suggestions: Whether an unknown name is answered with names that are alike.
    """

    tokens: int = 800
    depth: int = 20
    fields: int = 1_000
    root_fields: int = 30
    aliases: int = 100
    directives: int = 50
    operations: int = 10
    comparisons: int = 500
    list_size: int = 2_000
    cost: int = 25_000
    introspection: bool = True
    suggestions: bool = True

    @classmethod
    def of(cls, settings: Settings) -> Limits:
        return cls(
            tokens=settings.token_limit,
            depth=settings.depth_limit,
            fields=settings.field_limit,
            root_fields=settings.root_field_limit,
            aliases=settings.alias_limit,
            directives=settings.directive_limit,
            operations=settings.operation_limit,
            comparisons=settings.comparison_limit,
            list_size=settings.list_limit,
            cost=settings.cost_limit,
            introspection=settings.introspection,
            suggestions=settings.suggestions,
        )


class DocumentError(F1GraphError):
    """The document is not GraphQL or does not fit the schema, or its variables do not fit the document.

    Attributes:
        reason: The code.
        status: The HTTP status in every media type; None where the specification has one for each.
    """

    status: int | None = None

    def __init__(self, code: str, errors: list[GraphQLError]) -> None:
        super().__init__(errors[0].message)
        self.reason = code
        self.errors = errors


class LimitError(DocumentError):
    """The document is GraphQL, but more than this service does for a request."""

    def __init__(self, code: str, message: str, *, status: int = 400, **extensions: Any) -> None:
        super().__init__(code, [GraphQLError(message, extensions=extensions)])
        self.status = status
