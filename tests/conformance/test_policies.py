"""Every policy keeps to the contract: each of ours, with its options, and each that others have installed."""

from __future__ import annotations

from importlib.metadata import entry_points

from archive.policies import GROUP, POLICIES, make_policy
from archive.policies.base import Policy, Terms
from archive.policies.conformance import PolicyConformance


class _Named(PolicyConformance):
    """A policy by the text that stands for it."""

    text: str

    def make(self, terms: Terms) -> Policy:
        return make_policy(self.text, terms)


class TestIndependent(_Named):
    text = "independent"
    learns = False


class TestSequential(_Named):
    text = "sequential"


class TestHill(_Named):
    text = "hill"


class TestHillInRounds(_Named):
    text = "hill:samples=4"
    turns = 4


class TestClade(_Named):
    text = "clade"


class TestIslands(_Named):
    text = "islands:count=3,every=4"
    turns = 3


class TestParetoByInstances(_Named):
    text = "pareto:fronts=instances"


class TestParetoByObjectives(_Named):
    text = "pareto:fronts=objectives"


class TestPortfolio(_Named):
    text = "portfolio:members=hill+clade+islands:count=2/every=3+pareto"
    turns = 8


def test_every_policy_has_a_class_here() -> None:
    tested = {one.text.partition(":")[0] for one in _Named.__subclasses__()}
    assert tested >= set(POLICIES)


for point in entry_points(group=GROUP):
    globals()[f"Test_{point.name}"] = type(f"Test_{point.name}", (_Named,), {"text": point.name})
