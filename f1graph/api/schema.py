"""The schema, and its text as it stands in `schema.graphql`."""

from __future__ import annotations

import strawberry
from strawberry.schema.config import StrawberryConfig

import f1graph.api.enums  # noqa: F401 - each is described before any type names it
from f1graph.api.mutation import Mutation
from f1graph.api.query.root import Query
from f1graph.api.scalars import SCALARS
from f1graph.api.subscription import Subscription
from f1graph.api.updates import UPDATE_TYPES

schema = strawberry.Schema(
    Query,
    mutation=Mutation,
    subscription=Subscription,
    types=UPDATE_TYPES,
    config=StrawberryConfig(scalar_map=SCALARS),
)

# The same as graphql-core knows it: what documents are validated against and executed on.
graphql_schema = schema._schema


def print_schema() -> str:
    """The schema's text, with a newline at its end. The same for every hash seed."""
    return schema.as_str().rstrip("\n") + "\n"
