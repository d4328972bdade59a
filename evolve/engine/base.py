"""The seam between the loop and the processes that do its work."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Task:
    """A named piece of work with plain, picklable arguments. Names are those of `evolve.engine.worker.WORK`.

    Of waiting tasks the one with the smallest `priority` starts first: the number of the ticket that it is for,
    because the oldest ticket in flight holds up all others.
    """

    name: str
    args: tuple[Any, ...]
    priority: int = 0


class Engine(Protocol):
    """Runs tasks in other processes.

    `run` may be awaited many times at once; results come in any order. `share` appends to a log that every
    task started later can read: it is how workers learn what is known without asking. `shared` is that log. An
    exception that the work raised is raised again by `run`; a worker that dies is InfrastructureError after the
    retries.

    Example::

        verdict = await engine.run(Task("evaluate", (source,)))
    """

    async def run(self, task: Task) -> Any: ...

    def share(self, entry: tuple[str, int]) -> None: ...

    def shared(self) -> Sequence[tuple[str, int]]: ...

    def capacity(self) -> int: ...

    def close(self) -> None: ...
