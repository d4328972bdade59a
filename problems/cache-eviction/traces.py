"""Reads recorded request traces: CSV, libCacheSim's oracleGeneral records, and block hashes of language-model requests.

Only the order of the requests and which of them name the same object are kept. Names are renumbered 0, 1, 2, ... in
order of first appearance. Times, sizes and every other column are dropped here: objects count alike in this problem.
"""

from __future__ import annotations

import csv
import gzip
import json
import math
import zlib
from array import array
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import IO, Any, Final

import numpy as np

from evolve.core.errors import ProblemError

# What other tools call the three columns, in lower case.
_COLUMNS: Final = {
    "object": ("object", "object_id", "objectid", "obj_id", "obj", "id", "key", "block", "block_id", "name"),
    "time": ("time", "time_seconds", "time_s", "time_ms", "timestamp", "ts", "clock_time"),
    "size": ("size", "size_bytes", "object_size", "obj_size", "bytes"),
}
# One record of oracleGeneral, struct "<IQIq".
_RECORD: Final = np.dtype([("time", "<u4"), ("object", "<u8"), ("size", "<u4"), ("next", "<i8")])
_ORACLE: Final = ".oraclegeneral"
_BLOCKS: Final = "hash_ids"


def renumbered(names: Sequence[Hashable]) -> array[int]:
    """The requests with dense numbers, 0 for the name that appears first."""
    numbers = {name: number for number, name in enumerate(dict.fromkeys(names))}
    return array("i", map(numbers.__getitem__, names))


def stem(path: Path) -> str:
    """The file's name without the endings that tell its format."""
    name = path.name.removesuffix(".gz")
    at = name.lower().find(_ORACLE)
    return name[:at] if at > 0 else name.removesuffix(".csv").removesuffix(".jsonl")


def length(path: Path) -> int:
    """The number of requests in a file; a file is parsed once a process.

    Raises:
        ProblemError: the file can not be read, holds nothing, or is wrong somewhere; says the row and what is wrong.
    """
    if _is_plain_oracle(path):
        return _records(path)
    return len(_whole(path, *_stamp(path)))


def read(path: Path, start: int = 0, stop: int | None = None) -> array[int]:
    """Requests [start, stop) of a file, objects renumbered within that range. Raises ProblemError as `length` does."""
    if not _is_plain_oracle(path):
        return renumbered(_whole(path, *_stamp(path))[start:stop])
    count = _records(path)
    stop = count if stop is None else min(stop, count)
    with _readable(path), path.open("rb") as file:
        file.seek(start * _RECORD.itemsize)
        return renumbered(_objects(file.read(max(0, stop - start) * _RECORD.itemsize)))


@lru_cache(maxsize=32)
def _whole(path: Path, changed_ns: int, size_bytes: int) -> array[int]:
    """All requests of a file; time of change and size are there to notice that a file was replaced."""
    names = _format(path)(path)
    if not names:
        raise ProblemError(f"{path} holds no request", "Remove the file, or write one request a row.")
    return renumbered(names)


def _stamp(path: Path) -> tuple[int, int]:
    with _readable(path):
        found = path.stat()
    return found.st_mtime_ns, found.st_size


def _format(path: Path) -> Callable[[Path], Sequence[Hashable]]:
    name = path.name.lower()
    if name.endswith(".zst"):
        raise ProblemError(f"{path} is compressed with zstd, which is not read", f"Type: zstd -d {path.name}")
    name = name.removesuffix(".gz")
    if name.endswith(".csv"):
        return _csv_names
    if name.endswith(".jsonl"):
        return _block_names
    if _ORACLE in name:
        return _oracle_names
    remedy = "Name it .csv, .jsonl or .oracleGeneral, with .gz behind where it is compressed, or remove it."
    raise ProblemError(f"{path} has no ending that tells its format", remedy)


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except UnicodeDecodeError as error:
        raise ProblemError(
            f"{path} is not UTF-8 text: {error.reason}", "Is it compressed or binary? Mend its name."
        ) from error
    except (OSError, EOFError, zlib.error) as error:
        raise ProblemError(f"{path} can not be read: {error}", "Fetch the file again, or remove it.") from error


def _open(path: Path, mode: str, **how: str) -> IO[Any]:
    opener: Callable[..., IO[Any]] = gzip.open if path.name.lower().endswith(".gz") else open
    return opener(path, mode, **how)


# CSV


@dataclass(frozen=True, slots=True)
class _Columns:
    """Where the columns are; -1 for one that is not there."""

    width: int
    object: int
    time: int = -1
    size: int = -1


def _csv_names(path: Path) -> list[str]:
    row, names = 0, []
    columns: _Columns | None = None
    with _readable(path), _open(path, "rt", encoding="utf-8-sig", newline="") as file:
        try:
            for row, cells in enumerate(csv.reader(file, skipinitialspace=True, strict=True), 1):
                if not cells:
                    continue
                if columns is None:
                    columns = _header(path, cells)
                    if columns is not None:
                        continue
                    columns = _without_header(path, cells)
                names.append(_name(path, row, cells, columns))
        except csv.Error as error:
            raise _wrong(path, row + 1, str(error)) from error
    return names


def _name(path: Path, row: int, cells: list[str], columns: _Columns) -> str:
    if len(cells) != columns.width:
        raise _wrong(path, row, f"{len(cells)} columns instead of {columns.width}")
    name = cells[columns.object].strip()
    if not name:
        raise _wrong(path, row, "the name of the object is empty")
    if columns.time >= 0 and not _is_finite(cells[columns.time]):
        raise _wrong(path, row, f"the time {cells[columns.time][:40]!r} is no number")
    if columns.size >= 0 and not _is_size(cells[columns.size]):
        raise _wrong(path, row, f"the size {cells[columns.size][:40]!r} is no whole number of at least 0")
    return name


def _header(path: Path, cells: list[str]) -> _Columns | None:
    """The columns that the first row names, None where it names none and so is a request."""
    titles = [cell.strip().lower() for cell in cells]
    places = {what: [at for at, title in enumerate(titles) if title in known] for what, known in _COLUMNS.items()}
    if not any(places.values()):
        return None
    for what, found in places.items():
        if len(found) > 1:
            raise _wrong(path, 1, f"several columns name the {what}: {', '.join(titles[at] for at in found)}")
    if not places["object"]:
        raise _no_object(path, cells)
    time, size = (places[what][0] if places[what] else -1 for what in ("time", "size"))
    return _Columns(len(cells), places["object"][0], time, size)


def _without_header(path: Path, cells: list[str]) -> _Columns:
    if len(cells) == 1:
        return _Columns(1, 0)
    if len(cells) == 3 and _is_finite(cells[0]) and _is_size(cells[2]):
        return _Columns(3, 1, 0, 2)
    raise _no_object(path, cells)


def _no_object(path: Path, cells: list[str]) -> ProblemError:
    known = ", ".join(_COLUMNS["object"])
    shown = ", ".join(cell.strip()[:40] for cell in cells[:8])
    return ProblemError(
        f"{path}, row 1: no column names the object; the row is {shown}",
        f"Write a header with one of: {known}. Without a header the columns are time,object,size, or object alone.",
    )


def _is_finite(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def _is_size(text: str) -> bool:
    try:
        return int(text) >= 0
    except ValueError:
        return False


def _wrong(path: Path, row: int, what: str) -> ProblemError:
    return ProblemError(f"{path}, row {row}: {what}", "Mend or remove that row.")


# Block hashes of language-model requests


def _block_names(path: Path) -> list[int | str]:
    names: list[int | str] = []
    with _readable(path), _open(path, "rt", encoding="utf-8") as file:
        for row, line in enumerate(file, 1):
            if line.strip():
                names.extend(_blocks(path, row, line))
    return names


def _blocks(path: Path, row: int, line: str) -> list[int | str]:
    try:
        request = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise _wrong(path, row, f"no JSON: {error}") from error
    blocks = request.get(_BLOCKS) if isinstance(request, dict) else None
    if not isinstance(blocks, list):
        raise _wrong(path, row, f"no JSON object with a list {_BLOCKS}")
    for block in blocks:
        # True and 1.0 equal 1, so that they would silently be the same object.
        if type(block) not in (int, str):
            raise _wrong(path, row, f"a block in {_BLOCKS} is neither a whole number nor a string")
    return blocks


# libCacheSim's oracleGeneral


def _is_plain_oracle(path: Path) -> bool:
    """True where records can be read from any place without reading those before."""
    return not path.name.lower().endswith(".gz") and _format(path) is _oracle_names


def _records(path: Path) -> int:
    _, size_bytes = _stamp(path)
    return _whole_records(path, size_bytes)


def _whole_records(path: Path, size_bytes: int) -> int:
    count, rest = divmod(size_bytes, _RECORD.itemsize)
    if rest:
        what = f"record {count + 1} ends after {rest} of {_RECORD.itemsize} bytes"
        raise ProblemError(f"{path}: {what}", "The file is cut off: fetch it again.")
    if not count:
        raise ProblemError(f"{path} holds no request", "Remove the file, or fetch it again.")
    return count


def _oracle_names(path: Path) -> list[int]:
    with _readable(path), _open(path, "rb") as file:
        data = file.read()
    _whole_records(path, len(data))
    return _objects(data)


def _objects(data: bytes) -> list[int]:
    # Each record also tells when its object is requested next. Nothing but the name leaves this function.
    names: Iterable[int] = np.frombuffer(data, _RECORD)["object"].tolist()
    return list(names)
