"""Generates the ways of tokens through a mixture-of-experts model: Markov chains across its layers, a domain at a time.

A model has for each pair of neighbouring layers a matrix of logits z[i, j] of mean 0 and variance 1, and for each
expert an inclination b of mean 0 and variance 1. A token that was at expert i goes on to expert j with probability

    P(j | i) = softmax over j of (sharpness * z[i, j] + popularity * b[j]),    P(first) = softmax of popularity * b.

Part of z is structure that carries through all layers: each expert has a vector v of TOPICS independent standard normal
numbers, and z[i, j] = sqrt(topics) * (v_i . v_j) / sqrt(TOPICS) + sqrt(1 - topics) * noise. A domain is a perturbation
of the model: of its z and its b it has sqrt(1 - distance) parts of the model's and sqrt(distance) parts of its own,
so that its logits have the same variance, and those of two domains of one model are correlated by 1 - distance.

The model is this project's own. SHARPNESS is set so that at 8 experts and a popularity of 0.3 the likeliest next expert
has a probability of 0.35 on average. Only `Generator.random` is used: numpy keeps its stream from version to version.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from evolve.core.errors import ProblemError
from evolve.core.rng import Generator

TOPICS: Final = 4
SHARPNESS: Final = 0.93

Floats = NDArray[np.float64]
Paths = NDArray[np.int16]
Counts = NDArray[np.int64]


@dataclass(frozen=True)
class Chain:
    """A model or a domain of one. `logits` [layers - 1, experts, experts] and `leanings` [layers, experts]."""

    logits: Floats
    leanings: Floats
    sharpness: float
    popularity: float


def model(
    rng: Generator, layers: int, experts: int, *, sharpness: float = 1.0, topics: float = 0.5, popularity: float = 0.3
) -> Chain:
    """A model of that many layers and experts a layer. `topics` is the share of z's variance that is structure.

    `sharpness` is relative to what is usual for that many experts, SHARPNESS * (1 + log2(experts / 8) / 5): with more
    experts the likeliest next one has less probability (0.35, 0.28, 0.23 and 0.20 at 8, 16, 32 and 64), but it falls
    more slowly than their number grows.

    Raises:
        ProblemError: fewer than two layers or experts, a share outside of 0 .. 1, negative sharpness or popularity.
    """
    possible = 0.0 <= topics <= 1.0 and sharpness >= 0.0 and popularity >= 0.0  # not so for NaN
    if layers < 2 or experts < 2 or not possible:
        what = f"{layers} layers, {experts} experts, topics {topics:g}, sharpness {sharpness:g}, {popularity:g}"
        raise ProblemError(f"no model has {what}", "Two layers and experts at least, topics 0 to 1, the rest positive.")
    vectors = normal(rng, layers, experts, TOPICS)
    alike = np.einsum("lid,ljd->lij", vectors[:-1], vectors[1:]) / math.sqrt(TOPICS)
    logits = math.sqrt(topics) * alike + math.sqrt(1.0 - topics) * normal(rng, layers - 1, experts, experts)
    usual = SHARPNESS * (1.0 + math.log2(experts / 8) / 5.0)
    return Chain(logits, normal(rng, layers, experts), sharpness * usual, popularity)


def domain(rng: Generator, base: Chain, distance: float) -> Chain:
    """A domain of that model; `distance` is the share of the variance that is its own.

    Raises:
        ProblemError: `distance` is not between 0 and 1.
    """
    if not 0.0 <= distance <= 1.0:
        raise ProblemError(f"a domain at distance {distance:g}", "The distance is between 0 and 1.")
    kept, own = math.sqrt(1.0 - distance), math.sqrt(distance)
    logits = kept * base.logits + own * normal(rng, *base.logits.shape)
    leanings = kept * base.leanings + own * normal(rng, *base.leanings.shape)
    return Chain(logits, leanings, base.sharpness, base.popularity)


def probabilities(chain: Chain) -> tuple[Floats, Floats]:
    """P(first) [experts] and P(j | i) [layers - 1, experts, experts], which add up to 1 over their last axis."""
    first = _softmax(chain.popularity * chain.leanings[0])
    onward = _softmax(chain.sharpness * chain.logits + chain.popularity * chain.leanings[1:, None, :])
    return first, onward


def sample(rng: Generator, chain: Chain, tokens: int) -> Paths:
    """The experts of that many independent tokens, int16 [tokens, layers].

    Raises:
        ProblemError: `tokens` is below 1.
    """
    if tokens < 1:
        raise ProblemError(f"paths of {tokens} tokens", "Ask for at least one.")
    first, onward = probabilities(chain)
    found = np.empty((tokens, len(onward) + 1), dtype=np.int16)
    found[:, 0] = _drawn(rng, np.broadcast_to(np.cumsum(first), (tokens, len(first))))
    for layer, edges in enumerate(np.cumsum(onward, axis=2)):
        found[:, layer + 1] = _drawn(rng, edges[found[:, layer]])
    return found


def transitions(paths: Paths, experts: int) -> Counts:
    """How many tokens go from expert i of a layer to expert j of the next, int64 [layers - 1, experts, experts]."""
    pairs = paths[:, :-1].astype(np.int64) * experts + paths[:, 1:]
    counts = [np.bincount(column, minlength=experts * experts) for column in pairs.T]
    return np.stack(counts).reshape(-1, experts, experts).astype(np.int64)


def top_mass(chain: Chain) -> float:
    """Probability of the likeliest next expert, mean over layers and experts."""
    return float(probabilities(chain)[1].max(axis=2).mean())


def normal(rng: Generator, *shape: int) -> Floats:
    """Independent standard normal numbers (G. E. P. Box, M. E. Muller, Annals of Mathematical Statistics 29, 1958)."""
    radius = np.sqrt(-2.0 * np.log1p(-rng.random(shape)))
    return np.asarray(radius * np.cos(2.0 * math.pi * rng.random(shape)))


def _softmax(values: Floats) -> Floats:
    weights = np.exp(values - values.max(axis=-1, keepdims=True))
    return np.asarray(weights / weights.sum(axis=-1, keepdims=True))


def _drawn(rng: Generator, edges: Floats) -> NDArray[np.int64]:
    """An index of each row, given the running sums of its probabilities."""
    drawn = (rng.random(len(edges))[:, None] >= edges).sum(axis=1)
    return np.asarray(np.minimum(drawn, edges.shape[1] - 1))  # the last sum may fall short of 1 by a rounding error
