"""Clade statistics: what a program and all its descendants achieved.

Counts are kept per node and never changed; a clade's sums are kept beside them and grow by one addition per
ancestor, so no outcome is counted twice. After the clade metaproductivity of the Huxley-Goedel Machine
(arXiv 2510.21614): a program's worth as a parent is what its clade achieved.
"""

from __future__ import annotations


class CladeTree:
    """A forest of programs with pooled outcomes. Nodes are numbered 0, 1, ... in the order of `add`."""

    def __init__(self) -> None:
        self.parents: list[int] = []
        self.children: list[list[int]] = []
        # Outcomes of a node's direct expansions, and their sums over its clade (itself included).
        self.own_successes: list[float] = []
        self.own_trials: list[float] = []
        self.clade_successes: list[float] = []
        self.clade_trials: list[float] = []

    def __len__(self) -> int:
        return len(self.parents)

    def add(self, parent: int | None) -> int:
        """A new node below `parent`, or a root where it is None."""
        node = len(self.parents)
        self.parents.append(-1 if parent is None else parent)
        self.children.append([])
        for column in (self.own_successes, self.own_trials, self.clade_successes, self.clade_trials):
            column.append(0.0)
        if parent is not None:
            self.children[parent].append(node)
        return node

    def record(self, node: int, success: float, trials: float = 1.0) -> None:
        """An expansion of `node` ended with `success` of `trials`; negative numbers take one back."""
        self.own_successes[node] += success
        self.own_trials[node] += trials
        while node != -1:
            self.clade_successes[node] += success
            self.clade_trials[node] += trials
            node = self.parents[node]
