"""DeepSeek's global policy: copies for whoever has most tokens per copy, the heaviest to the emptiest GPU with room.

DeepSeek-AI, Expert Parallelism Load Balancer (EPLB), https://github.com/deepseek-ai/EPLB, 2025, "global load
balancing"; the redundant experts are those of the DeepSeek-V3 technical report, arXiv 2412.19437. Groups and nodes are
ignored. Replication runs over all layers at once, packing layer by layer, as theirs do.
"""

import numpy as np


def rebalance(load, replicas, groups, nodes, gpus):
    experts, loads = replicate(np.asarray(load, dtype=np.float64), replicas)
    return [pack(*layer, gpus) for layer in zip(experts.tolist(), loads.tolist(), strict=True)]


def replicate(load, replicas):
    """The expert of each copy and its tokens, [layers, replicas] both."""
    layers, experts = load.shape
    copies = np.ones((layers, experts), dtype=np.int64)
    of = np.tile(np.arange(replicas) % experts, (layers, 1))
    every = np.arange(layers)
    for place in range(experts, replicas):
        of[:, place] = fullest = (load / copies).argmax(axis=1)
        copies[every, fullest] += 1
    return of, np.take_along_axis(load / copies, of, axis=1)


def pack(experts, loads, gpus):
    """The experts of one layer in the order of slots."""
    room = len(experts) // gpus
    placed = [[] for _ in range(gpus)]
    full = [0.0] * gpus
    for copy in sorted(range(len(loads)), key=loads.__getitem__, reverse=True):
        gpu = min((one for one in range(gpus) if len(placed[one]) < room), key=full.__getitem__)
        placed[gpu].append(experts[copy])
        full[gpu] += loads[copy]
    return [expert for gpu in placed for expert in gpu]
