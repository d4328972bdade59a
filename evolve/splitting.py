"""Data divided into the five splits, so that nothing the search saw decides what is believed."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from hashlib import blake2b
from typing import Any, TypeVar

import numpy as np

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
    groups: Callable[[T], Any] | Iterable[Any] | None = None,
    *,
    shares: Mapping[Split, float] = SHARES,
    seed: int = 0,
) -> dict[Split, list[T]]:
    """Divide data into probe, train, gate, report and final; no group and no item stands in two of them.

    `groups` names what is independent: a function of an item, or one name for each item (a file, a user, a day).
    Items of a group stay together, and so do groups that share an equal item. Without it equal items are a group.
    Names are plain data (texts, numbers, lists of them) and the same where `evaluators.functional_hash` says so.
    `shares` are the parts of the groups that each split gets, at least one group each; which groups these are depends
    on their names and `seed` alone. Items keep their order.

    Raises:
        UsageError: there are fewer groups than splits, `groups` does not fit the data or gives NaN or what is no plain
            data, items without `groups` are no plain data, or a share is not positive and finite.

    Example::

        parts = split(traces, groups=lambda trace: trace.file)
        parts[Split.TRAIN]
    """
    items = list(data)
    positive = all(share > 0 for share in shares.values()) and math.isfinite(sum(shares.values()))
    if set(shares) != set(Split) or not positive:
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


def _names(items: Sequence[T], groups: Callable[[T], Any] | Iterable[Any] | None) -> list[str]:
    if groups is None:
        return [_content_name(item) for item in items]
    names = [groups(item) for item in items] if callable(groups) else list(groups)
    if len(names) != len(items):
        message = f"groups has {len(names)} names for {len(items)} items"
        raise UsageError(message, "Give one name for each item, or a function.")
    return [_group_name(name) for name in names]


def _clusters(items: Sequence[Any], names: Sequence[str]) -> dict[str, list[int]]:
    """Places of the items by cluster: groups joined where they share an item. Named by their least group."""
    parent = {name: name for name in names}

    def root(name: str) -> str:
        while parent[name] != name:
            parent[name] = name = parent[parent[name]]
        return name

    owner: dict[Hashable, str] = {}
    for item, name in zip(items, names, strict=True):
        first = owner.setdefault(_identity(item), name)
        parent[root(name)] = root(first)
    members: dict[str, list[int]] = defaultdict(list)
    for place, name in enumerate(names):
        members[root(name)].append(place)
    return {min(names[place] for place in places): places for places in members.values()}


def _allotted(count: int, shares: Mapping[Split, float]) -> list[Split]:
    """A split for each of `count` groups: one each, and the rest by the largest remainder (Hamilton's method)."""
    whole = sum(shares.values())
    quota = {one: (count - len(Split)) * shares[one] / whole for one in Split}
    number = {one: 1 + int(quota[one]) for one in Split}
    by_remainder = sorted(Split, key=lambda one: int(quota[one]) - quota[one])
    for one in by_remainder[: count - sum(number.values())]:
        number[one] += 1
    return [one for one in Split for _ in range(number[one])]


def _group_name(name: Any) -> str:
    if isinstance(name, float | np.floating) and name != name:
        raise UsageError("NaN is no name of a group", "Take out the items without a group, or give each a name.")
    try:
        return _content(name)
    except TypeError as error:
        raise UsageError(f"{error}, so it can not name a group", "Name groups by texts or numbers.") from None


def _content_name(item: Any) -> str:
    try:
        return _content(item)
    except TypeError as error:
        # What such an object says of itself may hold its address, which is another one the next time.
        remedy = "Say what is independent: groups=lambda item: item.name"
        raise UsageError(f"{error}, so the items can not be compared without groups", remedy) from None


def _identity(item: Any) -> Hashable:
    """The same for equal items: by content where they are plain data, else by their own `==`, else by `is`."""
    try:
        return _content(item)
    except TypeError:
        pass
    try:
        hash(item)
    except TypeError:
        return "object", id(item)
    return "item", item


def _content(item: Any) -> str:
    """Raises TypeError for what is no plain data."""
    return _digest(canonical(item.item() if isinstance(item, np.generic) else item))


def _digest(data: bytes) -> str:
    return blake2b(data, digest_size=16).hexdigest()
