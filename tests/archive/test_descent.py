"""Thompson sampling by descent, and the two ways in which it goes wrong when it is done naively."""

from __future__ import annotations

import math

import numpy as np
import pytest
from clade_play import ONE, Garden, record_of

from archive.clade import CladeTree
from archive.crowd import Shapes
from archive.descent import Descent
from archive.outcomes import MAX_BACKED, OUTCOMES
from archive.policies.clade import MAX_WEIGHT, Clade
from evolve.core.errors import UsageError
from evolve.core.rng import generator
from evolve.core.types import Ticket

SIZE = 600


def shapes(weight: float) -> Shapes:
    return Clade(ONE, weight=weight)._shapes


@pytest.mark.parametrize("kind", OUTCOMES)
def test_the_tree_is_no_star(kind: str) -> None:
    garden = Garden(kind)
    garden.grow(SIZE)
    assert garden.degree() < SIZE / 10


def test_an_arm_of_own_scores_would_make_a_star(monkeypatch: pytest.MonkeyPatch) -> None:
    """The trap itself: a node's arm that is its own success does not learn from its expansions."""
    garden = Garden()
    monkeypatch.setattr(garden.policy._descent, "_own", lambda node: (garden.outcomes[node], 1.0))
    garden.grow(SIZE)
    assert garden.degree() > SIZE / 10


def _large_clades() -> CladeTree:
    """Two levels below the root: what is known of every clade is much, and differs little."""
    tree = CladeTree()
    root = tree.add(None)
    for _ in range(20):
        child = tree.add(root)
        for _ in range(20):
            tree.record(tree.add(child), 2.0, 10.0)
        tree.record(child, 25.0, 100.0)
    tree.record(root, 300.0, 1000.0)
    return tree


def _ends(weight: float) -> set[int]:
    descend = Descent(_large_clades())
    return {descend(generator(number, "ends"), shapes(weight)) for number in range(400)}


def test_descents_through_large_clades_reach_many_nodes() -> None:
    assert len(_ends(MAX_WEIGHT)) > 100


def test_narrow_posteriors_would_end_descents_early() -> None:
    """The trap itself: with all evidence in each posterior the largest clades win, and the way ends at the top."""
    assert len(_ends(math.inf)) < 30


def test_a_node_without_success_stays_selectable() -> None:
    tree = CladeTree()
    root = tree.add(None)
    poor, rich = tree.add(root), tree.add(root)
    tree.record(poor, 0.0, 1000.0)
    tree.record(rich, 250.0, 1000.0)
    descend = Descent(tree)
    ends = [descend(generator(number, "poor"), shapes(MAX_WEIGHT)) for number in range(2000)]
    assert 0 < ends.count(poor) < ends.count(rich)


def test_pending_work_makes_an_arm_less_likely() -> None:
    policy = Clade(ONE, elites=0.0)
    policy.plant(record_of(Ticket(0, "expand", (), (), "start", None, 0), 1.0, 1.0))
    for number in (1, 2):
        ticket = Ticket(number, "expand", ("p0",), (), "mutate", None, 0)
        policy.pending(ticket)
        policy.tell(record_of(ticket, 1.0, 1.0))
    before = [policy.ask(generator(i, "ask")).parents[0] for i in range(300)]
    for number in range(3, 13):
        policy.pending(Ticket(number, "expand", ("p1",), (), "mutate", None, 0))
    after = [policy.ask(generator(i, "ask")).parents[0] for i in range(300)]
    assert after.count("p1") < before.count("p1") / 2


def test_several_roots_are_arms() -> None:
    tree = CladeTree()
    good, bad = tree.add(None), tree.add(None)
    tree.record(good, 10.0, 20.0)
    tree.record(bad, 0.0, 20.0)
    descend = Descent(tree)
    ends = [descend(generator(number, "roots"), shapes(MAX_WEIGHT)) for number in range(200)]
    assert ends.count(good) > 180


def test_peaks_count_the_best_and_discount_it_by_trials() -> None:
    tree = CladeTree(peaks=True)
    lucky, steady = tree.add(None), tree.add(None)
    tree.record(lucky, 0.98, 1.0)
    for _ in range(49):
        tree.record(lucky, 0.0, 1.0)
    tree.record(steady, 0.9, 1.0)
    descent = Descent(tree, peaks=True)
    assert descent._clade(lucky) == (50.0 * 0.98**50.0, 50.0)
    assert descent._clade(steady) == (0.9, 1.0)
    successes, trials = descent._clades(np.array([lucky, steady], dtype=np.int32))
    assert np.allclose(successes / trials, [0.98**50, 0.9]) and trials.tolist() == [50.0, 1.0]


@pytest.mark.parametrize("kind", OUTCOMES)
def test_the_search_cools_down(kind: str) -> None:
    """With "cool" the last tickets go to fewer programs; the first ones are as without."""
    late, first = {}, {}
    for temperature in ("flat", "cool"):
        garden = Garden(kind, temperature=temperature, evaluations=200.0)
        first[temperature] = garden.policy._shapes(np.array([1.0]), np.array([3.0]))
        garden.grow(195)
        late[temperature] = {garden.policy.ask(generator(i, "late")).parents[0] for i in range(200)}
    assert np.allclose(first["cool"], first["flat"], rtol=0.01)
    assert len(late["cool"]) < 0.7 * len(late["flat"])


def test_nothing_cools_without_a_budget() -> None:
    counts = np.array([1.0, 20.0]), np.array([3.0, 90.0])
    assert np.allclose(Clade(ONE, temperature="cool")._shapes(*counts), Clade(ONE)._shapes(*counts))


def test_what_clades_can_not_be_made_of() -> None:
    wrong = ({"elites": 1.5}, {"elites": math.nan}, {"weight": 0.0}, {"weight": math.nan}, {"temperature": "warm"})
    for options in wrong:
        with pytest.raises(UsageError, match="policy clade"):
            Clade(ONE, **options)


def test_a_best_outcome_that_is_taken_back_leaves_the_next_best() -> None:
    policy = Clade(ONE, outcome=MAX_BACKED)
    policy.plant(record_of(Ticket(0, "expand", (), (), "start", None, 0), 1.0, 0.5))
    for number, outcome in ((1, 0.25), (2, 0.875), (3, 0.5)):
        ticket = Ticket(number, "expand", ("p0",), (), "mutate", None, 0)
        policy.pending(ticket)
        policy.tell(record_of(ticket, 1.0, outcome))
    assert policy._tree.clade_peaks[0] == 0.875
    policy._forget(2)
    policy._forget(2)
    assert (policy._tree.clade_peaks[0], policy._tree.clade_trials[0]) == (0.5, 2.0)
