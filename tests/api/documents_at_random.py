"""Valid documents at random: any field, with arguments, aliases, fragments, variables and conditions."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    get_named_type,
    is_composite_type,
    is_required_argument,
)

_DEEPEST = 5
# By the word that asks for one; and now and then something that is not there.
_IDS = {
    "race": ("2024-gp-1", "2024-gp-2", "2024-gp-4", "2023-gp-1"),
    "driver": ("verstappen", "norris", "leclerc"),
    "circuit": ("monza", "spa"),
    "constructor": ("team-0", "team-1"),
}
_ANY_ID = ("nobody", *(one for ids in _IDS.values() for one in ids))
_MOMENTS = (*("2023-06-01T00:00:00Z", "2024-04-01T12:00:00Z") * 4, "2199-01-01T00:00:00Z")
_WORDS = ("n", "rating", "ultra", "a", "")


@dataclass
class ADocument:
    """A document and its variables."""

    text: str
    variables: dict[str, Any]


@dataclass
class _Maker:
    schema: GraphQLSchema
    chance: random.Random
    definitions: list[str] = field(default_factory=list)
    variables: dict[str, Any] = field(default_factory=dict)
    fragments: list[str] = field(default_factory=list)
    fields: int = 0

    def document(self) -> ADocument:
        root = self.schema.query_type
        assert root is not None
        body = self.selection(root, 0)
        variables = f"({', '.join(self.definitions)})" if self.definitions else ""
        return ADocument("\n".join([f"query Q{variables} {body}", *self.fragments]), self.variables)

    def selection(self, of_type: Any, depth: int) -> str:
        parts: list[str] = []
        if isinstance(of_type, GraphQLUnionType):
            parts.append("__typename")
        else:
            names = [name for name in of_type.fields if self._may_ask(of_type.fields[name], depth)]
            wanted = self.chance.randint(1, 2 if depth == 0 else 4)
            chosen = self.chance.sample(names, min(wanted, len(names)))
            parts += [self.asked(name, of_type.fields[name], depth) for name in chosen]
        if self.chance.random() < 0.15:
            parts.append(self.chance.choice(["__typename", f"kind{self.chance.randint(1, 3)}: __typename"]))
        if isinstance(of_type, (GraphQLInterfaceType, GraphQLUnionType)):
            possible = self.schema.get_possible_types(of_type)
            chosen = self.chance.sample(possible, min(2, len(possible)))
            parts += [self.spread(one, depth) for one in chosen]
        elif isinstance(of_type, GraphQLObjectType) and depth and self.chance.random() < 0.2:
            parts.append(self.spread(of_type, depth))
        self.chance.shuffle(parts)
        return "{ " + " ".join(parts or ["__typename"]) + " }"

    def spread(self, of_type: Any, depth: int) -> str:
        body = self.selection(of_type, depth + 1)
        if self.chance.random() < 0.5:
            return f"... on {of_type.name}{self.condition()} {body}"
        name = f"F{len(self.fragments)}"
        self.fragments.append(f"fragment {name} on {of_type.name} {body}")
        return f"...{name}{self.condition()}"

    def asked(self, name: str, definition: GraphQLField, depth: int) -> str:
        self.fields += 1
        given = [
            f"{key}: {self.argument(name if key == 'id' else key, argument)}"
            for key, argument in definition.args.items()
            if is_required_argument(argument) or self.chance.random() < 0.4
        ]
        # Another name for what has arguments: the same name could ask for two things.
        alias = f"f{self.fields}: " if given or self.chance.random() < 0.2 else ""
        arguments = f"({', '.join(given)})" if given else ""
        of_type = get_named_type(definition.type)
        inner = f" {self.selection(of_type, depth + 1)}" if is_composite_type(of_type) else ""
        return f"{alias}{name}{arguments}{self.condition()}{inner}"

    def condition(self) -> str:
        if self.chance.random() > 0.1:
            return ""
        word, value = self.chance.choice(["skip", "include"]), self.chance.random() < 0.5
        if self.chance.random() < 0.5:
            return f" @{word}(if: {str(value).lower()})"
        return f" @{word}(if: {self.variable('Boolean!', value)})"

    def variable(self, of_type: str, value: Any) -> str:
        name = f"v{len(self.definitions)}"
        default = " = true" if of_type == "Boolean!" and self.chance.random() < 0.3 else ""
        self.definitions.append(f"${name}: {of_type}{default}")
        if not default or self.chance.random() < 0.5:
            self.variables[name] = value
        return f"${name}"

    def argument(self, name: str, argument: GraphQLArgument) -> str:
        if self.chance.random() < 0.3:
            return self.variable(str(argument.type), self.plain(name, argument.type))
        return self.literal(name, argument.type)

    def literal(self, name: str, of_type: Any) -> str:
        return _written(self.plain(name, of_type), of_type)

    def plain(self, name: str, of_type: Any) -> Any:
        if isinstance(of_type, GraphQLNonNull):
            return self.plain(name, of_type.of_type)
        if isinstance(of_type, GraphQLList):
            return [self.plain(name, of_type.of_type) for _ in range(self.chance.randint(0, 2))]
        if isinstance(of_type, GraphQLEnumType):
            return self.chance.choice(list(of_type.values))
        if isinstance(of_type, GraphQLInputObjectType):
            return {
                key: self.plain(key, one.type)
                for key, one in of_type.fields.items()
                if isinstance(one.type, GraphQLNonNull) or self.chance.random() < 0.5
            }
        kind = get_named_type(of_type).name
        if kind == "Int":
            return self.chance.choice([1, 2, 3, 2023, 2024] if name != "first" else [1, 2, 3])
        if kind == "Boolean":
            return self.chance.random() < 0.5
        if kind in ("Float", "Probability", "Duration"):
            return 0.5
        if kind == "DateTime":
            return self.chance.choice(_MOMENTS)
        if kind == "Date":
            return "2024-05-01"
        if name == "search":
            return self.chance.choice(_WORDS)
        return self.chance.choice(_IDS.get(name, _ANY_ID) if self.chance.random() < 0.9 else _ANY_ID)

    def _may_ask(self, definition: GraphQLField, depth: int) -> bool:
        if self.fields > 60:
            return False
        return depth < _DEEPEST or not is_composite_type(get_named_type(definition.type))


def _written(value: Any, of_type: Any) -> str:
    of_type = of_type.of_type if isinstance(of_type, GraphQLNonNull) else of_type
    if isinstance(of_type, GraphQLList):
        return f"[{', '.join(_written(one, of_type.of_type) for one in value)}]"
    if isinstance(of_type, GraphQLInputObjectType):
        inner = (f"{key}: {_written(one, of_type.fields[key].type)}" for key, one in value.items())
        return f"{{{', '.join(inner)}}}"
    if isinstance(of_type, GraphQLEnumType):
        return str(value)
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, str) else str(value)


def a_document(schema: GraphQLSchema, seed: int) -> ADocument:
    """The same one for the same seed."""
    return _Maker(schema, random.Random(seed)).document()
