"""Scores expert placements: a plan made from one window of loads is judged on the next.

The program never sees a window before it has answered for the one before: `play` hands them over one at a time, and
`score` recomputes every figure from the plans that came back.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import astuple
from hashlib import blake2b
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, Protocol

import expert_loads
import numpy as np
from expert_loads import KINDS, Counts
from expert_plans import Plan, Shape, checked, evenness, least_slot, moved, parts, slot_loads

from evolve.core import rng
from evolve.core.errors import Invalid, ProblemError
from evolve.core.types import Instance, Score, Split

# Windows of a model, of which the last is only scored.
WINDOWS: Final = 8

SHAPES: Final[Mapping[str, Shape]] = {
    "16": Shape(16, 16, 24, 4, 2, 8),
    "32": Shape(12, 32, 40, 4, 2, 8),
    "64": Shape(8, 64, 80, 8, 2, 16),
    "128": Shape(6, 128, 144, 8, 4, 16),
    "256": Shape(3, 256, 288, 8, 4, 32),
    "mixtral": Shape(32, 8, 16, 1, 1, 8),
    "qwen3": Shape(48, 128, 144, 8, 2, 16),
    "deepseek-v3": Shape(58, 256, 288, 8, 4, 32),
}

_SEEN: Final = ("calm", "drift", "shift", "thin")
_SMALL: Final = ("16", "32", "64", "128", "256")
# Small models have so many times their layers there: what is decided once is decided on more of them.
DEPTH: Final[Mapping[Split, int]] = {Split.GATE: 2, Split.REPORT: 2, Split.FINAL: 2}
# (kind, shape) of each generated model.
_TRAINED: Final = tuple((kind, _SMALL[at % 5]) for at, kind in enumerate(_SEEN * 3))
_GATED: Final = tuple((kind, _SMALL[at % 5]) for at, kind in enumerate(_SEEN * 7))
_UNSEEN: Final = (
    ("steep", "64"),
    ("linked", "128"),
    ("restless", "256"),
    ("deepseek-r1", "deepseek-v3"),
    ("drift", "qwen3"),
    ("mixtral", "mixtral"),
)
_FINAL_ONLY: Final = (
    ("steep", "256"),
    ("linked", "64"),
    ("restless", "128"),
    ("drift", "deepseek-v3"),
    ("shift", "deepseek-v3"),
    ("thin", "qwen3"),
)
GENERATED: Final[Mapping[Split, Sequence[tuple[str, str]]]] = {
    Split.PROBE: (("shift", "64"), ("thin", "128")),
    Split.TRAIN: _TRAINED,
    Split.GATE: _GATED,
    Split.REPORT: _TRAINED[:10] + _UNSEEN,
    Split.FINAL: _GATED[8:20] + _UNSEEN + _FINAL_ONLY,
}

# Recorded files: which part of one a split may see, how many files it uses, and of how many layers.
PARTS: Final = {Split.TRAIN: (0.0, 0.45), Split.GATE: (0.45, 0.55), Split.REPORT: (0.55, 0.65), Split.FINAL: (0.7, 1.0)}
FILES: Final = {Split.TRAIN: 4, Split.GATE: 4, Split.REPORT: 8, Split.FINAL: 12}
LAYERS: Final = {Split.TRAIN: 4, Split.GATE: 4, Split.REPORT: 16, Split.FINAL: 64}
# Steps that are summed into a window, at most; a tenth of a file must have one for each window.
WINDOW_STEPS: Final = 100
LEAST_STEPS: Final = 10 * WINDOWS
_NO_LOADS: Final = (".", "README", "LICENSE", "LICENCE", "NOTICE")


class Session(Protocol):
    """A program in a sandbox."""

    def call(self, entry: str, *args: Any) -> Any:
        """The value of the program's function. Raises what the sandbox raises where the program fails."""
        ...


def instances(split: Split, seed: int, *, layers: int = 64, recorded: bool = True) -> list[Instance]:
    """The models of a split, first the largest and the largest of another shape: these two are timed.

    `args` = what the first call gets: counts of the first window, int64 [layers, experts], then replicas, groups, nodes
    and gpus. `truth` = counts of the other windows, int64 [windows - 1, layers, experts].

    A profile makes it smaller: at most so many `layers`, and recorded files only with `recorded`.

    Raises:
        ProblemError: the folder of recorded loads, or a file in it, is wrong.
    """
    made = []
    for number, (kind, size) in enumerate(GENERATED[split]):
        shape = SHAPES[size]
        draw = rng.generator("moe-balancing", str(split), seed, number)
        traffic, depth = KINDS[kind].draw(draw, WINDOWS), DEPTH.get(split, 1) if size in _SMALL else 1
        counts = expert_loads.generated(traffic, WINDOWS, min(layers, depth * shape.layers), shape.experts, draw)
        made.append(make_instance(f"{kind}-{number}", f"{split}/{kind}-{number}", shape, counts))
    found = made + (_recorded(split, seed, layers) if recorded else [])
    found.sort(key=lambda one: -one.args[0].size)
    other = next((at for at, one in enumerate(found) if one.args[0].shape != found[0].args[0].shape), 0)
    return [found[0], found.pop(other), *found[1:]] if other else found


def make_instance(name: str, group: str, shape: Shape, counts: Counts) -> Instance:
    """An instance of counts [windows, layers, experts] of your own; its number of layers replaces that of the shape.

    Raises:
        ProblemError: they are not whole numbers of at least 0, of at least two windows and of so many experts.
    """
    if counts.ndim != 3 or counts.dtype != np.int64 or len(counts) < 2 or counts.min(initial=0) < 0:
        what = f"{name}: counts of {counts.dtype} with the shape {counts.shape}"
        raise ProblemError(what, "They are int64, at least 0, of two windows or more: [windows, layers, experts].")
    if counts.shape[2] != shape.experts:
        raise ProblemError(f"{name}: counts of {counts.shape[2]} experts for {shape}", "Give the model's own shape.")
    _, _, *machine = astuple(Shape(counts.shape[1], *astuple(shape)[1:]))
    return Instance(name, group, (counts[0], *machine), counts[1:])


def shape_of(instance: Instance) -> Shape:
    """The shape of an instance."""
    load, *machine = instance.args
    return Shape(*load.shape, *machine)


# Recorded loads


def _recorded(split: Split, seed: int, layers: int) -> list[Instance]:
    folder = _folder()
    if folder is None or split not in PARTS:
        return []
    made = []
    for path in _files(folder)[: FILES[split]]:
        name, recording = expert_loads.stem(path), expert_loads.read(path)
        steps = len(recording.counts)
        if steps < LEAST_STEPS:
            raise ProblemError(f"{path} has only {steps} steps", f"Remove it: {LEAST_STEPS} are the least.")
        low, high = (int(share * steps) for share in PARTS[split])
        size = min((high - low) // WINDOWS, WINDOW_STEPS)
        draw = rng.generator("moe-balancing", str(split), seed, name)
        start = low + int(draw.random() * (high - low - size * WINDOWS + 1))
        chosen = _spread(recording.counts.shape[1], min(layers, LAYERS[split]))
        taken = recording.counts[start : start + size * WINDOWS, chosen]
        counts = taken.reshape(WINDOWS, size, *taken.shape[1:]).sum(axis=1)
        made.append(make_instance(f"{name}@{start}", f"recorded/{name}", recording.shape(len(chosen)), counts))
    return made


def _spread(layers: int, most: int) -> list[int]:
    """At most so many layers, from the first to the last at equal distances."""
    count = min(layers, most)
    return [round(at * (layers - 1) / max(count - 1, 1)) for at in range(count)]


def _files(folder: Path) -> list[Path]:
    """In an order that depends on their names alone."""
    paths = [path for path in folder.iterdir() if path.is_file() and not path.name.startswith(_NO_LOADS)]
    paths.sort(key=lambda path: blake2b(expert_loads.stem(path).encode()).digest())
    names = [expert_loads.stem(path) for path in paths]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ProblemError(f"{folder} holds several recordings called {twice[0]}", "Rename or remove one.")
    return paths


def _folder() -> Path | None:
    """The folder of recorded loads: at EVOLVE_DATA, which must exist, else at data/; None where there is none."""
    named = os.environ.get("EVOLVE_DATA", "")
    root = Path(named or "data")
    if named and not root.is_dir():
        remedy = "Set it to a folder that holds expert-loads/, or unset it to use generated loads only."
        raise ProblemError(f"EVOLVE_DATA names the folder {named}, which does not exist", remedy)
    folder = root / "expert-loads"
    return folder if folder.is_dir() else None


# The world


def play(session: Session, instance: Instance) -> list[Plan]:
    """The plans of a program that must answer for each window before it sees the next; the last it never sees.

    Raises:
        Invalid: a plan breaks a rule; see expert_plans.checked.
    """
    shape, (first, *machine) = shape_of(instance), instance.args
    windows = [first, *instance.truth[:-1]]
    return [checked(session.call("rebalance", window.copy(), *machine), shape) for window in windows]


def score(instance: Instance, output: Any) -> Score:
    """Mean over windows and layers of mean over maximum GPU load, each plan on the window after the one it saw.

    Raises:
        Invalid: the output is not one plan for each window but the last, or a plan breaks a rule.
    """
    shape, future = shape_of(instance), instance.truth
    if type(output) not in (list, tuple) or len(output) != len(future):
        raise Invalid(f"the output is not a list of {len(future)} plans")
    plans = [checked(plan, shape) for plan in output]
    slots = [slot_loads(plan, load) for plan, load in zip(plans, future, strict=True)]
    gpus = np.array([evenness(parts(loads, shape.gpus)) for loads in slots])
    changes = [moved(before, plan, shape) for before, plan in pairwise(plans)]
    metrics = {
        "balance": float(gpus.mean()),
        "node_balance": float(np.mean([evenness(parts(loads, shape.nodes)) for loads in slots])),
        "expert_slot_balance": float(np.mean([evenness(loads) for loads in slots])),
        "moved_replicas": sum(changes) / max(len(changes), 1),
    }
    window, layer = np.unravel_index(gpus.argmin(), gpus.shape)
    text = (
        f"{instance.id} ({shape.layers} layers, {shape.experts} experts, {shape.replicas} slots on {shape.gpus} GPUs) "
        f"is worst in layer {layer} with the plan of window {window}, whose fullest GPU has "
        f"{1.0 / gpus[window, layer]:.2f} times the mean of window {window + 1}"
    )
    return Score(metrics["balance"], metrics, text)


def floor(instance: Instance) -> Score:
    """A bound: no plan is more even, not even one that knows the next window.

    The fullest GPU has at least the mean of the GPUs, and it has at least what the fullest slot has, which is at least
    `least_slot`.
    """
    shape, future = shape_of(instance), instance.truth
    even, slotted = [], []
    for load in future.reshape(-1, shape.experts):
        total, slot = float(load.sum()), least_slot(load.tolist(), shape.replicas)
        even.append(min(1.0, total / shape.gpus / slot) if slot else 1.0)
        slotted.append(total / shape.replicas / slot if slot else 1.0)
    value = sum(even) / len(even)
    slot_balance = sum(slotted) / len(slotted)
    metrics = {"balance": value, "node_balance": 1.0, "expert_slot_balance": slot_balance, "moved_replicas": 0.0}
    return Score(value, metrics)
