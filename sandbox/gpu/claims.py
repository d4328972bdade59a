"""Claims that the kernel keeps for one process: gone with it or when forgotten, and never those of a copy.

A claim is a read lock on a byte of an open file description (fcntl(2), "Open file description locks"). Unlike the lock
of a file's own, one on a byte of a folder outlives the removal of what lies in the folder, and a folder has a byte for
each name. A folder can not be opened for writing, so it takes shared locks alone: whoever finds another's claim beside
their own gives way.
"""

from __future__ import annotations

import hashlib
import os
import struct
import weakref
from contextlib import suppress

_FLOCK = "hhqqi"
"""struct flock of 64-bit Linux: type, whence, start, length, pid."""
_READ, _WRITE, _NONE = 0, 1, 2
_GET, _SET = 36, 37
"""F_OFD_GETLK and F_OFD_SETLK; by number, as some systems from which this is imported have no module fcntl."""


class Claim:
    """A claim on byte `at`, until `free`, which may be repeated, or nobody refers to it any more.

    Takes over the descriptor.
    """

    def __init__(self, number: int, at: int = 0) -> None:
        self.process_id = os.getpid()
        self._number, self._at = number, at
        self.free = weakref.finalize(self, _free, number, self.process_id)
        # Known before it is locked: a copy that does not know of it would keep it.
        _claims.add(self)
        _control(number, _SET, _READ, at, 1)

    def contested(self) -> bool:
        """Whether another has claimed the same."""
        return claimed(self._number, self._at)

    def leave_to_the_original(self) -> None:
        """Forgets it in a copy of the process that made it, where it is another's."""
        if self.free.detach():
            with suppress(OSError):
                os.close(self._number)


def claimed(number: int, at: int = 0) -> bool:
    """Whether another than this very descriptor has claimed byte `at` of what it is open for."""
    return _control(number, _GET, _WRITE, at, 1) != _NONE


def byte_of(name: str) -> int:
    """The byte that stands for a name: so many that no two meet."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:7], "big")


def _control(number: int, command: int, kind: int, start: int, length: int) -> int:
    """The kind of lock that the kernel answers with."""
    import fcntl

    answer = fcntl.fcntl(number, command, struct.pack(_FLOCK, kind, os.SEEK_SET, start, length, 0))
    return int(struct.unpack(_FLOCK, answer)[0])


def _free(number: int, process_id: int) -> None:
    if os.getpid() == process_id:
        try:
            # A copy made by others than Python may have the descriptor still.
            _control(number, _SET, _NONE, 0, 0)
        finally:
            os.close(number)


def _leave_all() -> None:
    for claim in list(_claims):
        claim.leave_to_the_original()


_claims: weakref.WeakSet[Claim] = weakref.WeakSet()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_leave_all)
