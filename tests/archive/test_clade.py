"""Pooled sums equal a count from scratch after any sequence of additions, outcomes and withdrawals."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from archive.clade import CladeTree

Step = tuple[str, int, float, float]

STEPS = st.lists(
    st.tuples(
        st.sampled_from(["root", "child", "record", "take back"]),
        st.integers(0, 1000),
        st.sampled_from([0.0, 1.0, 0.5]),
        st.sampled_from([0.0, 1.0, 2.0]),
    ),
    max_size=60,
)


def _clade(tree: CladeTree, node: int) -> set[int]:
    """A node and all its descendants, from the parents alone."""
    members = {node}
    for later in range(node + 1, len(tree)):
        if tree.parents[later] in members:
            members.add(later)
    return members


@settings(max_examples=150, deadline=None)
@given(STEPS)
def test_sums_equal_a_recomputation(steps: list[Step]) -> None:
    tree = CladeTree()
    told: list[tuple[int, float, float]] = []
    for kind, pick, success, trials in steps:
        if kind == "root" or not len(tree):
            assert tree.add(None) == len(tree) - 1
        elif kind == "child":
            assert tree.add(pick % (len(tree))) == len(tree) - 1
        elif kind == "record":
            told.append((pick % len(tree), success, trials))
            tree.record(*told[-1])
        elif told:
            node, old_success, old_trials = told.pop(pick % len(told))
            tree.withdraw(node, old_success, old_trials)
    for node in range(len(tree)):
        own = [(s, t) for at, s, t in told if at == node]
        assert tree.own_successes[node] == sum(s for s, _ in own)
        assert tree.own_trials[node] == sum(t for _, t in own)
        members = _clade(tree, node)
        assert tree.clade_successes[node] == sum(s for at, s, _ in told if at in members)
        assert tree.clade_trials[node] == sum(t for at, _, t in told if at in members)
        assert all(tree.parents[child] == node for child in tree.children(node))
    assert sorted(c for node in range(len(tree)) for c in tree.children(node)) == [
        i for i, p in enumerate(tree.parents) if p >= 0
    ]


def test_an_outcome_counts_once_in_each_ancestor() -> None:
    tree = CladeTree()
    root = tree.add(None)
    child = tree.add(root)
    grandchild, sibling = tree.add(child), tree.add(root)
    tree.record(grandchild, 1.0)
    tree.record(child, 0.0)
    assert tree.clade_trials.tolist() == [2.0, 2.0, 1.0, 0.0] and tree.clade_successes.tolist() == [1.0, 1.0, 1.0, 0.0]
    assert tree.own_trials.tolist() == [0.0, 1.0, 1.0, 0.0]
    tree.withdraw(grandchild, 1.0)
    assert tree.clade_trials.tolist() == [1.0, 1.0, 0.0, 0.0] and tree.clade_successes.tolist() == [0.0] * 4
    assert tree.parents[sibling] == root and tree.children(root).tolist() == [child, sibling]


def test_a_later_child_takes_over_nothing() -> None:
    tree = CladeTree()
    root = tree.add(None)
    tree.record(root, 1.0)
    child = tree.add(root)
    assert tree.clade_trials[child] == 0.0 and tree.clade_trials[root] == 1.0


def test_a_removed_node_leaves_its_children_and_its_counts_to_its_parent() -> None:
    tree = CladeTree()
    root = tree.add(None)
    middle, sibling = tree.add(root), tree.add(root)
    leaf = tree.add(middle)
    tree.record(middle, 1.0)
    tree.record(leaf, 0.0)
    tree.remove(middle)
    assert [tree.children(node).tolist() for node in range(4)] == [[sibling, leaf], [], [], []]
    assert tree.parents[leaf] == root
    assert tree.clade_trials[root] == 2.0 and tree.own_trials[root] == 0.0 and tree.clade_successes[root] == 1.0
    # Work that was under way: it counts above, and its program joins there.
    late = tree.add(middle)
    tree.record(middle, 1.0)
    tree.record(late, 1.0)
    assert tree.children(root).tolist() == [sibling, leaf, late]
    assert tree.clade_trials[root] == 4.0 and tree.own_trials[root] == 0.0


def test_children_of_a_removed_root_are_roots() -> None:
    tree = CladeTree()
    first, second = tree.add(None), tree.add(None)
    child = tree.add(first)
    tree.remove(first)
    assert tree.roots.tolist() == [second, child]
    tree.remove(child)
    assert tree.roots.tolist() == [second] and tree.add(child) == 3 and tree.roots.tolist() == [second, 3]
    assert len(tree) == 4
