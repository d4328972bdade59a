"""Round robin: experts go to the GPUs in turn, and the slots that are left to the first experts again.

The load is not looked at: what expert parallelism does without a load balancer, with the same number of slots.
"""


def rebalance(load, replicas, groups, nodes, gpus):
    layers, experts = load.shape
    slots = replicas // gpus
    layer = [(place * gpus + gpu) % experts for gpu in range(gpus) for place in range(slots)]
    return [layer] * layers
