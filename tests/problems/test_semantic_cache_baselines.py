"""Baselines of semantic-cache: what they decide, that the seed's rules can say it, and the numbers in the README."""

from __future__ import annotations

import re
from typing import Any

import pytest
from semantic_policies import (
    BASELINES,
    FOLDER,
    SEED,
    FakeSession,
    mean,
    program,
    ruled,
    streams,
    train,
    verifier,
)

from evolve.core.types import Split

SAID_BY_RULES = {
    "no_cache": ruled(weight="0.0"),
    "uniform": ruled("1.0 - 0.925", "1.0", "traffic"),
    "category_aware": ruled(
        "min(max(0.10, 0.25 - (0.20 - same) * 1.25), 0.25)", "lifetime * 0.25", "traffic * repeats"
    ),
}
GRID = [
    (threshold, windows, weight)
    for threshold in (0.8, 0.85, 0.9, 0.925, 0.95)
    for windows in (0.25, 1.0, 4.0, 8.0)
    for weight in ("1.0", "traffic")
]


def in_readme() -> dict[str, float]:
    """Train's column of the table of programs in the README."""
    text = (FOLDER / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `?(\w+)`? \| ([01]\.\d{4}) \|", text, flags=re.MULTILINE)
    return {name: float(value) for name, value in rows}


def test_every_baseline_is_here_and_cites_its_source() -> None:
    assert sorted(BASELINES) == sorted(SAID_BY_RULES)
    assert all(text.startswith('"""') for text in BASELINES.values())
    assert all("2510.26835" in BASELINES[name] for name in ("uniform", "category_aware"))


@pytest.mark.parametrize("name", ["seed", *BASELINES])
def test_each_number_of_the_readme_is_what_is_measured(name: str) -> None:
    text = SEED if name == "seed" else BASELINES[name]
    assert mean(program(text), train()) == pytest.approx(in_readme()[name], abs=0.002)


def test_the_bound_of_the_readme_is_what_is_measured() -> None:
    bounds = [verifier.floor(one).value for one in train()]
    assert sum(bounds) / len(bounds) == pytest.approx(in_readme()["floor"], abs=0.002)


@pytest.mark.parametrize("name", sorted(SAID_BY_RULES))
def test_the_rules_of_the_seed_can_say_what_the_baseline_does(name: str) -> None:
    for kind in ("mixed", "drift", "volatile"):
        instance = verifier.make_instance(kind, kind, streams.workload(kind, 8, 5, 150))
        by_rules, own = (
            verifier.play(FakeSession(program(text)), instance) for text in (SAID_BY_RULES[name], BASELINES[name])
        )
        for one, other in zip(by_rules, own, strict=True):
            for row, expected in zip(one, other, strict=True):
                # Nothing is looked up where the quota is 0.
                assert row[2] == pytest.approx(expected[2], abs=1e-12)
                assert row[2] == 0.0 or row[:2] == pytest.approx(expected[:2])


def test_the_uniform_policy_is_the_best_of_its_grid_on_train() -> None:
    found = {key: mean(program(ruled(f"1.0 - {key[0]}", f"{key[1]}", key[2])), train()) for key in GRID}
    assert min(found, key=lambda key: found[key]) == (0.925, 1.0, "traffic")


def test_baselines_come_in_the_order_that_the_paper_leads_to_expect() -> None:
    figures = in_readme()
    assert figures["floor"] < figures["category_aware"] < figures["uniform"] < figures["seed"] < figures["no_cache"]


def _window(**told: Any) -> dict[str, Any]:
    blank = {"right": [0] * 20, "other": [0] * 20, "stale": [0] * 20, "nearest": [0] * 20}
    numbers = {"queries": 10, "lookups": 10, "right_age": 0.0, "stale_age": 0.0}
    return {**blank, **numbers, **told}


def test_category_aware_reads_density_staleness_and_repetition() -> None:
    dense, sparse = [0] * 20, [0] * 20
    dense[17], sparse[8] = 100, 100  # cosines of 0.9375 and 0.7125
    configure = program(BASELINES["category_aware"])
    code = _window(right=dense, nearest=dense, lookups=100, right_age=100 * 21_600.0, queries=100)
    chat = _window(right=sparse, nearest=sparse, lookups=400, right_age=21_600.0 / 4, queries=400)
    (threshold, seconds, share), (loose, short, other) = configure([[code, chat]], 50)
    assert (threshold, loose) == (0.90, 0.75)
    # No change was seen: a quarter of one in all of the ages and a quarter of a window, and no more than ten windows.
    assert seconds == pytest.approx(0.25 * 10.0 * 21_600.0) and short == pytest.approx(0.25 * 2.0 * 21_600.0)
    assert share == pytest.approx(0.5) and other == pytest.approx(0.5)


def test_category_aware_lets_what_was_judged_stand_for_all_of_the_same_cosine() -> None:
    right, other, nearest = [0] * 20, [0] * 20, [0] * 20
    right[12], other[12], nearest[12] = 3, 1, 40
    configure = program(BASELINES["category_aware"])
    one, two = _window(right=right, other=other, nearest=nearest, lookups=60), _window(right=nearest, nearest=nearest)
    shares = [setting[2] for setting in configure([[one, two | {"lookups": 80}]], 50)]
    assert shares[0] / shares[1] == pytest.approx((30 / 60) / (40 / 80))


def test_facts_of_the_seed_are_what_its_docstrings_say() -> None:
    space: dict[str, Any] = {}
    exec(SEED, space)
    right, other, stale, nearest = ([0] * 20 for _ in range(4))
    right[18], stale[18], nearest[18] = 3, 1, 40  # a cosine of 0.9625, one in ten judged
    right[10], other[10], nearest[10] = 5, 5, 10  # 0.7625, all judged
    told = {"right": right, "other": other, "stale": stale, "nearest": nearest, "lookups": 60, "queries": 80}
    prices = {"model_seconds": 1.0, "model_money": 2.0, "penalty": 12.0, "regrets": 4}
    one = _window(**told, **prices, right_age=9 * 21_600.0, stale_age=21_600.0)
    facts = space["gathered"]([one])
    assert facts["same"] == pytest.approx(1 - (40 * 0.9625 + 5 * 0.7625 + 2 * 0.9) / 47)
    assert facts["other"] == pytest.approx(1 - (5 * 0.7625 + 2 * 0.7) / 7)
    # A fifth of 45 is 9: the 5 below, and a tenth of the 40 in the place from 0.95 to 0.975.
    assert facts["same_far"] == pytest.approx(1 - (0.95 + 0.025 * 4 / 40))
    assert facts["other_near"] == pytest.approx(1 - (0.75 + 0.025 * 0.8))
    assert facts["doubt"] == pytest.approx(5 / 50) and facts["worth"] == 0.25 and facts["call"] == 3.0
    assert facts["lifetime"] == pytest.approx((9 + 0.5 + 0.25) / 1.25)
    assert facts["repeats"] == pytest.approx((30 + 5) / 60) and facts["regret"] == 4 / 80
    # Another window with the same shares: traffic counts half as much, prices are the last.
    later = one | {"queries": 100, "lookups": 100, "model_money": 5.0}
    facts = space["gathered"]([one, later])
    assert facts["queries"] == 140 and facts["call"] == 6.0
    assert facts["repeats"] == pytest.approx((35 / 2 + 35) / (60 / 2 + 100))


def test_uniform_gives_quotas_by_recent_traffic() -> None:
    configure = program(BASELINES["uniform"])
    first, second = [[{"queries": a}, {"queries": b}] for a, b in ((100, 300), (200, 50))]
    found = configure([first, second], 50)
    assert [one[:2] for one in found] == [[0.925, 21_600.0]] * 2
    assert [one[2] for one in found] == pytest.approx([250 / 450, 200 / 450])


def test_the_report_split_is_no_place_for_the_search() -> None:
    kinds = {one.id.split("-")[0] for one in verifier.instances(Split.REPORT, 14, share=0.2)}
    assert {"burst", "surge", "studio", "gateway", "crowd"} <= kinds
