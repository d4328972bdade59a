"""How the command line prints: consoles, numbers, JSON, errors, and files that appear whole or not at all."""

from __future__ import annotations

import contextlib
import json
import math
import os
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evolve.core.errors import EvolveError, UsageError

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

SHORT_ID = 10
"""Characters of an id that tables show; any command accepts them as a prefix."""


def console(*, stderr: bool = False) -> Console:
    """A rich console on standard output, or on standard error. Colours only on a terminal."""
    from rich.console import Console

    return Console(stderr=stderr, highlight=False, emoji=False)


def line(text: str, *, style: str = "", stderr: bool = False) -> None:
    """Print one line as it is: no markup, no wrapping."""
    console(stderr=stderr).print(text, style=style, markup=False, soft_wrap=True)


def show(item: RenderableType) -> None:
    """Print a table or other renderable on standard output."""
    console().print(item)


def print_json(value: object) -> None:
    """One JSON value and a newline on standard output. NaN and infinities become null: JSON has none."""
    sys.stdout.write(json.dumps(plain(value), indent=2, ensure_ascii=False, allow_nan=False) + "\n")
    sys.stdout.flush()


def plain(value: Any) -> Any:
    """`value` as what JSON can hold, with null for numbers that are not finite."""
    if isinstance(value, Mapping):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value


def print_error(error: EvolveError) -> None:
    """The error on one red line of standard error, its remedy on a dim one."""
    line(f"error: {error.message}", style="bold red", stderr=True)
    if error.remedy:
        line(error.remedy, style="dim", stderr=True)


def number(value: float | None) -> str:
    """A number for a table: whole ones in full, others with four significant digits, none as a dash."""
    if value is None:
        return "-"
    if math.isfinite(value) and value == int(value) and abs(value) < 1e15:
        return f"{int(value):,}"
    return f"{value:.4g}"


def metric_text(metric: str, value: float | None) -> str:
    """A metric for a table; decimal digits of accuracy always have two places."""
    if value is None or metric != "digits":
        return number(value)
    return f"{value:.2f}"


def duration(seconds: float) -> str:
    """Seconds as `4.2 s`, `3 min 05 s` or `2 h 05 min`."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"


def clock(seconds: float) -> str:
    """Seconds as `0:13` or `2:05:10`, for narrow columns."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d}" if minutes < 60 else f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}"


def write_atomically(path: Path, write: Callable[[Path], None], *, force: bool) -> None:
    """Let `write` fill a temporary file beside `path`, then give it that name in one step.

    Raises:
        UsageError: `path` exists and `force` is not set, or its folder can not be written.
    """
    if not force and os.path.lexists(path):
        raise UsageError(f"{path} exists already", "Give another name, or --force to replace it.")
    if path.is_dir():
        raise UsageError(f"{path} is a folder", "Give the name of a file.")
    try:
        handle, name = tempfile.mkstemp(prefix=".evolve-", suffix=path.suffix, dir=path.parent)
    except OSError as error:
        raise UsageError(f"can not write {path}: {error.strerror}", "Give a file in a folder that exists.") from None
    os.close(handle)
    temporary = Path(name)
    try:
        write(temporary)
        mask = os.umask(0)
        os.umask(mask)
        temporary.chmod(0o666 & ~mask)
        _publish(temporary, path, force)
    finally:
        with contextlib.suppress(FileNotFoundError):
            temporary.unlink()


def _publish(temporary: Path, path: Path, force: bool) -> None:
    try:
        if force:
            os.replace(temporary, path)
        else:
            os.link(temporary, path)  # unlike a rename it never replaces a file made meanwhile
    except FileExistsError:
        raise UsageError(f"{path} exists already", "Give another name, or --force to replace it.") from None
    except OSError as error:
        raise UsageError(f"can not write {path}: {error.strerror}", "Give another file name.") from None
