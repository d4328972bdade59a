"""Scores placements of experts on GPUs by the hops of tokens that the program has never seen, of another domain.

Nothing of a candidate runs here. It returns the GPU of each expert, and all that counts is recomputed from that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import expert_hops
import expert_paths

from evolve.core import rng
from evolve.core.types import Instance, Score, Split


@dataclass(frozen=True)
class Size:
    """Layers, experts of each, and the machine."""

    layers: int
    experts: int
    gpus: int
    nodes: int = 1

    @property
    def name(self) -> str:
        return f"{self.experts}e{self.gpus}g{self.nodes}n"


Range = tuple[float, float]


@dataclass(frozen=True)
class Nature:
    """What a model's parameters are drawn from, uniformly; see expert_paths."""

    sharpness: Range = (0.85, 1.15)
    topics: Range = (0.3, 0.7)
    popularity: Range = (0.1, 0.5)
    distance: Range = (0.1, 0.3)


NATURES: Final = {
    "plain": Nature(),
    "sharp": Nature(sharpness=(1.4, 1.8)),
    "flat": Nature(sharpness=(0.5, 0.7)),
    "far": Nature(distance=(0.45, 0.65)),
    "loose": Nature(topics=(0.0, 0.1)),
}

_SEEN: Final = (
    Size(8, 8, 4),
    Size(12, 8, 2),
    Size(8, 16, 4, 2),
    Size(10, 16, 8, 2),
    Size(6, 32, 4),
    Size(8, 32, 8, 2),
)
_PLAIN: Final = tuple(("plain", size) for size in _SEEN)
# Sizes and natures that the search never meets.
_UNSEEN: Final = (
    ("plain", Size(16, 8, 8)),
    ("plain", Size(24, 16, 16, 4)),
    ("plain", Size(16, 64, 8, 2)),
    ("sharp", Size(12, 16, 8, 2)),
    ("flat", Size(12, 16, 8, 2)),
    ("far", Size(12, 16, 8, 2)),
)
_FINAL_ONLY: Final = (
    ("plain", Size(20, 64, 16, 4)),
    ("loose", Size(16, 32, 8, 2)),
    ("sharp", Size(24, 8, 4)),
    ("flat", Size(12, 64, 8, 1)),
    ("far", Size(16, 32, 16, 2)),
    ("sharp", Size(16, 32, 16, 4)),
)
KINDS: Final = {
    Split.PROBE: (("plain", Size(6, 16, 4, 2)), ("plain", Size(6, 32, 8, 2))),
    Split.TRAIN: _PLAIN * 2,
    Split.GATE: _PLAIN,
    Split.REPORT: _PLAIN + _UNSEEN + _PLAIN[:4],
    Split.FINAL: _PLAIN + _UNSEEN + _FINAL_ONLY * 2,
}
GATE_ROUNDS: Final = 8
# Tokens of each of the domains that are profiled, and of the one that is held out.
DOMAINS: Final = 3
PROFILED: Final = 2_000
HELD_OUT: Final = 3_000


def instances(split: Split, seed: int, *, share: float = 1.0, gate_rounds: int = GATE_ROUNDS) -> list[Instance]:
    """The models of a split, each a group.

    `args` = (transitions, gpus, nodes): int64 [layers - 1, experts, experts], tokens of the profiled domains that went
    from one expert to another of the next layer. `truth` = the paths of the held-out tokens, int16 [tokens, layers].
    A profile makes it smaller: a `share` of the tokens, and `gate_rounds` models of each kind for the gate.
    """
    found = []
    kinds = KINDS[split] * (gate_rounds if split is Split.GATE else 1)
    for index, (nature, size) in enumerate(kinds):
        draw = rng.generator("moe-affinity", str(split), seed, index)
        name = f"{nature}-{size.name}"
        number = 1 + [f"{other}-{its.name}" for other, its in kinds[:index]].count(name)
        found.append(_drawn(draw, f"{split}/{name}-{number}", NATURES[nature], size, share))
    return found


def _drawn(draw: rng.Generator, group: str, nature: Nature, size: Size, share: float) -> Instance:
    sharpness, topics, popularity, distance = (
        low + (high - low) * draw.random()
        for low, high in (nature.sharpness, nature.topics, nature.popularity, nature.distance)
    )
    base = expert_paths.model(
        draw, size.layers, size.experts, sharpness=sharpness, topics=topics, popularity=popularity
    )
    domains = [expert_paths.domain(draw, base, distance) for _ in range(DOMAINS + 1)]
    profiled = [expert_paths.sample(draw, one, round(share * PROFILED)) for one in domains[:DOMAINS]]
    held_out = expert_paths.sample(draw, domains[DOMAINS], round(share * HELD_OUT))
    return make_instance(group, profiled, held_out, size.experts, size.gpus, size.nodes)


def make_instance(
    group: str,
    profiled: Sequence[expert_paths.Paths],
    held_out: expert_paths.Paths,
    experts: int,
    gpus: int,
    nodes: int,
) -> Instance:
    """An instance of paths of your own: those of each profiled domain, and those that a placement is scored on.

    Its id is what comes after the last slash of its group.

    Raises:
        ProblemError: the GPUs do not divide the experts, or the nodes the GPUs.
    """
    expert_hops.check_machine(experts, gpus, nodes)
    transitions = sum(expert_paths.transitions(paths, experts) for paths in profiled)
    return Instance(group.rsplit("/", 1)[-1], group, (transitions, gpus, nodes), held_out)


def score(instance: Instance, output: Any) -> Score:
    """Hops of the held-out tokens over those to be expected of a random placement.

    `output` is a placement as expert_hops.checked describes it.

    Raises:
        Invalid: it is none.
    """
    transitions, gpus, nodes = instance.args
    paths = instance.truth
    placement = expert_hops.checked(output, len(transitions) + 1, transitions.shape[1], gpus)
    crossings = expert_hops.crossings(paths, placement, gpus, nodes)
    metrics = _metrics(crossings, len(paths), gpus, nodes)
    metrics["peak_load"] = expert_hops.peak_load(paths, placement, gpus)
    each = (crossings.gpu + crossings.node) / len(paths)
    worst = int(each.argmax())
    text = (
        f"{instance.id} ({len(placement)} layers of {placement.shape[1]} experts, {gpus} GPUs on {nodes} nodes): "
        f"{metrics['hops_per_token']:.2f} hops a token, most of them, {each[worst]:.2f}, from layer {worst} to "
        f"{worst + 1}; a random placement has {expert_hops.random_hops(gpus, nodes):.2f} between any two layers"
    )
    return Score(metrics["hop_ratio"], metrics, text)


def floor(instance: Instance) -> Score:
    """A bound that no placement can pass, though it knew the held-out tokens; it is not always reached."""
    transitions, gpus, nodes = instance.args
    paths = instance.truth
    counts = expert_paths.transitions(paths, transitions.shape[1])
    metrics = _metrics(expert_hops.least_crossings(counts, gpus, nodes), len(paths), gpus, nodes)
    return Score(metrics["hop_ratio"], metrics | {"peak_load": 1.0})


def _metrics(crossings: expert_hops.Crossings, tokens: int, gpus: int, nodes: int) -> dict[str, float]:
    return {
        "hop_ratio": crossings.hops / crossings.steps / expert_hops.random_hops(gpus, nodes),
        "cross_gpu_share": int(crossings.gpu.sum()) / crossings.steps,
        "cross_node_share": int(crossings.node.sum()) / crossings.steps,
        "hops_per_token": crossings.hops / tokens,
    }
