"""Places the experts of one layer after another, each on the GPU where it is worth most, in several sweeps.

The first sweep goes from the first layer to the last, the second one back, the third one forth again. A sweep places
each layer anew, while the layers on both sides stay where they are; in the first sweep the next layer is nowhere yet.
"""

import numpy as np

SWEEPS = 3


# EVOLVE-BLOCK-START
def gain(inflow, outflow, near, kin, full, load):
    """Worth of placing an expert on a GPU that has room; the GPU of most worth gets it, of equal ones the first.

    inflow: share of the expert's tokens that come from experts of the layer before on this GPU, 0 to 1;
    outflow: share that go on to experts of the next layer on this GPU; near: both shares together for all GPUs of its
    node, 0 to 2; kin: how alike the ways are on which its tokens and those of the experts that this layer has on this
    GPU so far go on, 1 where as alike as any; full: share of the GPU's places in this layer that are taken, 0 to
    below 1; load: the expert's tokens over those of the mean expert.
    """
    return full


def urgency(load, pull, lead, focus):
    """When an expert of a layer chooses its GPU: the most urgent one first, of equal ones the first.

    load: as above; pull: the largest inflow + outflow that it has with any GPU, 0 to 2; lead: by how much the second
    largest is smaller; focus: share of its tokens that go on to its likeliest next expert.
    """
    return 0.0


# EVOLVE-BLOCK-END


def place(transitions, gpus, nodes):
    flows = np.asarray(transitions, dtype=float)
    layers, experts = len(flows) + 1, flows.shape[1]
    loads = np.concatenate([flows.sum(axis=2), flows[-1:].sum(axis=1)])
    onward = flows / np.maximum(loads[:-1, :, None], 1.0)
    placement = [None] * layers
    for sweep in range(SWEEPS):
        for layer in range(layers) if sweep % 2 == 0 else range(layers - 1, -1, -1):
            nothing = np.zeros((experts, gpus))
            before = placement[layer - 1] if layer > 0 else None
            after = placement[layer + 1] if layer < layers - 1 else None
            inflow = nothing if before is None else flows[layer - 1].T @ np.eye(gpus)[before]
            outflow = nothing if after is None else flows[layer] @ np.eye(gpus)[after]
            shares = onward[layer] if layer < layers - 1 else np.full((experts, experts), 1.0 / experts)
            placement[layer] = place_layer(inflow, outflow, shares, loads[layer], nodes)
    return placement


def place_layer(inflow, outflow, shares, loads, nodes):
    """The GPU of each expert of a layer.

    inflow, outflow: tokens [experts, gpus]; shares [experts, experts]: of an expert's tokens that go on to each of the
    next layer, all the same in the last one.
    """
    experts, gpus = inflow.shape
    places = experts // gpus
    inflow, outflow = (tokens / np.maximum(loads, 1.0)[:, None] for tokens in (inflow, outflow))
    ranked = np.sort(inflow + outflow, axis=1)
    mean = max(loads.mean(), 1e-9)
    leads = ranked[:, -1] - ranked[:, -2]
    facts = zip(loads / mean, ranked[:, -1], leads, shares.max(axis=1), strict=True)
    urgencies = [urgency(*map(float, one)) for one in facts]
    likeness = shares @ shares.T
    likeness /= max(likeness.mean(), 1e-9)
    near = np.repeat((inflow + outflow).reshape(experts, nodes, gpus // nodes).sum(axis=2), gpus // nodes, axis=1)
    rows = np.stack([inflow, outflow, near], axis=2).tolist()
    kin, found, taken = np.zeros((gpus, experts)), [0] * experts, [0] * gpus
    for expert in sorted(range(experts), key=urgencies.__getitem__, reverse=True):
        load, best, chosen = float(loads[expert] / mean), None, 0
        for gpu in range(gpus):
            if taken[gpu] == places:
                continue
            alike = float(kin[gpu, expert]) / taken[gpu] if taken[gpu] else 1.0
            worth = gain(*rows[expert][gpu], alike, taken[gpu] / places, load)
            if best is None or worth > best:
                best, chosen = worth, gpu
        found[expert] = chosen
        taken[chosen] += 1
        kin[chosen] += likeness[expert]
    return found
