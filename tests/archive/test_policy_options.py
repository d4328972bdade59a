"""From what people write to a policy: names, options, and what is said of wrong ones; policies of others."""

from __future__ import annotations

from pathlib import Path

import pytest

from archive.policies import POLICIES, check_policy, make_policy
from archive.policies.base import Terms
from archive.policies.hill import Hill
from archive.policies.islands import Islands
from archive.policies.options import DEFAULT_MEMBERS
from archive.policies.play import TERMS, Play
from archive.policies.portfolio import LEAST, Portfolio
from evolve.core.errors import UsageError
from evolve.core.types import Status

THEIRS = """
from archive.policies.independent import Independent

class Mine(Independent):
    def __init__(self, terms, options):
        super().__init__()
        self.made_of = terms, options

make = Mine
def broken(terms, options):
    raise AssertionError("no luck")
def nothing(terms, options):
    return None
"""


@pytest.fixture
def third_party(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An installed distribution that brings policies, most of which do not work."""
    (tmp_path / "their_policies.py").write_text(THEIRS)
    about = tmp_path / "their_policies-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: their-policies\nVersion: 1.0\n")
    names = {"mine": "make", "broken": "broken", "nothing": "nothing", "gone": "gone"}
    lines = [f"{name} = their_policies:{made}" for name, made in names.items()]
    (about / "entry_points.txt").write_text("\n".join(["[evolve.policies]", *lines, "lost = lost_policies:make", ""]))
    monkeypatch.syspath_prepend(tmp_path)


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        *((name, name) for name in POLICIES),
        (" hill ", "hill"),
        ("hill: samples = 8", "hill:samples=8"),
        ("hill:samples=1", "hill"),
        ("islands:bins=8,count=2,every=40", "islands:count=2"),
        ("pareto:fronts=instances", "pareto:fronts=instances"),
        ("portfolio:members=hill: samples=1 + islands:bins=3/count=2", "portfolio:members=hill+islands:count=2/bins=3"),
        (f"portfolio:members={DEFAULT_MEMBERS}", "portfolio"),
    ],
)
def test_a_text_has_one_way_of_writing_it(text: str, canonical: str) -> None:
    """Which is what is stored with a run, and makes the same policy again."""
    assert check_policy(text) == check_policy(canonical) == canonical
    assert type(make_policy(text, TERMS).inner) is type(make_policy(canonical, TERMS).inner)


@pytest.mark.parametrize(
    ("text", "message", "remedy"),
    [
        ("clad", "there is no policy 'clad'", "Did you mean clade? There are: clade, hill, islands"),
        ("", "there is no policy ''", "There are: clade"),
        ("hill:sample=8", "the policy hill has no option 'sample'", "Did you mean samples?"),
        ("independent:samples=8", "independent has no option 'samples'", "It has no options."),
        ("hill:samples=0", "hill: samples: Input should be greater", "before the climb moves"),
        ("hill:samples=many", "hill: samples: Input should be a valid integer", "before the climb moves"),
        ("pareto:fronts=all", "pareto: fronts: Input should be 'auto', 'instances' or 'objectives'", "must lead"),
        ("hill:8", "the options of the policy 'hill:8' can not be read", "NAME:KEY=VALUE"),
        ("portfolio:members=hill+portfolio", "portfolio: members: portfolio can be no member", "joined by"),
        ("portfolio:members=hill+clad", "there is no policy 'clad'", "Did you mean clade?"),
        ("portfolio:members=", "there is no policy ''", "There are"),
        (
            "portfolio:members=hill:samples=8/sample=4",
            "the policy hill has no option 'sample'",
            "Did you mean samples?",
        ),
    ],
)
def test_what_can_not_be_honoured_names_the_nearest(text: str, message: str, remedy: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        check_policy(text)
    assert remedy in caught.value.remedy
    with pytest.raises(UsageError, match=message):
        make_policy(text, TERMS)


def test_options_reach_the_policy() -> None:
    hill, islands = make_policy("hill:samples=8", TERMS).inner, make_policy("islands:count=2,bins=3", TERMS).inner
    assert isinstance(hill, Hill) and hill._samples == 8
    assert isinstance(islands, Islands) and (islands._count, islands._bins) == (2, 3)


def test_features_are_those_of_the_run_else_length_and_a_second_objective_is_among_them() -> None:
    for declared, taken in (((), ("length", "operations")), (("depth", "operations"), ("depth", "operations"))):
        islands = make_policy("islands", Terms(TERMS.objectives, features=declared)).inner
        assert isinstance(islands, Islands) and islands._features == taken


def test_a_portfolio_begins_with_as_many_members_as_the_budget_allows() -> None:
    for evaluations, count in (
        (1, 1),
        (4 * LEAST * 3, 3),
        (300, 9),
        (4 * LEAST * 12, 12),
        (1e9, 12),
        (float("inf"), 12),
    ):
        portfolio = make_policy("portfolio", Terms(TERMS.objectives, evaluations=evaluations)).inner
        assert isinstance(portfolio, Portfolio) and len(portfolio.active) == count


@pytest.mark.usefixtures("third_party")
def test_a_policy_of_another_distribution() -> None:
    assert check_policy("mine: depth = 3") == "mine:depth=3"
    play = Play(lambda terms: make_policy("mine:depth=3", terms))
    assert play.policy.inner.made_of == (TERMS, {"depth": "3"})  # type: ignore[attr-defined]
    play.tell(play.ask(), (Status.OK, 1.0, 1.0, "none"))
    assert check_policy("portfolio:members=hill+mine:depth=3") == "portfolio:members=hill+mine:depth=3"


@pytest.mark.usefixtures("third_party")
@pytest.mark.parametrize(
    ("name", "message", "remedy"),
    [
        ("broken", "the policy broken can not be made: AssertionError: no luck", "entry point evolve.policies"),
        ("nothing", "the policy nothing has no method plant", "entry point evolve.policies"),
        ("gone", "the policy gone can not be loaded: AttributeError", "their-policies"),
        ("lost", "the policy lost can not be loaded: ModuleNotFoundError", "their-policies"),
        ("min", "there is no policy 'min'", "Did you mean mine?"),
    ],
)
def test_a_policy_of_others_that_does_not_work_is_named(name: str, message: str, remedy: str) -> None:
    if name != "min":
        assert check_policy(name) == name  # nothing is imported to look at a name
    with pytest.raises(UsageError, match=message) as caught:
        make_policy(name, TERMS)
    assert remedy in caught.value.remedy
