"""Which programs of a tree are drawn and where, for trees of any shape."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archive.rows import STATUSES, Tree
from evolve.core.types import Objective, Status
from evolve.web.clades import Clades, clades, posterior, steps_up
from evolve.web.tree_columns import columns
from evolve.web.tree_layout import MOST, Layout, layout

LESS = Objective("cost", "minimize")
OK, CRASHED = STATUSES.index(Status.OK), STATUSES.index(Status.CRASHED)


def grown(parents: list[int], failed: frozenset[int] = frozenset()) -> Clades:
    count = len(parents)
    rng = np.random.default_rng(count)
    ok = np.array([number not in failed for number in range(count)], dtype=bool)
    tree = Tree(
        np.arange(count, dtype=np.int64) * 2,
        [f"{number:032x}" for number in range(count)],
        np.array(parents, dtype=np.int64),
        np.where(ok, OK, CRASHED).astype(np.int8),
        np.where(ok, rng.normal(size=count), np.nan),
        np.where(ok, (rng.random(count) < 0.3).astype(float), 0.0),
        np.ones(count),
    )
    return clades(tree, LESS)


@st.composite
def trees(draw: st.DrawFn) -> Clades:
    """Forests of up to 60 programs, some of which failed."""
    count = draw(st.integers(1, 60))
    parents = [
        draw(st.integers(-1 if draw(st.booleans()) else max(-1, number - 2), number - 1)) for number in range(count)
    ]
    return grown(parents, frozenset(draw(st.sets(st.integers(0, count - 1), max_size=5))))


def check(found: Clades, drawn: Layout) -> None:
    """What holds for every picture."""
    items = len(drawn.places)
    programs = drawn.hidden == 0
    own = np.arange(items)
    assert (drawn.parents < own).all(), "parents stand before their children"
    assert (np.diff(drawn.places[programs]) > 0).all()
    above = found.parents[drawn.places]
    kept = drawn.parents >= 0
    assert (drawn.places[drawn.parents[kept]] == above[kept]).all()
    assert (above[~kept] < 0).all(), "only what has no parent is drawn without one"
    # Every program of the run is in one item.
    assert (drawn.owners >= 0).all()
    assert (drawn.owners[drawn.places[programs]] == own[programs]).all()
    sizes = np.bincount(drawn.owners, minlength=items)
    assert (sizes[programs] == 1).all()
    assert sizes.sum() == len(found)
    assert (sizes[~programs] >= 2).all(), "a program alone is no bundle"
    assert (drawn.hidden[~programs] <= sizes[~programs]).all()
    # A clade's items fill their heights without a gap, inside of their parent's.
    ends = drawn.starts + drawn.leaves
    for item in range(items):
        inside = np.flatnonzero(drawn.parents == item)
        if not len(inside):
            assert drawn.leaves[item] == 1
            continue
        assert drawn.starts[inside[0]] == drawn.starts[item]
        assert ends[inside[-1]] == ends[item]
        assert (drawn.starts[inside[1:]] == ends[inside[:-1]]).all()
        assert (drawn.hidden[inside[:-1]] == 0).all(), "the bundle is the last of its siblings"
    roots = np.flatnonzero(~kept)
    assert drawn.starts[roots[0]] == 0
    assert (drawn.starts[roots[1:]] == ends[roots[:-1]]).all()


@given(trees(), st.integers(2, 70), st.data())
@settings(max_examples=150, deadline=None)
def test_parents_come_first_clades_stand_together_and_nothing_is_lost(
    found: Clades, most: int, data: st.DataObject
) -> None:
    place = st.integers(0, len(found) - 1)
    focus = data.draw(st.none() | place)
    always = data.draw(st.lists(place, max_size=2))
    drawn = layout(found, most, focus=focus, always=always)
    check(found, drawn)
    if len(found) <= most:
        assert len(drawn.places) == len(found)
    for wanted in (*always, *([] if focus is None else [focus])):
        if found.depths[wanted] < most // 2:
            assert drawn.hidden[drawn.owners[wanted]] == 0, "what is asked for is not folded up"


@given(trees())
@settings(max_examples=80, deadline=None)
def test_sums_of_clades_are_those_of_their_programs(found: Clades) -> None:
    for place in range(len(found)):
        inside = found.inside(place)
        assert found.programs[place] == inside.sum()
        assert found.evaluations[place] == pytest.approx(found.tree.evaluations[inside].sum())
        inside[place] = False  # its own outcome is a trial of its parent
        outcomes = found.tree.outcomes[inside]
        assert found.trials[place] == np.isfinite(outcomes).sum()
        assert found.successes[place] == np.nansum(outcomes)
        above = found.parents[place]
        assert above < 0 or found.importance[above] < found.importance[place]
        assert found.above(place)[-1] == place
        assert len(found.above(place)) == found.depths[place] + 1


def test_small_and_bad_clades_are_folded_first() -> None:
    parents = [-1, *[0] * 50, *[1] * 40]
    found = grown(parents)
    drawn = layout(found, 20)
    assert drawn.hidden[drawn.owners[1]] == 0, "the largest clade"
    assert drawn.hidden[drawn.owners[int(np.nanargmax(found.ranks))]] == 0, "the best program"
    assert len(drawn.places) <= 20


def test_a_deep_chain_needs_no_recursion() -> None:
    found = grown([-1, *range(4999)])
    check_heights = layout(found)
    assert found.depths[-1] == 4999
    assert found.programs[0] == 5000
    assert (check_heights.leaves == 1).all()
    folded = layout(found, 1000, focus=3000)
    assert len(folded.places) == 501
    assert folded.hidden[-1] == 1


def test_a_star_of_a_hundred_thousand_is_one_bundle_and_its_best() -> None:
    found = grown([-1, *[0] * 99_999])
    drawn = layout(found)
    assert len(drawn.places) <= MOST
    assert (drawn.hidden > 0).sum() == 1
    assert drawn.hidden[-1] == 100_000 - (len(drawn.places) - 1)
    # Who opens the bundle again and again sees others each time.
    seen = set(drawn.places.tolist())
    for _ in range(3):
        drawn = layout(found, focus=int(drawn.places[-1]))
        new = set(drawn.places.tolist()) - seen
        assert len(new) > 2000
        seen |= new


def test_columns_say_of_a_bundle_what_its_programs_have() -> None:
    found = grown([-1, *[0] * 300, *[1] * 30], frozenset(range(290, 300)))
    drawn = layout(found, 40)
    said = columns(found, drawn, [0, 1], None, LESS)
    items = said["items"]
    bundle = len(drawn.places) - 1
    assert items["hidden"][bundle] > 0
    inside = drawn.owners == bundle
    outcomes = found.tree.outcomes[inside]
    assert items["programs"][bundle] == inside.sum()
    assert items["outcomes"][bundle] == len(outcomes)
    assert items["posteriors"][bundle] == round(1000 * (outcomes.sum() + 1) / (len(outcomes) + 2))
    assert items["ranks"][bundle] == round(1000 * np.nanmax(found.ranks[inside]))
    assert said["programs"] == 331
    assert said["failures"] == 10
    assert said["path"] == [0, drawn.owners[1]]
    assert said["leaves"] == drawn.leaves[0]
    assert {len(column) for column in items.values()} == {len(drawn.places)}


def test_scores_of_the_legend_go_from_the_worst_to_the_best() -> None:
    found = grown([-1, 0, 0, 0, 0])
    scores = columns(found, layout(found), [], None, LESS)["scores"]
    assert scores == sorted(scores, reverse=True)
    assert scores[-1] == pytest.approx(found.tree.values.min(), rel=1e-4)


def test_parents_that_come_later_are_none() -> None:
    found = grown([2, 0, 1])
    assert found.parents.tolist() == [-1, 0, 1]


def test_an_empty_tree_has_no_items() -> None:
    found = grown([])
    said = columns(found, layout(found), [], None, LESS)
    assert said["items"]["ids"] == []
    assert said["leaves"] == said["depth"] == said["last_record"] == 0


def test_without_an_objective_nothing_has_a_rank() -> None:
    found = clades(grown([-1, 0]).tree, None)
    said = columns(found, layout(found), [], None, None)
    assert said["items"]["ranks"] == [None, None]
    assert said["scores"] == [None] * 5


def test_a_posterior_without_evidence_is_one_half() -> None:
    assert posterior(0.0, 0.0) == 0.5
    assert posterior(3.0, 8.0) == 0.4


def test_steps_up_add_lengths_along_the_way() -> None:
    parents = np.array([-1, 0, 1, 2, 1])
    assert steps_up(parents).tolist() == [0, 1, 2, 3, 2]
    assert steps_up(parents, np.array([5, 1, 2, 3, 4])).tolist() == [5, 6, 8, 11, 10]
