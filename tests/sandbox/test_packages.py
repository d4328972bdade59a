"""Which files of the environment a program sees for the packages that its problem names, extras included."""

from __future__ import annotations

from pathlib import Path

import pytest

from evolve.core.errors import ProblemError
from sandbox import packages


def install(folder: Path, name: str, *requires: str) -> None:
    """A distribution with one module of its name."""
    module = name.replace("-", "_")
    (folder / f"{module}.py").write_text("")
    about = folder / f"{module}-1.0.dist-info"
    about.mkdir()
    lines = ["Metadata-Version: 2.1", f"Name: {name}", "Version: 1.0", *(f"Requires-Dist: {one}" for one in requires)]
    (about / "METADATA").write_text("\n".join(lines) + "\n")
    (about / "RECORD").write_text(f"{module}.py,,\n{about.name}/METADATA,,\n{about.name}/RECORD,,\n")


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(str(tmp_path))
    packages.resolve.cache_clear()
    install(tmp_path, "array-kit", "plain-part>=1", 'tool-kit[compiler] ; extra == "all"', 'absent ; extra == "all"')
    install(tmp_path, "plain-part")
    install(tmp_path, "tool-kit", 'deep-compiler ; extra == "compiler"', 'viewer ; extra == "show"')
    install(tmp_path, "deep-compiler")
    install(tmp_path, "viewer")
    return tmp_path


def seen(*names: str) -> set[str]:
    return {name.removesuffix(".py") for name in packages.resolve(names) if name.endswith(".py")}


def test_what_a_package_requires_is_seen_and_its_extras_are_not(environment: Path) -> None:
    assert seen("array-kit") == {"array_kit", "plain_part"}


def test_extras_that_are_asked_for_are_seen_with_the_extras_that_they_ask_for(environment: Path) -> None:
    assert seen("array-kit[all]") == {"array_kit", "plain_part", "tool_kit", "deep_compiler"}
    assert packages.modules(("array-kit[all]",)) == ["array_kit"]


def test_a_package_with_extras_that_is_not_there_is_named_as_it_was_asked_for(environment: Path) -> None:
    with pytest.raises(ProblemError, match="missing-kit is not installed") as caught:
        packages.resolve(("missing-kit[all]",))
    assert caught.value.remedy == "Type: pip install missing-kit[all]"
