"""A whole archive as one file: compressed lines of JSON, sealed by their number and digest.

The first line says what the file is. Then come the tables, each with a line that names its columns and, for each row, a
line that is an array; the last line is the seal. Infinities, which JSON lacks, are texts. What is in the file and what
is not: see `archive.contents`. Equal archives give equal bytes.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Generator, Iterator
from math import isfinite
from pathlib import Path
from typing import Any, NoReturn

from sqlalchemy import Connection, Float, Table

from archive import bounds, contents, schema
from archive.codec import packed
from archive.contents import Progress, Row
from archive.export import Seal
from evolve.core.errors import ArchiveError

VERSION = 1
"""Of the file's form; stands in its first line."""
KIND = "evolve archive"
LONGEST = 1 << 30
"""Bytes of a line."""
_NUMBERS = {"inf": float("inf"), "-inf": float("-inf")}


def write(connection: Connection, path: Path, progress: Progress) -> int:
    """Write all that an archive holds, as `connection` sees it; the number of rows."""
    seal, done, total = Seal(), 0, contents.count(connection)
    with path.open("wb") as file, gzip.GzipFile("", "wb", 6, file, mtime=0) as packing:

        def put(value: Any) -> None:
            text = packed(value)
            seal.add(text)
            packing.write(text.encode() + b"\n")

        put({"type": KIND, "version": VERSION, "schema": schema.VERSION})
        for table in contents.tables():
            put({"table": table.name, "columns": [column.name for column in contents.columns(table)]})
            for rows in contents.blocks(connection, table):
                for row in rows:
                    put([_plain(value) for value in row.values()])
                done += len(rows)
                progress(table.name, done, total)
        packing.write(packed(seal.line()).encode() + b"\n")
    return done


def read(path: Path) -> Generator[tuple[Table, list[Row]], None, None]:
    """The rows of a file in blocks, a table after the other. Each fits its table; none is believed beyond that.

    Raises `ArchiveError` that names the line: where the file is no archive's, of a newer version, changed, or cut off.
    """
    reader = _Reader(path)
    try:
        with gzip.open(path, "rb") as lines:
            yield from reader.blocks(lines)
    except FileNotFoundError:
        raise ArchiveError(f"there is no file {path}", "Name one that `evolve archive export FILE` wrote.") from None
    except (EOFError, zlib.error) as error:
        reader.refuse(f"is cut off or damaged after line {reader.number} ({error})")
    except gzip.BadGzipFile:
        reader.refuse("is no archive that was exported")
    except OSError as error:
        raise ArchiveError(f"{path} can not be read: {error.strerror}", "Name a file that can be read.") from error
    except RecursionError:
        reader.refuse(f"is nested too deeply in line {reader.number}")
    except ValueError as error:  # a UnicodeDecodeError is one
        reader.refuse(f"can not be read in line {reader.number}: {str(error).splitlines()[0][:300]}")


class _Reader:
    """What the lines so far have said. Raises ValueError for a line that does not fit."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.number = 0
        self._seal = Seal()
        self._wanted = {table.name: table for table in contents.tables()}
        self._table: Table | None = None
        self._columns: list[str] = []
        self._reals: list[bool] = []

    def refuse(self, what: str) -> NoReturn:
        raise ArchiveError(
            f"{self.path} {what}", "Write it anew from its archive: evolve archive export FILE"
        ) from None

    def blocks(self, lines: gzip.GzipFile) -> Iterator[tuple[Table, list[Row]]]:
        rows: list[Row] = []
        ended = False
        while line := lines.readline(LONGEST + 1):
            self.number += 1
            if len(line) > LONGEST:
                raise ValueError(f"it is longer than {LONGEST} bytes")
            if ended:
                raise ValueError("it stands behind the end")
            text = line.rstrip(b"\n").decode()
            data = json.loads(text, parse_constant=_constant)
            if isinstance(data, list):
                rows.append(self._row(data))
                if len(rows) == contents.BLOCK:
                    yield self._taken(rows)
                    rows = []
            else:
                if rows:
                    yield self._taken(rows)
                    rows = []
                ended = self._head(data)
            self._seal.add(text)
        if not ended:
            self.refuse("is cut off: its last line is missing")

    def _taken(self, rows: list[Row]) -> tuple[Table, list[Row]]:
        assert self._table is not None
        return self._table, rows

    def _head(self, data: Any) -> bool:
        """Take in a line that is no row; True for the last one."""
        if not isinstance(data, dict):
            raise ValueError("it is neither an object nor an array")
        if self.number == 1:
            self._first(data)
        elif data.get("type") == "end":
            if data != self._seal.line():
                raise ValueError("what stands before it is not what was written")
            return True
        else:
            self._begin(data)
        return False

    def _first(self, data: dict[str, Any]) -> None:
        if data.get("type") != KIND:
            self.refuse("is no archive that was exported")
        for name, known in (("version", VERSION), ("schema", schema.VERSION)):
            found = data.get(name)
            if type(found) is not int or found < 1:
                raise ValueError(f"its {name} is {str(found)[:40]}")
            if found > known:
                raise ArchiveError(
                    f"{self.path} has {name} {found}; this program reads up to {known}",
                    "Upgrade Evolve, or export the archive with this version.",
                )

    def _begin(self, data: dict[str, Any]) -> None:
        """The next table. Each comes once; which come before which, the database checks."""
        name, columns = data.get("table"), data.get("columns")
        if not isinstance(name, str) or name not in self._wanted:
            raise ValueError(f"{str(name)[:40]!r} is no table of an archive, or comes a second time")
        table = self._wanted.pop(name)
        known = {column.name: column for column in contents.columns(table)}
        if not isinstance(columns, list) or len(set(map(str, columns))) != len(columns):
            raise ValueError("its columns are no list of names")
        if strangers := [column for column in columns if column not in known]:
            raise ValueError(f"table {name} has no column {str(strangers[0])[:40]!r}")
        if missing := [one.name for one in known.values() if not one.nullable and one.name not in columns]:
            raise ValueError(f"table {name} lacks its column {missing[0]!r}")
        self._table, self._columns = table, columns
        self._reals = [isinstance(known[column].type, Float) for column in columns]

    def _row(self, values: list[Any]) -> Row:
        if self._table is None or len(values) != len(self._columns):
            raise ValueError(f"a row of {len(values)} values stands where one of {len(self._columns)} is due")
        row = {
            name: _NUMBERS.get(value, value) if real and isinstance(value, str) else value
            for name, value, real in zip(self._columns, values, self._reals, strict=True)
        }
        bounds.check(self._table, row)
        return row


def _plain(value: Any) -> Any:
    """A stored value as JSON has it."""
    return repr(value) if isinstance(value, float) and not isfinite(value) else value


def _constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
