"""Every exception that Evolve raises on purpose.

What a candidate does is a verdict; what our machines or the user's input do is one of these.
Each says what happened and, in `remedy`, the command or edit that mends it.
"""

from __future__ import annotations


class EvolveError(Exception):
    """Base of all. `remedy` is one line: what to type or change next."""

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message}\n{self.remedy}" if self.remedy else self.message

    def __reduce__(self) -> tuple[type[EvolveError], tuple[str, str]]:
        return type(self), (self.message, self.remedy)


class UsageError(EvolveError):
    """An argument that can not be honoured: unknown name, impossible budget, unwritable file."""


class ProblemError(EvolveError):
    """A problem folder that is wrong: its file, its seed program, a baseline or its verifier."""


class ArchiveError(EvolveError):
    """The archive can not be opened, read or written."""


class InfrastructureError(EvolveError):
    """A machine of ours failed (a worker died, a sandbox would not start). Never a verdict."""


class UnavailableError(InfrastructureError):
    """Something of ours is away and may come back: a sandbox, or room for a process. Trying again later may help."""


class CallOrderError(EvolveError):
    """A protocol used out of order: a ticket told twice, or one that was never asked."""


class Invalid(Exception):
    """Raised by a verifier: the output breaks a rule of the problem. The text says which."""


class Forbidden(Exception):
    """Raised by a screen: the program holds something that its sandbox does not run."""
