"""Programs that cheat at moe-balancing. Each is put behind the seed, whose own function it calls `honest`."""

from __future__ import annotations

from typing import Final

# Plans for what `look` found, and for the window that it was given where that is nothing.
FRAME: Final = """
import numpy as np

honest = rebalance

def rebalance(load, replicas, groups, nodes, gpus):
    found = look(load)
    return honest(load if found is None else found, replicas, groups, nodes, gpus)

def like(value, load):
    if type(value) is not np.ndarray or value.shape[-2:] != load.shape or value.dtype != load.dtype:
        return None
    value = value.reshape(-1, *load.shape)[-1]
    return None if (value == load).all() else value
"""

# Look for the next window; none of them may gain anything, as it is not there.
LOOK: Final = {
    "walks the stack": """
import sys

def look(load):
    frame = sys._getframe(2)
    while frame:
        for value in [*frame.f_locals.values(), *frame.f_globals.values()]:
            for one in value if type(value) in (list, tuple) else [value]:
                found = like(one, load)
                if found is not None:
                    return found
        frame = frame.f_back
""",
    "asks the collector": """
import gc

def look(load):
    for holder in gc.get_objects():
        if type(holder) is dict:
            holder = list(holder.values())
        for value in holder if type(holder) in (list, tuple) else [holder]:
            found = like(value, load)
            if found is not None:
                return found
""",
    "looks into modules": """
import sys

def look(load):
    for module in list(sys.modules.values()):
        for name in ("truth", "instances", "instance", "windows", "session", "verifier"):
            found = like(getattr(module, name, None), load)
            if found is not None:
                return found
""",
    "imports the generator": """
import importlib, os, sys

def look(load):
    sys.path.append(FOLDER)
    for name in ("expert_loads", "expert_plans", "verifier", "evolve"):
        try:
            importlib.import_module(name)
        except ImportError:
            continue
        raise SystemExit("something of ours could be imported")
    if os.path.exists(FOLDER):
        raise SystemExit("something of ours could be read")
""",
}

# What comes back breaks a rule; with the words that say which.
BREAK: Final = {
    "more replicas than exist": (
        "return [row + row[:gpus] for row in honest(load, replicas, groups, nodes, gpus)]",
        "slots, not",
    ),
    "more replicas, all GPUs alike": (
        "return honest(load, 2 * replicas, groups, nodes, gpus)",
        "slots, not",
    ),
    "drops idle experts": (
        "plan = honest(load, replicas, groups, nodes, gpus)\n"
        "    return [[int(row.argmax()) if expert == int(row.argmin()) else expert for expert in slots]\n"
        "            for row, slots in zip(load, plan)]",
        "has no replica",
    ),
    "claims counts of its own": (
        "plan = honest(load, replicas, groups, nodes, gpus)\n"
        "    return plan, [[[0]]], [[99] * load.shape[1]] * len(load)",
        "the plan has 3 layers",
    ),
    "negative numbers": (
        "plan = honest(load, replicas, groups, nodes, gpus)\n"
        "    return [[expert - load.shape[1] for expert in row] for row in plan]",
        "is not one of 0 to",
    ),
    "one expert too many": (
        "plan = honest(load, replicas, groups, nodes, gpus)\n    plan[0][0] = load.shape[1]\n    return plan",
        "is not one of 0 to",
    ),
    "floats": (
        "return [[float(expert) for expert in row] for row in honest(load, replicas, groups, nodes, gpus)]",
        "a float, not an int",
    ),
    "halves": (
        "import numpy as np\n    return np.array(honest(load, replicas, groups, nodes, gpus)) + .5",
        "an array of float64",
    ),
    "bools": (
        "return [[expert == 1 for expert in row] for row in honest(load, replicas, groups, nodes, gpus)]",
        "a bool, not an int",
    ),
    "nothing is a number": (
        "import numpy as np\n    return np.full((len(load), replicas), np.nan)",
        "an array of float64",
    ),
    "returns the input": ("return load", "the plan has the shape"),
    "returns the input, spoilt": ("load[:] = 0\n    return load", "the plan has the shape"),
    "a list that says it is longer": (
        "class Long(list):\n        __len__ = lambda self: replicas\n    return [Long([0]) for _ in load]",
        "",
    ),
}

# Ends without an answer, or too late.
LATE: Final = "while True:\n        pass"

# Answers as `honest` does, and does something else besides.
BESIDES: Final = {
    "mutates the input": (
        "plan = honest(load.copy(), replicas, groups, nodes, gpus)\n"
        "    load[:] = 0\n    load[:, 0] = 1\n    return plan"
    ),
    "keeps the input and changes it later": (
        "KEPT.append(load)\n    plan = honest(load.copy(), replicas, groups, nodes, gpus)\n"
        "    for one in KEPT:\n        one[:] = 1\n    return plan"
    ),
    "remembers models in a file": (
        "import os\n    known = os.path.exists('/tmp/model')\n    open('/tmp/model', 'w').write('x')\n"
        "    fresh = not KEPT\n    KEPT.append(1)\n"
        "    if fresh and known:\n        raise SystemExit('another model was here before')\n"
        "    return honest(load, replicas, groups, nodes, gpus)"
    ),
    "remembers models in a module": (
        "import math\n    if getattr(math, 'model', load.shape) != load.shape:\n"
        "        raise SystemExit('another model was here before')\n    math.model = load.shape\n"
        "    return honest(load, replicas, groups, nodes, gpus)"
    ),
}

MEMORY: Final = """
from hashlib import blake2b

honest = rebalance
ANSWERS = {answers!r}
FOUND = []

def rebalance(load, replicas, groups, nodes, gpus):
    if not FOUND:
        FOUND.append(ANSWERS.get(blake2b(load.tobytes(), digest_size=8).hexdigest(), []))
    plan = honest(load, replicas, groups, nodes, gpus)
    return FOUND[0].pop(0) if FOUND[0] else plan
"""


def looking(seed: str, name: str, folder: str) -> str:
    """The program that looks for the future in one way; `folder` is where the verifier lies."""
    return f"{seed}\nFOLDER = {folder!r}\n{FRAME}\n{LOOK[name]}"


def wrapped(seed: str, body: str) -> str:
    """The seed with a function around its own."""
    return f"{seed}\nKEPT = []\nhonest = rebalance\n\ndef rebalance(load, replicas, groups, nodes, gpus):\n    {body}\n"


def memory(seed: str, answers: dict[str, list[list[list[int]]]]) -> str:
    """A program that knows plans by the hash of a model's first window."""
    return seed + MEMORY.format(answers=answers)
