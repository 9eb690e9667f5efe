"""How large a document is and what it costs, in one pass over it.

Each fragment is visited once, however often it is spread. The pass comes before validation, so it expects
nothing of the document but its grammar.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLNamedType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    ListValueNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    VariableNode,
)

from f1graph.api.costs import VALUE, Bound, Costs, FieldCost
from f1graph.api.limits import LimitError, Limits

_INTROSPECTION = ("__schema", "__type")


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable that says how long a list is."""

    name: str
    bound: Bound

    def size(self, variables: Mapping[str, Any], limits: Limits) -> int:
        """How long the list is.

        Raises:
            LimitError: It may not be that long.
        """
        given = variables.get(self.name)
        if isinstance(given, list):
            given = len(given)
        if isinstance(given, bool) or not isinstance(given, int | float) or not math.isfinite(given):
            # None was given, or one that does not fit, which is told when the variables are read.
            return self.bound.unless_given
        return list_size(int(given), self.bound, limits)


class Cost(NamedTuple):
    """A cost, or how to know it once the variables are there.

    Attributes:
        fixed: What does not depend on them.
        parts: What does: how often it counts, the variable that says how often besides, and what.
    """

    fixed: int
    parts: tuple[tuple[int, Variable | None, Cost], ...] = ()

    @classmethod
    def sum(cls, costs: Iterable[Cost]) -> Cost:
        fixed = 0
        parts: list[tuple[int, Variable | None, Cost]] = []
        for cost in costs:
            if cost.parts:
                parts.append((1, None, cost))
            else:
                fixed += cost.fixed
        return cls(fixed, tuple(parts))

    def times(self, number: int) -> Cost:
        return Cost(0, ((number, None, self),)) if self.parts else Cost(self.fixed * number)

    def times_variable(self, variable: Variable) -> Cost:
        return Cost(0, ((1, variable, self),))

    def value(self, variables: Mapping[str, Any], limits: Limits) -> int:
        """The cost with these variables.

        Raises:
            LimitError: One of them asks for a list that is too long.
        """
        known: dict[int, int] = {}

        # What a fragment costs is worked out once, although it is part of the cost wherever it is spread.
        def of(cost: Cost) -> int:
            if not cost.parts:
                return cost.fixed
            value = known.get(id(cost))
            if value is None:
                value = cost.fixed
                for times, variable, part in cost.parts:
                    size = 1 if variable is None else variable.size(variables, limits)
                    value += times * size * of(part)
                known[id(cost)] = value
            return value

        return of(self)


_FREE = Cost(0)


class Size(NamedTuple):
    """How large a selection set is, and what it costs.

    Attributes:
        own: The cost that counts once.
        each: The cost that counts for each item of the page that this is.
    """

    depth: int = 0
    fields: int = 0
    top_fields: int = 0
    aliases: int = 0
    directives: int = 0
    own: Cost = _FREE
    each: Cost = _FREE


_EMPTY = Size()


def list_size(asked: int, bound: Bound, limits: Limits) -> int:
    """How long a list is.

    Raises:
        LimitError: It may not be that long.
    """
    most = min(bound.most, limits.list_size)
    if asked > most or (asked < 1 and bound.argument == "first"):
        rule = f"must be between 1 and {most}" if bound.argument == "first" else f"may be at most {most}"
        text = f"`{bound.argument}` {rule}, not {asked}"
        raise LimitError("BAD_LIST_SIZE", text, field=bound.field)
    return asked


class Measure:
    """Measures one document.

    Raises:
        LimitError: From each method; something is more than the limit allows.
    """

    def __init__(self, document: DocumentNode, schema: GraphQLSchema, costs: Costs, limits: Limits) -> None:
        self._schema = schema
        self._costs = costs
        self._limits = limits
        self._fragments = {
            node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)
        }
        self._measured: dict[str, Size] = {}

    def operation(self, node: OperationDefinitionNode) -> Cost:
        """What an operation costs."""
        size = self._selections(node.selection_set, self._schema.get_root_type(node.operation), 0)
        directives = size.directives + len(node.directives or ())
        directives += sum(len(one.directives or ()) for one in node.variable_definitions or ())
        self._refuse(directives, self._limits.directives, "TOO_MANY_DIRECTIVES", "uses of directives")
        self._refuse(size.top_fields, self._limits.root_fields, "TOO_MANY_ROOT_FIELDS", "fields at its root")
        return Cost.sum((size.own, size.each))

    def _selections(
        self, selection_set: SelectionSetNode, parent: GraphQLNamedType | None, depth: int
    ) -> Size:
        self._refuse(depth + 1, self._limits.depth, "TOO_DEEP", "fields within fields")
        deepest = fields = top_fields = aliases = directives = 0
        own, each = [], []
        for node in selection_set.selections:
            one = self._selection(node, parent, depth)
            deepest = max(deepest, one.depth)
            fields += one.fields
            top_fields += one.top_fields
            aliases += one.aliases
            directives += one.directives
            own.append(one.own)
            each.append(one.each)
        size = Size(deepest, fields, top_fields, aliases, directives, Cost.sum(own), Cost.sum(each))
        self._refuse(depth + size.depth, self._limits.depth, "TOO_DEEP", "fields within fields")
        self._refuse(size.fields, self._limits.fields, "TOO_MANY_FIELDS", "fields, its fragments followed")
        self._refuse(size.aliases, self._limits.aliases, "TOO_MANY_ALIASES", "aliases")
        self._refuse(size.directives, self._limits.directives, "TOO_MANY_DIRECTIVES", "uses of directives")
        return size

    def _selection(self, node: SelectionNode, parent: GraphQLNamedType | None, depth: int) -> Size:
        if isinstance(node, FieldNode):
            return self._field(node, parent, depth)
        if isinstance(node, FragmentSpreadNode):
            inside = self._fragment(node.name.value)
        else:
            assert isinstance(node, InlineFragmentNode)
            condition = node.type_condition
            inside_type = parent if condition is None else self._schema.get_type(condition.name.value)
            inside = self._selections(node.selection_set, inside_type, depth)
        return _with_directives(inside, node)

    def _field(self, node: FieldNode, parent: GraphQLNamedType | None, depth: int) -> Size:
        name = node.name.value
        if name in _INTROSPECTION and not self._limits.introspection:
            raise LimitError("INTROSPECTION_OFF", "this service does not tell its schema", status=403)
        cost = self._costs.of(parent, name)
        if node.selection_set is None:
            inside, total = _EMPTY, Cost(cost.weight)
        else:
            inside = self._selections(node.selection_set, cost.type, depth + 1)
            total = Cost.sum((Cost(cost.weight), self._inside(node, cost, inside)))
        return Size(
            depth=inside.depth + 1,
            fields=inside.fields + 1,
            top_fields=1,
            aliases=inside.aliases + (node.alias is not None),
            directives=inside.directives + len(node.directives or ()),
            own=_FREE if cost.is_page else total,
            each=total if cost.is_page else _FREE,
        )

    def _inside(self, node: FieldNode, cost: FieldCost, inside: Size) -> Cost:
        """What is inside a field costs: once, or for each item of its list."""
        item = Cost(VALUE if cost.is_list else 0)
        if cost.bound is None:
            return Cost.sum((item, inside.own, inside.each)).times(cost.size)
        size = self._list_size(node, cost.bound)
        # The items are what this field gives, or the nodes and edges of the page that it gives.
        once, each = (_FREE, Cost.sum((item, inside.own))) if cost.is_list else (inside.own, inside.each)
        return Cost.sum((once, each.times(size) if isinstance(size, int) else each.times_variable(size)))

    def _list_size(self, node: FieldNode, bound: Bound) -> int | Variable:
        given = next((one.value for one in node.arguments or () if one.name.value == bound.argument), None)
        if isinstance(given, VariableNode):
            return Variable(given.name.value, bound)
        if isinstance(given, IntValueNode):
            return list_size(whole_number(given), bound, self._limits)
        if isinstance(given, ListValueNode):
            return list_size(len(given.values), bound, self._limits)
        return bound.unless_given

    def _fragment(self, name: str) -> Size:
        if name not in self._measured:
            # A cycle finds this; validation refuses it afterwards with a better word.
            self._measured[name] = _EMPTY
            fragment = self._fragments.get(name)
            if fragment is not None:
                inside_type = self._schema.get_type(fragment.type_condition.name.value)
                inside = self._selections(fragment.selection_set, inside_type, 0)
                self._measured[name] = _with_directives(inside, fragment)
        return self._measured[name]

    def _refuse(self, number: int, most: int, code: str, what: str) -> None:
        if number > most:
            raise LimitError(code, f"a document may have {most} {what} at most")


def whole_number(node: IntValueNode) -> int:
    """Its value; a large one for what has more digits than Python reads."""
    return int(node.value) if len(node.value) < 20 else 10**20


def _with_directives(
    size: Size, node: FragmentSpreadNode | InlineFragmentNode | FragmentDefinitionNode
) -> Size:
    return size._replace(directives=size.directives + len(node.directives)) if node.directives else size
