"""Greedy chain: layer after layer, each expert goes where most of the tokens that arrive at it already are.

The plainest use of the affinity between layers that ExFlow measures (J. Yao and others, Exploiting inter-layer expert
affinity for accelerating mixture-of-experts model inference, IPDPS 2024): no look ahead, no second thoughts, no nodes.
Experts with more tokens choose first, and a GPU that has its share of the layer is full. Where nothing arrives, as in
the first layer, the first GPU with room takes the expert.
"""

import numpy as np


def place(transitions, gpus, nodes):
    experts = transitions.shape[1]
    loads = [*transitions.sum(axis=2), transitions[-1].sum(axis=0)]
    arriving, placement = np.zeros((experts, gpus), dtype=int), []
    for layer, load in enumerate(loads):
        if layer > 0:
            arriving = transitions[layer - 1].T @ np.eye(gpus, dtype=int)[placement[-1]]
        placement.append(place_layer(arriving.tolist(), load.tolist(), gpus))
    return placement


def place_layer(arriving, load, gpus):
    experts = len(load)
    room, row = [experts // gpus] * gpus, [0] * experts
    for expert in sorted(range(experts), key=load.__getitem__, reverse=True):
        row[expert] = max((gpu for gpu in range(gpus) if room[gpu]), key=arriving[expert].__getitem__)
        room[row[expert]] -= 1
    return row
