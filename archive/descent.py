"""Thompson sampling by descent: from the roots down to the node that is expanded next.

At each node the arms are the node itself, by the outcomes of its direct expansions, and each child, by its clade. An
arm's chance of success is drawn from a Beta posterior (Thompson 1933), and the descent ends where the node's own arm
wins. Among the roots there is no own arm. A node's own score is in no arm: it does not change when the node is
expanded, so a good program would win for ever and the tree would be a star.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from archive.clade import CladeTree
from archive.crowd import Counts, Crowd, Shapes, Vector
from evolve.core.rng import Generator

CROWDED = 1024
"""A node with so many children has its arms in groups: see `archive.crowd`."""


class Descent:
    """Descents through one tree. With `peaks` an arm counts by its best outcome, not by the sum of all.

    An arm whose best outcome is q after n trials has q^n for its share of successes. Where outcomes are uniform on
    (0, 1), as ranks of programs are that are no better than others, that is the chance that the best of n is no better:
    itself uniform, whatever n is. So the best counts, and trials are the discount.
    """

    def __init__(self, tree: CladeTree, peaks: bool = False) -> None:
        self._tree = tree
        self._peaks = peaks

    def __call__(self, rng: Generator, shapes: Shapes) -> int:
        """The node where it ends. `shapes` makes posteriors of successes and trials. The tree must have a root."""
        roots = self._tree.roots
        node = self._winner(rng, shapes, -1) if len(roots) > 1 else roots[0]
        while self._tree.children(node):
            winner = self._winner(rng, shapes, node)
            if winner == node:
                break
            node = winner
        return node

    def _winner(self, rng: Generator, shapes: Shapes, node: int) -> int:
        """The arm with the highest draw: a child, or the node itself. -1 stands for what is above the roots."""
        children = self._tree.children(node)
        own = None if node == -1 else self._own(node)
        if len(children) >= CROWDED:
            child, chance = self._crowd(node).draw(rng, shapes)
            successes, trials = (np.array([count]) for count in own or (0.0, 0.0))
            return node if own and rng.beta(*shapes(successes, trials))[0] > chance else child
        successes, trials = self._clades(np.frombuffer(children, dtype=np.int32))
        if own:
            successes, trials = np.append(successes, own[0]), np.append(trials, own[1])
        at = int(rng.beta(*shapes(successes, trials)).argmax())
        return children[at] if at < len(children) else node

    def _own(self, node: int) -> Counts:
        """Successes and trials of the node's direct expansions."""
        tree = self._tree
        trials = tree.own_trials[node]
        return (trials * tree.own_peaks[node] ** trials if self._peaks else tree.own_successes[node]), trials

    def _clade(self, node: int) -> Counts:
        """Successes and trials of the node's clade."""
        tree = self._tree
        trials = tree.clade_trials[node]
        return (trials * tree.clade_peaks[node] ** trials if self._peaks else tree.clade_successes[node]), trials

    def _clades(self, nodes: NDArray[np.int32]) -> tuple[Vector, Vector]:
        """The same of many nodes."""
        trials = np.frombuffer(self._tree.clade_trials)[nodes]
        if self._peaks:
            return trials * np.frombuffer(self._tree.clade_peaks)[nodes] ** trials, trials
        return np.frombuffer(self._tree.clade_successes)[nodes], trials

    def _crowd(self, node: int) -> Crowd:
        """The node's children in groups. The tree forgets them where it can not say which of them changed."""
        self._tree.settle()
        crowd = self._tree.watchers.get(node)
        if not isinstance(crowd, Crowd):
            crowd = self._tree.watchers[node] = Crowd(self._tree.children(node), self._clade)
        return crowd
