"""An engine of worker processes on this machine, each fed by a thread over a pipe."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import math
import multiprocessing
import os
import queue
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any, NamedTuple

from evolve.core.errors import EvolveError, InfrastructureError, UnavailableError, UsageError
from evolve.engine.base import Task
from evolve.engine.patience import Outage, Patience
from sandbox.config import SandboxConfig
from sandbox.shortage import shortage

MAX_ATTEMPTS = 3
PUT_AWAY_SECONDS = 5.0
"""How long a worker may take to give back its sandboxes."""


class Job(NamedTuple):
    """A task that waits, and whom its result and its outages are told; `future` None ends a worker."""

    priority: float
    arrival: int
    task: Task | None = None
    future: Future[Any] | None = None
    tell: Callable[[Outage], None] = lambda outage: None


class LocalEngine:
    """`workers` processes for one problem folder and one sandbox (None: that of this system).

    A worker that dies or reports a fault of the machine is replaced and its task tried again. Raises
    InfrastructureError from `run` when a task failed so three times, and whatever other error of ours the work raised.
    A worker sees its pipe close and ends when this process is gone, however it went.

    With `patience` a task whose sandbox is away is tried again and again instead, until the patience is at an end:
    then `run` raises the UnavailableError of the last try.
    """

    def __init__(
        self,
        folder: str,
        workers: int,
        config: SandboxConfig | None = None,
        patience: Patience | None = None,
    ) -> None:
        self._folder = folder
        self._config = config
        self._patience = patience
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
        loop = asyncio.get_running_loop()

        def tell(outage: Outage) -> None:
            if self._patience:
                with contextlib.suppress(RuntimeError):  # the loop has just ended
                    loop.call_soon_threadsafe(self._patience.heard, outage)

        self._jobs.put(Job(task.priority, next(self._arrivals), task, future, tell))
        return await asyncio.wrap_future(future)

    def share(self, entry: tuple[str, int]) -> None:
        """Make `entry` known to every task that starts from now on."""
        self._log.append(entry)

    def capacity(self) -> int:
        """How many tasks run at once."""
        return len(self._threads)

    def close(self) -> None:
        """End the workers, and the wait for a sandbox. Tasks that have not started are cancelled."""
        if self._patience:
            self._patience.closing.set()
        with contextlib.suppress(queue.Empty):
            while True:
                job = self._jobs.get_nowait()
                if job.future is not None:
                    job.future.cancel()
        for _ in self._threads:
            self._jobs.put(Job(math.inf, next(self._arrivals)))
        for thread in self._threads:
            thread.join()

    def _feed(self) -> None:
        hand = _Hand(self._context, self._folder, self._config, self._log)
        while (job := self._jobs.get()).future is not None and job.task is not None:
            if not job.future.set_running_or_notify_cancel():
                continue
            try:
                job.future.set_result(self._carried_out(hand, job, job.task))
            except BaseException as error:
                job.future.set_exception(error)
        hand.drop()

    def _carried_out(self, hand: _Hand, job: Job, task: Task) -> Any:
        """The task's result. Raises its error: that of the last attempt where it is a fault of the machine."""
        faults, was_away = 0, False
        while True:
            try:
                value = hand.call(task)
            except InfrastructureError as error:
                # The next worker finds out anew what is there, and this one holds no processes while we wait.
                hand.drop()
                if isinstance(error, UnavailableError) and self._patience:
                    was_away = True
                    if not self._patience.wait(error, job.tell):
                        raise
                    continue
                faults += 1
                if faults == MAX_ATTEMPTS:
                    raise
            else:
                if was_away and self._patience:
                    self._patience.worked(job.tell)
                return value


class _Hand:
    """The worker of one thread, started when it is needed."""

    def __init__(
        self,
        context: multiprocessing.context.SpawnContext,
        folder: str,
        config: SandboxConfig | None,
        log: list[tuple[str, int]],
    ) -> None:
        self._start: Callable[[], _Process] = lambda: _Process(context, folder, config)
        self._log = log
        self._worker: _Process | None = None

    def call(self, task: Task) -> Any:
        """What the worker answers. Raises what the work raised, and InfrastructureError where there is no answer."""
        self._worker = self._worker or self._started()
        try:
            good, value = self._worker.call(task, self._log)
        except (EOFError, OSError) as error:
            raise _died(task, error) from None
        if not good:
            raise value
        return value

    def drop(self) -> None:
        """End the worker."""
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.end()

    def _started(self) -> _Process:
        try:
            return self._start()
        except OSError as error:
            what = "a worker can not be started"
            raise shortage(what, error) or InfrastructureError(f"{what}: {error}", "Then: --resume.") from None
        except RuntimeError as error:
            # multiprocessing's: a script that is not guarded would start itself anew in every worker.
            remedy = "Put the call under `if __name__ == '__main__':` in your script."
            raise UsageError(f"no worker can be started: {error}", remedy) from None


class _Process:
    """One worker process and how much of the shared log it has been told."""

    def __init__(
        self, context: multiprocessing.context.SpawnContext, folder: str, config: SandboxConfig | None
    ) -> None:
        self.pipe, theirs = context.Pipe()
        self.process: BaseProcess = context.Process(target=_serve, args=(theirs, folder, config), daemon=True)
        try:
            with _sheltered():
                self.process.start()
        except BaseException:
            self.pipe.close()
            raise
        finally:
            theirs.close()
        self.told = 0

    def call(self, task: Task, log: list[tuple[str, int]]) -> tuple[bool, Any]:
        news = log[self.told :]
        self.told += len(news)
        self.pipe.send((task, news))
        answer: tuple[bool, Any] = self.pipe.recv()
        return answer

    def end(self) -> None:
        self.pipe.close()
        self.process.join(PUT_AWAY_SECONDS)
        self.process.kill()
        self.process.join()


@contextlib.contextmanager
def _sheltered() -> Iterator[None]:
    """What is started meanwhile hears of no Ctrl-C until it says so itself: that is for the loop."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    # What multiprocessing starts with the first process lets the signal through again, so it is started before.
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _serve(pipe: Connection, folder: str, config: SandboxConfig | None) -> None:
    # Ctrl-C is for the loop, which ends its workers when what is in flight has finished.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    from evolve.engine.worker import WORK, Worker

    worker: Worker | None = None
    with contextlib.suppress(EOFError, BrokenPipeError, ConnectionResetError):
        while True:
            task, news = pipe.recv()
            try:
                worker = worker or Worker(folder, config)
                for entry in news:
                    worker.share(entry)
                answer = True, WORK[task.name](worker, *task.args)
            except EvolveError as error:
                answer = False, error
            except Exception as error:
                answer = False, _as_ours(task, error)
            pipe.send(answer)
    if worker is not None:
        with contextlib.suppress(EvolveError):
            worker.close()
    os._exit(0)  # nothing else is to be put away, and an interpreter takes its time to end


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
