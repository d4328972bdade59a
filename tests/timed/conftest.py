"""A function that writes the problem whose score is a time."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from timed_problem import SEED, TOML, VERIFIER

from evolve.problem import Problem, load

WriteTimed = Callable[..., Problem]


@pytest.fixture
def timed(tmp_path: Path) -> WriteTimed:
    """Writes the problem's folder, with the given baselines, `pairs` and `more` in its table [timing], and loads it."""

    def write(*, more: str = "", pairs: int = 10, verifier: str = VERIFIER, **baselines: str) -> Problem:
        folder = tmp_path / "sum"
        (folder / "baselines").mkdir(parents=True)
        (folder / "problem.toml").write_text(TOML.format(pairs=pairs, more=more))
        (folder / "verifier.py").write_text(verifier)
        (folder / "seed.py").write_text(SEED)
        for name, text in baselines.items():
            (folder / "baselines" / f"{name}.py").write_text(text)
        return load(folder)

    return write
