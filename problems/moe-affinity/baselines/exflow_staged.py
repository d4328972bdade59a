"""ExFlow's placement: the integer program that minimises tokens that cross, in two stages, nodes before GPUs.

J. Yao, Q. Anthony, A. Shafi, H. Subramoni, D. K. Panda, "Exploiting inter-layer expert affinity for accelerating
mixture-of-experts model inference", IPDPS 2024 (arXiv 2401.08383). As in the authors' solver each expert lies in
exactly one part, each part has the same number of experts of each layer, and the mean number of steps between parts is
minimal: at first the parts are the nodes, then the GPUs of each node, where only steps inside the node count.

There the programs go to Gurobi, with a time limit. Here they are solved by iterated local search (H. R. Lourenço, O. C.
Martin, T. Stützle, Iterated local search, 2003). Experts of a layer change places, best pair first, as long as that
keeps more tokens; given the layers on both sides, what a layer keeps is a sum over its experts, so that the gain of a
pair is exact. Then some experts of a few neighbouring layers are exchanged at random, the layers around are improved
again, and what has become worse is undone, KICKS times for each layer.
"""

import numpy as np

KICKS = 10
WINDOW = 3  # layers of a kick, at most


def place(transitions, gpus, nodes):
    layers, experts = transitions.shape[0] + 1, transitions.shape[1]
    draw = np.random.default_rng(0)
    every = np.tile(np.arange(experts), (layers, 1))
    node_of = solve(transitions, every, nodes, draw)
    placement = np.zeros((layers, experts), dtype=int)
    for node in range(nodes):
        members = np.stack([np.flatnonzero(row == node) for row in node_of])
        part = solve(transitions, members, gpus // nodes, draw)
        np.put_along_axis(placement, members, node * (gpus // nodes) + part, axis=1)
    return placement


def solve(transitions, members, parts, draw):
    """The part of each of the `members` [layers, count]; tokens from and to other experts do not matter."""
    layers, count = members.shape
    if parts == 1:
        return np.zeros((layers, count), dtype=int)
    steps = zip(transitions, members, members[1:], strict=False)
    flows = [counts[np.ix_(before, after)].astype(float) for counts, before, after in steps]
    rows = np.stack([draw.permutation(count) % parts for _ in range(layers)])
    improve(flows, rows, parts, set(range(layers)))
    kept = tokens_kept(flows, rows)
    for _ in range(KICKS * layers):
        tried = rows.copy()
        first = int(draw.integers(layers))
        last = min(layers, first + 1 + int(draw.integers(WINDOW)))
        one, other = draw.permutation(parts)[:2]
        for row in tried[first:last]:
            size = int(draw.integers(1, count // parts + 1))
            here, there = (draw.permutation(np.flatnonzero(row == part))[:size] for part in (one, other))
            row[here], row[there] = other, one
        improve(flows, tried, parts, set(range(max(first - 1, 0), min(last + 1, layers))))
        now = tokens_kept(flows, tried)
        if now >= kept:
            rows, kept = tried, now
    return rows


def improve(flows, rows, parts, due):
    """Changes `rows` until no exchange within a layer keeps more tokens; `due` are the layers to begin with."""
    parts_of, layers = np.eye(parts), len(rows)
    while due:
        layer = due.pop()
        worth = np.zeros((rows.shape[1], parts))
        if layer > 0:
            worth += flows[layer - 1].T @ parts_of[rows[layer - 1]]
        if layer < layers - 1:
            worth += flows[layer] @ parts_of[rows[layer + 1]]
        if exchange(worth, rows[layer]):
            due |= {near for near in (layer - 1, layer + 1) if 0 <= near < layers}


def exchange(worth, row):
    """Exchanges pairs of experts, most gain first; says whether there was one. worth [experts, parts] in tokens."""
    experts, changed = np.arange(len(row)), False
    while True:
        moved = worth[:, row]  # of each expert, where each other one is
        own = moved[experts, experts]
        gains = moved + moved.T - own[:, None] - own
        one, other = divmod(int(gains.argmax()), len(row))
        if gains[one, other] <= 0.0:
            return changed
        row[one], row[other] = row[other], row[one]
        changed = True


def tokens_kept(flows, rows):
    return sum(flow[before[:, None] == after].sum() for flow, before, after in zip(flows, rows, rows[1:], strict=False))
