"""Two problems whose programs have several files: Python that imports its helper, and C with a header."""

from __future__ import annotations

PYTHON_TOML = """
name = "knapsack"
title = "knapsack"
entry = "pack"
program = ["solve.py", "helper.py", "units.py"]
evidence = "sampled"
sandbox = "bubblewrap"
[[objectives]]
metric = "worth"
direction = "maximize"
[limits]
wall_seconds = 20
cpu_seconds = 5
memory_mebibytes = 256
"""
SOLVE = """\"\"\"Packs by a rank.\"\"\"

from helper import rank
from units import SCALE


# EVOLVE-BLOCK-START
def pack(items, room):
    chosen = []
    for place in sorted(range(len(items)), key=lambda place: rank(*items[place])):
        weight = items[place][0] * SCALE
        if weight <= room:
            chosen.append(place)
            room = room - weight
    return chosen
# EVOLVE-BLOCK-END
"""
HELPER = """\"\"\"How late an item is packed.\"\"\"


# EVOLVE-BLOCK-START
def rank(weight, value):
    return weight + 0.5
# EVOLVE-BLOCK-END


def unchanged():
    return 1
"""
UNITS = "SCALE = 1\n"
BY_DENSITY = HELPER.replace("weight + 0.5", "-value / weight")
PYTHON_VERIFIER = """
from evolve import Instance, Invalid, Score, rng

def instances(split, seed):
    for number in range(3):
        random = rng.generator(str(split), seed, number)
        items = [(int(w), int(v)) for w, v in random.integers(1, 60, (14, 2))]
        yield Instance(f"{split}-{number}", f"case-{number}", (items, 150))

def score(instance, output):
    items, room = instance.args
    if type(output) is not list or any(type(one) is not int or not 0 <= one < len(items) for one in output):
        raise Invalid("not a list of places")
    if len(set(output)) < len(output) or sum(items[one][0] for one in output) > room:
        raise Invalid("an item twice, or too heavy")
    worth = sum(items[one][1] for one in output) / sum(value for _, value in items)
    return Score(worth, {"worth": worth})
"""

C_TOML = """
name = "powers"
title = "powers"
evidence = "sampled"
sandbox = "bubblewrap"
[[objectives]]
metric = "steps"
direction = "minimize"
[command]
program = ["kernel.c", "kernel.h"]
files = ["main.c"]
build = "cc -O1 -o powers main.c kernel.c"
run = './powers "$1"'
separated = false
[limits]
wall_seconds = 20
cpu_seconds = 5
"""
KERNEL_C = """#include "kernel.h"

int power(int exponent)
{
    // EVOLVE-BLOCK-START
    int steps = exponent * STRIDE;
    steps = steps + 3;
    // EVOLVE-BLOCK-END
    return steps;
}
"""
KERNEL_H = """int power(int exponent);
// EVOLVE-BLOCK-START
#define STRIDE 2
// EVOLVE-BLOCK-END
"""
MAIN_C = """#include <stdio.h>
#include <stdlib.h>
#include "kernel.h"

int main(int count, char **words)
{
    printf("%d\\n", count > 1 ? power(atoi(words[1])) : 0);
    return 0;
}
"""
C_VERIFIER = """
from evolve import Instance, Invalid, Score

def instances(split, seed):
    for number in range(2):
        yield Instance(f"{split}-{number}", f"case-{number}", ("", [str(20 * seed + number)]))

def score(instance, output):
    if not output.strip().isdigit():
        raise Invalid("not a number")
    return Score(1.0, {"steps": float(min(int(output), 10**6))})
"""

PYTHON = {
    "problem.toml": PYTHON_TOML,
    "verifier.py": PYTHON_VERIFIER,
    "solve.py": SOLVE,
    "helper.py": HELPER,
    "units.py": UNITS,
    "baselines/density/helper.py": BY_DENSITY,
    "baselines/none.py": "def pack(items, room):\n    return []\n",
}
C = {
    "problem.toml": C_TOML,
    "verifier.py": C_VERIFIER,
    "kernel.c": KERNEL_C,
    "kernel.h": KERNEL_H,
    "main.c": MAIN_C,
    "baselines/longer/kernel.h": KERNEL_H.replace("STRIDE 2", "STRIDE 1"),
}
