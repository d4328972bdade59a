"""Which policy chooses parents, as one strict record per policy, which also makes it.

`archive.policies` reads and writes the text that stands for it: `clade`, `hill:samples=8`, or `NAME:KEY=VALUE` for a
policy that another distribution brings.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from archive.policies.base import Policy, Terms


class Options(BaseModel):
    """What all have in common: their keys, and `make`."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    type: str

    def make(self, terms: Terms) -> Policy:
        """The policy, for a run of these terms."""
        raise NotImplementedError


class IndependentOptions(Options):
    """Always a start program."""

    type: Literal["independent"] = "independent"

    def make(self, terms: Terms) -> Policy:
        """See `Options`."""
        from archive.policies.independent import Independent

        return Independent()


class SequentialOptions(Options):
    """Always the last valid program."""

    type: Literal["sequential"] = "sequential"

    def make(self, terms: Terms) -> Policy:
        """See `Options`."""
        from archive.policies.sequential import Sequential

        return Sequential(terms.probation)


class HillOptions(Options):
    """The best so far."""

    type: Literal["hill"] = "hill"
    samples: int = Field(
        default=1, ge=1, le=10_000, description="Evaluated proposals from the same best before the climb moves."
    )

    def make(self, terms: Terms) -> Policy:
        """See `Options`."""
        from archive.policies.hill import Hill

        return Hill(terms.objectives, terms.probation, self.samples)


class CladeOptions(Options):
    """Thompson sampling over clades, and elites."""

    type: Literal["clade"] = "clade"
    elites: float = Field(default=0.75, ge=0.0, le=1.0, description="Share of tickets whose parent is an elite.")
    weight: float = Field(default=20.0, gt=0.0, description="Trials of evidence that a clade has at most.")
    temperature: Literal["flat", "cool"] = Field(
        default="flat", description="`cool`: choices grow greedier as the budget is used up."
    )

    def make(self, terms: Terms) -> Policy:
        """See `Options`."""
        from archive.policies.clade import Clade

        return Clade(
            terms.objectives,
            terms.probation,
            elites=self.elites,
            weight=self.weight,
            temperature=self.temperature,
            evaluations=terms.evaluations,
            outcome=terms.outcome,
        )


class IslandsOptions(Options):
    """Islands, each with a grid of features."""

    type: Literal["islands"] = "islands"
    count: int = Field(default=4, ge=1, le=1000, description="Islands.")
    bins: int = Field(default=8, ge=1, le=1000, description="Intervals of each feature.")
    every: int = Field(default=40, ge=1, le=1_000_000, description="Evaluated proposals between two migrations.")
    migrants: int = Field(
        default=1, ge=0, le=1000, description="Programs that each island sends to the next; 0 for none."
    )

    def make(self, terms: Terms) -> Policy:
        """See `Options`."""
        from archive.policies.islands import Islands

        sizes = self.count, self.bins, self.every, self.migrants
        return Islands(terms.objectives, terms.probation, terms.features, *sizes)


class ParetoOptions(Options):
    """Programs that lead somewhere."""

    type: Literal["pareto"] = "pareto"
    fronts: Literal["auto", "instances", "objectives"] = Field(
        default="auto",
        description="Where a program must lead: `instances`, or `objectives`; `auto` is objectives where there are "
        "two, else instances.",
    )

    def make(self, terms: Terms) -> Policy:
        """See `Options`."""
        from archive.policies.pareto import Pareto

        return Pareto(terms.objectives, terms.probation, self.fronts)


# Each method first, then variants and a second and third try: what is found early is luck, too.
DEFAULT_MEMBERS = (
    "clade+hill+islands+pareto+hill:samples=8+clade+islands:count=2/bins=16+hill+pareto"
    "+sequential+clade+hill:samples=32"
)


class PortfolioOptions(Options):
    """Several policies, of which the weaker ones are dropped."""

    type: Literal["portfolio"] = "portfolio"
    members: str = Field(
        default=DEFAULT_MEMBERS,
        description="Policies joined by +, those first that should begin where the budget does not allow all; options "
        "of a member are joined by /, as in islands:count=2/bins=16.",
    )

    @field_validator("members")
    @classmethod
    def _are_policies(cls, members: str) -> str:
        """Each member as `check_policy` writes it; what that raises names the member."""
        from archive.policies import check_policy

        texts = [check_policy(member.replace("/", ",")) for member in members.split("+")]
        if nested := [text for text in texts if text.partition(":")[0] == "portfolio"]:
            raise ValueError(f"{nested[0]} can be no member")
        return "+".join(text.replace(",", "/") for text in texts)

    def make(self, terms: Terms) -> Policy:
        """See `Options`."""
        from archive.policies import make_policy
        from archive.policies.portfolio import Portfolio

        return Portfolio([member.replace("/", ",") for member in self.members.split("+")], terms, make_policy)
