"""What a problem's declared packages are on disk: their files and those of what they require, and nothing else."""

from __future__ import annotations

import re
from functools import cache
from importlib import metadata
from pathlib import Path

from evolve.core.errors import ProblemError

OURS = "evolve-discovery"
_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?")
_REQUIREMENT = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)\s*(\[[^\]]*\])?[^;]*(;.*)?", re.DOTALL)
_EXTRA = re.compile(r"extra\s*==\s*[\"']([^\"']+)")
_NOT_MODULES = {"..", "__pycache__", "bin"}


@cache
def resolve(names: tuple[str, ...]) -> dict[str, Path]:
    """Top-level folders and files of the distributions and of all that they require, by name under one folder.

    A name may ask for extras, as in `cupy-cuda12x[ctk]`. Raises ProblemError, naming the key `packages`, where one is
    not installed, or is Evolve itself.
    """
    found: dict[str, Path] = {}
    done: set[tuple[str, frozenset[str]]] = set()
    todo = [(name, name) for name in names]
    while todo:
        wanted, wanted_by = todo.pop()
        name, extras = _split(wanted)
        if (_canonical(name), extras) in done:
            continue
        done.add((_canonical(name), extras))
        distribution = _installed(name, wanted_by)
        found |= _top_level(distribution)
        todo += [(required, wanted) for required in _required(distribution, extras)]
    return found


def modules(names: tuple[str, ...]) -> list[str]:
    """Names under which the declared distributions themselves are imported."""
    paths = [path for name in names for path in _top_level(_installed(_split(name)[0], name)).values()]
    stems = {path.name.split(".")[0] for path in paths if path.is_file() or (path / "__init__.py").is_file()}
    return sorted(stem for stem in stems if stem.isidentifier())


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _split(wanted: str) -> tuple[str, frozenset[str]]:
    """The name of a distribution and the extras that are asked for: `name[one,two]`."""
    name, _, extras = wanted.partition("[")
    return name.strip(), frozenset(
        _canonical(extra.strip()) for extra in extras.rstrip("] ").split(",") if extra.strip()
    )


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
        by = "" if name == _split(wanted_by)[0] else f" (required by {wanted_by})"
        raise ProblemError(
            f"packages in problem.toml: {name}{by} is not installed",
            f"Type: pip install {wanted_by if not by else name}",
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


def _required(distribution: metadata.Distribution, extras: frozenset[str]) -> list[str]:
    """Names, with extras, that are required here. What a marker asks for counts where it is installed."""
    required = []
    for line in distribution.requires or ():
        match = _REQUIREMENT.match(line)
        if match is None:
            continue
        name, more, marker = match[1], match[2] or "", match[3]
        of_extras = {_canonical(extra) for extra in _EXTRA.findall(marker or "")}
        if of_extras and not of_extras & extras:
            continue
        if marker is None or _is_installed(name):
            required.append(name + more)
    return required


def _is_installed(name: str) -> bool:
    try:
        metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return False
    return True
