"""What the tests of the templates share: the three problems, their files as modules, and values from real sandboxes."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

from evaluators.process_cascade import ProcessEvaluator
from evolve.core.types import Status
from evolve.evaluation import make_evaluator
from evolve.problem import Problem, load

FOLDER = Path(__file__).parents[2] / "problems" / "_templates"
SCHEDULING, POLICY, NUMERIC = (load(FOLDER / family) for family in ("scheduling", "policy", "numeric"))


def module(path: Path) -> Any:
    """A file of a template, run in this process."""
    spec = importlib.util.spec_from_file_location(f"template_{path.parent.name}_{path.stem}", path)
    assert spec is not None and spec.loader is not None
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


def values(problem: Problem) -> dict[str, float]:
    """Values on train of the seed and the baselines, from real sandboxes."""
    made = make_evaluator(problem)
    assert isinstance(made, ProcessEvaluator)
    verdicts = {name: made.evaluate(source) for name, source in {"seed": problem.seed, **problem.baselines}.items()}
    made.stage.verifier.close()
    assert {verdict.status for verdict in verdicts.values()} == {Status.OK}
    return {name: verdict.value for name, verdict in verdicts.items() if verdict.value is not None}
