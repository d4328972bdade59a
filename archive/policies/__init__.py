"""Policies: who becomes a parent next."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from archive.policies.base import Policy, Terms
from evolve.core.errors import UsageError


def _independent(terms: Terms) -> Policy:
    from archive.policies.independent import Independent

    return Independent()


def _hill(terms: Terms) -> Policy:
    from archive.policies.hill import Hill

    return Hill(terms.objectives, terms.probation)


def _clade(terms: Terms) -> Policy:
    from archive.policies.clade import Clade

    return Clade(terms.objectives, terms.probation, evaluations=terms.evaluations, outcome=terms.outcome)


POLICIES: Mapping[str, Callable[[Terms], Policy]] = {
    "independent": _independent,
    "hill": _hill,
    "clade": _clade,
}


def make_policy(name: str, terms: Terms) -> Policy:
    """The policy of that name. Raises UsageError for an unknown one."""
    return POLICIES[check_policy(name)](terms)


def check_policy(name: str) -> str:
    """The name itself. Raises UsageError where there is no such policy."""
    if name not in POLICIES:
        raise UsageError(f"there is no policy {name!r}", f"Choose one of {', '.join(POLICIES)}.")
    return name
