"""Why cars stopped."""

from __future__ import annotations

from dataclasses import replace

import pytest

from f1graph.races.results import ClassificationKind, Status
from f1graph.races.retirement_causes import RetirementCause, retirement_cause
from tests.builders import a_row
from tests.real_data import f1db_facts


@pytest.mark.parametrize(
    ("reason", "cause"),
    [
        ("Engine", RetirementCause.MECHANICAL),
        ("Power unit", RetirementCause.MECHANICAL),
        ("Collision damage", RetirementCause.ACCIDENT),
        ("Spun off", RetirementCause.ACCIDENT),
        ("spun off", RetirementCause.ACCIDENT),
        ("Unwell", RetirementCause.OTHER),
        ("Retired", RetirementCause.UNKNOWN),
        (None, RetirementCause.UNKNOWN),
        ("a word that nobody has used yet", RetirementCause.UNKNOWN),
    ],
)
def test_a_published_reason_has_a_cause(reason: str | None, cause: RetirementCause) -> None:
    stopped = replace(a_row(20, "gasly", status=Status.DID_NOT_FINISH), reason_retired=reason)

    assert retirement_cause(stopped) is cause


@pytest.mark.parametrize("status", [Status.CLASSIFIED, Status.DISQUALIFIED, Status.DID_NOT_START])
def test_who_did_not_retire_has_no_cause(status: Status) -> None:
    assert retirement_cause(replace(a_row(1, "gasly", status=status), reason_retired="Engine")) is None


def test_a_car_that_ran_to_the_end_and_was_not_classified_did_not_break() -> None:
    assert retirement_cause(a_row(18, "gasly", status=Status.NOT_CLASSIFIED)) is RetirementCause.OTHER


@pytest.mark.real_data
def test_every_reason_that_was_ever_published_from_1994_to_2024_has_a_cause() -> None:
    unknown = {
        row.reason_retired
        for result in f1db_facts().classifications
        if result.kind is ClassificationKind.RACE and result.race_id >= "1994"
        for row in result.rows
        if retirement_cause(row) is RetirementCause.UNKNOWN
    }

    assert unknown <= {"Retirement", None}
