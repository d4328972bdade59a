"""An engine of worker processes on this machine, each fed by a thread over a pipe."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import math
import multiprocessing
import queue
import signal
import threading
from concurrent.futures import Future
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

from evolve.core.errors import EvolveError, InfrastructureError
from evolve.engine.base import Task

MAX_ATTEMPTS = 3
# (priority, order of arrival, task and its future; None ends a worker)
Job = tuple[float, int, "tuple[Task, Future[Any]] | None"]


class LocalEngine:
    """`workers` processes for one problem folder. A worker that dies or reports a fault of the machine is replaced
    and its task tried again.

    Raises InfrastructureError from `run` when a task failed so three times, and whatever other error of ours the
    work raised. A worker sees its pipe close and ends when this process is gone, however it went.
    """

    def __init__(self, folder: str, workers: int) -> None:
        self._folder = folder
        self._jobs: queue.PriorityQueue[Job] = queue.PriorityQueue()
        self._arrivals = itertools.count()
        self._log: list[tuple[str, int]] = []
        self._context = multiprocessing.get_context("spawn")
        self._threads = [threading.Thread(target=self._feed, daemon=True, name=f"feed-{i}") for i in range(workers)]
        for thread in self._threads:
            thread.start()

    async def run(self, task: Task) -> Any:
        """The task's result."""
        future: Future[Any] = Future()
        self._jobs.put((task.priority, next(self._arrivals), (task, future)))
        return await asyncio.wrap_future(future)

    def share(self, entry: tuple[str, int]) -> None:
        """Make `entry` known to every task that starts from now on."""
        self._log.append(entry)

    def capacity(self) -> int:
        """How many tasks run at once."""
        return len(self._threads)

    def close(self) -> None:
        """End the workers. Tasks that have not started are cancelled."""
        with contextlib.suppress(queue.Empty):
            while True:
                _, _, job = self._jobs.get_nowait()
                if job is not None:
                    job[1].cancel()
        for _ in self._threads:
            self._jobs.put((math.inf, next(self._arrivals), None))
        for thread in self._threads:
            thread.join()

    def _feed(self) -> None:
        worker: _Process | None = None
        while (job := self._jobs.get()[2]) is not None:
            task, future = job
            if not future.set_running_or_notify_cancel():
                continue
            for attempt in range(1, MAX_ATTEMPTS + 1):
                try:
                    worker = worker or _Process(self._context, self._folder)
                    good, value = worker.call(task, self._log)
                    if isinstance(value, InfrastructureError) and attempt < MAX_ATTEMPTS:
                        worker.end()  # a machine's fault, not the program's: once more, in a fresh worker
                        worker = None
                        continue
                    self._finish(future, (good, value))
                    break
                except (EOFError, OSError) as error:
                    if worker:
                        worker.end()
                    worker = None
                    if attempt == MAX_ATTEMPTS:
                        future.set_exception(_died(task, error))
                except RuntimeError as error:
                    # multiprocessing's: a script that is not guarded would start itself anew in every worker.
                    remedy = "Put the call under `if __name__ == '__main__':` in your script."
                    future.set_exception(InfrastructureError(f"no worker can be started: {error}", remedy))
                    break
        if worker:
            worker.end()

    @staticmethod
    def _finish(future: Future[Any], answer: tuple[bool, Any]) -> None:
        good, value = answer
        if good:
            future.set_result(value)
        else:
            future.set_exception(value)


class _Process:
    """One worker process and how much of the shared log it has been told."""

    def __init__(self, context: multiprocessing.context.SpawnContext, folder: str) -> None:
        self.pipe, theirs = context.Pipe()
        self.process: BaseProcess = context.Process(target=_serve, args=(theirs, folder), daemon=True)
        self.process.start()
        theirs.close()
        self.told = 0

    def call(self, task: Task, log: list[tuple[str, int]]) -> tuple[bool, Any]:
        news = log[self.told :]
        self.told += len(news)
        self.pipe.send((task, news))
        answer: tuple[bool, Any] = self.pipe.recv()
        return answer

    def end(self) -> None:
        # It holds nothing that must be put away, so there is nothing to wait for.
        self.pipe.close()
        self.process.kill()
        self.process.join()


def _serve(pipe: Connection, folder: str) -> None:
    # Ctrl-C is for the loop, which ends its workers when what is in flight has finished.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    from evolve.engine.worker import WORK, Worker

    worker: Worker | None = None
    with contextlib.suppress(EOFError, BrokenPipeError, ConnectionResetError):
        while True:
            task, news = pipe.recv()
            try:
                worker = worker or Worker(folder)
                for entry in news:
                    worker.share(entry)
                answer = True, WORK[task.name](worker, *task.args)
            except EvolveError as error:
                answer = False, error
            except Exception as error:
                answer = False, _as_ours(task, error)
            pipe.send(answer)


def _as_ours(task: Task, error: Exception) -> InfrastructureError:
    import traceback

    frames = "".join(traceback.format_exception(error)[-3:])
    return InfrastructureError(
        f"the task {task.name!r} failed in a worker: {type(error).__name__}: {error}",
        f"This is a fault of Evolve or of the problem's verifier, not of the program.\n{frames}",
    )


def _died(task: Task, error: BaseException) -> InfrastructureError:
    return InfrastructureError(
        f"a worker died {MAX_ATTEMPTS} times over the task {task.name!r} ({type(error).__name__})",
        "Look for the kernel's out-of-memory messages, or start with fewer --workers; then --resume.",
    )
