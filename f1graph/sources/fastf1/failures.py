"""Which call that failed is the reason that a part is missing, and how it is told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from f1graph.sources.fastf1.answers import Failure, Part, Problem, ProblemCode
from f1graph.sources.fastf1.process import Answer

_WORDS = {
    ProblemCode.UNAVAILABLE: "is not there or failed",
    ProblemCode.BLOCKED: "refuses our address (403)",
    ProblemCode.RATE_LIMITED: "had too many calls (429)",
    ProblemCode.TIMED_OUT: "did not answer in time",
    ProblemCode.TRUNCATED: "broke off in the middle of the answer",
    ProblemCode.NOT_JSON: "gave a page that is no data",
    ProblemCode.EMPTY: "gave an empty answer",
    ProblemCode.WRONG_RACE: "answered about another race",
}


def problems_without_answer(answer: Answer, part: Part) -> tuple[Problem, ...]:
    """Why there is nothing to read; empty where there is."""
    if answer.error is None:
        return ()
    code, reason = answer.error
    if code is ProblemCode.CRASHED and (failure := first_failure(answer.failures, ("schedule_",))):
        return (problem_of(part, failure),)
    return (Problem(part, code, reason),)


def first_failure(
    failures: Sequence[Failure], pages: tuple[str, ...], unless_given: Mapping[str, Any] | None = None
) -> Failure | None:
    """Args:
    pages: The first of these that failed is the reason.
    unless_given: The addresses that were answered: what the mirror gave is no failure.
    """
    given = unless_given or {}
    for page in pages:
        for failure in failures:
            if page in failure.address and not any(page in address for address in given):
                return failure
    return None


def problem_of(part: Part, failure: Failure) -> Problem:
    page = failure.address.rpartition("/")[2]
    words = _WORDS.get(failure.code, failure.code.value)
    return Problem(part, failure.code, f"{failure.host.value} {words}: {page}", failure.host)
