"""Which runs a comparison is made of: reading policies, and the id by which its runs are found again."""

from __future__ import annotations

from dataclasses import replace

import pytest

from evolve.comparison import plan as plans
from evolve.comparison.plan import Plan, Trial, chosen_control, comparison_id, split_policies
from evolve.core.config import RunConfig
from evolve.core.errors import UsageError

CONFIG = RunConfig(0, "hill", 16, "seed", 100.0, 2000)
PLAN = Plan("c0ffee", "here", "v", ("hill", "clade"), (0, 1), CONFIG, {"archive": "a.db", "sandbox": None})


def test_options_stay_with_their_policy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plans, "check_policy", lambda name: name)
    assert split_policies(["hill,islands:cells=4,rate=0.1, clade"]) == ("hill", "islands:cells=4,rate=0.1", "clade")
    assert split_policies(["hill", "portfolio:members=hill+clade:x=1,y=2"]) == (
        "hill",
        "portfolio:members=hill+clade:x=1,y=2",
    )


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["hill"], "a comparison needs two policies"),
        ([""], "a comparison needs two policies"),
        (["hill,clade,hill"], "the policy hill is named twice"),
        (["hill,hil"], "hil"),
    ],
)
def test_wrong_policies(texts: list[str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        split_policies(texts)


def test_the_control_is_one_of_them() -> None:
    assert chosen_control(None, ("hill", "clade")) == "hill" and chosen_control("clade", ("hill", "clade")) == "clade"
    with pytest.raises(UsageError, match="none of the policies"):
        chosen_control("islands", ("hill", "clade"))


def test_a_bandit_is_part_of_an_arm() -> None:
    assert split_policies(["clade@uniform,clade"]) == ("clade@uniform", "clade")
    with pytest.raises(UsageError, match="no rule 'greedy'"):
        split_policies(["clade@greedy,clade"])
    begun = PLAN.beginning(Trial("clade@uniform", 7))
    assert (begun["policy"], begun["bandit"]) == ("clade", "uniform")
    assert PLAN.beginning(Trial("clade", 7))["bandit"] is None


def test_seeds_come_before_policies() -> None:
    assert PLAN.trials[:3] == (Trial("hill", 0), Trial("clade", 0), Trial("hill", 1))


def test_what_is_one_comparison(monkeypatch: pytest.MonkeyPatch) -> None:
    known = comparison_id("v", CONFIG)
    assert known == comparison_id("v", replace(CONFIG, seed=3, policy="clade"))
    assert known not in (comparison_id("w", CONFIG), comparison_id("v", replace(CONFIG, evaluations=101.0)))
    monkeypatch.setattr(plans, "code_digest", lambda: "other code")
    assert known != comparison_id("v", CONFIG)


def test_what_is_asked_of_a_run() -> None:
    begun = PLAN.beginning(Trial("clade", 7))
    assert (begun["policy"], begun["seed"], begun["evaluations"], begun["tags"]) == (
        "clade",
        7,
        100.0,
        {plans.TAG: "c0ffee"},
    )
    assert PLAN.resuming("abc") == {"archive": "a.db", "sandbox": None, "problem": "here", "resume": "abc"}
