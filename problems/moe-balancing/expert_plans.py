"""The rules of expert placement: what a valid plan is, how evenly it loads the GPUs, and how many weights it moves.

A plan is `physical_to_logical`, whole numbers [layers, replicas]: slot s holds a copy of expert `plan[layer][s]` and
lies on GPU s // (replicas / gpus), which lies on node GPU // (gpus / nodes). The tokens of an expert are split evenly
over its copies.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from evolve.core.errors import Invalid, ProblemError

Plan: TypeAlias = "NDArray[np.int64]"
Loads: TypeAlias = "NDArray[np.float64]"

_MOST: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Shape:
    """A model and the machine that it runs on; `replicas` is the number of slots of a layer, all GPUs together.

    Raises:
        ProblemError: a number is below 1, or slots, groups, nodes and GPUs do not divide as they must.
    """

    layers: int
    experts: int
    replicas: int
    groups: int
    nodes: int
    gpus: int

    def __post_init__(self) -> None:
        what = ""
        if not all(type(number) is int and 1 <= number <= _MOST for number in astuple(self)):
            what = f"a number is not whole, or not between 1 and {_MOST}"
        elif self.replicas < self.experts:
            what = "fewer replicas than experts"
        elif self.replicas % self.gpus:
            what = "GPUs with unequal numbers of replicas"
        elif self.gpus % self.nodes or self.experts % self.groups:
            what = "nodes with unequal numbers of GPUs, or groups with unequal numbers of experts"
        if what:
            raise ProblemError(f"{self}: {what}", "Let gpus divide replicas, nodes divide gpus, groups divide experts.")

    @property
    def slots(self) -> int:
        """Slots of a GPU."""
        return self.replicas // self.gpus


# What a plan must be


def checked(answer: Any, shape: Shape) -> Plan:
    """The answer as int64 [layers, replicas].

    Raises:
        Invalid: it is no list of lists of int and no array of integers of that shape, an expert is out of range, or an
            expert of a layer has no copy. Equal numbers of replicas per GPU follow from the shape.
    """
    plan = _array(answer, shape) if isinstance(answer, np.ndarray) else _rows(answer, shape)
    copies = counts(plan, shape.experts)
    if not copies.all():
        layer, expert = (int(place) for place in np.argwhere(copies == 0)[0])
        raise Invalid(f"layer {layer}: expert {expert} has no replica")
    return plan


def _array(answer: NDArray[Any], shape: Shape) -> Plan:
    if answer.dtype.kind not in "iu":
        raise Invalid(f"the plan is an array of {answer.dtype}, not of integers")
    if answer.shape != (shape.layers, shape.replicas):
        raise Invalid(f"the plan has the shape {answer.shape}, not ({shape.layers}, {shape.replicas})")
    wrong = (answer < 0) | (answer >= shape.experts)
    if wrong.any():
        layer, slot = (int(place) for place in np.argwhere(wrong)[0])
        raise Invalid(_out_of_range(layer, slot, shape))
    return np.ascontiguousarray(answer, dtype=np.int64)


def _rows(answer: Any, shape: Shape) -> Plan:
    if type(answer) not in (list, tuple):
        raise Invalid(f"the plan is a {type(answer).__name__}, not a list of lists or an array of integers")
    if len(answer) != shape.layers:
        raise Invalid(f"the plan has {len(answer)} layers, not {shape.layers}")
    for layer, row in enumerate(answer):
        if type(row) not in (list, tuple):
            raise Invalid(f"layer {layer} of the plan is a {type(row).__name__}, not a list")
        if len(row) != shape.replicas:
            raise Invalid(f"layer {layer} of the plan has {len(row)} slots, not {shape.replicas}")
        for slot, expert in enumerate(row):
            if type(expert) is not int:
                raise Invalid(f"layer {layer}, slot {slot}: a {type(expert).__name__}, not an int")
            if not 0 <= expert < shape.experts:
                raise Invalid(_out_of_range(layer, slot, shape))
    return np.array(answer, dtype=np.int64)


def _out_of_range(layer: int, slot: int, shape: Shape) -> str:
    return f"layer {layer}, slot {slot}: the expert is not one of 0 to {shape.experts - 1}"


# What a plan is worth


def counts(plan: Plan, experts: int) -> Plan:
    """Copies of each expert, [layers, experts]."""
    layers = len(plan)
    places = plan + np.arange(layers)[:, None] * experts
    return np.bincount(places.ravel(), minlength=layers * experts).reshape(layers, experts)


def slot_loads(plan: Plan, load: NDArray[Any]) -> Loads:
    """Tokens of each slot, [layers, replicas]: an expert's tokens over its number of copies."""
    each = load / counts(plan, load.shape[1])
    return np.take_along_axis(each, plan, axis=1)


def parts(slots: Loads, number: int) -> Loads:
    """Tokens of each of `number` equal runs of slots, [layers, number]: with gpus, those of each GPU."""
    sums: Loads = slots.reshape(len(slots), number, -1).sum(axis=2)
    return sums


def evenness(loads: Loads) -> Loads:
    """Mean over maximum of each row, [layers]; 1 where a row has no tokens. DeepSeek's and vLLM's `balancedness`."""
    peaks = loads.max(axis=1)
    return np.where(peaks > 0.0, loads.mean(axis=1) / np.where(peaks > 0.0, peaks, 1.0), 1.0)


def moved(before: Plan, plan: Plan, shape: Shape) -> float:
    """Share of all slots whose expert was not on that GPU before: what has to be copied to bring the plan about.

    A GPU with c copies of an expert that had b has max(0, c - b) to fetch; where on the GPU they lie does not matter.
    """
    change = _residents(plan, shape) - _residents(before, shape)
    return float(np.maximum(change, 0).sum()) / plan.size


def _residents(plan: Plan, shape: Shape) -> Plan:
    """Copies of each expert on each GPU, [layers * gpus, experts]."""
    return counts(plan.reshape(shape.layers * shape.gpus, shape.slots), shape.experts)


def least_slot(load: Sequence[float], replicas: int) -> float:
    """The least possible load of the fullest of `replicas` slots when they all serve `load`.

    One copy each, and every further one for the expert with most tokens per copy; let m be the most that a copy then
    has. Proof that less is not possible: a copy beyond the first was given when its expert, with one copy less, had the
    most tokens per copy, which is at least m as that never grows. So to have less than m, every expert needs the copies
    that it has, and the one with m needs one more: more than there are.
    """
    heap = [(-tokens, 1, tokens) for tokens in load]
    heapq.heapify(heap)
    for _ in range(replicas - len(heap)):
        _, copies, tokens = heap[0]
        heapq.heapreplace(heap, (-tokens / (copies + 1), copies + 1, tokens))
    return -heap[0][0]
