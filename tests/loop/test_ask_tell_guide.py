"""docs/ask-tell.md: its files are written as they stand there, and its programs run as a reader would run them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
GUIDE = ROOT / "docs" / "ask-tell.md"
FILE = re.compile(r"^```(?:python|toml)\n# (\S+)\n(.*?)^```", re.S | re.M)


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with every file of the guide."""
    room = tmp_path_factory.mktemp("guide")
    for name, text in FILE.findall(GUIDE.read_text(encoding="utf-8")):
        (room / name).parent.mkdir(exist_ok=True)
        (room / name).write_text(text, encoding="utf-8")
    return room


def _run(room: Path, name: str) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "error", name],
        cwd=room,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_every_block_is_a_file(room: Path) -> None:
    blocks = re.findall(r"^```\w", GUIDE.read_text(encoding="utf-8"), re.M)
    assert len(blocks) == len([path for path in room.rglob("*") if path.is_file()]) == 6


def test_the_search_finds_what_the_guide_says_and_goes_on(room: Path) -> None:
    assert f"`{_run(room, 'search.py')}`" in GUIDE.read_text(encoding="utf-8")
    assert _run(room, "resume.py").splitlines() == ["still to be told: ()", "evaluations 45.0"]


def test_many_at_once(room: Path) -> None:
    assert _run(room, "parallel.py") == "evaluations 30.0"


def test_every_error_of_the_table_is_one_of_ours() -> None:
    from evolve.core import errors

    named = re.findall(r"^\| `(\w+Error)` \|", GUIDE.read_text(encoding="utf-8"), re.M)
    assert len(named) == 4
    assert all(issubclass(getattr(errors, name), errors.EvolveError) for name in named)
