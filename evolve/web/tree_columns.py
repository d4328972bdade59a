"""A drawn tree as columns of JSON, short enough to be sent whole: one entry for each item in each column."""

from __future__ import annotations

from typing import Any

import numpy as np
from pydantic import BaseModel

from archive.rows import STATUSES
from evolve.core.types import Objective
from evolve.web.clades import SCORED, Clades, posterior
from evolve.web.tree_layout import Layout

QUARTILES = (0.0, 0.25, 0.5, 0.75, 1.0)


class Items(BaseModel):
    """Columns; the items are those of `evolve.web.tree_layout.Layout`.

    `heights` are of the middle of each item, in half leaves. `hidden` counts the clades of a bundle; all else that is
    said of a bundle is said of its programs together, but `ids` and `records` name its most important program. `status`
    is a place in `Picture.statuses`. `ranks` are per mille of the scored programs that a program is at least as good
    as, of a bundle those of its best program; null where nothing has a score. `programs` and `evaluations` are sums
    over the clade; `outcomes` counts those of the descendants (of a bundle: of all its programs), `posteriors` are per
    mille.
    """

    ids: list[str]
    records: list[int]
    parents: list[int]
    depths: list[int]
    heights: list[int]
    hidden: list[int]
    status: list[int]
    ranks: list[int | None]
    values: list[float | None]
    programs: list[int]
    evaluations: list[float]
    outcomes: list[float]
    posteriors: list[int]


class Picture(BaseModel):
    """The tree of a run.

    `path` leads to the champion and `focus` is the item that was asked for, both by the items' places. `leaves` is the
    height of the whole, `depth` its greatest depth, `scores` the values of the first objective at ranks of 0, 1/4, 1/2,
    3/4 and 1; `programs` and `failures` count all of the run. In a published folder
    `pages` are the addresses of the programs' pages, null for those that are not in it.
    """

    metric: str | None
    direction: str | None
    statuses: list[str]
    scored: list[bool]
    programs: int
    failures: int
    leaves: int
    depth: int
    last_record: int
    scores: list[float | None]
    path: list[int]
    focus: int | None
    items: Items
    pages: list[str | None] | None = None


def columns(
    clades: Clades, layout: Layout, path: list[int], focus: int | None, objective: Objective | None
) -> dict[str, Any]:
    """What `Picture` describes, as plain values. `path` and `focus` are places in the tree."""
    tree, places = clades.tree, layout.places
    owners = layout.owners
    line = list(dict.fromkeys(owners[path].tolist()))
    failures = ~SCORED[tree.statuses]
    return {
        "metric": objective.metric if objective else None,
        "direction": objective.direction if objective else None,
        "statuses": [status.value for status in STATUSES],
        "scored": SCORED.tolist(),
        "programs": len(clades),
        "failures": int(failures.sum()),
        "leaves": int(layout.leaves[layout.parents < 0].sum()),
        "depth": int(layout.depths.max(initial=0)),
        "last_record": int(tree.numbers[-1]) if len(clades) else 0,
        "scores": _scores(clades),
        "path": line,
        "focus": int(owners[focus]) if focus is not None else None,
        "items": {
            "ids": [tree.program_ids[place] for place in places.tolist()],
            "records": tree.numbers[places].tolist(),
            "parents": layout.parents.tolist(),
            "depths": layout.depths.tolist(),
            "heights": (2 * layout.starts + layout.leaves).tolist(),
            "hidden": layout.hidden.tolist(),
            "status": tree.statuses[places].tolist(),
            "values": [_short(value) for value in tree.values[places].tolist()],
            **_sums(clades, layout),
        },
    }


def _sums(clades: Clades, layout: Layout) -> dict[str, list[Any]]:
    """Columns of sums over what an item stands for, and its rank."""
    items, places, is_bundle = len(layout.places), layout.places, layout.hidden > 0
    outcomes = clades.tree.outcomes
    known = np.isfinite(outcomes)

    def whole(own: Any, clade: Any) -> Any:
        """Of a program its clade's sum, of a bundle the sum of what its programs have."""
        return np.where(is_bundle, np.bincount(layout.owners, own, items), clade[places])

    programs = whole(None, clades.programs)
    evaluations = whole(np.nan_to_num(clades.tree.evaluations, posinf=0.0, neginf=0.0), clades.evaluations)
    trials = whole(known.astype(float), clades.trials)
    successes = whole(np.where(known, outcomes, 0.0), clades.successes)
    ranks = np.full(items, -1.0)
    np.maximum.at(ranks, layout.owners, np.where(np.isnan(clades.ranks), -1.0, clades.ranks))
    return {
        "ranks": [rank if rank >= 0 else None for rank in np.rint(1000 * ranks).astype(int).tolist()],
        "programs": programs.astype(int).tolist(),
        "evaluations": np.round(evaluations, 1).tolist(),
        "outcomes": np.round(trials).astype(int).tolist(),
        "posteriors": np.rint(1000 * posterior(successes, trials)).astype(int).tolist(),
    }


def _scores(clades: Clades) -> list[float | None]:
    """Values by rank, for a legend."""
    scored = np.flatnonzero(~np.isnan(clades.ranks))
    if not len(scored):
        return [None] * len(QUARTILES)
    order = scored[np.argsort(clades.ranks[scored], kind="stable")]
    picked = order[np.rint(np.array(QUARTILES) * (len(order) - 1)).astype(int)]
    return [_short(value) for value in clades.tree.values[picked].tolist()]


def _short(value: float) -> float | None:
    return float(f"{value:.5g}") if np.isfinite(value) else None
