"""Opens a release zip and gives its tables row by row, refusing whatever is not whole.

Knows zip and CSV, not what the columns mean.
"""

from __future__ import annotations

import csv
import hashlib
import io
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, time, timedelta
from pathlib import Path

from f1graph.errors import BadSourceDataError, SourceUnavailableError

# A real release holds 25 MB in 47 files; ten times as much is no longer one, but perhaps a bomb.
MAX_UNPACKED_BYTES = 256 * 1024 * 1024
MAX_FILES = 1000
_PREFIX = "f1db-"
_ENCRYPTED = 0x1
# Longer numbers mean nothing in this sport, and would overflow a duration or become infinite.
_LONGEST_NUMBER = 12
# The other methods unpack without a limit in one step, so a small file could still fill the memory.
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


class Row:
    """One line of a table, with its place for error texts.

    Every reader of a cell raises `BadSourceDataError` with file, row, column and value where the cell does
    not hold what it should.
    """

    __slots__ = ("_cells", "_columns", "file", "number")

    def __init__(self, file: str, number: int, columns: dict[str, int], cells: list[str]) -> None:
        self.file = file
        self.number = number
        self._columns = columns
        self._cells = cells

    def error(self, problem: str) -> BadSourceDataError:
        return BadSourceDataError(problem, file=self.file, row=self.number)

    def cell(self, column: str) -> str:
        """The text as it stands, which may be empty."""
        return self._cells[self._columns[column]]

    def optional_text(self, column: str) -> str | None:
        return self._cells[self._columns[column]] or None

    def text(self, column: str) -> str:
        if value := self._cells[self._columns[column]]:
            return value
        raise self.error(f"{column} is empty")

    def optional_integer(self, column: str) -> int | None:
        value = self._cells[self._columns[column]]
        if not value:
            return None
        # int() alone would take "1_000", " 7 " and Arabic digits.
        digits = value.removeprefix("-")
        if digits.isdigit() and digits.isascii() and len(digits) <= _LONGEST_NUMBER:
            return int(value)
        raise self.error(f"{column} is {value!r}, not a whole number")

    def optional_count(self, column: str) -> int | None:
        value = self.optional_integer(column)
        if value is not None and value < 0:
            raise self.error(f"{column} is {value}, less than zero")
        return value

    def count(self, column: str) -> int:
        value = self.optional_count(column)
        if value is None:
            raise self.error(f"{column} is empty")
        return value

    def optional_decimal(self, column: str) -> float | None:
        value = self._cells[self._columns[column]]
        if not value:
            return None
        # float() alone would take "nan", "inf" and "1e3".
        digits = value.removeprefix("-")
        if digits.isascii() and digits.replace(".", "", 1).isdigit() and len(digits) <= _LONGEST_NUMBER:
            return float(value)
        raise self.error(f"{column} is {value!r}, not a number")

    def decimal(self, column: str) -> float:
        value = self.optional_decimal(column)
        if value is None:
            raise self.error(f"{column} is empty")
        return value

    def points(self, column: str) -> float:
        """Points; an empty cell means none were scored."""
        value = self.optional_decimal(column) or 0.0
        if value < 0:
            raise self.error(f"{column} is {self.cell(column)}: nobody scores less than zero points")
        return value

    def boolean(self, column: str) -> bool:
        """`true` or `false`; an empty cell means no."""
        value = self._cells[self._columns[column]]
        if value == "true":
            return True
        if value in ("false", ""):
            return False
        raise self.error(f"{column} is {value!r}, neither true nor false")

    def optional_date(self, column: str) -> date | None:
        value = self._cells[self._columns[column]]
        if not value:
            return None
        try:
            if len(value) != len("2024-12-08"):
                raise ValueError
            return date.fromisoformat(value)
        except ValueError:
            raise self.error(f"{column} is {value!r}, not a date like 2024-12-08") from None

    def optional_time(self, column: str) -> time | None:
        value = self._cells[self._columns[column]]
        if not value:
            return None
        try:
            if len(value) not in (len("13:00"), len("13:00:00")):
                raise ValueError
            return time.fromisoformat(value)
        except ValueError:
            raise self.error(f"{column} is {value!r}, not a time like 13:00") from None

    def optional_duration(self, column: str) -> timedelta | None:
        """A column of milliseconds that cannot be negative."""
        value = self.optional_count(column)
        return None if value is None else timedelta(milliseconds=value)

    def optional_gap(self, column: str) -> timedelta | None:
        """A column of milliseconds; negative where the first of the list was not the fastest."""
        value = self.optional_integer(column)
        return None if value is None else timedelta(milliseconds=value)


@dataclass(frozen=True)
class Release:
    """An opened release.

    Attributes:
        content_hash: SHA-256 of the zip itself.
    """

    path: Path
    content_hash: str
    _zip: zipfile.ZipFile
    _members: dict[str, zipfile.ZipInfo]

    def require_files(self, files: tuple[str, ...]) -> None:
        """Raises `BadSourceDataError` naming every file of `files` that is not in the zip."""
        if missing := [file for file in files if file not in self._members]:
            raise BadSourceDataError(
                f"{self.path.name} lacks {', '.join(missing)}; an official F1DB CSV release "
                "(f1db-csv.zip of github.com/f1db/f1db/releases) has them"
            )

    def rows(self, file: str, columns: tuple[str, ...]) -> Iterator[Row]:
        """The lines of a table. Further columns are ignored: a newer minor schema may bring some.

        Raises:
            BadSourceDataError: A column is missing, a line is too short or long, or the text is not
                valid UTF-8 or CSV.
        """
        with self._zip.open(self._members[file]) as raw:
            reader = csv.reader(io.TextIOWrapper(raw, encoding="utf-8-sig", newline=""), strict=True)
            try:
                header = next(reader, [])
                where = _columns(file, header, columns)
                width = len(header)
                for cells in reader:
                    row = Row(file, reader.line_num, where, cells)
                    if len(cells) != width:
                        raise row.error(f"has {len(cells)} cells {cells[:3]}, but the header has {width}")
                    yield row
            except csv.Error as error:
                raise BadSourceDataError(f"not valid CSV: {error}", file=file, row=reader.line_num) from error
            except UnicodeDecodeError as error:
                raise BadSourceDataError(
                    f"not valid UTF-8: {error.object[error.start : error.end]!r}",
                    file=file,
                    row=reader.line_num + 1,
                ) from error


def _columns(file: str, header: list[str], needed: tuple[str, ...]) -> dict[str, int]:
    if missing := [column for column in needed if column not in header]:
        raise BadSourceDataError(f"lacks the column {', '.join(missing)}", file=file, row=1)
    if len(set(header)) != len(header):
        twice = sorted({column for column in header if header.count(column) > 1})
        raise BadSourceDataError(f"has the column {', '.join(twice)} twice", file=file, row=1)
    return {column: index for index, column in enumerate(header)}


def content_hash_of(path: Path) -> str:
    """SHA-256 of the zip itself, whatever is in it.

    Raises:
        SourceUnavailableError: There is no file at `path`, or it cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: OSError) -> SourceUnavailableError:
    return SourceUnavailableError(
        f"{path} cannot be read ({error.strerror or error}); give the path of an F1DB CSV release zip"
    )


@contextmanager
def open_release(path: Path) -> Iterator[Release]:
    """Opens the zip after checking that it is whole.

    Raises:
        SourceUnavailableError: There is no file at `path`, or it cannot be read.
        BadSourceDataError: It is no zip, broken, truncated, too large unpacked, or of something else.
    """
    content_hash = content_hash_of(path)
    try:
        archive = zipfile.ZipFile(path)
    except OSError as error:
        raise _unreadable(path, error) from error
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise BadSourceDataError(
            f"{path.name} is not a complete zip file ({error}); download it again"
        ) from error
    with archive:
        members = _members(path, archive)
        _check_content(path, archive)
        yield Release(path, content_hash, archive, members)


def _members(path: Path, archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    infos = archive.infolist()
    unpacked = sum(info.file_size for info in infos)
    if unpacked > MAX_UNPACKED_BYTES or len(infos) > MAX_FILES:
        raise BadSourceDataError(
            f"{path.name} would unpack to {unpacked:,} bytes in {len(infos)} files; a release has at most "
            f"{MAX_UNPACKED_BYTES:,} bytes in {MAX_FILES} files"
        )
    members: dict[str, zipfile.ZipInfo] = {}
    for info in infos:
        if info.flag_bits & _ENCRYPTED or info.compress_type not in _METHODS:
            raise BadSourceDataError(
                f"{path.name} is encrypted or packed in a way that a release never is", file=info.filename
            )
        # Somebody may have packed the folder instead of the files in it.
        name = info.filename.rsplit("/", 1)[-1]
        if name in members:
            raise BadSourceDataError(f"{path.name} holds it twice", file=name)
        if name.startswith(_PREFIX):
            members[name] = info
    if not members:
        raise BadSourceDataError(
            f"{path.name} holds no F1DB files (f1db-….csv), "
            f"but {', '.join(archive.namelist()[:3]) or 'nothing'}; "
            "take f1db-csv.zip of github.com/f1db/f1db/releases"
        )
    return members


def _check_content(path: Path, archive: zipfile.ZipFile) -> None:
    try:
        # Unpacks in pieces and never more than the sizes that were just added up.
        broken = archive.testzip()
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError) as error:
        raise BadSourceDataError(f"{path.name} is damaged ({error}); download it again") from error
    if broken is not None:
        raise BadSourceDataError(
            f"{path.name} is damaged here (wrong checksum); download it again", file=broken
        )
