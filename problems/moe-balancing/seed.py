"""Gives copies to the experts of greatest worth, then the heaviest copy to the GPU of least cost; three rules evolve.

Loads are in units of what they would be if all were even: 1.0 is the layer's tokens over its slots, or over its GPUs.
"""

from heapq import heapify, heappop, heapreplace
from math import inf

import numpy as np

TINY = 1e-9  # added to loads and changes, so that no rule divides by zero
_past = []  # loads that were expected of the window to come, and those of the window before


# EVOLVE-BLOCK-START
def trust(upset, moved, seen):
    """Weight of the newest window in what is expected of the next, 0 to 1; the rest is what was expected of this one.

    moved: share of the layer's tokens that are not where they were expected, 0 to 1; upset: the same in units of what
    chance alone would move, so about 1.0 where popularity stays; seen: windows before the newest, at least 1.
    """
    return 1.0


def worth(load, copies, swing):
    """Worth of one more copy of an expert; the greatest gets it.

    load: expected of the expert; copies: that it has; swing: change of its load since the window before, above 0.
    """
    return load - copies


def cost(load, room, swing, heaviest):
    """Cost of one more copy on a GPU; the least gets it. Copies come heaviest first, and empty GPUs are filled first.

    load: of the copies that are there; room: share of the slots that are free; swing: sum of theirs;
    heaviest: load of the heaviest copy that is there, 1.0 if it fills the GPU's share alone.
    """
    return -room


# EVOLVE-BLOCK-END


def rebalance(load, replicas, groups, nodes, gpus):
    total = load.sum(axis=1, keepdims=True)
    now = load * replicas / np.maximum(total, 1) + TINY
    usual, before, seen = _past if _past else (now, now, 0)
    moved = abs(now - usual).sum(axis=1) / (2 * replicas)
    # Counts c of two windows alike differ by sqrt(4 c / pi) on average, and half of all differences is what moved.
    chance = np.sqrt(load / np.pi).sum(axis=1) / np.maximum(total[:, 0], 1)
    upset = moved / np.where(chance > 0.0, chance, 1.0)
    facts = zip(upset.tolist(), moved.tolist(), strict=True)
    weights = [min(max(trust(*layer, seen), 0.0), 1.0) if seen else 1.0 for layer in facts]
    usual = usual + np.array(weights)[:, None] * (now - usual)
    swing = abs(now - before) + TINY
    _past[:] = usual, now, seen + 1
    return [plan(*layer, replicas, gpus) for layer in zip(usual.tolist(), swing.tolist(), strict=True)]


def plan(load, swing, replicas, gpus):
    order, copies = replicate(load, swing, replicas)
    each = [tokens / number for tokens, number in zip(load, copies, strict=True)]
    order.sort(key=each.__getitem__, reverse=True)
    return place(order, each, [change / number for change, number in zip(swing, copies, strict=True)], gpus)


def replicate(load, swing, replicas):
    """The expert of each copy, and how many each has. Only the worth of whoever got one is computed anew."""
    order, copies = list(range(len(load))), [1] * len(load)
    heap = [(-worth(load[expert], 1, swing[expert]), expert) for expert in order]
    heapify(heap)
    for _ in range(replicas - len(load)):
        expert = heap[0][1]
        order.append(expert)
        copies[expert] += 1
        heapreplace(heap, (-worth(load[expert], copies[expert], swing[expert]), expert))
    return order, copies


def place(order, each, swing, gpus):
    """Experts in the order of slots; each GPU gets one copy, then costs decide. Only what changed is computed anew."""
    slots = len(order) // gpus
    placed = [[] for _ in range(gpus)]
    loads, swings, heaviest = [0.0] * gpus, [0.0] * gpus, [0.0] * gpus
    heap = [(-inf, gpu) for gpu in range(gpus)]
    for expert in order:
        gpu = heap[0][1]
        mine, tokens = placed[gpu], each[expert] / slots
        mine.append(expert)
        loads[gpu] += tokens
        swings[gpu] += swing[expert] / slots
        heaviest[gpu] = max(heaviest[gpu], tokens)
        if len(mine) == slots:
            heappop(heap)
        else:
            heapreplace(heap, (cost(loads[gpu], 1.0 - len(mine) / slots, swings[gpu], heaviest[gpu]), gpu))
    return [expert for mine in placed for expert in mine]
