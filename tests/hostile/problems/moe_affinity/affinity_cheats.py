"""Programs that cheat at moe-affinity. Each is put behind the seed, whose own function it calls `honest`."""

from __future__ import annotations

from typing import Final

_FRAME: Final = """
import numpy as np

honest = place

def place(transitions, gpus, nodes):
    layers, experts = len(transitions) + 1, transitions.shape[1]
{}
"""


def program(seed: str, body: str) -> str:
    """The seed's text with another `place`, whose body has transitions, gpus, nodes, layers and experts."""
    return seed + _FRAME.format("\n".join(f"    {line}" for line in body.strip("\n").splitlines()))


# Look for the held-out tokens: an array of paths, or the transitions of other tokens. Whoever finds one raises, so that
# the search shows up as a crash; none of them may find anything, as it is not there.
_FOUND: Final = """
def is_paths(value):
    if type(value) is not np.ndarray or value.ndim != 2 or value.dtype.kind not in "iu":
        return False
    return value.shape[0] > experts and value.shape[1] == layers

"""

LOOK: Final = {
    "walks the stack": _FOUND
    + """
import sys
frame = sys._getframe()
while frame:
    for value in [*frame.f_locals.values(), *frame.f_globals.values()]:
        for one in value if type(value) in (list, tuple) else [value]:
            if is_paths(one) or is_paths(getattr(one, "truth", None)):
                raise SystemError("found the held-out tokens")
    frame = frame.f_back
return honest(transitions, gpus, nodes)
""",
    "asks the collector": _FOUND
    + """
import gc
for holder in gc.get_objects():
    kind = type(holder)
    values = list(holder.values()) if kind is dict else holder if kind in (list, tuple) else [holder]
    for value in values:
        if is_paths(value) or is_paths(getattr(value, "truth", None)):
            raise SystemError("found the held-out tokens")
return honest(transitions, gpus, nodes)
""",
    "looks into modules": _FOUND
    + """
import sys
for module in list(sys.modules.values()):
    for name in ("truth", "instance", "instances", "held_out", "verifier", "session"):
        if is_paths(getattr(module, name, None)) or name in ("verifier",) and hasattr(module, name):
            raise SystemError("found the verifier")
return honest(transitions, gpus, nodes)
""",
    "imports the generator": """
found = []
for name in ("expert_paths", "expert_hops", "verifier", "evolve", "evolve.core.rng"):
    try:
        found.append(__import__(name))
    except ImportError:
        pass
if found:
    raise SystemError("drew the held-out tokens again")
return honest(transitions, gpus, nodes)
""",
    "reads files": """
import os
for folder, _, names in os.walk("/"):
    if folder.startswith(("/proc", "/sys", "/usr", "/lib", "/opt", "/etc")):
        continue
    if any(name in ("verifier.py", "expert_paths.py", "problem.toml") or name.endswith(".db") for name in names):
        raise SystemError("found the problem")
return honest(transitions, gpus, nodes)
""",
}

# With this before it, there is something to find.
PLANT: Final = "held_out = [np.zeros((3_000, layers), dtype=np.int16)]\n"

# What comes back breaks a rule; with the words that say which.
BREAK: Final = {
    "all on one gpu": ("return [[0] * experts] * layers", "as each must"),
    "one expert too many": (
        "rows = honest(transitions, gpus, nodes)\nrows[-1][-1] = 0\nreturn rows",
        "GPU 0 has",
    ),
    "a layer is dropped": ("return honest(transitions, gpus, nodes)[:-1]", "not one for each of"),
    "experts are dropped": ("return [row[:-1] for row in honest(transitions, gpus, nodes)]", "not one for each of"),
    "ragged": (
        "rows = honest(transitions, gpus, nodes)\nrows[0].append(rows[1].pop())\nreturn rows",
        "not one for each of",
    ),
    "expert ids instead of gpus": ("return [list(range(experts))] * layers", "is not one of the GPUs"),
    "a gpu that is not there": (
        "return [[gpu + 1 for gpu in row] for row in honest(transitions, gpus, nodes)]",
        "is not one of the GPUs",
    ),
    "counted from the end": (
        "return [[gpu - gpus for gpu in row] for row in honest(transitions, gpus, nodes)]",
        "is not one of the GPUs",
    ),
    "bools": ("return [[gpu % 2 == 0 for gpu in row] for row in honest(transitions, gpus, nodes)]", "not an int"),
    "floats": ("return [list(map(float, row)) for row in honest(transitions, gpus, nodes)]", "not an int"),
    "nan": ("return [[float('nan')] * experts] * layers", "not an int"),
    "a nan among whole numbers": (
        "rows = honest(transitions, gpus, nodes)\nrows[1][1] = float('nan')\nreturn rows",
        "not an int",
    ),
    "array of float": ("return np.array(honest(transitions, gpus, nodes), dtype=float)", "not whole numbers"),
    "array of bool": ("return np.array(honest(transitions, gpus, nodes)) > 0", "not whole numbers"),
    "too large for the type": (
        "return np.array(honest(transitions, gpus, nodes), dtype=np.uint64) + np.uint64(2**63)",
        "far out of range",
    ),
    "huge": ("return [[10**1_000] * experts] * layers", "far out of range"),
    "the question": ("return transitions", "3 axes"),
    "a layer of the question": ("return transitions[0]", "is not one of the GPUs"),
    "a fraction of each expert": (
        "return [[[expert % gpus, (expert + 1) % gpus] for expert in range(experts)] for _ in range(layers)]",
        "not an int",
    ),
    "texts": ("return [[str(gpu) for gpu in row] for row in honest(transitions, gpus, nodes)]", "not an int"),
    "a dict": ("return dict(enumerate(honest(transitions, gpus, nodes)))", "a dict"),
    "its own score": ("return {'hop_ratio': 0.0, 'placement': honest(transitions, gpus, nodes)}", "a dict"),
    "nothing": ("return None", "a NoneType"),
}

# What comes back can not leave the sandbox.
SMUGGLE: Final = {
    "array of objects": "return np.array(honest(transitions, gpus, nodes), dtype=object)",
    "a list that changes": """
class Rows(list):
    def __getitem__(self, at):
        return [0] * experts
return Rows(honest(transitions, gpus, nodes))
""",
    "an int that equals all": """
class Anywhere(int):
    def __eq__(self, other):
        return True
    __hash__ = int.__hash__
return [list(map(Anywhere, row)) for row in honest(transitions, gpus, nodes)]
""",
}

# The answer is honest; what is done beside it gains nothing.
DEEDS: Final = {
    "mutates the question": """
rows = honest(transitions.copy(), gpus, nodes)
transitions[:] = 0
transitions[:, 0, 0] = 10**9
return rows
""",
    "sets the question's type": """
rows = honest(transitions.copy(), gpus, nodes)
transitions.shape = -1
return rows
""",
    "remembers": """
import os
path = "/tmp/remembered"
known = os.path.exists(path)
with open(path, "a") as file:
    file.write("x")
if known or globals().get("CALLS"):
    raise SystemError("somebody was here before")
globals()["CALLS"] = 1
return honest(transitions, gpus, nodes)
""",
}
