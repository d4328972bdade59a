"""Clade statistics: what a program and all its descendants achieved.

Counts are kept per node and never changed; a clade's sums are kept beside them and grow by one addition per
ancestor, so no outcome is counted twice. After the clade metaproductivity of the Huxley-Goedel Machine
(arXiv 2510.21614): a program's worth as a parent is what its clade achieved.
"""

from __future__ import annotations

from array import array
from typing import Protocol

FEW = 256
"""Outcomes that wait without being counted in clades; more than a twentieth of all nodes are counted in one pass."""


class Watcher(Protocol):
    """Hears, by node, whose children changed."""

    def touch(self, child: int) -> None:
        """A child is new, or its clade's statistics are."""
        ...


class CladeTree:
    """A forest of programs with pooled outcomes. Nodes are numbered 0, 1, ... in the order of `add`.

    A removed node keeps its number and its way up, so that its expansions, those still to come included, count
    for its ancestors; but it is nobody's child and no root.

    Columns are flat arrays. `record` takes constant time: sums over clades are brought up to date when they are next
    read, by a walk to the root for each outcome that waits, or, where a run was replayed, by one pass over all nodes.
    Both give the same bits where outcomes are multiples of one power of two, as those of `archive.outcomes` are.

    With `peaks` the best outcome of each clade is kept as well.
    """

    def __init__(self, peaks: bool = False) -> None:
        self.parents = array("i")
        self.roots = array("i")
        # Outcomes of a node's direct expansions. Sums and peaks over clades, the node itself included, are below.
        self.own_successes, self.own_trials, self.own_peaks = array("d"), array("d"), array("d")
        self.watchers: dict[int, Watcher] = {}
        self.peaks = peaks
        self._clade_successes, self._clade_trials, self._clade_peaks = array("d"), array("d"), array("d")
        self._children: list[array[int] | None] = []
        self._removed: set[int] = set()
        self._waiting: list[tuple[int, float, float]] = []
        self._stale = False

    def __getstate__(self) -> dict[str, object]:
        """What was told, without what is only kept to be quick: asking changes nothing of it."""
        self.settle()
        return {**self.__dict__, "watchers": {}}

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
        self._children.append(None)
        self.own_successes.append(0.0)
        self.own_trials.append(0.0)
        self._clade_successes.append(0.0)
        self._clade_trials.append(0.0)
        if self.peaks:
            self.own_peaks.append(0.0)
            self._clade_peaks.append(0.0)
        self._beneath(above).append(node)
        if above in self.watchers:
            self.watchers[above].touch(node)
        return node

    def children(self, node: int) -> array[int]:
        """A node's children in order of their numbers; those of -1 are the roots. Not to be changed."""
        if node == -1:
            return self.roots
        return self._children[node] or array("i")

    def record(self, node: int, success: float, trials: float = 1.0) -> None:
        """An expansion of `node` ended with `success` of `trials`. What was pending had its trial already."""
        self.own_successes[node] += success
        self.own_trials[node] += trials
        if self.peaks and success > self.own_peaks[node]:
            self.own_peaks[node] = success
        self._wait(node, success, trials)

    def withdraw(self, node: int, success: float, trials: float = 1.0, peak: float = 0.0) -> None:
        """Take an outcome back, here and from all ancestors. `peak` is the best of those that `node` keeps."""
        self.own_successes[node] -= success
        self.own_trials[node] -= trials
        if self.peaks and self.own_peaks[node] != peak:
            self.own_peaks[node] = peak
            self._stale = True  # what is the best of a clade now shows only when all of it is looked at
        self._wait(node, -success, -trials)

    def remove(self, node: int) -> None:
        """Take a node out, once. Its children become its parent's, or roots; all counts stay as they are.

        Children stand in order of their numbers, whatever was removed when.
        """
        self.settle()
        above = self.parents[node]
        beneath, orphans = self._beneath(above), self.children(node)
        beneath.remove(node)
        for orphan in orphans:
            self.parents[orphan] = above
        beneath[:] = array("i", sorted([*beneath, *orphans]))
        self._children[node] = None
        self._removed.add(node)
        self.watchers.pop(node, None)
        self.watchers.pop(above, None)

    @property
    def clade_successes(self) -> array[float]:
        """By node, the successes of its clade. Not to be changed, nor kept beyond the next call."""
        self.settle()
        return self._clade_successes

    @property
    def clade_trials(self) -> array[float]:
        """By node, the trials of its clade. As `clade_successes`."""
        self.settle()
        return self._clade_trials

    @property
    def clade_peaks(self) -> array[float]:
        """By node, the best outcome in its clade, 0 where there is none. As `clade_successes`; empty without peaks."""
        self.settle()
        return self._clade_peaks

    def settle(self) -> None:
        """Bring sums and peaks over clades up to date, as reading them does."""
        if self._stale:
            self._pool()
            self.watchers.clear()
        else:
            for node, success, trials in self._waiting:
                self._walk(node, success, trials)
        self._waiting.clear()
        self._stale = False

    def _beneath(self, node: int) -> array[int]:
        if node == -1:
            return self.roots
        beneath = self._children[node]
        if beneath is None:
            beneath = self._children[node] = array("i")
        return beneath

    def _wait(self, node: int, success: float, trials: float) -> None:
        if self._stale:
            return
        self._waiting.append((node, success, trials))
        if len(self._waiting) > FEW and len(self._waiting) > len(self) // 20:
            self._stale = True

    def _walk(self, node: int, success: float, trials: float) -> None:
        parents, watchers, peaks = self.parents, self.watchers, self._clade_peaks if self.peaks else None
        successes, all_trials = self._clade_successes, self._clade_trials
        while node != -1:
            successes[node] += success
            all_trials[node] += trials
            if peaks is not None and success > peaks[node]:
                peaks[node] = success
            above = parents[node]
            if above in watchers:
                watchers[above].touch(node)
            node = above

    def _pool(self) -> None:
        """All sums from the nodes' own counts: ancestors have lower numbers, so one pass from the last node will do."""
        parents = self.parents.tolist()
        columns = [self.own_successes.tolist(), self.own_trials.tolist()]
        successes, trials = columns
        for node in range(len(parents) - 1, -1, -1):
            above = parents[node]
            if above != -1:
                successes[above] += successes[node]
                trials[above] += trials[node]
        self._clade_successes, self._clade_trials = array("d", successes), array("d", trials)
        if self.peaks:
            peaks = self.own_peaks.tolist()
            for node in range(len(parents) - 1, -1, -1):
                above = parents[node]
                if above != -1 and peaks[node] > peaks[above]:
                    peaks[above] = peaks[node]
            self._clade_peaks = array("d", peaks)
