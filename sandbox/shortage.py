"""What this machine may be short of for a moment, as against what is not permitted or not there."""

from __future__ import annotations

import errno
import os

from evolve.core.errors import UnavailableError

_NUMBERS = (errno.EAGAIN, errno.ENOMEM, errno.EMFILE, errno.ENFILE)
REMEDY = "See what this machine is short of: memory, processes or open files."


def shortage(what: str, error: OSError) -> UnavailableError | None:
    """The failure to do `what` as one that passes (fork(2): EAGAIN, ENOMEM; pipe(2): EMFILE, ENFILE), else None."""
    return UnavailableError(f"{what}: {error}", REMEDY) if error.errno in _NUMBERS else None


def is_shortage(said: str) -> bool:
    """Whether a program in the C locale says so of itself."""
    return any(os.strerror(number) in said for number in _NUMBERS)
