"""All layers at once: copies for whoever has most tokens per copy, sorted by tokens and dealt to the GPUs to and fro.

Of the kind that AI-driven search found for this problem: A. Cheng and others, Barbarians at the gate: how AI is
upending systems research, arXiv 2510.06189, 2025, report loops over copies that became array operations and a placement
in alternating ("snake", "zigzag") order, five times as fast as what was in use at the same balance. Written from that
description. Groups and nodes are ignored.
"""

import numpy as np


def rebalance(load, replicas, groups, nodes, gpus):
    load = np.asarray(load, dtype=np.float64)
    layers, experts = load.shape
    every = np.arange(layers)
    copies = np.ones((layers, experts))
    each = load.copy()
    of = np.tile(np.arange(replicas) % experts, (layers, 1))
    for place in range(experts, replicas):
        of[:, place] = fullest = each.argmax(axis=1)
        copies[every, fullest] += 1
        each[every, fullest] = load[every, fullest] / copies[every, fullest]
    order = np.argsort(-np.take_along_axis(each, of, axis=1), axis=1, kind="stable")
    rounds, turn = np.divmod(np.arange(replicas), gpus)
    gpu = np.where(rounds % 2 == 0, turn, gpus - 1 - turn)
    plan = np.empty_like(of)
    plan[:, gpu * (replicas // gpus) + rounds] = np.take_along_axis(of, order, axis=1)
    return plan
