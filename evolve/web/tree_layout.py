"""Which programs of a tree are drawn, and where.

A tree of a million programs is not readable, and no browser draws it while somebody waits. So the most important
programs stand for themselves, and beneath each of them all clades that are small or bad stand as one *bundle*. Programs
are drawn by the order of their leaves: what belongs to a clade stands together. Linear in the number of programs, but
for sorting.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from evolve.web.clades import Clades, levels, steps_up

if TYPE_CHECKING:
    Ints = NDArray[np.int64]
    Bools = NDArray[np.bool_]

MOST = 20_000
"""Of items, programs and bundles, that are drawn. Trees of so many programs are drawn whole."""


@dataclass(frozen=True, slots=True)
class Layout:
    """The items of a picture [M]: programs in the order of their records, then bundles.

    `places` are those of the programs in the run's tree; of a bundle, of its most important program. `hidden` counts
    the clades in a bundle and is 0 for a program; `owners` gives, for each program of the tree [N], the item in which
    it is. `parents` are items, -1 for none, and stand before their children. Leaves (items without children) are one
    unit high; item i takes the heights from `starts[i]` to `starts[i] + leaves[i]`, within those of its parent, and is
    drawn in the middle. Siblings follow each other in the order of their records, a bundle is the last.
    """

    places: Ints
    hidden: Ints
    owners: Ints
    parents: Ints
    depths: Ints
    starts: Ints
    leaves: Ints


def layout(clades: Clades, most: int = MOST, *, focus: int | None = None, always: Sequence[int] = ()) -> Layout:
    """The picture of a run's tree.

    It shows the paths from the root to each of the places in `always`, and to `focus`, of whose clade and next siblings
    it shows more than of others. Of a path that is longer than what may be drawn it shows the beginning.
    """
    if focus is not None and clades.depths[focus] >= most // 2:
        focus = None
    keep = _kept(clades, most, focus, always)
    # A bundle of one program would take the place of that program.
    tops = _tops(clades, keep)
    group, groups = _grouped(clades.parents[tops])
    alone = (np.bincount(group, minlength=groups) == 1)[group] & (clades.programs[tops] == 1)
    keep[tops[alone]] = True
    return _placed(clades, keep, tops[~alone], focus)


def _kept(clades: Clades, most: int, focus: int | None, always: Sequence[int]) -> Bools:
    """Which programs stand for themselves. With each its parent does, as importance falls from parents to children."""
    if len(clades) <= most:
        return np.ones(len(clades), dtype=bool)
    budget = most // 2  # each may have a bundle beneath it
    importance = clades.importance.copy()
    for place in (*always, *([] if focus is None else [focus])):
        importance[clades.above(place)[:budget]] = -1
    keep = np.zeros(len(clades), dtype=bool)
    if focus is not None:
        # Half of what can be drawn is for this clade, a quarter for the siblings that come next by importance: who
        # opens a bundle, which is named by its most important clade, sees some of the others in it as well.
        keep |= _first(importance, clades.inside(focus), budget // 2)
        beside = np.flatnonzero((clades.parents == clades.parents[focus]) & (importance > clades.importance[focus]))
        keep[beside[np.argsort(importance[beside], kind="stable")[: budget // 4]]] = True
    keep |= _first(importance, ~keep, budget - int(keep.sum()))
    return keep | (importance < 0)


def _first(importance: Ints, among: Bools, count: int) -> Bools:
    """The `count` most important of these."""
    values = importance[among]
    if len(values) <= count:
        return among
    chosen: Bools = among & (importance < np.partition(values, count)[count])
    return chosen


def _tops(clades: Clades, keep: Bools) -> Ints:
    """The roots of the clades that are not drawn."""
    above = clades.parents
    return np.flatnonzero(~keep & ((above < 0) | keep[above]))


def _grouped(parents: Ints) -> tuple[Ints, int]:
    """For each its group of those that have the same parent, and the number of groups."""
    values, group = np.unique(parents, return_inverse=True)
    return group, len(values)


def _placed(clades: Clades, keep: Bools, tops: Ints, focus: int | None) -> Layout:
    drawn = np.flatnonzero(keep)
    group, groups = _grouped(clades.parents[tops])
    items = len(drawn) + groups
    owners = np.full(len(clades), -1, dtype=np.int64)
    owners[drawn] = np.arange(len(drawn))
    owners[tops] = len(drawn) + group
    places = np.concatenate([drawn, _names(clades, tops, group, groups, focus)])
    parents = clades.parents[places]
    parents = np.where(parents >= 0, owners[parents], -1)
    for level in levels(clades.depths):
        lost = level[owners[level] < 0]
        owners[lost] = owners[clades.parents[lost]]
    starts, leaves = _heights(parents, items)
    hidden = np.concatenate([np.zeros(len(drawn), dtype=np.int64), np.bincount(group, minlength=groups)])
    return Layout(places, hidden, owners, parents, clades.depths[places], starts, leaves)


def _names(clades: Clades, tops: Ints, group: Ints, groups: int, focus: int | None) -> Ints:
    """The program by which each bundle is known: the most important one of those that come after the siblings that a
    focus
    brought, so that who opens the same bundle again and again sees all; else the most important one."""
    order = clades.importance[tops].copy()
    if focus is not None:
        order[(clades.parents[tops] == clades.parents[focus]) & (order < clades.importance[focus])] += len(clades)
    names = np.zeros(groups, dtype=np.int64)
    latest_first = np.argsort(-order, kind="stable")
    names[group[latest_first]] = tops[latest_first]
    return names


def _heights(parents: Ints, items: int) -> tuple[Ints, Ints]:
    """Where each item begins, in leaves, and how many it has: children of one parent follow each other."""
    leaves = np.ones(items, dtype=np.int64)
    leaves[parents[parents >= 0]] = 0
    for level in reversed(levels(steps_up(parents))[1:]):
        np.add.at(leaves, parents[level], leaves[level])
    order = np.argsort(parents, kind="stable")
    before = np.empty(items, dtype=np.int64)
    ends = np.cumsum(leaves[order])
    before[order] = ends - leaves[order]
    # Counted from the first of the siblings.
    sibling_starts = np.full(items + 1, np.iinfo(np.int64).max)
    np.minimum.at(sibling_starts, parents + 1, before)
    before -= sibling_starts[parents + 1]
    return steps_up(parents, before), leaves
