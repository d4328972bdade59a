"""Expert loads of mixture-of-experts models: a generator, and readers of recorded ones.

A load is a count of tokens, int64 [windows, layers, experts]. Every random number comes from a generator that is given,
so that the same generator always gives the same load.
"""

from __future__ import annotations

import gzip
import json
import math
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, TypeAlias

import numpy as np
from expert_plans import Shape
from numpy.typing import NDArray

from evolve.core.errors import ProblemError
from evolve.core.rng import Generator

Counts: TypeAlias = "NDArray[np.int64]"
Range: TypeAlias = "tuple[float, float]"

RHO: Final = 0.9


@dataclass(frozen=True, slots=True)
class Traffic:
    """How the tokens of a model fall on its experts.

    sigma: standard deviation of the logarithm of an expert's base popularity; drift: that of its slow change, an
    autoregressive process in the logarithm with coefficient `rho` from window to window; shifts: windows with which
    another domain begins; share: of the variance of the base popularity that is drawn anew then; correlation: of the
    logarithms of an expert in two layers; tokens: mean count of an expert in a window.
    """

    sigma: float
    drift: float = 0.0
    shifts: tuple[int, ...] = ()
    share: float = 1.0
    correlation: float = 0.0
    tokens: float = 1_000.0
    rho: float = RHO


def generated(traffic: Traffic, windows: int, layers: int, experts: int, rng: Generator) -> Counts:
    """Counts [windows, layers, experts]; each window of each layer has round(tokens * experts) in all.

    Each z is standard normal, independent over experts and correlated over layers. The base is b = sigma z. Drift is
    d_0 = drift z, d_t = rho d_{t-1} + drift sqrt(1 - rho^2) z, stationary: its standard deviation is `drift` at all
    times. Tokens are multinomial in proportion to exp(b + d_t). A shift mixes the base with a new one of the same
    variance: b' = sqrt(1 - share) b + sqrt(share) sigma z.
    """

    def normal() -> NDArray[np.float64]:
        common, own = rng.standard_normal((1, experts)), rng.standard_normal((layers, experts))
        mixed: NDArray[np.float64] = (
            math.sqrt(traffic.correlation) * common + math.sqrt(1.0 - traffic.correlation) * own
        )
        return mixed

    base, wander = traffic.sigma * normal(), traffic.drift * normal()
    total = round(traffic.tokens * experts)
    counts = np.empty((windows, layers, experts), dtype=np.int64)
    for window in range(windows):
        if window:
            wander = traffic.rho * wander + traffic.drift * math.sqrt(1.0 - traffic.rho**2) * normal()
        if window in traffic.shifts:
            base = math.sqrt(1.0 - traffic.share) * base + math.sqrt(traffic.share) * traffic.sigma * normal()
        weights = np.exp(base + wander)
        counts[window] = rng.multinomial(total, weights / weights.sum(axis=1, keepdims=True))
    return counts


@dataclass(frozen=True, slots=True)
class Kind:
    """Ranges from which a model's traffic is drawn: uniformly, tokens in the logarithm; `shifts` is how many."""

    sigma: Range
    drift: Range
    shifts: tuple[int, int] = (0, 0)
    share: Range = (0.3, 1.0)
    correlation: Range = (0.0, 0.3)
    tokens: Range = (100.0, 1_000.0)

    def draw(self, rng: Generator, windows: int) -> Traffic:
        """Traffic of one model. No shift falls on the first window, nor do two on the same."""
        number = min(int(rng.integers(self.shifts[0], self.shifts[1] + 1)), windows - 1)
        shifts = np.sort(rng.permutation(np.arange(1, windows))[:number])
        return Traffic(
            sigma=_between(rng, self.sigma),
            drift=_between(rng, self.drift),
            shifts=tuple(int(window) for window in shifts),
            share=_between(rng, self.share),
            correlation=_between(rng, self.correlation),
            tokens=math.exp(_between(rng, (math.log(self.tokens[0]), math.log(self.tokens[1])))),
        )


def _between(rng: Generator, ends: Range) -> float:
    return ends[0] + (ends[1] - ends[0]) * float(rng.random())


KINDS: Final[Mapping[str, Kind]] = {
    "calm": Kind(sigma=(0.5, 1.2), drift=(0.0, 0.1), tokens=(30.0, 300.0)),
    "drift": Kind(sigma=(0.8, 1.3), drift=(0.2, 0.5)),
    "shift": Kind(sigma=(0.8, 1.3), drift=(0.05, 0.2), shifts=(1, 2), tokens=(30.0, 300.0)),
    "thin": Kind(sigma=(0.8, 1.3), drift=(0.05, 0.2), tokens=(4.0, 20.0)),
    "steep": Kind(sigma=(1.3, 1.5), drift=(0.1, 0.3), tokens=(30.0, 1_000.0)),
    "linked": Kind(sigma=(0.8, 1.3), drift=(0.2, 0.5), correlation=(0.6, 0.9)),
    "restless": Kind(sigma=(0.8, 1.3), drift=(0.4, 0.5), shifts=(1, 3), tokens=(30.0, 300.0)),
    # Two models whose imbalance is known; see README.md.
    "deepseek-r1": Kind(sigma=(1.055, 1.055), drift=(0.2, 0.2), correlation=(0.0, 0.0), tokens=(128.0, 128.0)),
    "mixtral": Kind(sigma=(0.28, 0.28), drift=(0.1, 0.1), correlation=(0.0, 0.0), tokens=(1_024.0, 1_024.0)),
}


# Recorded loads

STEP: Final = "logical_expert_load"
_HISTORY: Final = "load_history"
_SHAPE: Final = ("replicas", "groups", "nodes", "gpus")
_FORMATS: Final = (".json", ".jsonl", ".npz")


@dataclass(frozen=True, slots=True)
class Recording:
    """A recorded model: counts [steps, layers, experts], and the machine if the file names one."""

    counts: Counts
    machine: tuple[int, int, int, int] | None

    def shape(self, layers: int) -> Shape:
        """The shape of an instance with so many layers; the machine is a likely one where none is recorded.

        Raises:
            ProblemError: the recorded machine does not fit the number of experts.
        """
        return Shape(layers, self.counts.shape[2], *(self.machine or likely_machine(self.counts.shape[2])))


def likely_machine(experts: int) -> tuple[int, int, int, int]:
    """(replicas, groups, nodes, gpus), such as (288, 8, 4, 32) for 256 experts.

    The most GPUs of 32, 16, 8, 4, 2, 1 that divide the experts and have at least 8 each (of fewer than 16 experts: 1
    each), 8 to a node; on each GPU an eighth more slots than experts, at least one; the most groups of 8, 4, 2, 1 that
    divide the experts.
    """
    least = 8 if experts >= 16 else 1
    gpus = next(number for number in (32, 16, 8, 4, 2, 1) if experts % number == 0 and experts >= least * number)
    slots = experts // gpus + max(1, experts // gpus // 8)
    groups = next(number for number in (8, 4, 2, 1) if experts % number == 0)
    return slots * gpus, groups, max(1, gpus // 8), gpus


def stem(path: Path) -> str:
    """The file's name without the endings that tell its format."""
    name = path.name.removesuffix(".gz")
    return next((name.removesuffix(end) for end in _FORMATS if name.endswith(end)), name)


def read(path: Path) -> Recording:
    """A recorded file; it is parsed once a process.

    Raises:
        ProblemError: the file can not be read or is not what README.md describes; says what is wrong and what mends it.
    """
    try:
        found = path.stat()
        return _read(path, found.st_mtime_ns, found.st_size)
    except (OSError, EOFError, zlib.error, zipfile.BadZipFile) as error:
        raise ProblemError(f"{path} can not be read: {error}", "Fetch the file again, or remove it.") from error


@lru_cache(maxsize=8)
def _read(path: Path, changed_ns: int, size_bytes: int) -> Recording:
    """Time of change and size are there to notice that a file was replaced."""
    name = path.name.lower()
    if name.endswith(".npz"):
        return _from_npz(path)
    if name.removesuffix(".gz").endswith((".json", ".jsonl")):
        return _from_json(path, by_line=name.removesuffix(".gz").endswith(".jsonl"))
    raise ProblemError(f"{path} has no ending that tells its format", f"Name it {', '.join(_FORMATS)}, or remove it.")


def _from_npz(path: Path) -> Recording:
    try:
        with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files if name in (STEP, *_SHAPE)}
    except ValueError as error:
        raise ProblemError(
            f"{path} is no file of arrays: {error}", "Write it by numpy.savez, without objects."
        ) from error
    if STEP not in arrays:
        remedy = f"Write it by numpy.savez(path, {STEP}=counts), counts of shape (steps, layers, experts)."
        raise ProblemError(f"{path} holds no array {STEP}", remedy)
    machine = {name: arrays[name].item() for name in _SHAPE if name in arrays and arrays[name].shape == ()}
    return Recording(_counts(path, arrays[STEP]), _machine(path, machine))


def _from_json(path: Path, by_line: bool) -> Recording:
    opener = gzip.open if path.name.lower().endswith(".gz") else open
    try:
        with opener(path, "rt", encoding="utf-8") as file:
            if by_line:
                found: Any = [json.loads(line, object_hook=_step) for line in file if line.strip()]
            else:
                found = json.load(file, object_hook=_step)
    except UnicodeDecodeError as error:
        raise ProblemError(f"{path} is not UTF-8 text: {error.reason}", "Is it compressed? Mend its name.") from error
    except (ValueError, RecursionError) as error:
        raise ProblemError(
            f"{path} is no JSON: {error}", "Fetch the file again; one object a line is .jsonl."
        ) from error
    steps = found.get(_HISTORY) if isinstance(found, dict) else found
    if not isinstance(steps, list) or not steps:
        remedy = f'Write {{"{_HISTORY}": [{{"{STEP}": [[tokens of each expert] of each layer]}}, one a step]}}.'
        raise ProblemError(f"{path} holds no list of steps", remedy)
    for number, step in enumerate(steps):
        if not isinstance(step, np.ndarray):
            what = f"step {number} is no object with {STEP}, a list of layers with as many numbers each"
            raise ProblemError(f"{path}: {what}", "Mend or remove that step.")
        if step.shape != steps[0].shape:
            what = f"step {number} has the shape {step.shape}, the first has {steps[0].shape}"
            raise ProblemError(f"{path}: {what}", "Keep the steps of one model in one file.")
    return Recording(_counts(path, np.stack(steps)), _machine(path, found if isinstance(found, dict) else {}))


def _step(read: dict[str, Any]) -> Any:
    """A step becomes an array as soon as it is parsed: the lists of a long recording would fill the memory."""
    if STEP not in read:
        return read
    try:
        made = np.array(read[STEP])
    except ValueError:
        return None
    return made if made.ndim == 2 and made.dtype.kind in "iuf" else None


def _counts(path: Path, found: NDArray[Any]) -> Counts:
    """Counts of a recording; some tools write whole numbers as floats."""
    if found.ndim != 3 or 0 in found.shape or found.shape[2] < 2:
        what, remedy = f"the shape {found.shape}", "It is (steps, layers, experts), with at least two experts."
        raise ProblemError(f"{path}: {STEP} has {what}", remedy)
    if found.dtype.kind not in "iuf":
        raise ProblemError(f"{path}: {STEP} is of {found.dtype}", "Write counts of tokens: whole numbers.")
    wrong = ~((found >= 0) & (found < 2.0**40))
    if wrong.any():
        step, layer, expert = (int(place) for place in np.argwhere(wrong)[0])
        what = f"step {step}, layer {layer}, expert {expert}: {found[step, layer, expert]} is no count of tokens"
        raise ProblemError(f"{path}: {what}", "Counts are finite, at least 0 and below 2^40.")
    counts: Counts = np.rint(found).astype(np.int64)
    return counts


def _machine(path: Path, found: Mapping[str, Any]) -> tuple[int, int, int, int] | None:
    named = [name for name in _SHAPE if name in found]
    if not named:
        return None
    if len(named) < len(_SHAPE) or not all(type(found[name]) is int for name in _SHAPE):
        remedy = f"Give all of {', '.join(_SHAPE)} as whole numbers, or none."
        raise ProblemError(f"{path} names {', '.join(named)}, which is no machine", remedy)
    replicas, groups, nodes, gpus = (found[name] for name in _SHAPE)
    return replicas, groups, nodes, gpus
