"""A problem whose score is a time: the sum of the numbers below n, which a loop adds up."""

from __future__ import annotations

TOML = """
name = "sum"
title = "sum"
entry = "total"
evidence = "sampled"
sandbox = "bubblewrap"
minimum_effect = 0.3

[[objectives]]
metric = "time_ratio"
direction = "minimize"

[timing]
pairs = {pairs}
{more}
batch = 10

[limits]
wall_seconds = 20
cpu_seconds = 5
memory_mebibytes = 256
"""
VERIFIER = """
from evolve.core.errors import Invalid
from evolve.core.types import Instance, Score


def instances(split, seed):
    for number in range(2):
        yield Instance(f"{split}-{number}", f"{split}-{number}", (300_000 + 1000 * (seed % 97) + number,))


def score(instance, output):
    if output != instance.args[0] * (instance.args[0] - 1) // 2:
        raise Invalid("not the sum")
    return Score(1.0, {"right": 1.0})
"""
SEED = """
# EVOLVE-BLOCK-START
def total(n):
    found = 0
    for i in range(n):
        found += i
    return found
# EVOLVE-BLOCK-END
"""
SLOW = SEED.replace("found += i", "found += i + 1\n        found -= 1\n        found = found * 1")
QUICK = SEED.replace("range(n)", "range(n // 8)").replace("return found", "return n * (n - 1) // 2")
QUICKER = "def total(n):\n    return n * (n - 1) // 2\n"
COMMAND_TOML = """
name = "sum"
title = "sum"
evidence = "sampled"
sandbox = "bubblewrap"
minimum_effect = 0.3

[[objectives]]
metric = "time_ratio"
direction = "minimize"

[[objectives]]
metric = "bytes"
direction = "minimize"

[timing]
pairs = 10

[command]
program = "sum.sh"
run = 'sh sum.sh "$1"'
"""
COMMAND_VERIFIER = """
from evolve.core.errors import Invalid
from evolve.core.types import Instance, Score


def instances(split, seed):
    yield Instance(f"{split}-0", f"{split}-0", ("", [str(20_000 + seed % 97)]))


def score(instance, output):
    if output.strip() != str(sum(range(1 + int(instance.args[1][0])))):
        raise Invalid("not the sum")
    return Score(1.0, {"bytes": float(len(output))})
"""
COMMAND_SEED = """
# EVOLVE-BLOCK-START
s=0; i=0
while [ $i -lt $1 ]; do i=$((i + 1)); s=$((s + i)); done
echo $s
# EVOLVE-BLOCK-END
"""
COMMAND_QUICK = "echo $(($1 * ($1 + 1) / 2))\n"

WRONG_WHILE_TIMED = QUICK.replace("def total", "calls = []\n\n\ndef total").replace(
    "    found = 0\n", "    found = 0\n    calls.append(n)\n    if len(calls) > 1:\n        return 0\n"
)
"""Right in a process of its own for each instance, and wrong where a process answers several."""
