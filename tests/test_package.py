"""The public surface, start-up, and the rules of the house that a machine can check."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import evolve

ROOT = Path(__file__).resolve().parent.parent
OURS = [p for room in ("evolve", "evaluators", "sandbox", "archive", "problems") for p in (ROOT / room).rglob("*.py")]


def test_the_public_names() -> None:
    assert evolve.__all__ == [
        "Comparison",
        "EvolveError",
        "Instance",
        "Invalid",
        "Problem",
        "RunResult",
        "Score",
        "Search",
        "Split",
        "check_problem",
        "compare",
        "load",
        "rng",
        "run",
        "split",
    ]
    assert all(hasattr(evolve, name) for name in evolve.__all__)
    with pytest.raises(AttributeError):
        _ = evolve.nothing  # type: ignore[attr-defined]


def test_importing_evolve_loads_nothing_heavy() -> None:
    heavy = "{'numpy', 'numba', 'sqlalchemy', 'matplotlib', 'pydantic', 'rich', 'cma'}"
    code = f"import sys, evolve, evolve.cli; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "[]"


def test_every_module_stands_in_a_layer() -> None:
    config = tomllib.loads((ROOT / "pyproject.toml").read_text())
    (contract,) = config["tool"]["importlinter"]["contracts"]
    named = {name.strip() for line in contract["layers"] for name in line.replace("|", ":").split(":")}
    modules = {
        f"evolve.{p.stem}" for p in (ROOT / "evolve").iterdir() if p.suffix == ".py" or (p / "__init__.py").exists()
    }
    assert modules - {"evolve.__init__"} == {name for name in named if name.startswith("evolve.")}


@pytest.mark.parametrize("path", OURS, ids=lambda p: str(p.relative_to(ROOT)))
def test_files_are_short_and_time_and_chance_have_one_source(path: Path) -> None:
    text = path.read_text()
    # The wire is one file because the sandbox gets it as one; the conformance suite is a test, though it is shipped.
    assert text.count("\n") <= (450 if path.name == "wire.py" else 400)
    imported = {a.name.split(".")[0] for n in ast.walk(ast.parse(text)) if isinstance(n, ast.Import) for a in n.names}
    imported |= {(n.module or "").split(".")[0] for n in ast.walk(ast.parse(text)) if isinstance(n, ast.ImportFrom)}
    if path.name not in ("clock.py", "conformance.py"):
        assert "time" not in imported
    # Candidates and what runs beside them know nothing of the project, its generators included.
    if path.name not in ("runner.py", "seed.py") and "baselines" not in path.parts:
        assert "random" not in imported
    # Between a run and its workers, which are the same program: no candidate runs in either. And what a run wrote down
    # for itself, in a folder that is its user's alone.
    if path.name not in ("local.py", "service.py", "slots.py", "snapshot.py"):
        assert "pickle" not in imported
