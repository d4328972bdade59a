"""The rules of expert placement: what a placement is, the hops that tokens make under it, and bounds on those.

A placement has a row for each layer and in it, for each expert, the GPU that holds it, 0 .. gpus - 1; every GPU has the
same number of experts of each layer. Node n has the GPUs n * gpus / nodes .. (n + 1) * gpus / nodes - 1. A token that
goes from an expert to one of the next layer makes no hop where both are on one GPU, one hop to another GPU of the same
node and two hops to another node.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from evolve.core.errors import Invalid, ProblemError

_ROWS: Final = (list, tuple, np.ndarray)
_SHOWN: Final = 10**12

Placement = NDArray[np.int64]
Counts = NDArray[np.int64]


@dataclass(frozen=True)
class Crossings:
    """How many tokens leave their GPU and how many their node, int64 [layers - 1]; `steps` is tokens * (layers - 1)."""

    gpu: NDArray[np.int64]
    node: NDArray[np.int64]
    steps: int

    @property
    def hops(self) -> int:
        """Leaving the GPU is one hop, leaving the node with it another one."""
        return int(self.gpu.sum() + self.node.sum())


def check_machine(experts: int, gpus: int, nodes: int) -> None:
    """Raises ProblemError where nodes do not share GPUs, or GPUs do not share experts, equally; or there is one GPU."""
    if nodes < 1 or gpus < 2 or gpus % nodes or experts % gpus:
        what = f"{experts} experts on {gpus} GPUs of {nodes} nodes"
        raise ProblemError(what, "There are two GPUs or more; nodes divide the GPUs, GPUs divide the experts.")


def checked(output: Any, layers: int, experts: int, gpus: int) -> Placement:
    """The placement, int64 [layers, experts], once every rule holds; a copy.

    `output` is a list or tuple of rows, each a list or tuple of int or an ndarray of a whole-number type; or one
    ndarray [layers, experts] of such a type. Types are compared by identity: a bool is no GPU.

    Raises:
        Invalid: it is not, names a GPU that is not there, or gives a GPU more experts of a layer than another.
    """
    if type(output) not in _ROWS:
        raise Invalid(f"the output is a {type(output).__name__}, not {layers} rows of {experts} GPUs")
    if type(output) is np.ndarray and output.ndim != 2:
        raise Invalid(f"the output is an array of {output.ndim} axes, not {layers} rows of {experts} GPUs")
    if len(output) != layers:
        raise Invalid(f"the output has {len(output)} rows, not one for each of {layers} layers")
    placement = np.empty((layers, experts), dtype=np.int64)
    for layer, row in enumerate(output):
        placement[layer] = _row(row, f"layer {layer}", experts, gpus)
        counts = np.bincount(placement[layer], minlength=gpus)
        if counts.min() != counts.max():
            gpu = int(counts.argmax())
            raise Invalid(f"layer {layer}: GPU {gpu} has {counts[gpu]} experts, not {experts // gpus} as each must")
    return placement


def _row(row: Any, where: str, experts: int, gpus: int) -> Any:
    if type(row) not in _ROWS or (type(row) is np.ndarray and row.ndim != 1):
        raise Invalid(f"{where}: the row is a {type(row).__name__}, not a list of {experts} GPUs")
    if len(row) != experts:
        raise Invalid(f"{where}: the row has {len(row)} entries, not one for each of {experts} experts")
    if type(row) is np.ndarray:
        if row.dtype.kind not in "iu":
            raise Invalid(f"{where}: the GPUs are of type {row.dtype}, not whole numbers")
    else:
        wrong = [type(gpu).__name__ for gpu in row if type(gpu) is not int]
        if wrong:
            raise Invalid(f"{where}: a GPU is a {wrong[0]}, not an int")
    least, most = int(min(row)), int(max(row))
    if not 0 <= least <= most < gpus:
        gpu = least if least < 0 else most
        # Python refuses to print an integer of thousands of digits.
        shown = str(gpu) if abs(gpu) < _SHOWN else "a number far out of range"
        raise Invalid(f"{where}: {shown} is not one of the GPUs 0 to {gpus - 1}")
    return row


def crossings(paths: NDArray[Any], placement: Placement, gpus: int, nodes: int) -> Crossings:
    """What tokens with these paths [tokens, layers] do under a placement that was checked."""
    at = placement[np.arange(len(placement)), paths]
    node = at // (gpus // nodes)
    left_gpu = (at[:, 1:] != at[:, :-1]).sum(axis=0)
    left_node = (node[:, 1:] != node[:, :-1]).sum(axis=0)
    return Crossings(left_gpu, left_node, len(paths) * (paths.shape[1] - 1))


def random_hops(gpus: int, nodes: int) -> float:
    """Hops a step that are to be expected of a placement drawn at random, the same for all paths.

    Each layer is drawn by itself and uniformly among its equal shares. So wherever a token is, the expert that it goes
    to next lies on each GPU with probability 1 / gpus, and the token leaves its GPU with probability 1 - 1 / gpus and
    its node with probability 1 - 1 / nodes. The expected hops are the sum of the two.
    """
    return (1.0 - 1.0 / gpus) + (1.0 - 1.0 / nodes)


def least_crossings(counts: Counts, gpus: int, nodes: int) -> Crossings:
    """A lower bound on the crossings of any placement, for such transitions [layers - 1, experts, experts].

    Of the experts of the next layer, experts / gpus lie on the GPU of expert i, whichever that is. So no more tokens
    stay there than go to the experts / gpus likeliest ones after i; nor, seen from the next layer, than come from the
    experts / gpus likeliest ones before j. Both sums over all experts bound the tokens that stay, and so does the
    smaller one. Nodes are bounded in the same way; that one placement reaches all bounds is not said.
    """
    totals = counts.sum(axis=(1, 2))
    experts = counts.shape[1]
    stay = [_most_kept(counts, experts // parts) for parts in (gpus, nodes)]
    return Crossings(totals - stay[0], totals - stay[1], int(totals.sum()))


def _most_kept(counts: Counts, size: int) -> NDArray[np.int64]:
    onward = np.sort(counts, axis=2)[:, :, -size:].sum(axis=(1, 2))
    backward = np.sort(counts, axis=1)[:, -size:, :].sum(axis=(1, 2))
    return np.asarray(np.minimum(onward, backward))


def peak_load(paths: NDArray[Any], placement: Placement, gpus: int) -> float:
    """Tokens of the fullest GPU over those of the mean one, mean over the layers; 1.0 where all have the same."""
    at = placement[np.arange(len(placement)), paths]
    fullest = [np.bincount(column, minlength=gpus).max() for column in at.T]
    return float(np.mean(fullest)) * gpus / len(paths)
