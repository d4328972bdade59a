"""Evolve discovers faster and better algorithms for systems problems.

from evolve import run
result = run("float32-exp2", evaluations=2000)
print(result.front)
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from evolve.api import run as run
    from evolve.asking import Search as Search
    from evolve.check import check_problem as check_problem
    from evolve.comparing import compare as compare
    from evolve.comparison.outcome import Comparison as Comparison
    from evolve.core import rng as rng
    from evolve.core.errors import EvolveError as EvolveError
    from evolve.core.errors import Invalid as Invalid
    from evolve.core.types import Instance as Instance
    from evolve.core.types import Score as Score
    from evolve.core.types import Split as Split
    from evolve.problem import Problem as Problem
    from evolve.problem import load as load
    from evolve.result import RunResult as RunResult
    from evolve.splitting import split as split

__all__ = [
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

# Where each public name lives; imported when it is first used, so that `evolve --help` stays quick.
_HOMES = {
    "Instance": "evolve.core.types",
    "Invalid": "evolve.core.errors",
    "Score": "evolve.core.types",
    "Split": "evolve.core.types",
    "Comparison": "evolve.comparison.outcome",
    "check_problem": "evolve.check",
    "compare": "evolve.comparing",
    "rng": "evolve.core.rng",
    "split": "evolve.splitting",
    "EvolveError": "evolve.core.errors",
    "Problem": "evolve.problem",
    "RunResult": "evolve.result",
    "Search": "evolve.asking",
    "load": "evolve.problem",
    "run": "evolve.api",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'evolve' has no attribute {name!r}")
    module = importlib.import_module(_HOMES[name])
    value = module if module.__name__.endswith(f".{name}") else getattr(module, name)
    globals()[name] = value
    return value
