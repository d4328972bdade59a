"""What the command line alone prints: JSON, errors, and files that appear whole or not at all."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from evolve.core.errors import EvolveError, UsageError
from evolve.display.plain import plain
from evolve.display.text import line


def print_json(value: object) -> None:
    """One JSON value and a newline on standard output. NaN and infinities become null: JSON has none."""
    sys.stdout.write(json.dumps(plain(value), indent=2, ensure_ascii=False, allow_nan=False) + "\n")
    sys.stdout.flush()


def print_error(error: EvolveError) -> None:
    """The error on one red line of standard error, its remedy on a dim one."""
    line(f"error: {error.message}", style="bold red", stderr=True)
    if error.remedy:
        line(error.remedy, style="dim", stderr=True)


def warn_of(sandbox: str | None) -> None:
    """A line on standard error where the sandbox that was asked for is none. Raises UsageError for an unknown one."""
    from evolve.evaluation import sandbox_config
    from evolve.sandboxing import Sandboxing
    from sandbox.backends import text

    warning = Sandboxing(text(sandbox_config(sandbox))).warning
    if warning:
        line(f"warning: {warning}", style="yellow", stderr=True)


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
