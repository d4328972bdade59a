"""Policies: who becomes a parent next. They are chosen by name; those of other distributions come by entry points.

An entry point of the group `evolve.policies` names a function `make(terms, options) -> Policy`: `terms` are
`archive.policies.base.Terms`, `options` a dict of what followed the name, all text. It is imported when a run wants it.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import EntryPoint

from archive.policies import options
from archive.policies.base import Policy, Terms
from archive.policies.guard import Guarded
from evolve.core import named
from evolve.core.errors import EvolveError, UsageError

NOUN, GROUP = "policy", "evolve.policies"
POLICIES: Mapping[str, type[options.Options]] = {
    "clade": options.CladeOptions,
    "hill": options.HillOptions,
    "islands": options.IslandsOptions,
    "pareto": options.ParetoOptions,
    "portfolio": options.PortfolioOptions,
    "sequential": options.SequentialOptions,
    "independent": options.IndependentOptions,
}
_OF_OTHERS = "Mend the distribution that brings it (entry point evolve.policies), or choose another policy."


def make_policy(text: str, terms: Terms) -> Guarded:
    """The policy that a text stands for, behind what refuses calls out of order.

    Raises UsageError for a name or an option that there is not, and where a policy of others can not be made.
    """
    name, given = named.split(NOUN, text)
    if name in POLICIES:
        return Guarded(named.validated(NOUN, name, POLICIES[name], given).make(terms))
    return Guarded(_made(_point(name), text, terms, given))


def is_shipped(text: str) -> bool:
    """Whether the policy, and each of its members, is one of `POLICIES`. Raises what `check_policy` raises."""
    name, given = named.split(NOUN, text)
    if name not in POLICIES:
        return False
    found = named.validated(NOUN, name, POLICIES[name], given)
    members = found.members.split("+") if isinstance(found, options.PortfolioOptions) else []
    return all(is_shipped(member.replace("/", ",")) for member in members)


def check_policy(text: str) -> str:
    """The text in one way of writing it: no blanks, no option that has its default.

    Raises UsageError for a name or an option that there is not, with the nearest that there is. Nothing of other
    distributions is imported.
    """
    name, given = named.split(NOUN, text)
    if name not in POLICIES:
        _point(name)
        return named.joined(name, given)
    found = named.validated(NOUN, name, POLICIES[name], given)
    return named.joined(name, found.model_dump(exclude={"type"}, exclude_defaults=True))


def _point(name: str) -> EntryPoint:
    """The entry point of that name, not loaded."""
    others = _others()
    if name not in others:
        known = [*POLICIES, *sorted(set(others) - set(POLICIES))]
        raise UsageError(f"there is no policy {name!r}", named.suggestion(name, known))
    return others[name]


def _others() -> dict[str, EntryPoint]:
    return named.brought(GROUP)


def _made(point: EntryPoint, text: str, terms: Terms, given: dict[str, str]) -> Policy:
    make = named.load(NOUN, point)
    try:
        made: Policy | None = make(terms, given)
    except EvolveError:
        raise
    except Exception as error:
        said = f"{type(error).__name__}: {error}"
        raise UsageError(f"the policy {text} can not be made: {said}", _OF_OTHERS) from error
    calls = ("plant", "ask", "pending", "tell")
    if missing := [call for call in calls if not callable(getattr(made, call, None))]:
        raise UsageError(f"the policy {text} has no method {missing[0]}", _OF_OTHERS)
    assert made is not None
    return made
