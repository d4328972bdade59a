"""A folder of one's own with a problem of several files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture
def folder(tmp_path: Path) -> Callable[..., Path]:
    """Writes the files of a problem; others are given by name, None leaves one out."""

    def write(files: dict[str, str], changes: dict[str, str | None] | None = None) -> Path:
        place = tmp_path / "problem"
        for name, text in {**files, **(changes or {})}.items():
            if text is not None:
                (place / name).parent.mkdir(parents=True, exist_ok=True)
                (place / name).write_text(text)
        return place

    return write
