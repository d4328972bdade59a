"""Policies: who becomes a parent next."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from archive.policies.base import Policy
from evolve.core.errors import UsageError

if TYPE_CHECKING:
    from evolve.core.types import Objective


def _independent(objectives: tuple[Objective, ...], probation: bool) -> Policy:
    from archive.policies.independent import Independent

    return Independent()


def _hill(objectives: tuple[Objective, ...], probation: bool) -> Policy:
    from archive.policies.hill import Hill

    return Hill(objectives, probation)


def _clade(objectives: tuple[Objective, ...], probation: bool) -> Policy:
    from archive.policies.clade import Clade

    return Clade(objectives, probation)


POLICIES: Mapping[str, Callable[[tuple[Objective, ...], bool], Policy]] = {
    "independent": _independent,
    "hill": _hill,
    "clade": _clade,
}


def make_policy(name: str, objectives: tuple[Objective, ...], probation: bool = False) -> Policy:
    """The policy of that name; `probation` is for problems whose programs run beside a driver (see `Policy`).

    Raises UsageError for an unknown one.
    """
    return POLICIES[check_policy(name)](objectives, probation)


def check_policy(name: str) -> str:
    """The name itself. Raises UsageError where there is no such policy."""
    if name not in POLICIES:
        raise UsageError(f"there is no policy {name!r}", f"Choose one of {', '.join(POLICIES)}.")
    return name
