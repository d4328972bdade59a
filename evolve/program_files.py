"""The files of a program in a problem's folder: which names they may have, and their texts."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from evolve.core.errors import ProblemError
from sandbox.syntax import MAX_SOURCE_BYTES

MAX_FILES = 20
# Files of the folder, and of the sandbox, that are no program's.
_TAKEN = ("problem.toml", "verifier.py", "driver.py", "cheats.py")


def check_names(names: Sequence[str]) -> None:
    """Raises ValueError, with what to do, for names that files of one folder can not have or have twice."""
    for name in names:
        if Path(name).name != name or name.startswith("."):
            raise ValueError(f"{name!r} must be the plain name of a file in this folder")
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise ValueError(f"{twice[0]} is named twice: take one out")


def check_modules(names: Sequence[str]) -> None:
    """Raises ValueError for names that files of a Python program can not have: its modules import each other."""
    check_names(names)
    if not names[0].endswith(".py"):
        raise ValueError(f"the first file must be Python, as it holds the entry, and {names[0]} is not called .py")
    for name in names:
        stem = name.removesuffix(".py")
        if name in _TAKEN:
            raise ValueError(f"{name} has a meaning of its own: call the program's file otherwise")
        if stem != name and not stem.isidentifier():
            raise ValueError(f"{name} can not be imported: use letters, digits and _")
        if stem in sys.stdlib_module_names:
            raise ValueError(f"{stem} is a module of Python's own, which would be imported instead: rename {name}")


def read_files(folder: Path, names: Sequence[str]) -> dict[str, str]:
    """The texts by name.

    Raises:
        ProblemError: a file is missing, can not be read or is no UTF-8, one of several is a link, or all together are
            larger than 256 KiB.
    """
    texts = {name: _read(folder / name, len(names) > 1) for name in names}
    size = sum(len(text.encode()) for text in texts.values())
    if size > MAX_SOURCE_BYTES:
        what = ", ".join(str(folder / name) for name in names)
        message = f"{what}: {size:,} bytes of source; at most {MAX_SOURCE_BYTES:,} are read"
        raise ProblemError(message, "Move data out of the program, such as into what the verifier hands to it.")
    return texts


def _read(path: Path, one_of_several: bool) -> str:
    if one_of_several and path.is_symlink():
        raise ProblemError(f"{path} is a link", "Copy the file into the folder: a problem must be whole.")
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        message = f"{path} can not be read: {error}"
        raise ProblemError(message, "A problem needs a readable UTF-8 program here.") from None
