"""Evolve discovers faster and better algorithms for systems problems.

from evolve import run
result = run("float32-exp2", evaluations=2000)
print(result.front)
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from evolve.api import RunResult as RunResult
    from evolve.api import run as run
    from evolve.core.errors import EvolveError as EvolveError
    from evolve.problem import Problem as Problem
    from evolve.problem import load as load

__all__ = ["EvolveError", "Problem", "RunResult", "load", "run"]

# Where each public name lives; imported when it is first used, so that `evolve --help` stays quick.
_HOMES = {
    "EvolveError": "evolve.core.errors",
    "Problem": "evolve.problem",
    "RunResult": "evolve.api",
    "load": "evolve.problem",
    "run": "evolve.api",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'evolve' has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value
