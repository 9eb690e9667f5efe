"""Scalars take what they mean and nothing else, and say where that is written down."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from graphql import GraphQLError, GraphQLScalarType

from f1graph.api.schema import graphql_schema
from tests.api.conftest import Api

_ASK = "query ($at: DateTime) { races(startsBefore: $at) { totalCount } }"


def scalar(name: str) -> GraphQLScalarType:
    found = graphql_schema.get_type(name)
    assert isinstance(found, GraphQLScalarType)
    return found


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2024-12-08T13:00:00Z", datetime(2024, 12, 8, 13, tzinfo=UTC)),
        ("2024-12-08t13:00:00z", datetime(2024, 12, 8, 13, tzinfo=UTC)),
        ("2024-12-08T17:00:00+04:00", datetime(2024, 12, 8, 13, tzinfo=UTC)),
        ("2024-12-08T13:00:00.250Z", datetime(2024, 12, 8, 13, 0, 0, 250_000, tzinfo=UTC)),
        ("2024-12-08T13:00:00.123456789-00:30", datetime(2024, 12, 8, 13, 30, 0, 123_456, tzinfo=UTC)),
    ],
)
def test_a_moment_may_be_given_in_any_zone(written: str, meant: datetime) -> None:
    assert scalar("DateTime").parse_value(written) == meant


@pytest.mark.parametrize(
    "written",
    [
        "2024-12-08",
        "2024-12-08T13:00:00",
        "2024-12-08T13:00Z",
        "2024-12-08 13:00:00Z",
        "20241208T130000Z",
        "2024-W49-7T13:00:00Z",
        "2024-02-30T13:00:00Z",
        "2024-12-08T25:00:00Z",
        "0001-01-01T00:00:00+12:00",
        "2024-12-08T13:00:00.1234567890Z",
        "٢٠٢٤-12-08T13:00:00Z",
        "yesterday",
        "",
        1733662800,
        True,
        ["2024-12-08T13:00:00Z"],
        {"year": 2024},
    ],
)
def test_what_is_no_moment_is_refused_with_a_code(sqlite_api: Api, written: Any) -> None:
    error = sqlite_api.error(_ASK, {"at": written})
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    assert "Something went wrong" not in error["message"]


def test_the_refusal_does_not_repeat_a_whole_novel(sqlite_api: Api) -> None:
    error = sqlite_api.error(_ASK, {"at": "x" * 20_000})
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    assert len(error["message"]) < 1000


@pytest.mark.parametrize(
    "written", ["2024-1-8", "20241208", "2024-W49-7", "2024-02-30", "2024-12-08T00:00:00Z", 5]
)
def test_what_is_no_date_is_refused(written: Any) -> None:
    assert scalar("Date").parse_value("2024-12-08") == date(2024, 12, 8)
    with pytest.raises(GraphQLError, match="a date"):
        scalar("Date").parse_value(written)


@pytest.mark.parametrize("written", ["70.27", True, None, float("nan"), float("inf"), 1e300])
def test_what_is_no_duration_is_refused(written: Any) -> None:
    assert scalar("Duration").parse_value(70.27) == timedelta(seconds=70.27)
    with pytest.raises(GraphQLError, match="number of seconds"):
        scalar("Duration").parse_value(written)


@pytest.mark.parametrize("written", ["0.5", True, None, -0.001, 1.001, 50, float("nan")])
def test_what_is_no_probability_is_refused(written: Any) -> None:
    assert scalar("Probability").parse_value(0.5) == 0.5
    with pytest.raises(GraphQLError, match="probability"):
        scalar("Probability").parse_value(written)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DateTime", datetime(2024, 12, 8, 13)),  # noqa: DTZ001 - that is what is wrong with it
        ("DateTime", "2024-12-08T13:00:00Z"),
        ("LocalDateTime", datetime(2024, 12, 8, 13)),  # noqa: DTZ001
        ("Date", datetime(2024, 12, 8, tzinfo=UTC)),
        ("Duration", 70.27),
        ("Probability", 1.1),
        ("Probability", float("nan")),
    ],
)
def test_what_is_not_of_the_kind_is_never_given_out(name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=r"is not|has no zone"):
        scalar(name).serialize(value)


def test_each_scalar_says_where_its_rule_is_written() -> None:
    """Times by a public specification; what has none has its unit in the description."""
    for name in ("DateTime", "Date", "LocalDateTime"):
        assert scalar(name).specified_by_url == "https://www.rfc-editor.org/rfc/rfc3339#section-5.6"
    assert "seconds" in (scalar("Duration").description or "")
    assert "from 0" in (scalar("Probability").description or "")
