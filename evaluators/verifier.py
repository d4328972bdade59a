"""A problem's verifier: what its module defines, and how it is loaded. It never imports candidate code."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from hashlib import blake2b
from inspect import signature
from pathlib import Path
from typing import Any, Protocol

from evolve.core.errors import ProblemError
from evolve.core.types import Instance, Score, Split


class Verifier(Protocol):
    """What verifier.py defines; the first two are needed by all problems.

    `score` raises Invalid("what is wrong") for an output that breaks a rule. `target` is needed for least-squares
    tuning, `prove` and `final` where `evidence = "exact"`. `floor` is the physical minimum of an instance, shown beside
    the scores.

    Where a driver sits beside the candidate: `play` replays an instance strictly, one question at a time, by
    `session.call(entry, *args)`, with `session.renew()` for a fresh process; `spliced` gives an instance that shares
    the first `share` of its requests with `instance` and goes on as `other`; `decisions` takes from an output what was
    decided within that share.
    """

    def instances(self, split: Split, seed: int) -> Iterable[Instance]: ...

    def score(self, instance: Instance, output: Any) -> Score: ...

    def target(self, instance: Instance) -> tuple[Any, Any]: ...

    def prove(self, program: Any) -> Score: ...

    def final(self, programs: Sequence[Any], progress: Callable[[int, int], None]) -> list[Score]: ...

    def floor(self, instance: Instance) -> Score: ...

    def play(self, session: Any, instance: Instance) -> Any: ...

    def spliced(self, instance: Instance, other: Instance, share: float) -> Instance: ...

    def decisions(self, instance: Instance, output: Any, share: float) -> Any: ...


def load_verifier(folder: Path, parameters: Mapping[str, Any] | None = None) -> Any:
    """The module `verifier.py` of a problem's folder; modules beside it can be imported by their names.

    `parameters` are arguments by name that its `instances` gets besides: the size of a profile.

    Raises:
        ProblemError: there is none, or it fails on import; names the file and the error.
    """
    path = folder / "verifier.py"
    name = f"evolve_verifier_{blake2b(str(path).encode(), digest_size=6).hexdigest()}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None or not path.exists():
        raise ProblemError(f"{path} does not exist", "A problem needs verifier.py with instances() and score().")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise ProblemError(f"{path} fails on import: {type(error).__name__}: {error}", "Mend the file.") from error
    for function in ("instances", "score"):
        if not callable(getattr(module, function, None)):
            raise ProblemError(f"{path} has no function {function}", "A problem's verifier needs instances and score.")
    if parameters:
        _check_parameters(path, module.instances, parameters)
        module.instances = partial(module.instances, **parameters)  # type: ignore[attr-defined]
    return module


def _check_parameters(path: Path, instances: Callable[..., Any], parameters: Mapping[str, Any]) -> None:
    try:
        signature(instances).bind(Split.TRAIN, 0, **parameters)
    except TypeError as error:
        remedy = "Let instances(split, seed, ...) take the arguments that the profile in problem.toml gives."
        raise ProblemError(f"{path}: instances: {error}", remedy) from None
