"""How well a program's clade, its own score and its own expansions predict what its clade goes on to achieve.

    python benchmarks/clade_prediction.py ARCHIVE... [--least N]

Each run of the archives is cut after a quarter, a half and three quarters of its records. At a cut, estimates are made
for each program from the records before it, and compared with the best that the program's descendants reach after it:
the highest rank, among all of the run's scored records at its end, of a record in its clade. Only programs with at
least N (5) such descendants are compared. As in the table of the Huxley-Goedel Machine (arXiv 2510.21614) Pearson's
correlation is shown with each program weighted, here by its later descendants, and unweighted; and Spearman's.

Estimates are the means of the posteriors from which the clade policy draws, by kind of outcome, for the clade and for
the direct expansions alone; and the program's own rank at the cut. All kinds of outcomes are made of the stored scores,
so it does not matter by which one a run was steered; but by whom a run was steered does: see docs/clade.md.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata

from archive.clade import CladeTree
from archive.descent import Descent
from archive.outcomes import MAX_BACKED, OUTCOMES, Outcomes
from archive.policies.clade import Clade
from archive.ranking import Costs, Ranking
from archive.standing import standing
from archive.store import Archive
from evolve.beginning import find_problem
from evolve.core.types import Record, Status
from evolve.problem import Problem

CUTS = (0.25, 0.5, 0.75)
OWN_SCORE = "own score"


@dataclass(frozen=True)
class Child:
    """An evaluated record: the node that it expanded, -1 for none, the node that it is, -1 for none, and its costs."""

    parent: int
    node: int
    costs: Costs | None
    outcomes: dict[str, float]


def main() -> None:
    """Print one table of all runs."""
    parser = argparse.ArgumentParser()
    parser.add_argument("archives", nargs="+")
    parser.add_argument("--least", type=int, default=5)
    given = parser.parse_args()
    found: dict[str, list[tuple[float, float, float]]] = defaultdict(list)
    nodes = []
    for children in histories(given.archives):
        for cut in CUTS:
            estimates, reached, later = at_cut(children, int(cut * len(children)))
            chosen = later >= given.least
            if chosen.sum() < 10:
                continue
            nodes.append(int(chosen.sum()))
            for name, values in estimates.items():
                found[name].append(correlations(values[chosen], reached[chosen], later[chosen]))
    if not nodes:
        raise SystemExit(f"no cut of a run has ten programs with {given.least} later descendants")
    print(f"{len(nodes)} cuts, of {min(nodes)} to {max(nodes)} programs; mean over cuts, and the range")
    print("| estimate | Pearson, weighted | Pearson | Spearman |\n|---|---|---|---|")
    for name, rows in found.items():
        shown = [f"{column.mean():.2f} ({column.min():.2f} to {column.max():.2f})" for column in np.array(rows).T]
        print(f"| {name} | {' | '.join(shown)} |")


def histories(archives: Sequence[str]) -> Iterator[list[Child]]:
    """The evaluated records of each run, in order."""
    for place in archives:
        with Archive.open(place, create=False) as archive:
            for run in archive.runs():
                row = archive.run(run.id)
                problem = find_problem(row.problem, row.config.get("folder"))
                yield history(problem, standing(archive.records(run.id)))


def history(problem: Problem, records: Sequence[Record]) -> list[Child]:
    """Records to nodes of one tree, with the outcome of each kind."""
    kinds = {kind: Outcomes(kind, len(problem.objectives), problem.minimum_effect) for kind in OUTCOMES}
    nodes: dict[str, int] = {}
    costs_of: dict[str, Costs] = {}
    children = []
    for record in records:
        verdict, name = record.verdict, record.program_id
        if not verdict.evaluated or name is None:
            continue
        above = record.ticket.parents[:1]
        parent = nodes.get(above[0], -1) if above else -1
        if verdict.status is not Status.OK:
            children.append(Child(parent, -1, None, dict.fromkeys(OUTCOMES, 0.0)))
            continue
        costs = tuple(one.cost(verdict.common[one.metric]) for one in problem.objectives)
        before = costs_of.get(above[0]) if above else None
        outcomes = {kind: made.add(costs, before) for kind, made in kinds.items()}
        node = nodes.setdefault(name, len(nodes))
        costs_of.setdefault(name, costs)
        children.append(Child(parent, node, costs, outcomes))
    return children


def at_cut(children: Sequence[Child], cut: int) -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray]:
    """By node that was there at the cut: estimates by name, the highest rank reached later, and later descendants."""
    estimates = {}
    for kind in OUTCOMES:
        estimates[f"clade, {kind}"], estimates[f"own expansions, {kind}"], parents = posterior_means(
            children[:cut], kind
        )
    estimates[OWN_SCORE] = own_scores(children[:cut], len(parents))
    ranking = ranking_of(children)
    reached, later = np.zeros(len(parents)), np.zeros(len(parents))
    above = {child.node: child.parent for child in reversed(children) if child.node >= 0}
    for child in children[cut:]:
        rank = ranking.quantile(child.costs) if child.costs is not None else 0.0
        node = child.parent
        while node >= 0:
            if node < len(parents):
                later[node] += 1
                reached[node] = max(reached[node], rank)
            node = above[node]
    return estimates, reached, later


def posterior_means(children: Sequence[Child], kind: str) -> tuple[np.ndarray, np.ndarray, list[int]]:
    """Of all clades, and of all nodes' direct expansions; and the parent of each node."""
    tree = CladeTree(kind == MAX_BACKED)
    descent = Descent(tree, kind == MAX_BACKED)
    for child in children:
        if child.parent >= 0:
            tree.record(child.parent, child.outcomes[kind])
        if child.node == len(tree):
            tree.add(child.parent if child.parent >= 0 else None)
    shapes = Clade((), outcome=kind)._shapes
    means = []
    for counts in (descent._clade, descent._own):
        a, b = shapes(*np.array([counts(node) for node in range(len(tree))]).T)
        means.append(a / (a + b))
    return means[0], means[1], tree.parents.tolist()


def own_scores(children: Sequence[Child], nodes: int) -> np.ndarray:
    """The rank of each node among the records so far."""
    ranking = ranking_of(children)
    ranks = np.zeros(nodes)
    for child in reversed(children):
        if child.costs is not None:
            ranks[child.node] = ranking.quantile(child.costs)
    return ranks


def ranking_of(children: Sequence[Child]) -> Ranking:
    """All costs."""
    costs = [child.costs for child in children if child.costs is not None]
    ranking = Ranking(len(costs[0]))
    for one in costs:
        ranking.note(one)
    return ranking


def correlations(estimate: np.ndarray, reached: np.ndarray, weights: np.ndarray) -> tuple[float, float, float]:
    """Pearson's, weighted and not, and Spearman's. 0 where one of the two is the same for all."""
    return (
        pearson(estimate, reached, weights),
        pearson(estimate, reached, np.ones_like(weights)),
        pearson(rankdata(estimate), rankdata(reached), np.ones_like(weights)),
    )


def pearson(x: np.ndarray, y: np.ndarray, weights: np.ndarray) -> float:
    """The weighted correlation of x and y [N]."""
    share = weights / weights.sum()
    dx, dy = x - share @ x, y - share @ y
    scale = np.sqrt((share @ dx**2) * (share @ dy**2))
    return float(share @ (dx * dy) / scale) if scale > 1e-12 else 0.0


if __name__ == "__main__":
    main()
