"""Clade statistics: what a program and all its descendants achieved.

Counts are kept per node and never changed; a clade's sums are kept beside them and grow by one addition per
ancestor, so no outcome is counted twice. After the clade metaproductivity of the Huxley-Goedel Machine
(arXiv 2510.21614): a program's worth as a parent is what its clade achieved.
"""

from __future__ import annotations


class CladeTree:
    """A forest of programs with pooled outcomes. Nodes are numbered 0, 1, ... in the order of `add`.

    A removed node keeps its number and its way up, so that its expansions, those still to come included, count
    for its ancestors; but it is nobody's child and no root.
    """

    def __init__(self) -> None:
        self.parents: list[int] = []
        self.roots: list[int] = []
        self.children: list[list[int]] = []
        # Outcomes of a node's direct expansions, and their sums over its clade (itself included).
        self.own_successes: list[float] = []
        self.own_trials: list[float] = []
        self.clade_successes: list[float] = []
        self.clade_trials: list[float] = []
        self._removed: set[int] = set()

    def __len__(self) -> int:
        """The number of nodes, removed ones included."""
        return len(self.parents)

    def add(self, parent: int | None) -> int:
        """A new node below `parent`, or below its nearest ancestor that was not removed; a root where there is none."""
        node = len(self.parents)
        above = -1 if parent is None else parent
        while above in self._removed:
            above = self.parents[above]
        self.parents.append(above)
        self.children.append([])
        for column in (self.own_successes, self.own_trials, self.clade_successes, self.clade_trials):
            column.append(0.0)
        self._beneath(above).append(node)
        return node

    def record(self, node: int, success: float, trials: float = 1.0) -> None:
        """An expansion of `node` ended with `success` of `trials`; negative numbers take one back."""
        self.own_successes[node] += success
        self.own_trials[node] += trials
        while node != -1:
            self.clade_successes[node] += success
            self.clade_trials[node] += trials
            node = self.parents[node]

    def remove(self, node: int) -> None:
        """Take a node out, once. Its children become its parent's, or roots; all counts stay as they are.

        Children stand in order of their numbers, whatever was removed when.
        """
        above = self.parents[node]
        beneath, orphans = self._beneath(above), self.children[node]
        beneath.remove(node)
        for orphan in orphans:
            self.parents[orphan] = above
        beneath[:] = sorted(beneath + orphans)
        self.children[node] = []
        self._removed.add(node)

    def _beneath(self, node: int) -> list[int]:
        return self.children[node] if node != -1 else self.roots
