"""Paired differences: the exact test against counting all signs, the correction, and what infinite ones do."""

from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import rankdata, wilcoxon

from evaluators.paired import holm, paired_difference, pairs_needed, signed_ranks


def _by_counting(differences: list[float]) -> float:
    """The two-sided probability, from every one of the 2**n signs."""
    nonzero = [one for one in differences if one]
    ranks = rankdata([abs(one) for one in nonzero])
    observed = sum(rank for rank, one in zip(ranks, nonzero, strict=True) if one > 0)
    sums = [sum(itertools.compress(ranks, signs)) for signs in itertools.product((0, 1), repeat=len(nonzero))]
    below = sum(one <= observed + 1e-9 for one in sums) / len(sums)
    above = sum(one >= observed - 1e-9 for one in sums) / len(sums)
    return min(1.0, 2.0 * min(below, above))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(-4, 4).map(float), min_size=1, max_size=9))
def test_the_test_is_exact_with_ties_and_zeros(differences: list[float]) -> None:
    effect, p = signed_ranks(differences)
    assert p == pytest.approx(_by_counting(differences))
    assert -1.0 <= effect <= 1.0
    assert signed_ranks([-one for one in differences]) == pytest.approx((-effect, p))


def test_without_ties_it_is_what_scipy_says() -> None:
    differences = [0.3, -0.1, 1.2, 0.8, 0.25, -0.05, 2.0, 0.9, 0.4, -0.7, 1.1, 0.6]
    assert signed_ranks(differences)[1] == pytest.approx(wilcoxon(differences, method="exact").pvalue)


def test_many_pairs_lose_no_precision() -> None:
    effect, p = signed_ranks([1.0 + one / 7 for one in range(300)])
    assert effect == 1.0 and p == pytest.approx(2.0**-299)


def test_holm_by_hand() -> None:
    # 4 * .01, 3 * .015, 2 * .03, and .04, which may not be below the one before it.
    assert holm([0.04, 0.01, 0.03, 0.015]) == pytest.approx([0.06, 0.04, 0.06, 0.045])
    assert holm([0.9, 0.8]) == [1.0, 1.0] and holm([]) == []


def test_so_many_pairs_are_needed() -> None:
    for tests in (1, 2, 8, 12):
        needed = pairs_needed(tests)
        assert tests * 2.0 * 0.5**needed <= 0.05 < tests * 2.0 * 0.5 ** (needed - 1)


def test_a_clear_difference_and_its_interval() -> None:
    found = paired_difference([0.9, 1.1, 1.0, 1.2, 0.8, 1.05, 0.95, 1.0])
    assert found.middle == pytest.approx(1.0, abs=0.02) and 0.85 < found.low <= found.middle <= found.high < 1.15
    assert (found.better, found.worse, found.pairs, found.effect) == (8, 0, 8, 1.0)
    assert found.p == pytest.approx(2 / 256) and found == paired_difference([0.9, 1.1, 1.0, 1.2, 0.8, 1.05, 0.95, 1.0])


def test_where_most_pairs_are_equal_the_effect_has_the_direction() -> None:
    found = paired_difference([0.0] * 31 + [0.5] * 9)
    assert found.middle == 0.0 and found.effect == 1.0 and found.p == pytest.approx(2.0**-8)


def test_failures_rank_beyond_all_numbers_and_never_become_one() -> None:
    found = paired_difference([-math.inf, -math.inf, math.inf, 0.5, 0.0])
    assert (found.better, found.worse) == (2, 2) and not math.isnan(found.middle)
    assert paired_difference([-math.inf] * 6).middle == -math.inf


def test_few_pairs_bound_nothing_and_no_pair_is_an_error() -> None:
    for count in (1, 5):
        found = paired_difference([2.0] * count)
        assert (found.middle, found.low, found.high) == (2.0, -math.inf, math.inf) and found.p > 0.05
    assert paired_difference([2.0] * 6).low == 2.0
    for wrong in ([], [math.nan]):
        with pytest.raises(ValueError, match="no differences"):
            paired_difference(wrong)
