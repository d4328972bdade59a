"""The names of what a program computes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Keys:
    """Two keys of one program, 32 hexadecimal digits each.

    Programs of one run are told apart by `function`, as far as the problem wants it (`hash_bits`). Between runs `exact`
    counts, which differs where a single bit of an output does: what is taken over there must be what would have been
    computed.
    """

    function: str
    exact: str
