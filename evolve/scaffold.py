"""New problems: a template copied, or a program and its command wrapped. What is written runs as it is."""

from __future__ import annotations

import re
import shlex
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from evolve.core.errors import UsageError
from evolve.problem import shipped, shipped_folder

FAMILIES: Mapping[str, str] = {
    "scheduling": "a Python function plans everything at once; its plan is checked and scored",
    "policy": "Python decides step by step beside a simulator, and must not see the future",
    "numeric": "arithmetic for a mathematical function: few operations, small error, proven",
    "command": "a program in any language, compiled and timed; its output is checked",
}
DEFAULT_FAMILY = "scheduling"
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")


@dataclass(frozen=True)
class Created:
    """A new problem: its folder, the files in it, and what its author should know, a sentence each.

    `failed` where a wrapped program was tried and gave no score.
    """

    folder: Path
    files: tuple[str, ...]
    notes: tuple[str, ...] = ()
    failed: bool = False


def create(place: Path, family: str = DEFAULT_FAMILY) -> Created:
    """Copy the template of a family to `place`, whose last part is the problem's name.

    Raises:
        UsageError: no such family, the name can not be one, or something stands there already.
    """
    if family not in FAMILIES:
        raise UsageError(f"there is no family {family!r}", f"Choose one of {', '.join(FAMILIES)}.")
    template = shipped_folder() / "_templates" / family
    files = {
        path.relative_to(template).as_posix(): path.read_text(encoding="utf-8")
        for path in sorted(template.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }
    files["problem.toml"] = files["problem.toml"].replace('name = "NAME"', f'name = "{check_name(place)}"', 1)
    return Created(write(place, files), tuple(files))


def check_name(place: Path) -> str:
    """The problem's name. Raises UsageError where it can not be one, or the place or a shipped problem has it."""
    if not _NAME.fullmatch(place.name):
        raise UsageError(
            f"{place.name!r} is no name for a problem",
            "Use small letters, digits, - and _, beginning with a letter or digit.",
        )
    # Such a name means the shipped problem wherever it is typed.
    if name := next((name for name in (place.name, place.as_posix()) if name in shipped()), None):
        raise UsageError(f"{name} is the name of a shipped problem", "Give another name.")
    if place.exists() or place.is_symlink():
        raise UsageError(f"{place} exists already", "Give another name, or remove it first.")
    if not place.absolute().parent.is_dir():
        raise UsageError(f"there is no folder {place.parent}", f"Type: mkdir -p {shlex.quote(str(place.parent))}")
    return place.name


def write(place: Path, files: Mapping[str, str | bytes]) -> Path:
    """A folder with these files, there whole or not at all. Raises UsageError where it can not be written."""
    parent = place.absolute().parent
    try:
        draft = Path(tempfile.mkdtemp(prefix=f".{place.name}-", dir=parent))
    except OSError as error:
        raise UsageError(f"can not write to {parent}: {error.strerror}", "Choose a folder of your own.") from None
    try:
        for name, content in files.items():
            path = draft / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        draft.chmod(0o755)
        draft.rename(place)
    except OSError as error:
        raise UsageError(f"can not write {place}: {error.strerror}", "Choose another name or folder.") from None
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return place


def listed(names: Sequence[str]) -> str:
    """`a, b and c`."""
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]])) if names else ""
