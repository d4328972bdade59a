"""DeepSeek's hierarchical policy: groups of experts to nodes, then copies within each node, then copies to its GPUs.

DeepSeek-AI, Expert Parallelism Load Balancer (EPLB), https://github.com/deepseek-ai/EPLB, 2025, "hierarchical load
balancing"; the redundant experts are those of the DeepSeek-V3 technical report, arXiv 2412.19437. All copies of an
expert stay on the node of its group, which keeps the traffic of group-limited routing within nodes. Where the nodes do
not divide the groups, it is the global policy, as in the original.
"""


def rebalance(load, replicas, groups, nodes, gpus):
    if groups % nodes:
        groups = nodes = 1
    return [plan([float(tokens) for tokens in layer], replicas, groups, nodes, gpus) for layer in load.tolist()]


def plan(load, replicas, groups, nodes, gpus):
    """The experts of one layer in the order of slots."""
    size = len(load) // groups
    slots = []
    for members in pack([sum(load[group * size : (group + 1) * size]) for group in range(groups)], nodes):
        experts = [group * size + place for group in members for place in range(size)]
        copies = replicate([load[expert] for expert in experts], replicas // nodes)
        count = [copies.count(place) for place in range(len(experts))]
        shares = [load[experts[place]] / count[place] for place in copies]
        slots += [experts[copies[copy]] for gpu in pack(shares, gpus // nodes) for copy in gpu]
    return slots


def replicate(load, replicas):
    """The item of each copy: all once, then again and again whoever has most tokens per copy."""
    copies = list(range(len(load)))
    count = [1] * len(load)
    for _ in range(replicas - len(load)):
        fullest = max(copies[: len(load)], key=lambda place: load[place] / count[place])
        copies.append(fullest)
        count[fullest] += 1
    return copies


def pack(weights, packs):
    """The items of each pack, equal numbers in all: the heaviest goes first, to the lightest pack with room."""
    room = len(weights) // packs
    if room == 1:
        return [[item] for item in range(packs)]
    members = [[] for _ in range(packs)]
    full = [0.0] * packs
    for item in sorted(range(len(weights)), key=weights.__getitem__, reverse=True):
        pack = min((one for one in range(packs) if len(members[one]) < room), key=full.__getitem__)
        members[pack].append(item)
        full[pack] += weights[item]
    return members
