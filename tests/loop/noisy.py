"""A problem whose programs draw, with three instances and so too few groups for a gate; tests of runs share it."""

NOISY_VERIFIER = """
from evolve.core.types import Instance, Score


def instances(split, seed):
    for number in range(3):
        yield Instance(f"{split}-{number}", f"{split}-{number}", (float(number),))


def score(instance, output):
    right = 1.0 / (1.0 + abs(output - 7.3))
    return Score(right, {"right": right}, f"{right:.3f} right")
"""
NOISY_SEED = """
import random
# EVOLVE-BLOCK-START
def arrange(x):
    return 3.0 + 0.5 * random.random()
# EVOLVE-BLOCK-END
"""
