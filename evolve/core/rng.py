"""Randomness as a tree: a generator is named by what it is for, never by when it was made.

The same key gives the same stream in any process and in any order, which is what makes a run
independent of the number of workers and lets a resumed run continue as if it had not stopped.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b

import numpy as np

Generator = np.random.Generator


def derive_seed(*key: int | str) -> int:
    """A 64-bit seed for the branch `key`, e.g. `derive_seed(run_seed, ticket_number, "policy")`."""
    text = "\x1f".join(f"{type(part).__name__}:{part}" for part in key)
    # SQLite and PostgreSQL integers are signed, so one bit is left out.
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big") >> 1


def draw(rng: Generator, weights: Sequence[float]) -> int:
    """An index with probability proportional to its weight (ten times quicker than `rng.choice`)."""
    at = rng.random() * sum(weights)
    for index, weight in enumerate(weights):
        at -= weight
        if at < 0.0:
            return index
    return len(weights) - 1


def generator(*key: int | str) -> Generator:
    """A fresh generator (PCG64) for the branch `key`."""
    return np.random.Generator(np.random.PCG64(derive_seed(*key)))
