"""What a problem's declared packages are on disk: their files and those of what they require, and nothing else."""

from __future__ import annotations

import re
from functools import cache
from importlib import metadata
from pathlib import Path

from evolve.core.errors import ProblemError

OURS = "evolve-discovery"
_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?")
_REQUIREMENT = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)[^;]*(;.*)?", re.DOTALL)
_NOT_MODULES = {"..", "__pycache__", "bin"}


@cache
def resolve(names: tuple[str, ...]) -> dict[str, Path]:
    """Top-level folders and files of the distributions and of all that they require, by name under one folder.

    Raises ProblemError, naming the key `packages`, where one is not installed, or is Evolve itself.
    """
    found: dict[str, Path] = {}
    done: set[str] = set()
    todo = [(name, name) for name in names]
    while todo:
        name, wanted_by = todo.pop()
        if _canonical(name) in done:
            continue
        done.add(_canonical(name))
        distribution = _installed(name, wanted_by)
        found |= _top_level(distribution)
        todo += [(required, name) for required in _required(distribution)]
    return found


def modules(names: tuple[str, ...]) -> list[str]:
    """Names under which the declared distributions themselves are imported."""
    paths = [path for name in names for path in _top_level(_installed(name, name)).values()]
    stems = {path.name.split(".")[0] for path in paths if path.is_file() or (path / "__init__.py").is_file()}
    return sorted(stem for stem in stems if stem.isidentifier())


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _installed(name: str, wanted_by: str) -> metadata.Distribution:
    if _canonical(name) == OURS:
        raise ProblemError(
            f"packages in problem.toml: {wanted_by} would show the sandbox Evolve's own files",
            f"Take {wanted_by} out of packages.",
        )
    try:
        if not _NAME.fullmatch(name):
            raise metadata.PackageNotFoundError(name)
        return metadata.distribution(name)
    except metadata.PackageNotFoundError:
        by = "" if name == wanted_by else f" (required by {wanted_by})"
        raise ProblemError(
            f"packages in problem.toml: {name}{by} is not installed", f"Type: pip install {name}"
        ) from None


def _top_level(distribution: metadata.Distribution) -> dict[str, Path]:
    names = {file.parts[0] for file in distribution.files or ()}
    names |= set((distribution.read_text("top_level.txt") or "").split() if not names else ())
    paths = {name: Path(str(distribution.locate_file(name))) for name in names - _NOT_MODULES}
    paths = {name: path for name, path in paths.items() if path.exists() and not name.endswith(".pth")}
    if not any(not name.endswith((".dist-info", ".egg-info")) for name in paths) or any(
        name.startswith("__editable__") for name in names
    ):
        name = distribution.metadata["Name"]
        raise ProblemError(
            f"packages in problem.toml: the files of {name} are not in the environment (an editable install?)",
            f"Type: pip install --force-reinstall {name}",
        )
    return paths


def _required(distribution: metadata.Distribution) -> list[str]:
    """Names that are required here. What a marker asks for counts where it is installed, extras never do."""
    required = []
    for line in distribution.requires or ():
        match = _REQUIREMENT.match(line)
        if match is None or "extra" in (match[2] or ""):
            continue
        if match[2] is None or _is_installed(match[1]):
            required.append(match[1])
    return required


def _is_installed(name: str) -> bool:
    try:
        metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return False
    return True
