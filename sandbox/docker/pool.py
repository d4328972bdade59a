"""Containers that were started ahead and wait for their order: they hide the start, which takes half a second.

Each is used once. Starting and removing is done by threads of the pool, off the way of those who wait.
"""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Hashable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import Generic, TypeVar

from evolve.core.errors import EvolveError, InfrastructureError
from sandbox.docker.child import ContainerChild
from sandbox.launch import StartError

KINDS = 2
"""Kinds of containers that are kept waiting; the one that was not asked for longest makes room."""
_WORKERS = 2

Kind = TypeVar("Kind", bound=Hashable)


class Pool(Generic[Kind]):
    """Up to `size` waiting containers of each of the last kinds, all made by `start`. Thread-safe.

    `take` raises what `start` raises.
    """

    def __init__(self, size: int, start: Callable[[Kind], ContainerChild], remove: Callable[[str], object]) -> None:
        self._size = size
        self._start, self._remove = start, remove
        self._lock = threading.Lock()
        self._workers = ThreadPoolExecutor(_WORKERS, "evolve-containers")
        self._removing: set[Future[object]] = set()
        self._waiting: OrderedDict[Kind, deque[Future[ContainerChild]]] = OrderedDict()

    def take(self, kind: Kind) -> ContainerChild:
        """One that waits, or is being started, or is started now; others are started in its place."""
        with self._lock:
            # What failed earlier, when the engine was away, is no news now.
            waiting = deque(one for one in self._waiting.pop(kind, ()) if not (one.done() and one.exception()))
            self._waiting[kind] = waiting
            future = waiting.popleft() if waiting else self._workers.submit(self._start, kind)
            self._fill(kind)
            while len(self._waiting) > KINDS:
                self._give_up(self._waiting.popitem(last=False)[1])
        child = future.result()
        child.release = self._release
        return child

    def is_full(self, kind: Kind) -> bool:
        """Whether as many wait as should, and everything that was used is removed."""
        with self._lock:
            waiting = [future.done() for future in self._waiting.get(kind, ())]
            return len(waiting) >= self._size and all(waiting) and not self._removing

    def close(self) -> None:
        """Ends those that wait, and returns when the engine has removed them and all that were used."""
        with self._lock:
            kinds, self._waiting = self._waiting, OrderedDict()
            workers, self._workers = self._workers, ThreadPoolExecutor(_WORKERS, "evolve-containers")
        for waiting in kinds.values():
            self._give_up(waiting)
        workers.shutdown()

    def _fill(self, kind: Kind) -> None:
        waiting = self._waiting[kind]
        with suppress(RuntimeError):  # at the end of the interpreter nothing more is started
            while len(waiting) < self._size:
                waiting.append(self._workers.submit(self._start, kind))

    def _release(self, number: str) -> None:
        """Has it removed by a worker; at the end of the interpreter, which has none any more, at once."""
        try:
            removing = self._workers.submit(self._remove, number)
        except RuntimeError:
            self._remove(number)
            return
        self._removing.add(removing)
        removing.add_done_callback(self._removing.discard)

    @staticmethod
    def _give_up(waiting: deque[Future[ContainerChild]]) -> None:
        for future in waiting:
            if not future.cancel():
                future.add_done_callback(_end)


def end(child: ContainerChild) -> None:
    """Kills a container that nobody needs. A lost engine is no matter here."""
    try:
        with suppress(InfrastructureError):
            child.stop()
    finally:
        child.close()


def _end(future: Future[ContainerChild]) -> None:
    """Ends a container that nobody will take, if it came up."""
    with suppress(EvolveError, StartError):
        end(future.result())
