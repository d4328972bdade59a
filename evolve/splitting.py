"""Data divided into the five splits, so that nothing the search saw decides what is believed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from hashlib import blake2b
from typing import Any, TypeVar

from evaluators.functional_hash import canonical
from evolve.core.errors import UsageError
from evolve.core.types import Split

T = TypeVar("T")
SHARES: Mapping[Split, float] = {
    Split.PROBE: 0.05,
    Split.TRAIN: 0.35,
    Split.GATE: 0.25,
    Split.REPORT: 0.10,
    Split.FINAL: 0.25,
}


def split(
    data: Iterable[T],
    groups: Callable[[T], Hashable] | Sequence[Hashable] | None = None,
    *,
    shares: Mapping[Split, float] = SHARES,
    seed: int = 0,
) -> dict[Split, list[T]]:
    """Divide data into probe, train, gate, report and final; no group and no item stands in two of them.

    `groups` names what is independent: a function of an item, or one name for each item (a file, a user, a day).
    Items of a group stay together, and so do groups that share an equal item. Without it equal items are a group.
    `shares` are the parts of the groups that each split gets, at least one group each; which groups these are depends
    on their names and `seed` alone. Items keep their order.

    Raises:
        UsageError: there are fewer groups than splits, `groups` does not fit the data, or a share is not positive.

    Example::

        parts = split(traces, groups=lambda trace: trace.file)
        parts[Split.TRAIN]
    """
    items = list(data)
    if set(shares) != set(Split) or any(not share > 0 for share in shares.values()):
        raise UsageError("shares must give each of the five splits a positive part", f"For example {dict(SHARES)}.")
    clusters = _clusters(items, _names(items, groups))
    if len(clusters) < len(Split):
        raise UsageError(
            f"{len(clusters)} groups can not be divided into {len(Split)} disjoint splits",
            "Give more data, or finer groups; what is drawn from a seed needs no division.",
        )
    order = sorted(clusters, key=lambda name: _digest(f"{seed}\0{name}".encode()))
    home = dict(zip(order, _allotted(len(order), shares), strict=True))
    places = {place: home[name] for name, members in clusters.items() for place in members}
    parts: dict[Split, list[T]] = {one: [] for one in Split}
    for place, item in enumerate(items):
        parts[places[place]].append(item)
    return parts


def _names(items: Sequence[T], groups: Callable[[T], Hashable] | Sequence[Hashable] | None) -> list[Hashable]:
    if groups is None:
        return [_content(item) for item in items]
    if callable(groups):
        return [groups(item) for item in items]
    if len(groups) != len(items):
        message = f"groups has {len(groups)} names for {len(items)} items"
        raise UsageError(message, "Give one name for each item, or a function.")
    return list(groups)


def _clusters(items: Sequence[Any], names: Sequence[Hashable]) -> dict[str, list[int]]:
    """Places of the items by cluster: groups joined where they share an item. Named by their least group."""
    parent: dict[Hashable, Hashable] = {name: name for name in names}

    def root(name: Hashable) -> Hashable:
        while parent[name] != name:
            parent[name] = name = parent[parent[name]]
        return name

    owner: dict[str, Hashable] = {}
    for item, name in zip(items, names, strict=True):
        first = owner.setdefault(_content(item), name)
        parent[root(name)] = root(first)
    members: dict[Hashable, list[int]] = defaultdict(list)
    for place, name in enumerate(names):
        members[root(name)].append(place)
    return {min(repr(names[place]) for place in places): places for places in members.values()}


def _allotted(count: int, shares: Mapping[Split, float]) -> list[Split]:
    """A split for each of `count` groups: one each, and the rest by the largest remainder (Hamilton's method)."""
    whole = sum(shares.values())
    quota = {one: (count - len(Split)) * shares[one] / whole for one in Split}
    number = {one: 1 + int(quota[one]) for one in Split}
    by_remainder = sorted(Split, key=lambda one: int(quota[one]) - quota[one])
    for one in by_remainder[: count - sum(number.values())]:
        number[one] += 1
    return [one for one in Split for _ in range(number[one])]


def _content(item: Any) -> str:
    """The same for equal items: by content where it is plain data, else by what the item says of itself."""
    try:
        return _digest(canonical(item))
    except TypeError:
        return _digest(repr(item).encode("utf-8", "backslashreplace"))


def _digest(data: bytes) -> str:
    return blake2b(data, digest_size=16).hexdigest()
