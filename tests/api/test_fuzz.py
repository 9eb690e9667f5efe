"""What nobody would write by hand: documents, variables and bodies at random are answered or refused."""

from __future__ import annotations

import json
import re
import string
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
import schemathesis
from graphql import introspection_from_schema
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.core.result import Ok
from starlette.testclient import TestClient

from f1graph.api.documents import Documents
from f1graph.api.limits import DocumentError, Limits
from f1graph.api.schema import graphql_schema
from tests.api.conftest import start
from tests.api.seed import fill_championship
from tests.api.test_limits import AS_MUCH_AS_THE_LARGEST
from tests.counting import Calls
from tests.databases import SqliteTemplates

# As many as the suite has time for; the slow test makes a thousand.
_FEW = 60
_FEW_CASES = settings(
    max_examples=_FEW,
    deadline=None,
    database=None,
    derandomize=True,
    phases=(Phase.generate,),
    suppress_health_check=list(HealthCheck),
)
_SIGNS = "{}()[]:!$@.\"'#,|&=<>-0123456789 \n\t\\/\0" + string.ascii_letters + "é\u2028\U0001f3ce"
_WORDS = st.sampled_from(
    [
        *"{}()[]:!$@|=&,",
        "...",
        "query ",
        "mutation ",
        "subscription ",
        "fragment F on Race ",
        "...F ",
        "... on Race ",
        "nextRace ",
        "races(first: 2) ",
        "nodes ",
        "name ",
        "a: ",
        "__schema ",
        "@skip(if: true) ",
        "$v ",
        "null ",
        "1e400 ",
        '"""\n',
        '"',
        "#",
        "\n",
        "9" * 30,
    ]
)
_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=10),
    lambda inside: st.lists(inside, max_size=4) | st.dictionaries(st.text(max_size=6), inside, max_size=4),
    max_leaves=20,
)


def _register_scalars() -> None:
    """What the generator does not know: mostly right, now and then wrong."""
    moments = st.sampled_from([*["2024-04-01T12:00:00Z", "2023-06-01T00:00:00+02:00"] * 4, "2199-01-01", ""])
    numbers = st.floats(0, 1)
    for name in ("DateTime", "LocalDateTime", "Date", "Distribution"):
        schemathesis.graphql.scalar(name, moments.map(schemathesis.graphql.nodes.String))
    for name in ("Duration", "Probability"):
        schemathesis.graphql.scalar(name, numbers.map(schemathesis.graphql.nodes.Float))


def _cases() -> st.SearchStrategy[str]:
    """Documents of every field at the root, as schemathesis' GraphQL mode makes them."""
    _register_scalars()
    introspection = introspection_from_schema(graphql_schema)
    schema = schemathesis.graphql.from_dict({"data": introspection})
    operations = [found.ok() for found in schema.get_all_operations() if isinstance(found, Ok)]
    queries = [one for one in operations if one.label.startswith("Query.")]
    assert len(queries) > 15
    return st.one_of([one.as_strategy().map(_with_short_lists) for one in queries])


def _with_short_lists(case: Any) -> str:
    """Most numbers at random are no length of a list; most documents ask for lists that there may be."""
    document = str(case.body)
    return re.sub(r"\bfirst: -?[0-9]+", "first: 3", document) if len(document) % 8 else document


@pytest.fixture(scope="module")
def client(
    tmp_path_factory: pytest.TempPathFactory, sqlite_templates: SqliteTemplates
) -> Iterator[TestClient]:
    url = sqlite_templates.copy(tmp_path_factory.mktemp("fuzz"), fill_championship)
    with start(url, rate_limit=100_000, response_cache_entries=0) as opened:
        yield opened


def is_answered(client: TestClient, content: Any) -> None:
    answer = client.post("/graphql", json=content)
    told = answer.json()

    assert answer.status_code < 500, (content, told)
    assert "INTERNAL_ERROR" not in answer.text, (content, told)
    if "data" not in told:
        assert all(error["extensions"]["code"] for error in told["errors"])


@_FEW_CASES
@given(case=_cases())
def test_every_case_of_schemathesis_is_answered(client: TestClient, case: str) -> None:
    """G6: nothing that fits the schema is an error of ours."""
    is_answered(client, {"query": case})


@pytest.mark.slow
@settings(_FEW_CASES, max_examples=1_000)
@given(case=_cases())
def test_a_thousand_cases_of_schemathesis_are_answered(client: TestClient, case: str) -> None:
    """G6: and so over the whole schema."""
    is_answered(client, {"query": case})


@settings(_FEW_CASES, max_examples=300)
@given(document=st.lists(_WORDS, max_size=60).map("".join) | st.text(_SIGNS, max_size=200))
def test_what_is_no_document_is_refused(client: TestClient, document: str) -> None:
    """G2c: whatever signs it is made of."""
    is_answered(client, {"query": document})


@settings(_FEW_CASES, max_examples=200)
@given(variables=st.dictionaries(st.sampled_from(["ids", "n", "at", "x"]), _JSON) | _JSON, name=_JSON)
def test_variables_at_random_are_answered_or_refused(client: TestClient, variables: Any, name: Any) -> None:
    """G2c: whatever they hold."""
    query = (
        "query Q($ids: [ID!], $n: Int! = 2, $at: DateTime) { nodes(ids: $ids) { id } "
        "races(first: $n, startsAfter: $at) { nodes { results(asOf: $at) { position } } } }"
    )
    is_answered(client, {"query": query, "variables": variables, "operationName": name})


@settings(_FEW_CASES, max_examples=200)
@given(body=st.binary(max_size=200) | _JSON.map(lambda one: json.dumps(one).encode()))
def test_a_body_at_random_is_refused_with_a_code(client: TestClient, body: bytes) -> None:
    """G2c: null, undecodable, nested; nothing is an error of ours."""
    answer = client.post("/graphql", content=body, headers={"content-type": "application/json"})

    assert 400 <= answer.status_code < 500
    assert answer.json()["errors"][0]["extensions"]["code"]


@settings(_FEW_CASES, max_examples=200)
@given(words=st.lists(_WORDS, min_size=1, max_size=12), times=st.integers(1, 3_000))
def test_a_document_of_ten_kilobytes_is_read_with_bounded_work(words: list[str], times: int) -> None:
    """G2, G2b: the same words over and over; the calls are counted, a clock would tell of the machine."""
    text = "".join(words)
    document = "{nextRace{" + (text * times)[:10_000] + "}}"
    documents = Documents(graphql_schema, Limits())

    with Calls() as calls, suppress(DocumentError):
        documents.read(document)

    assert calls.made < AS_MUCH_AS_THE_LARGEST
