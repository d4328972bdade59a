"""A sandbox that is not there in the middle of the work: nothing that a program did, and nothing that ends the work."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from evolve.core.errors import InfrastructureError, UnavailableError, UsageError


@contextmanager
def of_the_sandbox() -> Iterator[None]:
    """What is raised inside because a sandbox fails, or is missing or forbidden by now, becomes UnavailableError.

    Before the work starts a missing sandbox is the user's to choose or install; once it has started, somebody took it
    away, and it may come back.
    """
    try:
        yield
    except (InfrastructureError, UsageError) as error:
        raise UnavailableError(error.message, error.remedy) from error
