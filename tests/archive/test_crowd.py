"""Groups of equal arms find every arm as often as one draw for each arm, whatever way their counts came about."""

from __future__ import annotations

import numpy as np

from archive import descent
from archive.clade import CladeTree
from archive.crowd import Crowd, Vector, _highest
from archive.descent import Descent
from evolve.core.rng import generator


def shapes(successes: Vector, trials: Vector) -> tuple[Vector, Vector]:
    return 1.0 + successes, 1.0 + trials - successes


def test_the_highest_of_many_draws() -> None:
    rng = generator(1, "highest")
    cases = [(1.0, 1.0, 30), (2.0, 5.0, 300), (1.0, 21.0, 3000)]
    for a, b, size in cases:
        direct = rng.beta(a, b, (400, size)).max(axis=1)
        made = _highest(rng, np.full(400, a), np.full(400, b), np.full(400, size))
        # Two samples of 400 from one distribution: no quantile is far from the other's.
        for part in (0.25, 0.5, 0.75):
            assert abs((made < np.quantile(direct, part)).mean() - part) < 0.11


def test_arms_win_as_often_as_with_a_draw_each() -> None:
    counts = [(0.0, 0.0)] * 40 + [(0.0, 1.0)] * 60 + [(1.0, 1.0)] * 5 + [(3.0, 4.0), (9.0, 30.0), (0.0, 50.0)]
    crowd = Crowd(range(len(counts)), counts.__getitem__)
    rng, rounds = generator(2, "crowd"), 3000
    wins = np.bincount([crowd.draw(rng, shapes)[0] for _ in range(rounds)], minlength=len(counts)) / rounds
    a, b = shapes(*np.array(counts).T)
    direct = np.bincount(rng.beta(a, b, (rounds, len(counts))).argmax(axis=1), minlength=len(counts)) / rounds
    for kind in sorted(set(counts)):
        members = [arm for arm, one in enumerate(counts) if one == kind]
        assert abs(wins[members].sum() - direct[members].sum()) < 0.04
    assert (wins[:40] > 0).all()


def test_draws_depend_on_the_counts_alone() -> None:
    rng = generator(3, "order")
    counts = dict.fromkeys(range(300), (0.0, 0.0))
    crowd = Crowd(range(200), counts.__getitem__)
    for number in range(400):
        arm = int(rng.integers(200 + number // 4))
        counts[arm] = (float(rng.integers(3)), 3.0)
        crowd.touch(arm)
        if number % 7 == 0:
            crowd.draw(rng, shapes)
    fresh = Crowd(range(300), counts.__getitem__)
    for arm in range(200, 300):
        crowd.touch(arm)
    for number in range(50):
        assert crowd.draw(generator(number, "a"), shapes) == fresh.draw(generator(number, "a"), shapes)


def test_a_node_with_many_children_is_descended_from_alike(monkeypatch) -> None:  # type: ignore[no-untyped-def]
    """Outcomes, new children and removals reach the groups; a tree that pools all at once draws the same."""
    monkeypatch.setattr(descent, "CROWDED", 30)
    rng = generator(4, "tree")
    told: list[tuple[str, int, float]] = [("add", -1, 0.0)] * 2
    for _ in range(300):
        told.append(("add", int(rng.integers(4)) if rng.random() < 0.8 else int(rng.integers(50)), 0.0))
        told.append(("record", int(rng.integers(50)), float(rng.integers(2))))
    told.append(("remove", 1, 0.0))
    for peaks in (False, True):
        live, descend = CladeTree(peaks), None
        for number, (kind, node, outcome) in enumerate(told):
            _tell(live, kind, node, outcome)
            descend = descend or Descent(live, peaks)
            if number % 3 == 0:
                descend(generator(number, "live"), shapes)
        replayed = CladeTree(peaks)
        for kind, node, outcome in told:
            _tell(replayed, kind, node, outcome)
        assert descend is not None and live.watchers
        later = Descent(replayed, peaks)
        ends = [descend(generator(number, "end"), shapes) for number in range(200)]
        assert ends == [later(generator(number, "end"), shapes) for number in range(200)]
        assert len(set(ends)) > 20


def _tell(tree: CladeTree, kind: str, node: int, outcome: float) -> None:
    if kind == "add":
        tree.add(node if 0 <= node < len(tree) else None)
    elif kind == "record":
        tree.record(node % len(tree), outcome)
    else:
        tree.remove(node)
