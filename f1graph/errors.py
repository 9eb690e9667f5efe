"""Every error that f1graph raises on purpose.

    F1GraphError                    has a `code` for machines and a text for people
    ├── SettingsError               a setting cannot be used
    ├── UnknownError                asked for something that is not there (race, driver, forecast, bundle …)
    ├── RequestError                asked in a way that cannot be answered (too many, bad time)
    │   └── CursorError             a cursor is none of ours, of another list, or ahead of what there is
    ├── UnauthenticatedError        asked without a key where one is needed, or with one that is not valid
    ├── ForbiddenError              asked with a key that lacks the scope
    ├── SourceError                 a source gave something that cannot be stored
    │   ├── SourceUnavailableError  it did not answer
    │   └── BadSourceDataError      it answered, but wrongly: file, row and value are in the text
    ├── FutureFactError             a fact newer than the cutoff was about to be used
    ├── StoreError                  the database is not usable (not migrated, in memory, not reachable)
    ├── BundleError                 a trained model on disk does not match its manifest
    ├── ForecastError               a forecast cannot be made or does not verify
    └── WorkError                   a unit of work failed or was refused

Callers catch these, never the errors of the libraries underneath.
"""

from __future__ import annotations

from typing import ClassVar


class F1GraphError(Exception):
    """Base of all: `str(error)` is meant for people and may be shown to any caller."""

    code: ClassVar[str] = "F1GRAPH_ERROR"


class SettingsError(F1GraphError):
    code = "BAD_SETTING"


class UnknownError(F1GraphError):
    code = "NOT_FOUND"


class RequestError(F1GraphError):
    code = "BAD_REQUEST"


class CursorError(RequestError):
    code = "BAD_CURSOR"


class UnauthenticatedError(F1GraphError):
    code = "UNAUTHENTICATED"


class ForbiddenError(F1GraphError):
    code = "FORBIDDEN"


class SourceError(F1GraphError):
    code = "SOURCE_ERROR"


class SourceUnavailableError(SourceError):
    code = "SOURCE_UNAVAILABLE"


class BadSourceDataError(SourceError):
    """The source's data contradicts its own format or itself.

    Args:
        problem: What is wrong, with the value.
        file: The file of the release it was found in.
        row: The row in that file; 1 is the header, so it is the line number an editor shows.
    """

    code = "BAD_SOURCE_DATA"

    def __init__(self, problem: str, *, file: str | None = None, row: int | None = None) -> None:
        place = "" if file is None else f"{file}" if row is None else f"{file}, row {row}"
        super().__init__(f"{place}: {problem}" if place else problem)
        self.problem = problem
        self.file = file
        self.row = row


class FutureFactError(F1GraphError):
    code = "FUTURE_FACT"


class StoreError(F1GraphError):
    code = "STORE_ERROR"


class BundleError(F1GraphError):
    code = "BAD_BUNDLE"


class ForecastError(F1GraphError):
    code = "FORECAST_ERROR"


class WorkError(F1GraphError):
    code = "WORK_ERROR"
