"""Kinds: programs of one run that compute the same, in columns. Of a million kinds each takes some 200 bytes."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import blake2b

from evolve.core.keys import Keys
from evolve.core.types import Verdict

_WIDTH = 16


@dataclass(slots=True)
class Story:
    """What befell a kind beside its beginning; of most nothing is to be told.

    `hits` are records of programs that took its score over, or would have, `checks` those that were evaluated all the
    same, `members` those that have the score from it. `verdict` is the score on all of train, where the first record
    was measured on a part. `gone` is the record with which the kind ended.
    """

    hits: list[int] = field(default_factory=list)
    checks: list[int] = field(default_factory=list)
    members: list[int] = field(default_factory=list)
    verdict: Verdict | None = None
    gone: int | None = None


class Kinds:
    """Numbered 0, 1, ... in order of appearance. A function whose kind has ended may get another one.

    By kind, `seen` is the first record with its key, `first` the one with the score (-1: none yet), `whole` the record
    since which that is the score on all of train (-1: it is not), `seconds` what train took there. `inherited` says
    that the score came from another run, and was not computed in this one so far.

    >>> kinds, keys = Kinds(), Keys("00" * 16, "11" * 16)
    >>> kinds.see(keys, 3), kinds.begin(keys, 5, 0.25, False)
    (0, 0)
    >>> kinds.of_function(keys.function), kinds.of_record(5), kinds.keys(0) == keys, kinds.of_record(4)
    (0, 0, True, None)
    """

    def __init__(self) -> None:
        self.seen, self.first, self.whole = array("q"), array("q"), array("q")
        self.seconds, self.inherited = array("d"), bytearray()
        self.stories: dict[int, Story] = {}
        self._packed = bytearray()  # by kind: the key of the function, then the exact one
        self._unusual: dict[int, Keys] = {}
        self._latest: dict[bytes, int] = {}
        self._earlier: dict[int, int] = {}
        self._of_record = array("i")

    def __getstate__(self) -> dict[str, object]:
        """Without what can be made of the rest."""
        return {**self.__dict__, "_latest": {}}

    def __setstate__(self, state: dict[str, object]) -> None:
        """What was left out is made again: of kinds of one function the latest counts."""
        self.__dict__.update(state)
        packed, step = bytes(self._packed), 2 * _WIDTH
        self._latest = {packed[at : at + _WIDTH]: at // step for at in range(0, len(packed), step)}

    def of_function(self, function: str) -> int | None:
        """The latest kind with that key; None where none has it."""
        return self._latest.get(_pack(function))

    def all_of(self, function: str) -> Iterator[int]:
        """The kinds with that key, the latest first."""
        kind = self.of_function(function)
        while kind is not None:
            yield kind
            kind = self._earlier.get(kind)

    def of_record(self, number: int | None) -> int | None:
        """The kind whose first record that is; None where there is none."""
        if number is None or number >= len(self._of_record):
            return None
        kind = self._of_record[number]
        return None if kind < 0 else kind

    def keys(self, kind: int) -> Keys:
        """The keys of a kind's first program."""
        if kind in self._unusual:
            return self._unusual[kind]
        at = 2 * _WIDTH * kind
        return Keys(self._packed[at : at + _WIDTH].hex(), self._packed[at + _WIDTH : at + 2 * _WIDTH].hex())

    def story(self, kind: int) -> Story:
        """What befell a kind, to be added to."""
        return self.stories.setdefault(kind, Story())

    def see(self, keys: Keys, number: int) -> int:
        """The kind of a record's keys; a new one, without a score, where nobody had them before."""
        known = self.of_function(keys.function)
        return self._append(keys, number) if known is None else known

    def begin(self, keys: Keys, number: int, seconds: float, inherited: bool) -> int:
        """The kind that a record with a score begins."""
        kind = self.see(keys, number)
        if self.first[kind] >= 0:
            before, kind = kind, self._append(keys, self.seen[kind])
            self._earlier[kind] = before
        self._put(kind, keys)
        self.first[kind], self.seconds[kind], self.inherited[kind] = number, seconds, inherited
        while len(self._of_record) <= number:
            self._of_record.append(-1)
        self._of_record[number] = kind
        return kind

    def _append(self, keys: Keys, seen: int) -> int:
        kind = len(self.seen)
        self.seen.append(seen)
        self.first.append(-1)
        self.whole.append(-1)
        self.seconds.append(0.0)
        self.inherited.append(False)
        self._packed.extend(bytes(2 * _WIDTH))
        self._put(kind, keys)
        self._latest[_pack(keys.function)] = kind
        return kind

    def _put(self, kind: int, keys: Keys) -> None:
        at = 2 * _WIDTH * kind
        self._packed[at : at + 2 * _WIDTH] = _pack(keys.function) + _pack(keys.exact)
        self._unusual.pop(kind, None)
        if self.keys(kind) != keys:
            self._unusual[kind] = keys


def _pack(key: str) -> bytes:
    """The 16 bytes of a key; of a text that is none, as in archives that somebody put together, its digest."""
    try:
        packed = bytes.fromhex(key)
    except ValueError:
        packed = b""
    return (
        packed if len(packed) == _WIDTH and packed.hex() == key else blake2b(key.encode(), digest_size=_WIDTH).digest()
    )
