"""An engine of worker processes on this machine, each fed by a thread over a pair of pipes.

They are no processes of `multiprocessing`: those, and the tracker of resources that comes with them, inherit the whole
environment with its keys, and a change of our own environment while they start would be seen by every other thread.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import math
import os
import pickle
import queue
import signal
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from typing import IO, Any, NamedTuple

from evolve.core.environment import without_secrets
from evolve.core.errors import InfrastructureError, UnavailableError
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

    def shared(self) -> Sequence[tuple[str, int]]:
        """All entries so far, in their order. Not to be changed."""
        return self._log

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
        hand = _Hand(self._folder, self._config, self._log)
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

    def __init__(self, folder: str, config: SandboxConfig | None, log: list[tuple[str, int]]) -> None:
        self._start: Callable[[], _Process] = lambda: _Process(folder, config)
        self._log = log
        self._worker: _Process | None = None

    def call(self, task: Task) -> Any:
        """What the worker answers. Raises what the work raised, and InfrastructureError where there is no answer."""
        self._worker = self._worker or self._started()
        try:
            good, value = self._worker.call(task, self._log)
        except (EOFError, OSError, pickle.UnpicklingError) as error:
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


class _Process:
    """One worker process and how much of the shared log it has been told. Raises OSError where it does not start."""

    def __init__(self, folder: str, config: SandboxConfig | None) -> None:
        environment = without_secrets()
        # What can be imported here can be there; the empty path of an interactive interpreter is the working directory.
        environment["PYTHONPATH"] = os.pathsep.join(path or os.getcwd() for path in sys.path)
        with _sheltered():
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "evolve.engine.service"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env=environment,
            )
        # Who ends without closing its engine leaves no worker behind that still works at its task.
        self._forgotten = weakref.finalize(self, _kill, self._process, os.getpid())
        self._settings: bytes = pickle.dumps((folder, config))
        self.told = 0

    def call(self, task: Task, log: list[tuple[str, int]]) -> tuple[bool, Any]:
        news = log[self.told :]
        self.told += len(news)
        tasks, answers = self._pipes
        tasks.write(self._settings + pickle.dumps((task, news)))
        tasks.flush()
        self._settings = b""
        answer: tuple[bool, Any] = pickle.load(answers)  # noqa: S301 - both ends are ours
        return answer

    def end(self) -> None:
        tasks, answers = self._pipes
        with contextlib.suppress(OSError):
            tasks.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(PUT_AWAY_SECONDS)
        self._forgotten()
        answers.close()

    @property
    def _pipes(self) -> tuple[IO[bytes], IO[bytes]]:
        if self._process.stdin is None or self._process.stdout is None:
            raise InfrastructureError("a worker has no pipes", "This is a fault of Evolve.")
        return self._process.stdin, self._process.stdout


def _kill(process: subprocess.Popen[bytes], owner: int) -> None:
    """Not in a copy of the process that started it: there it is another's."""
    if os.getpid() == owner:
        process.kill()
        process.wait()


@contextlib.contextmanager
def _sheltered() -> Iterator[None]:
    """What is started meanwhile hears of no Ctrl-C until it says so itself: that is for the loop."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _died(task: Task, error: BaseException) -> InfrastructureError:
    return InfrastructureError(
        f"a worker died {MAX_ATTEMPTS} times over the task {task.name!r} ({type(error).__name__})",
        "Look for the kernel's out-of-memory messages, or start with fewer --workers; then --resume.",
    )
