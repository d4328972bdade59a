"""The sorts of categories and workloads that query_streams generates, with the ranges of their parameters.

Ranges are this project's own, set so that dense, sparse, volatile, repetitive and dear categories meet: C. Wang and
others, Category-Aware Semantic Caching for Heterogeneous LLM Workloads, arXiv 2510.26835, 2025, tell of categories
that differ in these ways, with lifetimes from minutes (stock prices) to months (code) and repetition from power laws
(code) to uniform (conversation). Times are in seconds, money in thousandths of a dollar.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from evolve.core.rng import Generator

_MINUTE, _HOUR, _DAY = 60.0, 3_600.0, 86_400.0

Range: TypeAlias = "tuple[float, float]"


@dataclass(frozen=True, slots=True)
class Category:
    """What a category is, before anything is drawn. Lifetimes in seconds; `ratio` is penalty / cost of a model call."""

    weight: float
    meanings: int
    alpha: float
    within: float
    between: float
    half_life: float
    model_seconds: float
    model_money: float
    ratio: float


@dataclass(frozen=True, slots=True)
class Archetype:
    """Ranges from which the categories of one sort are drawn: uniform, or uniform in the logarithm (`~` in README)."""

    weight: Range
    meanings: Range
    alpha: Range
    within: Range
    between: Range
    half_life: Range
    model_seconds: Range
    model_money: Range
    ratio: Range

    def draw(self, rng: Generator) -> Category:
        """A category of this sort."""
        return Category(
            weight=_between(rng, *self.weight),
            meanings=round(_log(rng, *self.meanings)),
            alpha=_between(rng, *self.alpha),
            within=_between(rng, *self.within),
            between=_between(rng, *self.between),
            half_life=_log(rng, *self.half_life),
            model_seconds=_log(rng, *self.model_seconds),
            model_money=_log(rng, *self.model_money),
            ratio=_log(rng, *self.ratio),
        )


@dataclass(frozen=True, slots=True)
class Kind:
    """Which archetypes a workload has, and what happens between its windows.

    `drift` is the standard deviation of the step that the logarithm of a category's traffic takes from window to
    window; `churn` the share of the meanings that change places in popularity; `burst` the share of the queries that
    repeat the meaning of the query before in their category; `surge` the standard deviation of the logarithm of the
    load, by which a window multiplies the model's latency.
    """

    archetypes: tuple[str, ...]
    drift: float = 0.1
    churn: float = 0.0
    burst: float = 0.0
    surge: float = 0.0


ARCHETYPES: Final[Mapping[str, Archetype]] = {
    "code": Archetype(
        weight=(0.8, 1.6),
        meanings=(40, 160),
        alpha=(1.0, 1.4),
        within=(0.94, 0.975),
        between=(0.86, 0.94),
        half_life=(5 * _DAY, 90 * _DAY),
        model_seconds=(1.5, 6.0),
        model_money=(4.0, 20.0),
        ratio=(2.0, 6.0),
    ),
    "docs": Archetype(
        weight=(0.6, 1.4),
        meanings=(40, 160),
        alpha=(0.9, 1.3),
        within=(0.88, 0.94),
        between=(0.70, 0.86),
        half_life=(1 * _DAY, 30 * _DAY),
        model_seconds=(0.8, 3.0),
        model_money=(1.0, 6.0),
        ratio=(2.0, 6.0),
    ),
    "chat": Archetype(
        weight=(0.8, 1.6),
        meanings=(50, 200),
        alpha=(0.5, 0.9),
        within=(0.74, 0.85),
        between=(0.35, 0.60),
        half_life=(1 * _DAY, 30 * _DAY),
        model_seconds=(0.4, 1.5),
        model_money=(0.3, 2.0),
        ratio=(1.5, 4.0),
    ),
    "market": Archetype(
        weight=(0.5, 1.2),
        meanings=(20, 60),
        alpha=(1.0, 1.4),
        within=(0.88, 0.95),
        between=(0.65, 0.85),
        half_life=(10 * _MINUTE, 3 * _HOUR),
        model_seconds=(0.5, 2.0),
        model_money=(0.5, 4.0),
        ratio=(2.0, 6.0),
    ),
    "advice": Archetype(
        weight=(0.3, 0.8),
        meanings=(80, 300),
        alpha=(0.5, 0.9),
        within=(0.86, 0.93),
        between=(0.72, 0.88),
        half_life=(1 * _DAY, 60 * _DAY),
        model_seconds=(2.0, 8.0),
        model_money=(5.0, 30.0),
        ratio=(3.0, 10.0),
    ),
    "search": Archetype(
        weight=(0.6, 1.4),
        meanings=(50, 200),
        alpha=(0.8, 1.2),
        within=(0.80, 0.92),
        between=(0.50, 0.75),
        half_life=(2 * _HOUR, 2 * _DAY),
        model_seconds=(0.3, 1.5),
        model_money=(0.2, 2.0),
        ratio=(2.0, 6.0),
    ),
    # Only in kinds that the search never meets.
    "terse": Archetype(
        weight=(0.6, 1.4),
        meanings=(30, 120),
        alpha=(0.8, 1.2),
        within=(0.97, 0.99),
        between=(0.90, 0.97),
        half_life=(3 * _HOUR, 3 * _DAY),
        model_seconds=(0.2, 0.8),
        model_money=(0.1, 1.0),
        ratio=(2.0, 6.0),
    ),
    "story": Archetype(
        weight=(0.6, 1.4),
        meanings=(100, 400),
        alpha=(0.2, 0.6),
        within=(0.68, 0.80),
        between=(0.30, 0.60),
        half_life=(5 * _DAY, 90 * _DAY),
        model_seconds=(2.0, 8.0),
        model_money=(4.0, 20.0),
        ratio=(1.5, 3.0),
    ),
}

_ALL: Final = ("code", "docs", "chat", "market", "advice", "search")
KINDS: Final[Mapping[str, Kind]] = {
    "mixed": Kind(_ALL),
    "developer": Kind(("code", "code", "docs", "search")),
    "consumer": Kind(("chat", "chat", "search", "advice", "docs")),
    "volatile": Kind(("market", "market", "search", "docs", "chat")),
    "drift": Kind(_ALL, drift=0.6, churn=0.15),
    "burst": Kind(_ALL, burst=0.3),
    "surge": Kind(_ALL, surge=0.7),
    "studio": Kind(("story", "story", "code", "advice")),
    "gateway": Kind(("terse", "terse", "chat", "market", "docs")),
    "crowd": Kind((*_ALL, "terse", "story", "code", "search"), drift=0.3),
}


def _between(rng: Generator, low: float, high: float) -> float:
    return low + (high - low) * rng.random()


def _log(rng: Generator, low: float, high: float) -> float:
    """Uniform in the logarithm."""
    return low * math.exp(math.log(high / low) * rng.random())
