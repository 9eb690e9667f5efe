"""What a document may ask for at most: every limit refuses with its code, none by doing the work."""

from __future__ import annotations

import re
from dataclasses import fields, replace
from typing import Any

import pytest
from graphql import (
    GraphQLInterfaceType,
    GraphQLObjectType,
    get_named_type,
    get_nullable_type,
    is_leaf_type,
    is_list_type,
)

from f1graph.api.costs import LONGEST, NAMED, QUESTION, SIZES, WEIGHTS, Costs
from f1graph.api.documents import Documents
from f1graph.api.limits import DocumentError, Limits
from f1graph.api.schema import graphql_schema
from f1graph.settings import Settings
from tests.api.conftest import Api, start
from tests.counting import Calls

LIMITS = Limits()
# What the largest document that is allowed takes: it is the same on a busy machine. A call is a tenth of a
# microsecond to some microseconds; of a million calls none takes longer than a third of a second.
AS_MUCH_AS_THE_LARGEST = 130_000


def nested(inside: str, *, levels: int = 40) -> str:
    """Fragments of which each is spread twice in the one before: 2^40 of the last."""
    each = "".join(f"fragment F{n} on Query {{ ...F{n + 1} ...F{n + 1} }} " for n in range(levels))
    return f"{{ ...F0 }} {each} fragment F{levels} on Query {{ {inside} }}"


def pairs(number: int) -> str:
    spreads = " ".join(f"...F{n}" for n in range(number))
    each = " ".join(f"fragment F{n} on Race {{ name slug circuit {{ name }} }}" for n in range(number))
    return f"{{ nextRace {{ {spreads} }} }} {each}"


_CHAIN = "nextRace { forecast { race " * 12 + "{ name }" + " } }" * 12

BOMBS: dict[str, tuple[str, str]] = {
    "20,000 aliases": (
        "{" + " ".join(f"a{n}: __typename" for n in range(20_000)) + "}",
        "TOO_MANY_TOKENS",
    ),
    "10,000 brackets": ("{" * 10_000, "GRAPHQL_PARSE_FAILED"),
    "comments": ("#\n" * 5_000 + "{ __typename }", "TOO_MANY_TOKENS"),
    "lists in lists": ("{ race(id: " + "[" * 400 + "]" * 400 + ") { name } }", "TOO_DEEP"),
    "root fields": ("{" + " ".join(f"a{n}: __typename" for n in range(60)) + "}", "TOO_MANY_ROOT_FIELDS"),
    "nested root fields": (nested("nextRace { name }"), "TOO_MANY_FIELDS"),
    "nested spreads of nothing": (nested("...F41"), "GRAPHQL_VALIDATION_FAILED"),
    "nested aliases": (nested("a: __typename", levels=8), "TOO_MANY_ALIASES"),
    "nested directives": (nested("...F99 @skip(if: true)"), "TOO_MANY_DIRECTIVES"),
    "nested depth": (
        "{ nextRace { ...F0 } }"
        + "".join(
            f"fragment F{n} on Race {{ forecast {{ race {{ forecast {{ race {{ ...F{n + 1} ...F{n + 1} "
            "} } } } } "
            for n in range(20)
        )
        + "fragment F20 on Race { name }",
        "TOO_DEEP",
    ),
    "nested cost": (
        "{ ...F0 }"
        + "".join(f"fragment F{n} on Query {{ ...F{n + 1} ...F{n + 1} }} " for n in range(3))
        + "fragment F3 on Query { races(first: 100) { nodes { results { position points } } } }",
        "TOO_COSTLY",
    ),
    "depth": ("{ " + _CHAIN + " }", "TOO_DEEP"),
    "aliases": (
        "{ nextRace {" + " ".join(f"a{n}: name" for n in range(101)) + "} }",
        "TOO_MANY_ALIASES",
    ),
    "directives": ("{ __typename " + "@skip(if: true) " * 51 + "}", "TOO_MANY_DIRECTIVES"),
    "operations": (" ".join(f"query Q{n} {{ __typename }}" for n in range(11)), "TOO_MANY_OPERATIONS"),
    "the same field": (
        "{ nextRace {" + "circuit { name country slug } " * 60 + "} }",
        "TOO_MANY_COMPARISONS",
    ),
    "many fragments": (pairs(45), "TOO_MANY_COMPARISONS"),
    "spreads of all fragments in all": (
        "{ ...F0 }"
        + "".join(
            f"fragment F{n} on Query {{ " + " ".join(f"...F{m}" for m in range(15) if m != n) + " } "
            for n in range(15)
        ),
        "GRAPHQL_VALIDATION_FAILED",
    ),
    "a cycle": (
        "{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }",
        "GRAPHQL_VALIDATION_FAILED",
    ),
    "unknown fields": (
        "{ nextRace {" + " ".join(f"championshipStandingsForecas{n:03}" for n in range(300)) + "} }",
        "GRAPHQL_VALIDATION_FAILED",
    ),
    "a number of a thousand digits": (
        "{ races(first: " + "9" * 9_000 + ") { totalCount } }",
        "BAD_LIST_SIZE",
    ),
    "empty lines": ("\n" * 1_000 + "{ __typename }", "TOO_MANY_LINES"),
    "inline fragments": ("{" + "...{" * 240 + "a" + "}" * 241, "TOO_DEEP"),
}


def refusal(document: str, limits: Limits = LIMITS, **variables: Any) -> DocumentError:
    documents = Documents(graphql_schema, limits)
    with pytest.raises(DocumentError) as caught:
        documents.cost(documents.read(document).operation(None), variables)
    return caught.value


def cost(document: str, **variables: Any) -> int:
    documents = Documents(graphql_schema, replace(LIMITS, cost=10**9))
    return documents.cost(documents.read(document).operation(None), variables)


@pytest.mark.parametrize("bomb", list(BOMBS))
def test_a_bomb_of_a_document_is_refused_without_doing_the_work(bomb: str) -> None:
    """G2, G2b: one pass over the document, whatever it spreads; the calls are counted, as a clock would tell
    how busy the machine is."""
    document, code = BOMBS[bomb]
    documents = Documents(graphql_schema, LIMITS)
    documents.read("{ nextRace { name } }")

    with Calls() as calls, pytest.raises(DocumentError) as caught:
        documents.cost(documents.read(document).operation(None), {})

    assert caught.value.reason == code
    assert calls.made < AS_MUCH_AS_THE_LARGEST


def test_the_largest_document_that_is_allowed_is_read_with_as_many_calls() -> None:
    """G2: what the bombs are held against."""
    one = (
        "{ name round slug circuit { name country } forecast { id stage entries { win podium driver { name "
        "code } } } }"
    )
    document = "{" + " ".join(f"a{n}: nextRace {one}" for n in range(24)) + "}"
    documents = Documents(graphql_schema, LIMITS)

    with Calls() as calls:
        documents.cost(documents.read(document).operation(None), {})

    assert AS_MUCH_AS_THE_LARGEST / 3 < calls.made < AS_MUCH_AS_THE_LARGEST


@pytest.mark.parametrize(
    ("limit", "document", "code"),
    [
        ({"tokens": 8}, "{ nextRace { name } latestRace { name } }", "TOO_MANY_TOKENS"),
        ({"depth": 2}, "{ nextRace { circuit { name } } }", "TOO_DEEP"),
        ({"fields": 2}, "{ nextRace { name round } }", "TOO_MANY_FIELDS"),
        ({"root_fields": 1}, "{ nextRace { name } latestRace { name } }", "TOO_MANY_ROOT_FIELDS"),
        ({"aliases": 1}, "{ nextRace { a: name b: name } }", "TOO_MANY_ALIASES"),
        (
            {"directives": 1},
            "{ ...A @skip(if: true) } fragment A on Query { __typename @skip(if: true) }",
            "TOO_MANY_DIRECTIVES",
        ),
        ({"operations": 1}, "query A { __typename } query B { __typename }", "TOO_MANY_OPERATIONS"),
        ({"comparisons": 2}, "{ nextRace { name name name } }", "TOO_MANY_COMPARISONS"),
        ({"list_size": 50}, "{ races(first: 51) { totalCount } }", "BAD_LIST_SIZE"),
        ({"cost": 100}, "{ races(first: 50) { nodes { name round } } }", "TOO_COSTLY"),
        ({"introspection": False}, "{ __schema { types { name } } }", "INTROSPECTION_OFF"),
        (
            {"introspection": False},
            '{ ...A } fragment A on Query { __type(name: "Race") { name } }',
            "INTROSPECTION_OFF",
        ),
    ],
)
def test_each_limit_is_the_one_that_is_set(limit: dict[str, Any], document: str, code: str) -> None:
    """G2, G2c: and a document that is only just within it is not refused for it."""
    error = refusal(document, replace(LIMITS, **limit))

    assert (error.reason, error.status) == (code, 403 if code == "INTROSPECTION_OFF" else 400)
    Documents(graphql_schema, LIMITS).read(document)


def test_every_limit_is_a_setting() -> None:
    named = {field.name for field in fields(Limits)}
    other = {"tokens": 301, "depth": 14, "fields": 101, "root_fields": 2, "aliases": 3, "directives": 4}
    other |= {"operations": 5, "comparisons": 101, "list_size": 102, "cost": 1_001}
    settings = Settings(
        token_limit=301,
        depth_limit=14,
        field_limit=101,
        root_field_limit=2,
        alias_limit=3,
        directive_limit=4,
        operation_limit=5,
        comparison_limit=101,
        list_limit=102,
        cost_limit=1_001,
        introspection=False,
        suggestions=False,
    )

    assert Limits.of(settings) == Limits(**other, introspection=False, suggestions=False)
    assert named == {*other, "introspection", "suggestions"}
    assert Limits.of(Settings()) == Limits()


def test_a_limit_is_refused_with_a_client_error_in_every_media_type(sqlite_api: Api) -> None:
    """G2, G2c: 4xx, unlike a document that is wrong, which has 200 in plain JSON."""
    modern = {"accept": "application/graphql-response+json"}
    for headers in ({}, modern):
        answer = sqlite_api.client.post("/graphql", json={"query": BOMBS["aliases"][0]}, headers=headers)

        assert answer.status_code == 400
        assert answer.json()["errors"][0]["extensions"]["code"] == "TOO_MANY_ALIASES"
        assert "data" not in answer.json()


def test_without_introspection_the_schema_is_told_to_nobody_and_the_rest_works(sqlite_url: str) -> None:
    with start(sqlite_url, introspection=False) as client:
        schema = client.post("/graphql", json={"query": "{ __schema { types { name } } }"})
        race = client.post("/graphql", json={"query": "{ __typename nextRace { __typename name } }"})

    assert (schema.status_code, schema.json()["errors"][0]["extensions"]["code"]) == (
        403,
        "INTROSPECTION_OFF",
    )
    assert race.json()["data"]["nextRace"]["__typename"] == "Race"


def test_without_suggestions_no_name_of_the_schema_is_told(sqlite_url: str) -> None:
    query = {"query": "{ nextRac { name } }"}
    with start(sqlite_url) as client, start(sqlite_url, suggestions=False) as silent:
        told = client.post("/graphql", json=query).json()["errors"][0]["message"]
        untold = silent.post("/graphql", json=query).json()["errors"][0]["message"]

    assert "Did you mean 'nextRace'" in told
    assert untold == "Cannot query field 'nextRac' on type 'Query'."


def test_no_more_than_ten_errors_are_found() -> None:
    unknown = " ".join(f"unknown{n}" for n in range(25))

    assert len(refusal(f"{{ nextRace {{ {unknown} }} }}").errors) == 10


def test_a_value_costs_one_and_a_field_at_the_root_ten() -> None:
    assert cost("{ nextRace { name } }") == QUESTION + 1
    assert cost("{ nextRace { circuit { name country } } }") == QUESTION + 3
    assert cost("{ races(first: 7) { nodes { name round } } }") == QUESTION + 7 * (1 + 2)
    assert cost("{ races(first: 7) { edges { cursor node { name } } pageInfo { endCursor } } }") == (
        QUESTION + 7 * (1 + 1 + 2) + 2
    )
    assert cost("{ nextRace { forecast { entries { variableWeights(first: 3) { weight } } } } }") == (
        QUESTION + 1 + 24 * (1 + 3 * 2)
    )
    assert cost("{ nextRace { results { position } } }") == QUESTION + 2 * SIZES["Race.results"]


def test_the_cost_follows_the_variables() -> None:
    document = """query ($races: Int! = 5, $results: Int!) {
      races(first: $races) { nodes { name circuit { races(first: $results) { nodes { name } } } } }
    }"""

    def expected(races: int, results: int) -> int:
        return QUESTION + races * (1 + 1 + 1 + 1 + results * 2)

    assert cost(document, results=10) == expected(5, 10)
    assert cost(document, races=100, results=100) == expected(100, 100)
    assert cost(document, races=3.0, results=1) == expected(3, 1)
    assert refusal(document, races=1_000, results=1).reason == "BAD_LIST_SIZE"
    assert (
        refusal(document, races=100, results=100, limits=replace(LIMITS, cost=20_000)).reason == "TOO_COSTLY"
    )


def test_things_that_are_named_cost_for_each_name() -> None:
    document = "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }"

    assert cost('{ nodes(ids: ["a", "b"]) { id } }') == QUESTION + 2 * 2
    assert cost(document, ids=["a", "b", "c"]) == QUESTION + 3 * 2
    assert refusal(document, ids=["a"] * 101).reason == "BAD_LIST_SIZE"


def test_a_fragment_costs_wherever_it_is_spread_and_is_reckoned_once() -> None:
    """G2b: the cost of fragments within fragments is one pass too, with variables in them."""
    each = "".join(f"fragment F{n} on Race {{ ...F{n + 1} ...F{n + 1} }} " for n in range(9))
    document = (
        "query ($n: Int!) { nextRace { ...F0 } } "
        + each
        + "fragment F9 on Race { circuit { races(first: $n) { totalCount } } }"
    )
    documents = Documents(graphql_schema, replace(LIMITS, fields=10_000, comparisons=100_000, cost=10**9))
    operation = documents.read(document).operation(None)

    with Calls() as calls:
        assert documents.cost(operation, {"n": 100}) == QUESTION + 2**9 * (1 + 1 + 1)
    assert calls.made < 1_000


@pytest.mark.parametrize("size", [None, "7", True, [1], 1e400])
def test_a_variable_that_is_no_number_is_left_to_the_execution(sqlite_api: Api, size: Any) -> None:
    document = "query ($n: Int!) { races(first: $n) { totalCount } }"

    assert cost(document, n=size) == QUESTION + 1
    if size != 1e400:
        assert sqlite_api.error(document, {"n": size})["extensions"]["code"] == "BAD_USER_INPUT"


def test_the_cost_is_told_to_who_asks_for_it(sqlite_api: Api) -> None:
    query = "query ($n: Int!) { races(first: $n) { nodes { name } } }"
    asked = {"query": query, "variables": {"n": 2}, "extensions": {"cost": True}}

    answer = sqlite_api.client.post("/graphql", json=asked).json()
    by_address = sqlite_api.client.get(
        "/graphql", params={"query": "{ nextRace { name } }", "extensions": '{"cost": true}'}
    ).json()

    assert answer["extensions"] == {"cost": {"asked": QUESTION + 4, "most": LIMITS.cost}}
    assert by_address["extensions"] == {"cost": {"asked": QUESTION + 1, "most": LIMITS.cost}}
    assert "extensions" not in sqlite_api.answer(query, {"n": 2})


def test_a_request_that_costs_too_much_is_told_by_how_much(sqlite_url: str) -> None:
    with start(sqlite_url, cost_limit=1_000) as client:
        answer = client.post(
            "/graphql", json={"query": "{ races(first: 100) { nodes { results { position } } } }"}
        )

    error = answer.json()["errors"][0]
    assert answer.status_code == 400
    assert error["extensions"] == {
        "code": "TOO_COSTLY",
        "cost": QUESTION + 100 * (1 + 24 * 2),
        "limit": 1_000,
    }


def composites() -> list[GraphQLObjectType | GraphQLInterfaceType]:
    return [
        one
        for one in graphql_schema.type_map.values()
        if isinstance(one, GraphQLObjectType | GraphQLInterfaceType)
    ]


def lists() -> list[tuple[str, Any]]:
    """Every list of objects: `Race.results`."""
    return [
        (f"{parent.name}.{name}", field)
        for parent in composites()
        for name, field in parent.fields.items()
        if is_list_type(get_nullable_type(field.type)) and not is_leaf_type(get_named_type(field.type))
    ]


def pages() -> set[str]:
    """The types that a field with `first` gives."""
    return {
        get_named_type(field.type).name
        for parent in composites()
        for field in parent.fields.values()
        if "first" in field.args
    }


def test_every_list_has_a_first_or_a_size_that_the_sport_gives_it() -> None:
    """G2: no list is without bounds. A new one needs `first`, or its size in `costs.SIZES`."""
    unbounded = [
        name
        for name, field in lists()
        if "first" not in field.args
        and name not in SIZES
        and name not in NAMED
        and name.partition(".")[0] not in pages()
    ]

    assert unbounded == []


def test_no_cost_is_declared_of_a_field_that_is_not_there() -> None:
    there = {f"{parent.name}.{name}" for parent in composites() for name in parent.fields}

    assert {*SIZES, *WEIGHTS, *LONGEST, *NAMED} - there == set()


def test_every_first_has_the_most_that_its_description_tells(sqlite_api: Api) -> None:
    """G2: every list has a maximum `first`, which is refused before anything is asked of the database."""
    costs = Costs(graphql_schema)
    told, kept = {}, {}
    for parent in composites():
        for name, field in parent.fields.items():
            if "first" in field.args:
                found = re.search(r"from 1 to ([0-9]+)", field.args["first"].description or "")
                told[f"{parent.name}.{name}"] = found and int(found[1])
                bound = costs.of(parent, name).bound
                kept[f"{parent.name}.{name}"] = bound and bound.most

    assert len(told) > 10
    assert told == kept


def test_a_limit_error_is_told_before_the_database_is_asked(sqlite_api: Api) -> None:
    answer = sqlite_api.answer("{ nextRace { name } races(first: 101) { nodes { name } } }")

    assert "data" not in answer
    assert answer["errors"][0]["extensions"] == {"code": "BAD_LIST_SIZE", "field": "Query.races"}
